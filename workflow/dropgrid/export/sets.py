"""A set in an export: a playlist, and a cue at the start of each transition."""

from __future__ import annotations

from pathlib import Path

from ..base.errors import ConfigError, RecordError
from ..records.cue_points import SET_IN, SET_OUT
from ..records.set_file import SetTrack, read_set
from ..records.track import Moment


def tracks_of(file: str) -> tuple[SetTrack, ...]:
    """The tracks of a set, in order. Raises ConfigError."""
    try:
        return read_set(Path(file).expanduser())
    except (RecordError, OSError) as error:
        raise ConfigError(f"--set: {error}") from error


def played_in(file: str | None) -> dict[str, tuple[Moment, ...]]:
    """The starts of each track's transitions in a set, by track; {} without a set. Raises
    ConfigError."""
    found: dict[str, tuple[Moment, ...]] = {}
    for track in tracks_of(file) if file else ():
        ends = ((SET_IN, track.mix_in), (SET_OUT, track.mix_out))
        moments = tuple(Moment(blend.start, name) for name, blend in ends if blend is not None)
        found.setdefault(track.track, moments)
    return found
