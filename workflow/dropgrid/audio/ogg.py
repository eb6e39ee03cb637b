"""The pages of an Ogg file: where its recordings are, and whether each is complete.

An Ogg file is a sequence of pages. Each page names its stream; flags mark the first and the last
page of a stream. Concatenated files form a chain. Each recording, a link, begins with its own
first pages, and a decoder that stops at the first last page plays only one link. Data after the
last page (a tag, text, zeros) is not music. Pages have numbers and checksums; decoders drop pages
with a wrong checksum.

Each page has a position: the number of samples so far. A decoder that trusts the last position
stops there; `Link.backward` marks it as wrong.

Source: RFC 3533, sections 4 and 6.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

HEAD = 27  # bytes of a page's header, before its table of segments
FIRST, LAST = 2, 4  # flags of a page
SEARCHED = 2**16  # bytes looked through at once for the next page
NO_POSITION = 2**64 - 1  # of a page on which no packet ends
MIRRORED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


@dataclass(frozen=True)
class Link:
    """A recording of the chain: its bytes [start, end), and whether its last page is present.

    cut: an incomplete page follows its pages, where more pages should be. lost: the number of its
    pages that are missing or damaged. backward: its last position is less than an earlier one.
    """

    start: int
    end: int
    ended: bool
    cut: bool = False
    lost: int = 0
    backward: bool = False


@dataclass(frozen=True)
class _Page:
    at: int
    end: int
    flags: int
    serial: bytes
    number: int
    position: int | None
    intact: bool


@dataclass
class _Streams:
    """The streams of a link, by serial number.

    opened: streams whose last page has not been read yet. lost: the number of missing or damaged
    pages.
    """

    opened: set[bytes] = field(default_factory=set)
    number: dict[bytes, int] = field(default_factory=dict)
    position: dict[bytes, int] = field(default_factory=dict)
    highest: dict[bytes, int] = field(default_factory=dict)
    lost: int = 0

    def add(self, page: _Page) -> None:
        serial = page.serial
        if page.flags & FIRST:
            self.opened.add(serial)
        if page.flags & LAST:
            self.opened.discard(serial)
        due = self.number.get(serial, page.number - 1) + 1
        self.lost += max(0, page.number - due) + (not page.intact)
        self.number[serial] = page.number
        if page.position is not None:
            self.position[serial] = page.position
            self.highest[serial] = max(page.position, self.highest.get(serial, 0))

    @property
    def backward(self) -> bool:
        return any(self.position[serial] < high for serial, high in self.highest.items())


def links(path: Path, most: int) -> list[Link]:
    """The recordings of an Ogg file, the first `most` of them in order. Raises OSError."""
    with path.open("rb") as stream:
        size = stream.seek(0, 2)
        found: list[Link] = []
        start, end = 0, 0
        streams = _Streams()
        beginning = True  # only first pages so far
        for page in _pages(stream, size):
            if page.flags & FIRST and not beginning:
                found.append(_link(start, page.at, streams))
                if len(found) == most:
                    return found
                start, streams = page.at, _Streams()
            beginning = bool(page.flags & FIRST)
            streams.add(page)
            end = page.end
    if end:
        found.append(_link(start, end, streams, cut=bool(streams.opened) and end < size))
    return found


def _link(start: int, end: int, streams: _Streams, cut: bool = False) -> Link:
    return Link(start, end, not streams.opened, cut, streams.lost, streams.backward)


def _pages(stream: IO[bytes], size: int) -> Iterator[_Page]:
    """The complete pages of a file; other bytes between or after them are skipped."""
    at = 0
    while at + HEAD <= size:
        stream.seek(at)
        head = stream.read(HEAD + 255)
        segments = head[26] if len(head) >= HEAD else 0
        end = at + HEAD + segments + sum(head[HEAD : HEAD + segments])
        if head[:5] == b"OggS\0" and end <= size and len(head) >= HEAD + segments:
            stream.seek(at)
            yield _page(at, stream.read(end - at))
            at = end
        else:
            at = _next_capture(stream, at + 1, size)


def _page(at: int, data: bytes) -> _Page:
    position = int.from_bytes(data[6:14], "little")
    return _Page(
        at,
        at + len(data),
        data[5],
        data[14:18],
        int.from_bytes(data[18:22], "little"),
        None if position == NO_POSITION else position,
        _checksum(data) == int.from_bytes(data[22:26], "little"),
    )


def _checksum(page: bytes) -> int:
    """CRC-32 of a page without its checksum, most significant bit first: zlib's CRC of mirrored
    bits."""
    mirrored = (page[:22] + bytes(4) + page[26:]).translate(MIRRORED)
    crc = zlib.crc32(mirrored, 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{crc:032b}"[::-1], 2)


def _next_capture(stream: IO[bytes], at: int, size: int) -> int:
    """The next possible start of a page from `at` on; size if there is none."""
    while at < size:
        stream.seek(at)
        data = stream.read(SEARCHED)
        place = data.find(b"OggS\0")
        if place >= 0:
            return at + place
        at += max(len(data) - 4, 1)
    return size
