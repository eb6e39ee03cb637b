"""The tracks of a results folder as arrays, for mixing.

Everything comes from the library table, so that 20,000 tracks are read in a second; no audio file
and no record is opened.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np

from ..base.errors import ConfigError
from ..key import notation
from ..records.model import MIN_KEY_CONFIDENCE
from ..results.duplicates_file import read_duplicates
from ..results.table import current_table

LOUD = ("drop", "main")  # labels of sections that should not overlap
MAX_LOUD_BARS = 16  # that can be mixed if a track begins or ends with a loud section
NO_KEY = -1


@dataclass(frozen=True)
class Library:
    """The analysed tracks with a tempo, in the library's order; arrays of shape (tracks,).

    ids, paths, titles, artists: texts. bpm: BPM. key: 0..23 (dropgrid.key.notation), -1 for none.
    key_confidence: 0..1, 0 if the key is unsure. certainty (that beats and downbeats are right):
    0..1. energy: 0..1, loudness: LUFS, duration: seconds; nan if unknown. bars_in, bars_out: bars
    before the first and after the last loud section; beat_in, beat_out: bars at the beginning and
    the end that are only beat. duplicates: the paths of each track's duplicates.
    """

    ids: tuple[str, ...]
    paths: tuple[str, ...]
    titles: tuple[str, ...]
    artists: tuple[str, ...]
    bpm: np.ndarray
    key: np.ndarray
    key_confidence: np.ndarray
    certainty: np.ndarray
    energy: np.ndarray
    loudness: np.ndarray
    duration: np.ndarray
    bars_in: np.ndarray
    bars_out: np.ndarray
    beat_in: np.ndarray
    beat_out: np.ndarray
    duplicates: Mapping[str, Sequence[str]]

    def __len__(self) -> int:
        return len(self.ids)

    def index(self, track: str) -> int:
        """The index of a track, by its id. Raises ConfigError if it has no tempo."""
        if track not in self.ids:
            raise ConfigError(f"{track}: has no tempo, so nothing can be mixed with it")
        return self.ids.index(track)

    def is_same(self, track: int) -> np.ndarray:
        """(tracks,) whether each is the track itself or a duplicate of it."""
        same = {self.paths[track], *self.duplicates.get(self.ids[track], ())}
        return np.array([path in same for path in self.paths], bool)

    def name(self, track: int) -> str:
        """Artist and title; the path if the tags have no title."""
        title, artist = self.titles[track], self.artists[track]
        if not title:
            return self.paths[track]
        return f"{artist} - {title}" if artist else title


def read_library(results: Path) -> Library:
    """The tracks of a results folder that have a tempo. Raises RecordError."""
    rows = [row for row in current_table(results, []) if row["status"] == "ok" and row["bpm"]]
    return library_of(rows, read_duplicates(results))


def library_of(
    rows: Sequence[Mapping[str, str]], duplicates: Mapping[str, Sequence[str]] | None = None
) -> Library:
    """The tracks of rows of the library table; duplicates: their paths, by track."""
    parts = [_bars(row["sections"]) for row in rows]
    keys = [notation.parse(row["key"]) if row["key"] else None for row in rows]
    return Library(
        ids=tuple(row["track"] for row in rows),
        paths=tuple(row["path"] for row in rows),
        titles=tuple(row["title"] for row in rows),
        artists=tuple(row["artist"] for row in rows),
        bpm=_numbers(rows, "bpm"),
        key=np.array([NO_KEY if key is None else key for key in keys], int),
        key_confidence=np.array([_key_confidence(row) for row in rows], float),
        certainty=np.nan_to_num(
            _numbers(rows, "confidence") * _numbers(rows, "confidence_downbeat")
        ),
        energy=_numbers(rows, "energy"),
        loudness=_numbers(rows, "loudness"),
        duration=_numbers(rows, "duration"),
        bars_in=np.array([bars_before(part) for part in parts], int),
        bars_out=np.array([bars_before(part[::-1]) for part in parts], int),
        beat_in=np.nan_to_num(_numbers(rows, "mix_in_bars")).astype(int),
        beat_out=np.nan_to_num(_numbers(rows, "mix_out_bars")).astype(int),
        duplicates=duplicates or {},
    )


def _key_confidence(row: Mapping[str, str]) -> float:
    """The confidence of the key, 0..1; 0 if it is unsure (`key_sure` in the table)."""
    confidence = float(row["key_confidence"] or 0)
    if row.get("key_sure") == "":
        return confidence
    is_sure = row.get("key_sure", "true").lower() == "true"
    return max(confidence, MIN_KEY_CONFIDENCE) if is_sure else 0.0


def bars_before(parts: Sequence[tuple[str, int]]) -> int:
    """The bars before the first loud section, of (label, bars) in order.

    If the track begins with a loud section, up to MAX_LOUD_BARS bars of it.
    """
    if not parts:
        return 0
    if parts[0][0] in LOUD:
        return min(MAX_LOUD_BARS, parts[0][1])
    total = 0
    for label, bars in parts:
        if label in LOUD:
            break
        total += bars
    return total


def _bars(text: str) -> list[tuple[str, int]]:
    """`intro:8 drop:16 drop:8` as [("intro", 8), ("drop", 24)]; [] without a bar grid."""
    parts = [part.rpartition(":") for part in text.split()]
    if any(not bars.isdigit() for _, _, bars in parts):
        return []
    return [
        (label, sum(int(bars) for _, _, bars in group))
        for label, group in groupby(parts, key=lambda part: part[0])
    ]


def _numbers(rows: Sequence[Mapping[str, str]], column: str) -> np.ndarray:
    return np.array([float(row[column]) if row.get(column) else np.nan for row in rows], float)
