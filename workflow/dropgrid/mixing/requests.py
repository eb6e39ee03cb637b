"""Answers for the page about mixing, from the records of a results folder."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..base.errors import ConfigError
from ..results.layout import Results
from .alignment import align
from .library import Library, read_library
from .lists import find, matrix, read_tracks, transitions
from .order import CURVES, arrange_around
from .score import COURSES, TEMPO_LIMIT, ranked, scores
from .set_files import WRITERS, PlayedSet
from .transition import Transition, transition

PROPOSALS = 12  # tracks
MAX_TRACKS = 500  # of a set, because ordering compares all pairs


class Mixer:
    """The mixing of one library; its table is read again when it has changed."""

    def __init__(self, results: Path) -> None:
        self._results = results
        self._lock = threading.Lock()
        self._read: tuple[object, Library] | None = None

    def following(self, track: str, course: str = "steady") -> dict[str, Any]:
        """The best tracks after a track, each with its transition. Raises ConfigError."""
        courses = [name for name in COURSES if name == course]
        if not courses:
            raise ConfigError(f"energy: {course}: none of {', '.join(COURSES)}")
        library = self._library()
        i = library.index(track)
        found = scores(library, i, courses[0])
        best = [int(j) for j in ranked(library, i, found)[:PROPOSALS]]
        before, *after = read_tracks(self._results, [library.ids[j] for j in (i, *best)])
        steps = [
            transition(library, i, j, found, before, other)
            for j, other in zip(best, after, strict=True)
        ]
        return {"track": track, "limit": TEMPO_LIMIT, "transitions": [s.as_json() for s in steps]}

    def between(self, track: str, following: str) -> dict[str, Any]:
        """A transition with its aligned beats. Raises ConfigError."""
        step, octave = self.step(track, following)
        before, after = read_tracks(self._results, [track, following])
        return {**step.as_json(), "aligned": align(before, after, step, octave).as_json()}

    def step(self, track: str, following: str) -> tuple[Transition, float]:
        """The transition from one track to another, and the octave of the second."""
        library = self._library()
        i, j = library.index(track), library.index(following)
        found = scores(library, i)
        before, after = read_tracks(self._results, [track, following])
        return transition(library, i, j, found, before, after), float(found.octave[j])

    def named(self, name: str) -> str:
        """The id of a track by its path or file name. Raises ConfigError."""
        library = self._library()
        return library.ids[find(library, self._results, [name])[0]]

    def arranged(
        self, tracks: Sequence[str], locked: Mapping[int, str], curve: str = "free"
    ) -> list[str]:
        """The tracks in playing order, with locked tracks at their places. Raises ConfigError."""
        if curve not in CURVES:
            raise ConfigError(f"energy: {curve}: none of {', '.join(CURVES)}")
        if len(tracks) > MAX_TRACKS:
            raise ConfigError(f"{len(tracks)} tracks: at most {MAX_TRACKS}")
        if len(set(tracks)) != len(tracks):
            raise ConfigError("a track occurs twice")
        library = self._library()
        places = [library.index(track) for track in tracks]
        rows = {track: row for row, track in enumerate(tracks)}
        wanted = {place: rows[track] for place, track in locked.items() if track in rows}
        if any(not 0 <= place < len(tracks) for place in wanted):
            raise ConfigError("locked: not a place of the set")
        order = arrange_around(
            matrix(library, places, TEMPO_LIMIT), library.energy[places],
            [library.artists[i] for i in places], wanted, curve,
        )  # fmt: skip
        return [tracks[row] for row in order]

    def written(self, tracks: Sequence[str], kind: str) -> bytes:
        """A set in this order as a file (.m3u8, .cue, .csv, .json). Raises ConfigError."""
        if kind not in WRITERS:
            raise ConfigError(f"kind: {kind[:20]}: none of {', '.join(WRITERS)}")
        if not 1 <= len(tracks) <= MAX_TRACKS:
            raise ConfigError(f"{len(tracks)} tracks: from 1 to {MAX_TRACKS}")
        library = self._library()
        order = [library.index(track) for track in tracks]
        steps = transitions(library, self._results, order, TEMPO_LIMIT)
        return WRITERS[kind](PlayedSet(library, self._results, order, steps), f"set{kind}")

    def _library(self) -> Library:
        with self._lock:
            age = self._age()
            if self._read is None or self._read[0] != age:
                self._read = (age, read_library(self._results))
            return self._read[1]

    def _age(self) -> object:
        files = Results(self._results)
        found = []
        for path in (files.table, files.scan, files.duplicates):
            try:
                found.append(path.stat().st_mtime_ns)
            except OSError:
                found.append(0)
        return tuple(found)
