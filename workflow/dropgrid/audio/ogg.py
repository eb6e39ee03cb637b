"""The pages of an Ogg file: where its recordings lie, and whether the last of them is whole.

An Ogg file is a row of pages. Each names its stream; a stream's first page is marked as the
first and its last as the last. Files set one behind the other make a chain: each recording, a
link, begins with first pages of its own, and a decoder that stops at the first last page plays
only one. What stands behind the last page (a tag, text, zeros) is no part of the music.

Source: RFC 3533, sections 4 and 6.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

HEAD = 27  # bytes of a page's header, before its table of segments
FIRST, LAST = 2, 4  # flags of a page
SEARCHED = 2**16  # bytes looked through at once for the next page


@dataclass(frozen=True)
class Link:
    """A recording of the chain: its bytes [start, end), and whether its last page is there.

    cut: bytes follow its pages that are no whole page, where pages should be.
    """

    start: int
    end: int
    ended: bool
    cut: bool = False


@dataclass(frozen=True)
class _Page:
    at: int
    end: int
    flags: int
    serial: bytes


def links(path: Path, most: int) -> list[Link]:
    """The recordings of an Ogg file, the first `most` of them in order. Raises OSError."""
    with path.open("rb") as stream:
        size = stream.seek(0, 2)
        found: list[Link] = []
        start, end = 0, 0
        opened: set[bytes] = set()  # streams of the link whose last page has not come yet
        beginning = True  # only first pages so far
        for page in _pages(stream, size):
            if page.flags & FIRST and not beginning:
                found.append(Link(start, page.at, not opened))
                if len(found) == most:
                    return found
                start, opened = page.at, set()
            beginning = bool(page.flags & FIRST)
            if page.flags & FIRST:
                opened.add(page.serial)
            if page.flags & LAST:
                opened.discard(page.serial)
            end = page.end
    if end:
        found.append(Link(start, end, not opened, cut=bool(opened) and end < size))
    return found


def _pages(stream: IO[bytes], size: int) -> Iterator[_Page]:
    """The whole pages of a file; what lies between or behind them is passed over."""
    at = 0
    while at + HEAD <= size:
        stream.seek(at)
        head = stream.read(HEAD + 255)
        segments = head[26] if len(head) >= HEAD else 0
        end = at + HEAD + segments + sum(head[HEAD : HEAD + segments])
        if head[:5] == b"OggS\0" and end <= size and len(head) >= HEAD + segments:
            yield _Page(at, end, head[5], head[14:18])
            at = end
        else:
            at = _next_capture(stream, at + 1, size)


def _next_capture(stream: IO[bytes], at: int, size: int) -> int:
    """Where the next page may begin, from `at` on; size if nowhere."""
    while at < size:
        stream.seek(at)
        data = stream.read(SEARCHED)
        place = data.find(b"OggS\0")
        if place >= 0:
            return at + place
        at += max(len(data) - 4, 1)
    return size
