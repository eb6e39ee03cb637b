"""A bpm record in short: for tables of whole libraries, much faster to read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..base.errors import RecordError
from .model import BpmRecord
from .store import bpm_record, parse, read_bytes


@dataclass(frozen=True)
class Positions:
    """Of a list of positions: how many there are, and the first."""

    count: int
    first: float | None


def read_bpm_outline(path: Path) -> tuple[BpmRecord, Positions, Positions]:
    """A bpm record without its beats and downbeats, and these in short; much faster to read.

    For tables of whole libraries. Raises RecordError as read_bpm does.
    """
    data, beats = _cut_list(read_bytes(path), b"beats")
    data, downbeats = _cut_list(data, b"downbeats")
    record = bpm_record(parse(data, BpmRecord, path), path)
    return record, _positions(beats, path), _positions(downbeats, path)


def _cut_list(data: bytes, key: bytes) -> tuple[bytes, bytes]:
    """A record with a list of numbers emptied, and what was between its brackets."""
    opening = b'\n  "' + key + b'": ['  # as json_lines writes it
    start = data.find(opening) + len(opening)
    end = data.find(b"]", start)
    if start < len(opening) or end < 0:
        return data, b""
    return data[:start] + data[end:], data[start:end].strip()


def _positions(numbers: bytes, path: Path) -> Positions:
    if not numbers:
        return Positions(0, None)
    try:
        return Positions(numbers.count(b",") + 1, float(numbers.partition(b",")[0]))
    except ValueError as error:
        raise RecordError(f"{path}: cannot be read as a record ({error})") from error
