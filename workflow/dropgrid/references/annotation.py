"""What a reference says about one track, in whatever format it was written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..audio.mp3 import lead


@dataclass(frozen=True)
class ReferenceSection:
    """An annotated section in seconds. label is None where the annotation has no labels."""

    start: float
    end: float
    label: str | None


@dataclass(frozen=True)
class Mark:
    """A cue or a loop of a player, in seconds. pad: from 0, None for a memory cue; end: of a loop
    only."""

    time: float
    name: str
    pad: int | None = None
    end: float | None = None


@dataclass(frozen=True)
class Annotation:
    """One source's statements about one track. A field it says nothing about is None.

    key: the track as the source names it: a track id, a path, or a file stem.
    source: the file, as found; format: a name of FORMATS.
    bpm in BPM; beats, downbeats, boundaries, duration in seconds. boundaries are the moments
    inside the track where a section begins; without them the sections' edges are meant.
    marks: cues and loops of a player, whatever their names.
    tonality: the musical key, see dropgrid.key.notation. locked: the user has locked the grid in
    the program, having set it or found it right. player: whose sample 0 of an MP3 the times
    refer to (dropgrid.audio.mp3); None: that of the analysis.
    """

    key: str
    source: str
    format: str
    bpm: float | None = None
    beats: tuple[float, ...] | None = None
    downbeats: tuple[float, ...] | None = None
    boundaries: tuple[float, ...] | None = None
    sections: tuple[ReferenceSection, ...] | None = None
    marks: tuple[Mark, ...] | None = None
    duration: float | None = None
    genre: str | None = None
    tonality: int | None = None
    locked: bool = False
    player: str | None = None

    def in_time_of(self, decoder: Mapping[str, Any]) -> Annotation:
        """The annotation in the time of the analysis, whose decoder is named in the record.

        What would come before 0 is left out, or cut at 0.
        """
        seconds = -lead(decoder, self.player)
        if seconds == 0:
            return replace(self, player=None)
        sections = [
            replace(s, start=max(0.0, s.start + seconds), end=s.end + seconds)
            for s in self.sections or ()
            if s.end + seconds > 0
        ]
        marks = [
            replace(m, time=m.time + seconds, end=None if m.end is None else m.end + seconds)
            for m in self.marks or ()
            if m.time + seconds >= 0
        ]
        return replace(
            self,
            marks=tuple(marks) or None,
            beats=_moved(self.beats, seconds),
            downbeats=_moved(self.downbeats, seconds),
            boundaries=_moved(self.boundaries, seconds),
            sections=tuple(sections) if self.sections is not None else None,
            player=None,
        )


def _moved(times: tuple[float, ...] | None, seconds: float) -> tuple[float, ...] | None:
    return None if times is None else tuple(t + seconds for t in times if t + seconds >= 0)
