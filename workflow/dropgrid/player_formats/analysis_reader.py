"""Reads ANLZ0000.DAT and .EXT: the grid and the cues of a track on a stick.

As in device_reader, any damage raises ValueError.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from .analysis_file import Beat, PlayerCue, grid_checksum

MAX_BEATS = 200_000
MAX_CUES = 1000
WHITE = (255, 255, 255)


def grid(data: bytes, extended: bytes | None = None) -> list[Beat]:
    """All beats of a .DAT file; [] without a grid. Raises ValueError.

    extended: the matching .EXT file, which contains the microseconds of the same grid.
    """
    for name, head, body in _tags(data):
        if name == b"PQTZ":
            (count,) = _read(">I", head, 8)
            if count > min(MAX_BEATS, len(body) // 8):
                raise ValueError("more beats than its length allows")
            entries = list(struct.iter_unpack(">HHI", body[: 8 * count]))
            parts = _microseconds(entries, extended) if extended else None
            return [
                Beat(number, tempo / 100, time / 1000 + part / 1e6)
                for (number, tempo, time), part in zip(entries, parts or [0] * count, strict=True)
            ]
    return []


def _microseconds(entries: list[tuple[int, int, int]], extended: bytes) -> list[int] | None:
    """The microseconds (0 to 999) to add to each beat's milliseconds; None if the .EXT file has
    another grid."""
    for name, head, body in _tags(extended):
        if name == b"PQT2":
            count, checksum = _read(">II", head, 28)
            if (count, checksum) != (len(entries), grid_checksum(entries)):
                return None
            if len(body) < 2 * count:
                raise ValueError("more beats than its length allows")
            return [min(part, 999) for (part,) in struct.iter_unpack(">H", body[: 2 * count])]
    return None


def cues(data: bytes) -> list[PlayerCue]:
    """The hot and memory cues of an .EXT file, with names. Raises ValueError."""
    found = []
    for name, head, body in _tags(data):
        if name == b"PCO2":
            (count,) = _read(">H", head, 4)
            at = 0
            for _ in range(count):
                cue, at = _cue(body, at)
                found.append(cue)
            if len(found) > MAX_CUES:
                raise ValueError(f"more than {MAX_CUES} cues")
    return found


def _tags(data: bytes) -> Iterator[tuple[bytes, bytes, bytes]]:
    """(name, head after the lengths, body) of every tag of a file."""
    if data[:4] != b"PMAI":
        raise ValueError("not an analysis file of a player")
    (at,) = _read(">I", data, 4)
    while at < len(data):
        head, size = _read(">II", data, at + 4)
        if not 12 <= head <= size <= len(data) - at:
            raise ValueError("a tag extends beyond its end")
        yield data[at : at + 4], data[at + 12 : at + head], data[at + head : at + size]
        at += size


def _cue(body: bytes, at: int) -> tuple[PlayerCue, int]:
    """A cue with its name, and the offset of the next cue."""
    name, _, size, pad, kind, time, end = _read(">4sIIIB3xII", body, at)
    if name != b"PCP2" or not 44 <= size <= len(body) - at:
        raise ValueError("a cue extends beyond its end")
    (length,) = _read(">I", body, at + 40)
    if length > size - 44:
        raise ValueError("a name extends beyond its cue")
    text = body[at + 44 : at + 44 + length].decode("utf-16-be", "replace").rstrip("\0")
    colour = body[at + 45 + length : at + size][:3]
    shown = (colour[0], colour[1], colour[2]) if len(colour) == 3 else WHITE
    stop = end / 1000 if kind == 2 else None
    return PlayerCue(time / 1000, text, shown, pad - 1 if pad else None, stop), at + size


def _read(form: str, data: bytes, at: int) -> tuple:
    try:
        return struct.unpack_from(form, data, at)
    except struct.error:
        raise ValueError("cut short") from None
