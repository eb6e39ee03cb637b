"""Reading a results folder: the tracks in the library's order with their records.

A results folder may be somebody else's. A record that is not what it should be is a failure of
its track, told like any other, and the other tracks go on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from ..base.errors import InvalidRecord, MissingRecord, RecordError
from ..records.model import BpmRecord, StructureRecord, TrackFailure
from ..records.outline import read_bpm_outline
from ..records.store import read_bpm, read_structure
from ..records.ticket import TRACK_ID, read_ticket
from ..records.track import Track
from .scanned import read_scan


def iterate_library(results: str | Path, library: str | Path | None = None) -> Iterator[Track]:
    """As load_library, holding one track at a time. Raises RecordError for a missing record."""
    results = Path(results)
    kinds = [name for name in ("bpm", "structure") if (results / name).is_dir()]
    if not kinds:
        raise RecordError(f"{results}: holds no records; run the workflow first")
    for track in _track_ids(results, kinds[0]):
        bpm = bpm_or_failure(results, track) if "bpm" in kinds else None
        structure = structure_or_failure(results, track) if "structure" in kinds else None
        found = Track(None, bpm, structure)
        yield Track(_file(results, found, library), bpm, structure)


def bpm_or_failure(results: Path, track: str) -> BpmRecord:
    """The bpm record of a track; where it is forged or damaged, an error record that says so.

    Raises MissingRecord.
    """
    try:
        return read_bpm(results / "bpm" / f"{track}.json", track)
    except MissingRecord:
        raise
    except RecordError as error:
        return BpmRecord(track, path_of(results, track), "error", error=broken(error, "bpm"))


def structure_or_failure(results: Path, track: str) -> StructureRecord:
    """As bpm_or_failure, of the structure record."""
    try:
        return read_structure(results / "structure" / f"{track}.json", track)
    except MissingRecord:
        raise
    except RecordError as error:
        failure = broken(error, "structure")
        return StructureRecord(track, path_of(results, track), "error", error=failure)


def broken(error: RecordError, stage: str) -> TrackFailure:
    """The failure of a track whose record cannot be believed."""
    return TrackFailure(stage, BROKEN, str(error))


def _track_ids(results: Path, kind: str) -> list[str]:
    """The ids in the library's order; that of the records' paths where there was no scan."""
    if (results / "scan.json").exists():
        return list(read_scan(results)["tracks"])
    names = (path.stem for path in (results / kind).glob("*.json"))
    ids = sorted(name for name in names if TRACK_ID.fullmatch(name))
    read = bpm_or_failure if kind == "bpm" else structure_or_failure
    return sorted(ids, key=lambda track: read(results, track).path)


def _file(results: Path, track: Track, library: str | Path | None) -> Path | None:
    if library is not None:
        return Path(library).absolute() / track.path
    ticket = results / "tracks" / f"{track.track}.json"
    with suppress(RecordError):  # missing, or not to be believed: then it is not known
        return Path(read_ticket(ticket).file)
    return None


READERS: dict[str, Callable[[Path, str], BpmRecord | StructureRecord]] = {
    "bpm": bpm_or_failure,
    "structure": structure_or_failure,
}
BROKEN = "RecordError"  # the type of the failure of a track whose record cannot be believed


def failure_in(results: Path, analysis: str, track: str) -> TrackFailure | None:
    """The failure in the record of an analysis, if there is one; a forged record is one too.

    Raises RecordError for a record that is missing, cut short or of another version, which the
    next run makes again.
    """
    path = results / analysis / f"{track}.json"
    try:
        if analysis == "bpm":  # without its beats, for the many records of a library
            return read_bpm_outline(path, track)[0].error
        return read_structure(path, track).error
    except InvalidRecord as error:
        return broken(error, analysis)


def path_of(results: Path, track: str) -> str:
    """The path of a track within the library; its id where that cannot be read."""
    with suppress(RecordError):
        return read_ticket(results / "tracks" / f"{track}.json").path
    return track
