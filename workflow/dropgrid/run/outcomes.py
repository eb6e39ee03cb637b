"""What a finished job made of its tracks, read from their records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..base.errors import RecordError
from ..records.model import TrackFailure
from ..results.reading import READERS, failure_in, path_of
from .batches import read_batch


@dataclass(frozen=True)
class TrackOutcome:
    """A track that has records, its path within the library, and why it failed, if it did."""

    track: str
    path: str
    failure: TrackFailure | None


def outcomes(stage: str, outputs: Sequence[str]) -> list[TrackOutcome]:
    """Of the track whose record a job has made, or of all tracks of the batch it was.

    Empty for a job of any other stage, and where nothing can be read.
    """
    if not outputs or (stage != "batch" and stage not in READERS):
        return []
    output = Path(outputs[0])
    results = output.parents[1]
    if stage != "batch":
        return list(_outcome(results, output.stem, path_of(results, output.stem), (stage,)))
    found: list[TrackOutcome] = []
    with suppress(RecordError):
        for track in read_batch(output.with_suffix(".json")):
            found += _outcome(results, track.track, track.path, tuple(READERS))
    return found


def _outcome(
    results: Path, track: str, path: str, analyses: Sequence[str]
) -> Iterator[TrackOutcome]:
    """One, or none where there is no record of the analyses."""
    failures = []
    for analysis in analyses:
        with suppress(RecordError):
            failures.append(failure_in(results, analysis, track))
    if failures:
        yield TrackOutcome(track, path, next(filter(None, failures), None))
