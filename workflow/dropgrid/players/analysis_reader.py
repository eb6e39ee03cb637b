"""Reads ANLZ0000.DAT and .EXT: the grid and the cues that a player keeps of a track.

As in device_reader whatever is not as it should be is a ValueError.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from .analysis_file import Beat, PlayerCue, grid_checksum

MOST_BEATS = 200_000
MOST_CUES = 1000
WHITE = (255, 255, 255)


def grid(data: bytes, extended: bytes | None = None) -> list[Beat]:
    """Every beat of a .DAT file; [] where it has no grid. Raises ValueError.

    extended: the .EXT file beside it, which holds the microseconds of the same grid.
    """
    for name, head, body in _tags(data):
        if name == b"PQTZ":
            (count,) = _read(">I", head, 8)
            if count > min(MOST_BEATS, len(body) // 8):
                raise ValueError("more beats than there is room for")
            entries = list(struct.iter_unpack(">HHI", body[: 8 * count]))
            parts = _microseconds(entries, extended) if extended else None
            return [
                Beat(number, tempo / 100, time / 1000 + part / 1e6)
                for (number, tempo, time), part in zip(entries, parts or [0] * count, strict=True)
            ]
    return []


def _microseconds(entries: list[tuple[int, int, int]], extended: bytes) -> list[int] | None:
    """What a grid's milliseconds lack; None where the .EXT file is of another grid."""
    for name, head, body in _tags(extended):
        if name == b"PQT2":
            count, checksum = _read(">II", head, 28)
            if (count, checksum) != (len(entries), grid_checksum(entries)):
                return None
            if len(body) < 2 * count:
                raise ValueError("more beats than there is room for")
            return [min(part, 999) for (part,) in struct.iter_unpack(">H", body[: 2 * count])]
    return None


def cues(data: bytes) -> list[PlayerCue]:
    """Hot and memory cues with their names of an .EXT file. Raises ValueError."""
    found = []
    for name, head, body in _tags(data):
        if name == b"PCO2":
            (count,) = _read(">H", head, 4)
            at = 0
            for _ in range(count):
                cue, at = _cue(body, at)
                found.append(cue)
            if len(found) > MOST_CUES:
                raise ValueError(f"more than {MOST_CUES} cues")
    return found


def _tags(data: bytes) -> Iterator[tuple[bytes, bytes, bytes]]:
    """(name, head behind the lengths, body) of every tag of a file."""
    if data[:4] != b"PMAI":
        raise ValueError("not a file of a player's analysis")
    (at,) = _read(">I", data, 4)
    while at < len(data):
        head, whole = _read(">II", data, at + 4)
        if not 12 <= head <= whole <= len(data) - at:
            raise ValueError("a tag that reaches behind its end")
        yield data[at : at + 4], data[at + 12 : at + head], data[at + head : at + whole]
        at += whole


def _cue(body: bytes, at: int) -> tuple[PlayerCue, int]:
    """A cue with its name, and where the next one begins."""
    name, _, whole, pad, kind, time, end = _read(">4sIIIB3xII", body, at)
    if name != b"PCP2" or not 44 <= whole <= len(body) - at:
        raise ValueError("a cue that reaches behind its end")
    (length,) = _read(">I", body, at + 40)
    if length > whole - 44:
        raise ValueError("a name that reaches behind its cue")
    text = body[at + 44 : at + 44 + length].decode("utf-16-be", "replace").rstrip("\0")
    colour = body[at + 45 + length : at + whole][:3]
    shown = (colour[0], colour[1], colour[2]) if len(colour) == 3 else WHITE
    stop = end / 1000 if kind == 2 else None
    return PlayerCue(time / 1000, text, shown, pad - 1 if pad else None, stop), at + whole


def _read(form: str, data: bytes, at: int) -> tuple:
    try:
        return struct.unpack_from(form, data, at)
    except struct.error:
        raise ValueError("cut short") from None
