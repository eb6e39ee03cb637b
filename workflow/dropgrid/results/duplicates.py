"""Songs that the library contains more than once: results/duplicates.csv.

Two kinds, one group of tracks each:

    audio       the very same audio, byte for byte, whatever the tags and the names: the identities
                of the tracks say so (dropgrid.records.identity)
    recording   the same recording in another encoding: as long and as fast, with as many beats,
                and loud and quiet at the same moments

The second kind is an estimate. The threshold LIKE separates 12 encodings of 4 songs, mono MP3
included, from 496 pairs of different songs (0.975 and more; 0.67 and less). Two mixes of one song
that differ only in a voice may be found as duplicates; `likeness` shows how similar they are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..base.csv_tables import csv_bytes
from ..base.errors import RecordError
from ..features.loudness import TENTHS
from ..features.store import DESCRIPTOR, read_array
from ..records.identity import read_identity
from .layout import Results
from .ownership import write_owned
from .table import read_table

COLUMNS = ("track", "path", "group", "same", "likeness", "duration", "size")
LIKE = 0.95  # least correlation of two loudness curves of the same recording
DURATION = 0.3  # seconds; encoder delay and padding can change the length this much
TEMPO = 0.02  # BPM
BEATS = 2
SHIFT = 2  # tenths of a second; largest delay between the two curves
FLOOR = 1e-7  # power at -70 LUFS; anything quieter is silence
SHORTEST = 10 * TENTHS  # a shorter curve cannot be compared


@dataclass(frozen=True)
class Twin:
    """A track with duplicates. group: number of the group; same: "audio" or "recording";
    likeness: similarity to the first track of the group; size: bytes."""

    track: str
    path: str
    group: int
    same: str
    likeness: float | None
    duration: float
    size: int | None


def write_duplicates(results: Path) -> list[Twin]:
    """Write results/duplicates.csv from the table, identities and features; return its rows.

    Raises RecordError, LibraryError, OSError.
    """
    twins = list(find_duplicates(results))
    rows = [[getattr(twin, name) for name in COLUMNS] for twin in twins]
    write_owned(Results(results).duplicates, csv_bytes(COLUMNS, rows))
    return twins


def find_duplicates(results: Path) -> Iterator[Twin]:
    """The tracks with duplicates, group by group, in library order."""
    rows = {row["track"]: row for row in read_table(results) if row["status"] == "ok"}
    audio, sizes = _identities(results, rows)
    for number, group in enumerate(_groups(rows, audio, results), start=1):
        is_one = len({audio.get(track, track) for track, _ in group}) == 1
        for track, likeness in group:
            yield Twin(
                track=track,
                path=rows[track]["path"],
                group=number,
                same="audio" if is_one else "recording",
                likeness=None if is_one else round(likeness, 3),
                duration=float(rows[track]["duration"]),
                size=sizes.get(track),
            )


def _identities(results: Path, tracks: Iterable[str]) -> tuple[dict[str, str], dict[str, int]]:
    """Audio digest and file size by track, where known."""
    audio, sizes = {}, {}
    for track in tracks:
        with suppress(RecordError):
            identity = read_identity(Results(results).identity(track))
            audio[track], sizes[track] = identity.audio, identity.size
    return audio, sizes


def _groups(
    rows: Mapping[str, Mapping[str, str]], audio: Mapping[str, str], results: Path
) -> Iterator[list[tuple[str, float]]]:
    """Groups of tracks with their likeness to the first of the group."""
    of_audio: defaultdict[str, list[str]] = defaultdict(list)
    for track in rows:
        of_audio[audio.get(track, track)].append(track)
    firsts = [tracks[0] for tracks in of_audio.values()]  # for all tracks of the same audio
    joined: dict[str, list[tuple[str, float]]] = {}
    placed: set[str] = set()
    pairs = _like_pairs({track: rows[track] for track in firsts}, results)
    for one, other, likeness in pairs:
        if other not in placed and one not in placed:
            joined.setdefault(one, []).append((other, likeness))
            placed.add(other)
    for first in firsts:
        if first in placed:
            continue
        group = [(track, 1.0) for track in of_audio[audio.get(first, first)]]
        for other, likeness in joined.get(first, ()):
            group += [(track, likeness) for track in of_audio[audio.get(other, other)]]
        if len(group) > 1:
            yield group


def _like_pairs(
    rows: Mapping[str, Mapping[str, str]], results: Path
) -> Iterator[tuple[str, str, float]]:
    """Pairs of the same recording with their likeness; the earlier track is first."""
    order = {track: number for number, track in enumerate(rows)}
    measured = sorted(
        (float(row["duration"]), float(row["bpm_fitted"]), int(row["beats"]), track)
        for track, row in rows.items()
        if row["duration"] and row["bpm_fitted"] and row["beats"]
    )
    found = []
    for i, (duration, bpm, beats, track) in enumerate(measured):
        for other_duration, other_bpm, other_beats, other in measured[i + 1 :]:
            if other_duration - duration > DURATION:
                break
            if abs(other_bpm - bpm) <= TEMPO and abs(other_beats - beats) <= BEATS:
                first, second = sorted((track, other), key=order.__getitem__)
                likeness = _likeness(results, first, second)
                if likeness >= LIKE:
                    found.append((first, second, likeness))
    yield from sorted(found, key=lambda pair: (order[pair[0]], order[pair[1]]))


def _likeness(results: Path, one: str, other: str) -> float:
    """Similarity of two tracks' loudness curves; 0 if either is unknown."""
    courses = [
        read_array(Results(results).features(track), DESCRIPTOR + "loudness")
        for track in (one, other)
    ]
    if courses[0] is None or courses[1] is None:
        return 0.0
    return likeness(courses[0], courses[1])


def likeness(one: np.ndarray, other: np.ndarray) -> float:
    """The correlation of two power curves in decibels, with one value per 0.1 s.

    The best value within SHIFT; 0 if a curve is too short or too steady.
    """
    best = 0.0
    for shift in range(-SHIFT, SHIFT + 1):
        a, b = one[max(0, shift) :], other[max(0, -shift) :]
        length = min(len(a), len(b))
        if length < SHORTEST:
            return 0.0
        a, b = _centred(a[:length]), _centred(b[:length])
        norm = float(np.sqrt(np.sum(a * a) * np.sum(b * b)))
        best = max(best, float(np.sum(a * b)) / norm if norm > 0 else 0.0)
    return best


def _centred(power: np.ndarray) -> np.ndarray:
    decibels = 10 * np.log10(np.maximum(power.astype(float), FLOOR))
    return np.asarray(decibels - decibels.mean())


def describe_groups(twins: Sequence[Twin]) -> list[str]:
    """One line for each group: the kind of match, and the paths."""
    groups: defaultdict[int, list[Twin]] = defaultdict(list)
    for twin in twins:
        groups[twin.group].append(twin)
    return [
        f"same {group[0].same}: {' = '.join(twin.path for twin in group)}"
        for group in groups.values()
    ]
