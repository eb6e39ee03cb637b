"""The records: what dropgrid says about a track, and how that is kept as JSON.

A record is a small frozen dataclass. Times are seconds from the first decoded sample, tempo
is in BPM, bars count from 1 at the first downbeat. Records hold no time stamps and no timings:
the same input gives the same bytes. JSON Schemas of the files: workflow/schemas/*.schema.json.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, TypeVar, cast

from ..base.errors import InvalidRecord
from ..base.files import write_atomically
from ..base.json_documents import json_lines, parse_document, read_bytes, rounded
from . import validate
from .model import AnyRecord, BpmRecord, KeyRecord, StructureRecord

Record = TypeVar("Record", BpmRecord, StructureRecord, KeyRecord)


def to_json(record: AnyRecord) -> bytes:
    """The bytes of a record: one key a line, numbers rounded to DECIMALS, ASCII only."""
    values: dict[str, Any] = {
        "schema": record.SCHEMA, "schema_version": record.VERSION, "version": record.version,
    }  # fmt: skip
    values |= rounded(dataclasses.asdict(record))
    for name in ("error", "computed", "untagged"):
        if values.get(name, 0) is None:
            del values[name]
    return json_lines(values)


def write_record(path: Path, record: AnyRecord) -> None:
    """Write a record atomically. Raises OSError, and ValueError for a NaN in it."""
    write_atomically(path, to_json(record))


def read_bpm(path: Path, track: str | None = None) -> BpmRecord:
    """Read results/bpm/{track}.json and validate every field (dropgrid.records.validate).

    track: the id that the record must have. Raises RecordError, which names file and field.
    """
    return bpm_record(read_bytes(path), path, track)


def bpm_record(data: bytes, path: Path, track: str | None = None) -> BpmRecord:
    """The bpm record in these bytes. path: for error messages. Raises RecordError."""
    return _checked(BpmRecord, data, path, track)


def as_written(record: BpmRecord) -> BpmRecord:
    """The record as read from its file: with its numbers rounded."""
    return bpm_record(to_json(record), Path(record.path))


def as_computed(record: Record) -> Record:
    """The record with the result of the analysis, without corrections."""
    own = record.computed
    if own is None:
        return record
    fields = {field.name: getattr(own, field.name) for field in dataclasses.fields(own)}
    return dataclasses.replace(record, **{"source": "computed", **fields}, computed=None)


def without_tag(record: BpmRecord) -> BpmRecord:
    """The record with the result from the audio alone, without the influence of a BPM tag."""
    own = record.untagged
    if own is not None:
        fields = {field.name: getattr(own, field.name) for field in dataclasses.fields(own)}
        return dataclasses.replace(record, **fields, untagged=None)
    if record.source == "metadata":
        return dataclasses.replace(record, bpm=record.bpm_computed, source="computed")
    return record


def read_structure(path: Path, track: str | None = None) -> StructureRecord:
    """Read results/structure/{track}.json, as read_bpm. Raises RecordError."""
    return _checked(StructureRecord, read_bytes(path), path, track)


def read_key(path: Path, track: str | None = None) -> KeyRecord:
    """Read results/key/{track}.json, as read_bpm. Raises RecordError."""
    return _checked(KeyRecord, read_bytes(path), path, track)


READERS: dict[str, Any] = {"bpm": read_bpm, "structure": read_structure, "key": read_key}


def _checked(kind: type[Record], data: bytes, path: Path, track: str | None) -> Record:
    values = {"version": "", **parse_document(data, kind.SCHEMA, path, kind.VERSION)}
    try:
        return cast(Record, validate.record(kind, values, track))
    except validate.Invalid as error:
        raise InvalidRecord(f"{path}: {error}") from error
