"""Read a results folder: the tracks in the library's order with their records.

A results folder may come from another person. An invalid record is reported as a failure of its
track like any other failure; other tracks continue.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..base.errors import InvalidRecord, MissingRecord, RecordError
from ..base.files import rooted
from ..records.bpm_outline import read_bpm_outline
from ..records.model import ANALYSES, KINDS, TrackFailure
from ..records.store import READERS
from ..records.ticket import read_ticket
from ..records.track import Track
from .layout import Results
from .scan_store import read_scan

BROKEN = "RecordError"  # the failure type of a track with an invalid record


WAITING = "waiting to be analysed"  # the reason why a track without a record is left out


def iterate_library(
    results: str | Path, library: str | Path | None = None, waiting: list[str] | None = None
) -> Iterator[Track]:
    """As load_library, with one track at a time in memory.

    Raises RecordError for a missing record, unless `waiting` is given: then a missing record is
    None, and the ids of tracks without any record are added to `waiting`.
    """
    kinds = Results(Path(results)).kinds()
    for track in track_ids(results):
        found = read_track(Path(results), track, kinds, library, waiting is not None)
        if found is not None:
            yield found
        elif waiting is not None:
            waiting.append(track)


def track_ids(results: str | Path) -> list[str]:
    """The ids in the library's order. Raises RecordError if there are no records."""
    results = Path(results)
    kinds = Results(results).kinds()
    if not kinds:
        raise RecordError(f"{results}: holds no records; run the workflow first")
    return _track_ids(results, kinds[0])


def read_track(
    results: Path,
    track: str,
    kinds: Collection[str],
    library: str | Path | None,
    may_miss: bool,
) -> Track | None:
    """A track with its records of these kinds; see iterate_library.

    may_miss: return None if it has no record.
    """
    records = [
        _record(results, kind, track, may_miss) if kind in kinds else None for kind in ANALYSES
    ]
    if may_miss and not any(records):
        return None
    found = Track(None, records[0], records[1], records[2])
    return replace(found, file=_file(results, found, library))


def _record(results: Path, kind: str, track: str, may_miss: bool) -> Any:
    try:
        return record_or_failure(results, kind, track)
    except MissingRecord:
        if not may_miss:
            raise
        return None


def record_or_failure(results: Path, analysis: str, track: str) -> Any:
    """The record of an analysis of a track; an error record if it is forged or damaged.

    Raises MissingRecord.
    """
    try:
        return READERS[analysis](Results(results).record(analysis, track), track)
    except MissingRecord:
        raise
    except RecordError as error:
        failure = broken(error, analysis)
        return KINDS[analysis](track, path_of(results, track), "error", error=failure)


def broken(error: RecordError, stage: str) -> TrackFailure:
    """The failure of a track with an invalid record."""
    return TrackFailure(stage, BROKEN, str(error))


def _track_ids(results: Path, kind: str) -> list[str]:
    """The ids in the library's order; without a scan, in the order of the records' paths."""
    if Results(results).scan.exists():
        return list(read_scan(results)["tracks"])
    ids = sorted(Results(results).recorded(kind))
    return sorted(ids, key=lambda track: str(record_or_failure(results, kind, track).path))


def _file(results: Path, track: Track, library: str | Path | None) -> Path | None:
    if library is not None:
        return rooted(library) / track.path
    with suppress(RecordError):  # a missing or invalid ticket: the file is unknown
        return Path(read_ticket(Results(results).ticket(track.track)).file)
    return None


def failure_in(results: Path, analysis: str, track: str) -> TrackFailure | None:
    """The failure in the record of an analysis, None without one; a forged record is a failure.

    Raises RecordError for a record that is missing, truncated or of another version; the next run
    recreates it.
    """
    path = Results(results).record(analysis, track)
    try:
        if analysis == "bpm":  # without its beats, for the many records of a library
            return read_bpm_outline(path, track)[0].error
        failure: TrackFailure | None = READERS[analysis](path, track).error
        return failure
    except InvalidRecord as error:
        return broken(error, analysis)


def path_of(results: Path, track: str) -> str:
    """The path of a track within the library; its id if the ticket cannot be read."""
    with suppress(RecordError):
        return read_ticket(Results(results).ticket(track)).path
    return track
