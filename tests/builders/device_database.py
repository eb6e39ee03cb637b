"""Reads export.pdb as players do: the tables, their pages, the rows that are present.

Written from the public description of the format, for tests; it knows nothing of the writer.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

PAGE = 4096


def rows(data: bytes, kind: int) -> Iterator[bytes]:
    """The present rows of a table, each to the end of its page."""
    count = struct.unpack_from("<I", data, 8)[0]
    for i in range(count):
        number, _, first, last = struct.unpack_from("<4I", data, 28 + 16 * i)
        if number == kind:
            yield from _chain(data, kind, first, last)


def _chain(data: bytes, kind: int, page: int, last: int) -> Iterator[bytes]:
    seen = set()
    while True:
        assert page not in seen, "pages in a circle"
        seen.add(page)
        here = data[page * PAGE : (page + 1) * PAGE]
        assert struct.unpack_from("<II", here, 4) == (page, kind)
        if not here[0x1B] & 0x40:
            yield from _present(here)
        if page == last:
            return
        page = struct.unpack_from("<I", here, 12)[0]


def _present(page: bytes) -> Iterator[bytes]:
    count = int.from_bytes(page[0x18:0x1B], "little") & 0x1FFF
    for i in range(count):
        base = PAGE - 36 * (i // 16)
        flags = struct.unpack_from("<H", page, base - 4)[0]
        if flags >> (i % 16) & 1:
            yield page[40 + struct.unpack_from("<H", page, base - 6 - 2 * (i % 16))[0] :]


def text(row: bytes, at: int) -> str:
    """The text at an offset in a row."""
    kind = row[at]
    if kind & 1:
        return row[at + 1 : at + (kind >> 1)].decode("ascii")
    length = struct.unpack_from("<H", row, at + 1)[0]
    return row[at + 4 : at + length].decode("ascii" if kind == 0x40 else "utf-16-le")


def track(row: bytes) -> dict[str, object]:
    """The fields of a row of tracks that players show."""
    names = dict(enumerate(struct.unpack_from("<21H", row, 94)))
    numbers = struct.unpack_from("<12I", row, 28)
    return {
        "rate": struct.unpack_from("<I", row, 8)[0],
        "file_size": struct.unpack_from("<I", row, 16)[0],
        "key": numbers[1], "bitrate": numbers[5], "tempo": numbers[7] / 100,
        "genre": numbers[8], "album": numbers[9], "artist": numbers[10], "id": numbers[11],
        "duration": struct.unpack_from("<H", row, 84)[0], "file_type": row[90],
        "added": text(row, names[10]), "analyzed": text(row, names[15]),
        "analyze_path": text(row, names[14]),
        "title": text(row, names[17]), "file_name": text(row, names[19]),
        "file_path": text(row, names[20]),
    }  # fmt: skip
