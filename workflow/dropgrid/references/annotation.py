"""The annotation of one track by a reference, in any format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..audio.mp3 import lead


@dataclass(frozen=True)
class ReferenceSection:
    """An annotated section in seconds. label is None if the annotation has no labels."""

    start: float
    end: float
    label: str | None


@dataclass(frozen=True)
class CueOrLoop:
    """A cue or a loop of a player, in seconds. pad: from 0, None for a memory cue; end: only
    for a loop."""

    time: float
    name: str
    pad: int | None = None
    end: float | None = None


@dataclass(frozen=True)
class Annotation:
    """The values of one source for one track. A missing field is None.

    key: the name of the track in the source: a track id, a path, or a file stem.
    source: the path of the file; format: a name in FORMATS.
    bpm in BPM; beats, downbeats, boundaries, duration in seconds. boundaries are the times
    inside the track where a section begins; if missing, the section edges are used.
    cues_and_loops: cues and loops of a player, with any name.
    tonality: the musical key, see dropgrid.key.notation. locked: the user has locked the grid in
    the program, after a change or a check. player: for an MP3, the player whose sample 0 is
    time 0 (dropgrid.audio.mp3); None: the analysis.
    """

    key: str
    source: str
    format: str
    bpm: float | None = None
    beats: tuple[float, ...] | None = None
    downbeats: tuple[float, ...] | None = None
    boundaries: tuple[float, ...] | None = None
    sections: tuple[ReferenceSection, ...] | None = None
    cues_and_loops: tuple[CueOrLoop, ...] | None = None
    duration: float | None = None
    genre: str | None = None
    tonality: int | None = None
    locked: bool = False
    player: str | None = None

    def in_time_of(self, decoder: Mapping[str, Any]) -> Annotation:
        """The annotation with times of the analysis; the record names its decoder.

        Times before 0 are left out, or set to 0.
        """
        seconds = -lead(decoder, self.player)
        if seconds == 0:
            return replace(self, player=None)
        sections = [
            replace(s, start=max(0.0, s.start + seconds), end=s.end + seconds)
            for s in self.sections or ()
            if s.end + seconds > 0
        ]
        cues_and_loops = [
            replace(m, time=m.time + seconds, end=None if m.end is None else m.end + seconds)
            for m in self.cues_and_loops or ()
            if m.time + seconds >= 0
        ]
        return replace(
            self,
            cues_and_loops=tuple(cues_and_loops) or None,
            beats=_moved(self.beats, seconds),
            downbeats=_moved(self.downbeats, seconds),
            boundaries=_moved(self.boundaries, seconds),
            sections=tuple(sections) if self.sections is not None else None,
            player=None,
        )


def _moved(times: tuple[float, ...] | None, seconds: float) -> tuple[float, ...] | None:
    return None if times is None else tuple(t + seconds for t in times if t + seconds >= 0)
