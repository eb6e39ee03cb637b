"""Reads the binary fields of Engine's database for tests. It was written from their public
description and is independent of the writer."""

from __future__ import annotations

import struct
import zlib
from itertools import pairwise


def inflated(blob: bytes) -> bytes:
    data = zlib.decompress(blob[4:])
    assert struct.unpack(">i", blob[:4]) == (len(data),)
    return data


def grid(blob: bytes) -> tuple[float, float, list[tuple[float, int, int]]]:
    """(rate, samples, markers (sample, beat, beats to the next)) of the grid as set."""
    data = inflated(blob)
    rate, samples, is_set, count = struct.unpack_from(">ddBq", data)
    at = 25 + 24 * count
    assert data[17:at] == data[at:]  # as analysed and as set
    found = [struct.unpack_from("<dqi", data, 25 + 24 * i) for i in range(count)]
    assert bool(is_set) == bool(found)
    return rate, samples, found


def beats(blob: bytes) -> list[float]:
    """The seconds of all beats between the first and the last marker."""
    rate, _, markers = grid(blob)
    found = []
    for (start, number, count), (end, following, _) in pairwise(markers):
        assert following - number == count > 0
        found += [(start + i * (end - start) / count) / rate for i in range(count)]
    return found


def downbeats(blob: bytes) -> list[float]:
    """Every beat whose number is a multiple of four."""
    first = grid(blob)[2][0][1]
    return [time for i, time in enumerate(beats(blob), first) if i % 4 == 0]


def cues(blob: bytes) -> list[tuple[str, float, tuple[int, ...]]]:
    """(name, sample, colour as ARGB) of the eight pads."""
    data = inflated(blob)
    assert struct.unpack_from(">q", data) == (8,)
    found, at = [], 8
    for _ in range(8):
        length = data[at]
        name = data[at + 1 : at + 1 + length].decode()
        sample, *colour = struct.unpack_from(">d4B", data, at + 1 + length)
        found.append((name, sample, tuple(colour)))
        at += 13 + length
    assert len(data) == at + 17
    return found


def loops(blob: bytes) -> list[tuple[str, float, float]]:
    """(name, first sample, last sample) of the loops that are set."""
    assert struct.unpack_from("<q", blob) == (8,)
    found, at = [], 8
    for _ in range(8):
        length = blob[at]
        name = blob[at + 1 : at + 1 + length].decode()
        start, end, has_start, has_end = struct.unpack_from("<ddBB", blob, at + 1 + length)
        if has_start and has_end:
            found.append((name, start, end))
        at += 23 + length
    assert at == len(blob)
    return found
