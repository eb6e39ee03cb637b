"""The binary fields of a track in Engine DJ's database: grid, cues, loops, overview, key.

All except the loops are a length and deflated data. Most numbers are big-endian; markers of a grid
and loops are little-endian. Times are in samples. The facts are from libdjinterop, the public work
on this format. Reading damaged bytes raises ValueError.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

SLOTS = 8  # of cues, and of loops
POINTS = 1024  # of the overview
UNSET = -1.0
MAX_BYTES = 4 * 2**20  # of an inflated field; a marker on every beat of a day needs less
MAX_LABEL = 255  # bytes


@dataclass(frozen=True)
class Marker:
    """A marker of a grid: the position of a beat in samples, and its number (0 begins a bar)."""

    sample: float
    beat: int


@dataclass(frozen=True)
class EngineCue:
    """A cue. pad: from 0; sample: its position; colour: (red, green, blue), 0 to 255."""

    pad: int
    sample: float
    name: str
    colour: tuple[int, int, int]


@dataclass(frozen=True)
class EngineLoop:
    """A loop; start and end in samples."""

    start: float
    end: float
    name: str
    colour: tuple[int, int, int]


def pack_track(rate: float, samples: int, key: int | None) -> bytes:
    """Rate, length and key (as in key_number) of a track; Engine computes the loudness itself."""
    return _deflated(struct.pack(">dqiddd", rate, samples, key or 0, 0.0, 0.0, 0.0))


def pack_grid(rate: float, samples: int, markers: Sequence[Marker]) -> bytes:
    """The grid twice: as analysed, and as set by the user."""
    body = struct.pack(">q", len(markers))
    for i, marker in enumerate(markers):
        beats = markers[i + 1].beat - marker.beat if i + 1 < len(markers) else 0
        body += struct.pack("<dqii", marker.sample, marker.beat, beats, 0)
    return _deflated(struct.pack(">ddB", rate, samples, bool(markers)) + 2 * body)


def unpack_grid(blob: bytes) -> tuple[float, list[Marker]]:
    """(rate, markers as set by the user). Raises ValueError."""
    data = _inflated(blob)
    if not data:
        return 0.0, []
    rate, _, is_set = _read(">ddB", data, 0)
    _, at = _markers(data, 17)
    markers, _ = _markers(data, at)
    if not 0 < rate < 1e7:
        raise ValueError(f"a grid at {rate} samples per second")
    return rate, markers if is_set else []


def _markers(data: bytes, at: int) -> tuple[list[Marker], int]:
    (count,) = _read(">q", data, at)
    at += 8
    if not 0 <= count <= (len(data) - at) // 24:
        raise ValueError("more markers than its length allows")
    entries = [struct.unpack_from("<dqii", data, at + 24 * i) for i in range(count)]
    markers = [Marker(sample, beat) for sample, beat, _, _ in entries]
    if not all(np.isfinite(marker.sample) for marker in markers):
        raise ValueError("a marker is not a number")
    return markers, at + 24 * count


def pack_cues(cues: Sequence[EngineCue], main: float) -> bytes:
    """The eight pads, and the main cue: the position of a track that is loaded."""
    by_pad = {cue.pad: cue for cue in cues}
    body = struct.pack(">q", SLOTS)
    for pad in range(SLOTS):
        cue = by_pad.get(pad)
        if cue is None:
            body += struct.pack(">BdI", 0, UNSET, 0)
        else:
            body += _label(cue.name) + struct.pack(">dB3B", cue.sample, 255, *cue.colour)
    return _deflated(body + struct.pack(">dBd", main, 0, main))


def unpack_cues(blob: bytes) -> list[EngineCue]:
    """The cues that are set. Raises ValueError."""
    data = _inflated(blob)
    if not data:
        return []
    (count,) = _read(">q", data, 0)
    if not 0 <= count <= len(data) // 13:
        raise ValueError("more cues than its length allows")
    found, at = [], 8
    for pad in range(count):
        name, at = _read_label(data, at)
        sample, _, red, green, blue = _read(">d4B", data, at)
        at += 12
        if sample >= 0 and np.isfinite(sample):
            found.append(EngineCue(pad, sample, name, (red, green, blue)))
    return found


def pack_loops(loops: Sequence[EngineLoop]) -> bytes:
    """The eight loops."""
    body = struct.pack("<q", SLOTS)
    for loop in loops[:SLOTS]:
        body += _label(loop.name)
        body += struct.pack("<ddBB4B", loop.start, loop.end, 1, 1, 255, *loop.colour)
    empty = struct.pack("<BddBBI", 0, UNSET, UNSET, 0, 0, 0)
    return body + empty * (SLOTS - len(loops[:SLOTS]))


def unpack_loops(blob: bytes) -> list[EngineLoop]:
    """The loops that have a start and an end. Raises ValueError."""
    if not blob:
        return []
    (count,) = _read("<q", blob, 0)
    if not 0 <= count <= len(blob) // 23:
        raise ValueError("more loops than its length allows")
    found, at = [], 8
    for _ in range(count):
        name, at = _read_label(blob, at)
        start, end, has_start, has_end, _, *colour = _read("<ddBB4B", blob, at)
        at += 22
        if has_start and has_end and 0 <= start < end < np.inf:
            found.append(EngineLoop(start, end, name, tuple(colour)))
    return found


def pack_overview(bands: np.ndarray, samples: int, rate: float) -> bytes:
    """The waveform of a whole track; bands: (POINTS, 3) bytes of low, middle and high."""
    step = int(rate) // 210 * 2 or 1
    each = samples // step * step / POINTS
    head = struct.pack(">qqd", POINTS, POINTS, each)
    return _deflated(head + bands.tobytes() + bands.max(axis=0).tobytes())


def key_number(key: int) -> int:
    """Engine's number of a key (dropgrid.key.notation): along the circle of fifths, alternating
    major and relative minor."""
    relative = (key + 3) % 12 if key >= 12 else key
    return 2 * (7 * relative % 12) + (key >= 12)


def _label(name: str) -> bytes:
    """The length of a name, then the name, cut between characters."""
    data = name.encode("utf-8", "replace")[:MAX_LABEL].decode("utf-8", "ignore").encode()
    return bytes([len(data)]) + data


def _read_label(data: bytes, at: int) -> tuple[str, int]:
    (length,) = _read("B", data, at)
    end = at + 1 + length
    return data[at + 1 : end].decode("utf-8", "replace"), end


def _read(form: str, data: bytes, at: int) -> tuple[Any, ...]:
    try:
        return struct.unpack_from(form, data, at)
    except struct.error:
        raise ValueError("cut short") from None


def _deflated(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + zlib.compress(data)


def _inflated(blob: bytes) -> bytes:
    """Inflated bytes after a length. Raises ValueError."""
    if not blob:
        return b""
    (length,) = _read(">I", blob, 0)
    if length > MAX_BYTES:
        raise ValueError(f"{length} bytes in a field")
    try:
        data = zlib.decompressobj().decompress(blob[4:], length + 1)
    except zlib.error as error:
        raise ValueError(f"cannot be inflated ({error})") from None
    if len(data) != length:
        raise ValueError("its length is wrong")
    return data
