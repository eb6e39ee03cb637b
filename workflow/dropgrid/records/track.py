"""A track of a library with its records."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .model import AnyRecord, BpmRecord, KeyRecord, StructureRecord


@dataclass(frozen=True)
class Moment:
    """A named moment of a track: time in seconds."""

    time: float
    name: str


@dataclass(frozen=True)
class Track:
    """A track's records; None for an analysis that was not asked for.

    file: where the audio lies, None if that is not known. tracklist: of a mix, what is played in
    it and from when on. blends: of a track in a set, where it comes in and where it goes out.
    """

    file: Path | None
    bpm: BpmRecord | None
    structure: StructureRecord | None
    key: KeyRecord | None = None
    tracklist: tuple[Moment, ...] = ()
    blends: tuple[Moment, ...] = ()

    @property
    def record(self) -> AnyRecord:
        """Any record, for what all say: track, path, status, duration."""
        record = self.bpm or self.structure or self.key
        assert record is not None, "a track has at least one record"
        return record

    @property
    def track(self) -> str:
        """The track's id."""
        return self.record.track

    @property
    def path(self) -> str:
        """The file's path relative to the library, with forward slashes."""
        return self.record.path

    @property
    def ok(self) -> bool:
        """Whether every analysis that was asked for succeeded."""
        return all(r.status == "ok" for r in (self.bpm, self.structure, self.key) if r is not None)


def beats_per_bar(record: BpmRecord) -> int:
    """Numerator of the time signature; 4 where there is none."""
    return int((record.time_signature or "4/4").partition("/")[0])
