"""The records: what dropgrid says about a track, and how that is kept as JSON.

A record is a small frozen dataclass. Times are seconds from the first decoded sample, tempo
is in BPM, bars count from 1 at the first downbeat. Records hold no time stamps and no timings:
the same input gives the same bytes. JSON Schemas of the files: workflow/schemas/*.schema.json.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any, TypeVar

from ..base.documents import json_lines, rounded
from ..base.errors import RecordError
from ..base.files import write_atomically
from .model import (
    Alternative,
    AnyRecord,
    BpmRecord,
    Confidences,
    GridRegion,
    KeyAlternative,
    KeyRecord,
    KeySegment,
    Loudness,
    Section,
    StructureRecord,
    TrackFailure,
)

Record = TypeVar("Record", BpmRecord, StructureRecord, KeyRecord)


def to_json(record: AnyRecord) -> bytes:
    """The bytes of a record: one key a line, numbers rounded to DECIMALS, ASCII only."""
    values: dict[str, Any] = {"schema": record.SCHEMA, "schema_version": record.VERSION}
    values |= rounded(dataclasses.asdict(record))
    if values["error"] is None:
        del values["error"]
    return json_lines(values)


def write_record(path: Path, record: AnyRecord) -> None:
    """Write a record atomically. Raises OSError, and ValueError for a NaN in it."""
    write_atomically(path, to_json(record))


def read_bpm(path: Path) -> BpmRecord:
    """Read results/bpm/{track}.json. Raises RecordError if it is not such a record."""
    return bpm_record(parse(read_bytes(path), BpmRecord, path), path)


def as_written(record: BpmRecord) -> BpmRecord:
    """The record as a reader of its file gets it: with its numbers rounded."""
    path = Path(record.path)
    return bpm_record(parse(to_json(record), BpmRecord, path), path)


def bpm_record(values: dict[str, Any], path: Path) -> BpmRecord:
    with _explained(path):
        values["alternatives"] = tuple(Alternative(**a) for a in values["alternatives"])
        values["grid"] = tuple(GridRegion(**region) for region in values["grid"])
        if values["confidences"] is not None:
            values["confidences"] = Confidences(**values["confidences"])
        if values.get("loudness"):
            values["loudness"] = Loudness(**values["loudness"])
        return _build(BpmRecord, values)


def read_structure(path: Path) -> StructureRecord:
    """Read results/structure/{track}.json. Raises RecordError if it is not such a record."""
    values = parse(read_bytes(path), StructureRecord, path)
    with _explained(path):
        values["sections"] = tuple(Section(**section) for section in values["sections"])
        return _build(StructureRecord, values)


def read_key(path: Path) -> KeyRecord:
    """Read results/key/{track}.json. Raises RecordError if it is not such a record."""
    values = parse(read_bytes(path), KeyRecord, path)
    with _explained(path):
        values["alternatives"] = tuple(KeyAlternative(**a) for a in values["alternatives"])
        values["segments"] = tuple(KeySegment(**segment) for segment in values["segments"])
        return _build(KeyRecord, values)


class _explained:
    """Turns a missing or surplus field into a RecordError that names the file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> None: ...

    def __exit__(self, _type: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, KeyError | TypeError):
            raise RecordError(f"{self.path}: not a complete record ({error})") from error


def _build(kind: type[Record], values: dict[str, Any]) -> Record:
    if values.get("error"):
        values["error"] = TrackFailure(**values["error"])
    for name, value in values.items():
        if isinstance(value, list):
            values[name] = tuple(value)
    return kind(**values)


def read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise RecordError(f"{path}: cannot be read as a record ({error})") from error


def parse(data: bytes, kind: type[Record], path: Path) -> dict[str, Any]:
    try:
        values = json.loads(data)
    except ValueError as error:
        raise RecordError(f"{path}: cannot be read as a record ({error})") from error
    if not isinstance(values, dict) or values.pop("schema", None) != kind.SCHEMA:
        raise RecordError(f"{path}: not a {kind.SCHEMA} record")
    if values.pop("schema_version", None) != kind.VERSION:
        raise RecordError(f"{path}: written by another version of dropgrid; delete it to renew it")
    return values
