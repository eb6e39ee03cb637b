"""Reading a results folder: the tracks in the library's order with their records."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..base.errors import RecordError
from ..records.model import TrackFailure
from ..records.store import read_bpm, read_key, read_structure
from ..records.ticket import read_ticket
from ..records.track import Track
from .scanned import read_scan

READERS: dict[str, Callable[[Path], Any]] = {
    "bpm": read_bpm,
    "structure": read_structure,
    "key": read_key,
}


def iterate_library(results: str | Path, library: str | Path | None = None) -> Iterator[Track]:
    """As load_library, holding one track at a time. Raises RecordError."""
    results = Path(results)
    kinds = [name for name in READERS if (results / name).is_dir()]
    if not kinds:
        raise RecordError(f"{results}: holds no records; run the workflow first")
    for track in _track_ids(results, kinds[0]):
        records = [
            read(results / kind / f"{track}.json") if kind in kinds else None
            for kind, read in READERS.items()
        ]
        found = Track(None, *records)
        yield replace(found, file=_file(results, found, library))


def _track_ids(results: Path, kind: str) -> list[str]:
    """The ids in the library's order; that of the records' paths where there was no scan."""
    if (results / "scan.json").exists():
        return list(read_scan(results)["tracks"])
    records = [READERS[kind](path) for path in (results / kind).glob("*.json")]
    return [record.track for record in sorted(records, key=lambda record: record.path)]


def _file(results: Path, track: Track, library: str | Path | None) -> Path | None:
    if library is not None:
        return Path(library).absolute() / track.path
    ticket = results / "tracks" / f"{track.track}.json"
    return Path(read_ticket(ticket).file) if ticket.exists() else None


_ERROR = b'"status": "error"'


def failure_in(results: Path, analysis: str, track: str) -> TrackFailure | None:
    """The failure in the record of an analysis, if there is one. Raises RecordError."""
    path = results / analysis / f"{track}.json"
    try:
        data = path.read_bytes()
    except OSError as error:
        raise RecordError(f"{path}: {error}") from error
    if data.endswith(b"\n}\n") and _ERROR not in data:  # most: no need to parse it
        return None
    failure: TrackFailure | None = READERS[analysis](path).error
    return failure


def path_of(results: Path, track: str) -> str:
    """The path of a track within the library; its id where that cannot be read."""
    with suppress(RecordError):
        return read_ticket(results / "tracks" / f"{track}.json").path
    return track
