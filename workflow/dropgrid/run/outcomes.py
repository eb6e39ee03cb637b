"""The outcome of a track, read from its records."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..base.errors import RecordError
from ..records.model import TrackFailure
from ..results.library_reader import READERS, failure_in, path_of


@dataclass(frozen=True)
class TrackOutcome:
    """A track that has records, its path within the library, and why it failed, if it did."""

    track: str
    path: str
    failure: TrackFailure | None


def outcome_of(results: Path, track: str) -> TrackOutcome | None:
    """The outcome of a track; None if it has no record."""
    failures = []
    for analysis in READERS:
        with suppress(RecordError):
            failures.append(failure_in(results, analysis, track))
    if not failures:
        return None
    return TrackOutcome(track, path_of(results, track), next(filter(None, failures), None))
