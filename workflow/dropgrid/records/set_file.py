"""A set as a file: tracks in playing order, and the transition from each to the next.

`dropgrid set --output set.json` writes it; exports read it. Times are seconds of the track,
so that they can be used as its cues; only `starts` is in seconds of the set.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..base.errors import MissingRecord, RecordError
from ..base.json_documents import json_lines, parse_document, read_bytes
from . import validate

SCHEMA = "dropgrid/set"
VERSION = 1


@dataclass(frozen=True)
class Blend:
    """The time when a track and its neighbour both play: start and end, in seconds of this track.

    bar: the bar of this track at which the blend starts, from 1 at its first downbeat.
    """

    bar: int
    start: float
    end: float


@dataclass(frozen=True)
class SetTrack:
    """A track of a set. track: its id; path: as in the library; starts: seconds of the set at
    which it begins to sound, at mix_in.start, or at 0 of the first track.

    mix_in: with the track before, None for the first; mix_out: with the next, None for the last.
    """

    track: str
    path: str
    starts: float
    mix_in: Blend | None = None
    mix_out: Blend | None = None


@dataclass(frozen=True)
class _SetFile:
    tracks: tuple[SetTrack, ...]


def set_bytes(tracks: Sequence[SetTrack], transitions: Sequence[dict[str, Any]]) -> bytes:
    """The bytes of a set; transitions: as in `dropgrid next --json`, one fewer than tracks."""
    return json_lines({
        "schema": SCHEMA, "schema_version": VERSION,
        "tracks": [asdict(track) for track in tracks], "transitions": list(transitions),
    })  # fmt: skip


def read_set(path: Path) -> tuple[SetTrack, ...]:
    """The tracks of a set that `dropgrid set` wrote; checks each field. Raises RecordError."""
    try:
        data = read_bytes(path)
    except MissingRecord as error:
        raise RecordError(f"{path}: there is no such file") from error
    values = parse_document(data, SCHEMA, path, VERSION)
    try:
        found = validate.reader(_SetFile)(
            {"tracks": values.get("tracks")}, "", validate.MAX_DURATION
        )
        for number, track in enumerate(found.tracks):
            validate.check_id(track.track, f"tracks[{number}].track")
            validate.check_path(track.path, f"tracks[{number}].path")
            for name in ("mix_in", "mix_out"):
                blend = getattr(track, name)
                if blend and (blend.end < blend.start or blend.bar < 1):
                    place = f"tracks[{number}].{name}"
                    raise validate.Invalid(f"{place}: not a stretch of the track")
    except validate.Invalid as error:
        raise RecordError(f"{path}: {error}") from error
    return tuple(found.tracks)
