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
    """A track's records; None for an analysis that was not requested.

    file: the path of the audio, None if unknown. tracklist: the tracks of a mix with their starts.
    blends: for a track in a set, where it is mixed in and out.
    """

    file: Path | None
    bpm: BpmRecord | None
    structure: StructureRecord | None
    key: KeyRecord | None = None
    tracklist: tuple[Moment, ...] = ()
    blends: tuple[Moment, ...] = ()

    @property
    def record(self) -> AnyRecord:
        """Any of the records, for the fields they share: track, path, status, duration."""
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
        """Whether every requested analysis succeeded."""
        return all(r.status == "ok" for r in (self.bpm, self.structure, self.key) if r is not None)


def beats_per_bar(record: BpmRecord) -> int:
    """Numerator of the time signature; 4 if it is unknown."""
    return int((record.time_signature or "4/4").partition("/")[0])
