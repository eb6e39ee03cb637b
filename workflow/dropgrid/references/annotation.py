"""What a reference says about one track, in whatever format it was written."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ReferenceSection:
    """An annotated section in seconds. label is None where the annotation has no labels."""

    start: float
    end: float
    label: str | None


@dataclass(frozen=True)
class Annotation:
    """One source's statements about one track. A field it says nothing about is None.

    key: the track as the source names it: a track id, a path, or a file stem.
    source: the file, as found; format: a name of FORMATS.
    bpm in BPM; beats, downbeats, boundaries, duration in seconds. boundaries are the moments
    inside the track where a section begins; without them the sections' edges are meant.
    tonality: the musical key, see dropgrid.key.notation.
    """

    key: str
    source: str
    format: str
    bpm: float | None = None
    beats: tuple[float, ...] | None = None
    downbeats: tuple[float, ...] | None = None
    boundaries: tuple[float, ...] | None = None
    sections: tuple[ReferenceSection, ...] | None = None
    duration: float | None = None
    genre: str | None = None
    tonality: int | None = None
