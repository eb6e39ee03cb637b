"""Reading a results folder: the tracks in the library's order with their records."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from ..base.errors import RecordError
from ..records.model import BpmRecord, StructureRecord, TrackFailure
from ..records.store import read_bpm, read_structure
from ..records.ticket import read_ticket
from ..records.track import Track
from .scanned import read_scan


def iterate_library(results: str | Path, library: str | Path | None = None) -> Iterator[Track]:
    """As load_library, holding one track at a time. Raises RecordError."""
    results = Path(results)
    kinds = [name for name in ("bpm", "structure") if (results / name).is_dir()]
    if not kinds:
        raise RecordError(f"{results}: holds no records; run the workflow first")
    for track in _track_ids(results, kinds[0]):
        bpm = read_bpm(results / "bpm" / f"{track}.json") if "bpm" in kinds else None
        structure = (
            read_structure(results / "structure" / f"{track}.json")
            if "structure" in kinds
            else None
        )
        found = Track(None, bpm, structure)
        yield Track(_file(results, found, library), bpm, structure)


def _track_ids(results: Path, kind: str) -> list[str]:
    """The ids in the library's order; that of the records' paths where there was no scan."""
    if (results / "scan.json").exists():
        return list(read_scan(results)["tracks"])
    read = read_bpm if kind == "bpm" else read_structure
    records = [read(path) for path in (results / kind).glob("*.json")]
    return [record.track for record in sorted(records, key=lambda record: record.path)]


def _file(results: Path, track: Track, library: str | Path | None) -> Path | None:
    if library is not None:
        return Path(library).absolute() / track.path
    ticket = results / "tracks" / f"{track.track}.json"
    return Path(read_ticket(ticket).file) if ticket.exists() else None


READERS: dict[str, Callable[[Path], BpmRecord | StructureRecord]] = {
    "bpm": read_bpm,
    "structure": read_structure,
}
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
    return READERS[analysis](path).error


def path_of(results: Path, track: str) -> str:
    """The path of a track within the library; its id where that cannot be read."""
    with suppress(RecordError):
        return read_ticket(results / "tracks" / f"{track}.json").path
    return track
