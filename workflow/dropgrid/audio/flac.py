"""Count the samples in the frames of a FLAC file, independently of its header.

Each frame has its position, with a checksum: the last frames of a file show where it ends.

Source: RFC 9639, 9.1.
"""

from __future__ import annotations

import re
from pathlib import Path

from .mp3_frames import end_of_id3

HEAD = 42  # bytes of "fLaC" and the first block
SEARCHED = 2**20  # bytes at the end that are looked through: the largest two frames fit
SYNC = re.compile(rb"\xff[\xf8\xf9]")
LONGEST = 16  # bytes of a frame's header
SIZES = {1: 192} | {n: 576 << n - 2 for n in range(2, 6)} | {n: 256 << n - 8 for n in range(8, 16)}


def declared_and_found(path: Path) -> tuple[int, int | None]:
    """(samples that the header declares, those that the frames reach), a channel.

    0: the header does not know. None: no two frames follow each other at the file's end.
    Raises OSError.
    """
    with path.open("rb") as stream:
        stream.seek(end_of_id3(stream))
        head = stream.read(HEAD)
        if head[:4] != b"fLaC" or len(head) < HEAD:
            return 0, None
        size = stream.seek(0, 2)
        stream.seek(max(0, size - SEARCHED))
        tail = stream.read(SEARCHED)
    declared = int.from_bytes(head[21:26], "big") & 2**36 - 1
    block = int.from_bytes(head[8:10], "big")
    starts: dict[int, int] = {}
    ends: list[int] = []
    for match in SYNC.finditer(tail):
        found = _frame(tail[match.start() : match.start() + LONGEST], block)
        if found is None:
            continue
        start, end = found
        if start in starts.values():  # the frame before it is there
            ends.append(end)
        starts[start] = end
    return declared, max(ends, default=None)


def _frame(head: bytes, block: int) -> tuple[int, int] | None:
    """The samples [start, end) of the frame that `head` begins; None where it is none.

    block: samples of all frames but the last, where they are numbered and not placed.
    """
    if len(head) < LONGEST or head[3] & 1 or head[2] & 15 == 15 or head[3] >> 4 > 10:
        return None
    numbered = not head[1] & 1
    code, rate = head[2] >> 4, head[2] & 15
    first = head[4]
    more = 0 if first < 128 else 8 - (first ^ 255).bit_length() - 1
    if first == 255 or more < 0 or (128 <= first < 192):
        return None
    number = first if first < 128 else first & (63 >> more)
    for byte in head[5 : 5 + more]:
        if byte & 0xC0 != 0x80:
            return None
        number = number << 6 | byte & 63
    at = 5 + more
    if code in (6, 7):
        length = int.from_bytes(head[at : at + code - 5], "big") + 1
        at += code - 5
    elif code in SIZES:
        length = SIZES[code]
    else:
        return None
    at += {12: 1, 13: 2, 14: 2}.get(rate, 0)
    if at >= len(head) or _crc8(head[:at]) != head[at]:
        return None
    start = number * block if numbered else number
    return start, start + length


def _crc8(data: bytes) -> int:
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc << 1 ^ 7 if crc & 128 else crc << 1) & 255
    return crc
