"""Read a bpm record without its lists of beats, much faster, for tables of whole libraries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..base.errors import RecordError
from ..base.json_documents import read_bytes
from .model import BpmRecord
from .store import bpm_record
from .validate import MAX_DURATION, SLACK

NUMBERS = b"0123456789.,+-eE \t\r\n"  # all that a list of numbers is made of


@dataclass(frozen=True)
class Positions:
    """A list of positions in short: their number and the first of them."""

    count: int
    first: float | None


def read_bpm_outline(
    path: Path, track: str | None = None
) -> tuple[BpmRecord, Positions, Positions]:
    """A bpm record without beats and downbeats, and these two lists in short.

    Raises RecordError as read_bpm does.
    """
    data, beats = _cut_list(read_bytes(path), b"beats")
    data, downbeats = _cut_list(data, b"downbeats")
    record = bpm_record(data, path, track)
    end = MAX_DURATION if record.duration is None else record.duration + SLACK
    return (
        record,
        _positions(beats, record.beats, f"{path}: beats", end),
        _positions(downbeats, record.downbeats, f"{path}: downbeats", end),
    )


def _cut_list(data: bytes, key: bytes) -> tuple[bytes, bytes]:
    """A record with one list of numbers emptied, and the bytes between its brackets."""
    opening = b'\n  "' + key + b'": ['  # as json_lines writes it
    start = data.find(opening) + len(opening)
    end = data.find(b"]", start)
    if start < len(opening) or end < 0:
        return data, b""
    return data[:start] + data[end:], data[start:end].strip()


def _positions(numbers: bytes, read: Sequence[float], place: str, end: float) -> Positions:
    """The positions in the bytes that were cut out, or in the list that was read if none were."""
    if not numbers:
        return Positions(len(read), read[0] if read else None)
    if numbers.translate(None, NUMBERS):
        raise RecordError(f"{place}: not a list of numbers")
    try:
        first, last = float(numbers.partition(b",")[0]), float(numbers.rpartition(b",")[2])
    except ValueError as error:
        raise RecordError(f"{place}: not a list of numbers") from error
    if not 0 <= first <= end or not 0 <= last <= end:
        raise RecordError(f"{place}: not from 0 to {end:g}")
    return Positions(numbers.count(b",") + 1, first)
