"""Reads export.pdb, the database of a stick: the paths of each track and of its analysis files.

The file may be forged, or come from a stick that was pulled out too early. So no page is read
twice, nothing is read beyond the file's end, and any damage raises ValueError.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

TRACKS = 0  # the number of the table of tracks
MIN_PAGE, MAX_PAGE = 512, 65_536  # bytes of a page
MAX_TRACKS = 200_000
GROUP = 16  # rows that share presence flags
HEAD = 40  # bytes of a page before its rows
TEXT_OFFSETS = 94  # the place of the offsets of texts in a track's row
ANALYSIS, PATH = 14, 20  # indices of texts


@dataclass(frozen=True)
class DeviceTrack:
    """A track on a stick. path, analysis: from the stick's root. bpm: None if it is 0. duration:
    seconds."""

    path: str
    analysis: str
    bpm: float | None
    duration: float


def tracks(data: bytes) -> list[DeviceTrack]:
    """The tracks of a database. Raises ValueError."""
    try:
        _, size, count = struct.unpack_from("<3I", data)
        if not MIN_PAGE <= size <= MAX_PAGE or count > 100:
            raise ValueError("not the database of a stick")
        for i in range(count):
            kind, _, first, last = struct.unpack_from("<4I", data, 28 + 16 * i)
            if kind == TRACKS:
                return [_track(row) for row in _rows(data, size, first, last)]
    except struct.error:
        raise ValueError("cut short") from None
    raise ValueError("has no table of tracks")


def _rows(data: bytes, size: int, page: int, last: int) -> Iterator[bytes]:
    """The rows that are present, each up to the end of its page."""
    pages_read: set[int] = set()
    found = 0
    while True:
        here = data[page * size : (page + 1) * size]
        if page in pages_read or len(here) < size:
            raise ValueError("its pages form a cycle, or lie beyond its end")
        pages_read.add(page)
        _, number, kind, following = struct.unpack_from("<4I", here)
        if (number, kind) != (page, TRACKS):
            raise ValueError(f"page {page} does not belong to the table of tracks")
        if not here[0x1B] & 0x40:  # an index has no rows
            for row in _present(here, size):
                found += 1
                if found > MAX_TRACKS:
                    raise ValueError(f"more than {MAX_TRACKS} tracks")
                yield row
        if page == last:
            return
        page = following


def _present(page: bytes, size: int) -> Iterator[bytes]:
    count = int.from_bytes(page[0x18:0x1B], "little") & 0x1FFF
    if 2 * count > size - HEAD:
        raise ValueError("more rows than its length allows")
    for i in range(count):
        base = size - 36 * (i // GROUP)
        flags = struct.unpack_from("<H", page, base - 4)[0]
        if flags >> (i % GROUP) & 1:
            yield page[HEAD + struct.unpack_from("<H", page, base - 6 - 2 * (i % GROUP))[0] :]


def _track(row: bytes) -> DeviceTrack:
    places = struct.unpack_from("<21H", row, TEXT_OFFSETS)
    tempo = struct.unpack_from("<I", row, 56)[0]
    duration = struct.unpack_from("<H", row, 84)[0]
    return DeviceTrack(
        _text(row, places[PATH]), _text(row, places[ANALYSIS]), tempo / 100 or None,
        float(duration),
    )  # fmt: skip


def _text(row: bytes, at: int) -> str:
    """The text at an offset in a row."""
    if at >= len(row):
        raise ValueError("a text lies beyond its page")
    kind = row[at]
    if kind & 1:
        return row[at + 1 : at + (kind >> 1)].decode("ascii", "replace")
    length = struct.unpack_from("<H", row, at + 1)[0]
    return row[at + 4 : at + length].decode("ascii" if kind == 0x40 else "utf-16-le", "replace")
