"""The JSON documents of dropgrid: one key a line, rounded numbers, ASCII only; read with care."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .errors import MissingRecord, RecordError
from .files import read_regular

SCHEMA_VERSION = 1  # of the documents other than records; each record has its own VERSION
MAX_BYTES = 256 * 2**20  # of a document: some hundred thousand tracks in scan.json
DECIMALS = 6  # of every number in a record: microseconds, millionths of a BPM

_ENCODE = json.JSONEncoder(allow_nan=False).encode  # made once: json.dumps makes one each time


def json_lines(values: dict[str, Any]) -> bytes:
    """A JSON object with each of its keys on a line of its own, refusing NaN and infinity."""
    lines = (f"  {_ENCODE(key)}: {_ENCODE(rounded(value))}" for key, value in values.items())
    return ("{\n" + ",\n".join(lines) + "\n}\n").encode("ascii")


def rounded(value: Any) -> Any:
    """A value with its floats rounded as records have them."""
    if isinstance(value, float):
        return round(value, DECIMALS) + 0.0  # + 0.0: never write -0.0
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(item) for item in value]
    return value


class NotFinite(str):
    """NaN, Infinity or -Infinity as a document has it: a text that is no text of its own."""

    def __repr__(self) -> str:
        return str(self)


def read_bytes(path: Path) -> bytes:
    """The bytes of a document. Raises RecordError, also for a pipe, a device or a giant;
    MissingRecord where there is none."""
    try:
        return read_regular(path, MAX_BYTES)
    except FileNotFoundError as error:
        raise MissingRecord(f"{path}: there is no such record; run the workflow first") from error
    except OSError as error:
        reason = error.strerror or error
        raise RecordError(f"{path}: cannot be read as a record ({reason})") from error


def parse_document(
    data: bytes, schema: str, path: Path, version: int = SCHEMA_VERSION
) -> dict[str, Any]:
    """The fields of a document but its head, whose schema and version are checked.

    What is not a number comes as NotFinite. Raises RecordError.
    """
    try:
        values = json.loads(data, parse_constant=NotFinite)
    except RecursionError as error:
        raise RecordError(f"{path}: cannot be read as a record (nested too deep)") from error
    except ValueError as error:
        raise RecordError(f"{path}: cannot be read as a record ({error})") from error
    if not isinstance(values, dict) or values.pop("schema", None) != schema:
        raise RecordError(f"{path}: not a {schema} record")
    if values.pop("schema_version", None) != version:
        raise RecordError(f"{path}: written by another version of dropgrid; delete it to renew it")
    return values
