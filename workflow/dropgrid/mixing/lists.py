"""Lists of tracks: find the tracks, arrange them, compute their transitions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from ..base.errors import ConfigError
from ..base.text import printable
from ..records.store import read_bpm, read_structure
from ..records.track import Track
from ..references.matching import Tracks
from ..results.layout import Results
from ..results.scan_store import read_scan
from .alignment import align
from .library import Library
from .order import Wishes, arrange
from .score import scores
from .transition import Transition, transition


class SetOptions(Protocol):
    """The options of `dropgrid set` that the choice of tracks depends on."""

    results: Path
    tempo_limit: float
    energy: str
    start: str | None
    end: str | None
    pair: list[list[str]]
    minutes: float | None


@dataclass(frozen=True)
class Step:
    """A transition of a list.

    seconds: how long both tracks play; blend_end: the position in the second track when the first
    has faded out, seconds of its recording.
    """

    transition: Transition
    seconds: float
    blend_end: float


def find(library: Library, results: Path, names: Iterable[str]) -> list[int]:
    """The indexes in the library of tracks by path or file name. Raises ConfigError."""
    paths = dict(zip(library.ids, library.paths, strict=True))
    tracks = Tracks(paths, read_scan(results)["root"])
    places = {track: place for place, track in enumerate(library.ids)}
    found = []
    for name in names:
        track, reason = tracks.find(name)
        if track is None:
            raise ConfigError(f"{printable(name)}: {reason}, or it has no tempo")
        found.append(places[track])
    return found


def read_tracks(results: Path, ids: Sequence[str]) -> list[Track]:
    """The bpm and structure records of tracks. Raises RecordError."""
    files = Results(results)
    found = []
    for track in ids:
        structure = None
        if files.record("structure", track).exists():
            structure = read_structure(files.record("structure", track), track)
        found.append(Track(None, read_bpm(files.record("bpm", track), track), structure))
    return found


def matrix(library: Library, places: Sequence[int], limit: float) -> np.ndarray:
    """(n, n) the scores of track j after track i, of the tracks at these indexes."""
    chosen = np.asarray(places, int)
    return np.stack([scores(library, int(i), limit=limit).total[chosen] for i in chosen])


def chosen(library: Library, options: SetOptions, names: Sequence[str]) -> list[int]:
    """The indexes of the tracks to play, in order. Raises ConfigError."""
    places = list(dict.fromkeys(find(library, options.results, names)))
    ends = [
        find(library, options.results, [n])[0] if n else None for n in (options.start, options.end)
    ]
    pairs = [find(library, options.results, pair) for pair in options.pair]
    wanted = [
        place for place in (*ends, *(p for pair in pairs for p in pair)) if place is not None
    ]
    places += [place for place in dict.fromkeys(wanted) if place not in places]
    if ends[0] is not None and ends[0] == ends[1]:
        raise ConfigError("--start and --end: the same track")
    table = matrix(library, places, options.tempo_limit)
    kept = list(range(len(places)))
    at = {place: row for row, place in enumerate(places)}
    if options.minutes is not None:
        kept = _fitting(library, places, table, 60 * options.minutes, {at[p] for p in wanted})
    row_of = {row: number for number, row in enumerate(kept)}

    def row(place: int | None) -> int | None:
        return None if place is None else row_of[at[place]]

    wishes = Wishes(
        options.energy, row(ends[0]), row(ends[1]),
        tuple((row_of[at[a]], row_of[at[b]]) for a, b in pairs),
    )  # fmt: skip
    artists = [library.artists[places[k]] for k in kept]
    energy = library.energy[[places[k] for k in kept]]
    order = arrange(table[np.ix_(kept, kept)], energy, artists, wishes)
    return [places[kept[k]] for k in order]


def _fitting(
    library: Library, places: Sequence[int], table: np.ndarray, seconds: float, wanted: set[int]
) -> list[int]:
    """The rows of the tracks that mix best with the others and fit into `seconds`."""
    possible = np.where(table > 0, table, 0)
    compatibility = possible.sum(axis=0) + possible.sum(axis=1)
    ranking = sorted(range(len(places)), key=lambda k: (k not in wanted, -compatibility[k], k))
    kept, total = [], 0.0
    for row in ranking:
        length = float(np.nan_to_num(library.duration[places[row]]))
        if row in wanted or total + length <= seconds:
            kept.append(row)
            total += length
    return sorted(kept)


def transitions(library: Library, results: Path, order: Sequence[int], limit: float) -> list[Step]:
    """The transitions between neighbours of an order. Raises RecordError."""
    tracks = read_tracks(results, [library.ids[i] for i in order])
    steps = []
    for (i, before), (j, after) in zip(
        zip(order, tracks, strict=True), zip(order[1:], tracks[1:], strict=True), strict=False
    ):
        found = scores(library, i, limit=limit)
        step = transition(library, i, j, found, before, after)
        steps.append(_with_length(step, before, after, float(found.octave[j])))
    return steps


def _with_length(step: Transition, before: Track, after: Track, octave: float) -> Step:
    """A transition with its length in both tracks, from their aligned beats."""
    if not (before.bpm and before.bpm.beats and after.bpm and after.bpm.beats):
        return Step(step, 0.0, step.enter_at)
    found = align(before, after, step, octave)
    seconds = float(found.first[found.end] - found.first[0])
    return Step(step, seconds, float(found.second[found.end]))
