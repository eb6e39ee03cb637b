"""Serato's tags as bytes: beat grid, cues, tempo, and the envelope of FLAC and MP4.

Everything is big endian. Sources: Holzhaus/serato-tags (descriptions of the formats), the checks
that Mixxx makes when it reads them; unknown bytes are marked as such. Functions come in
pairs, pack_... and unpack_...; the latter raise ValueError for what is not whole.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

GRID, MARKERS, MARKERS2, AUTOTAGS = (
    "Serato BeatGrid", "Serato Markers_", "Serato Markers2", "Serato Autotags",
)  # fmt: skip
PADS = 8  # hot cues
LOOPS = 8
MAX_NAME = 51  # bytes of a cue's name
LINE = 72  # characters of base64
MARKERS2_BYTES = 470  # the least that Serato allots
MIME = b"application/octet-stream"
OLD_CUES, OLD_LOOPS = 5, 9  # entries of Markers_
MIN_BPM, MAX_BPM = 1.0, 1000.0
MAX_TIME = 86_400.0  # seconds that a marker may be away from the start


@dataclass(frozen=True)
class Grid:
    """Markers (seconds, beats to the next one), and the last (seconds, BPM from there on)."""

    markers: tuple[tuple[float, int], ...]
    last: tuple[float, float]


@dataclass(frozen=True)
class Cue:
    """A hot cue on a pad (from 0), in milliseconds; rgb: its colour; a loop has an end."""

    pad: int
    time: int
    name: str
    rgb: bytes = b"\xcc\x00\x00"
    end: int | None = None


def pack_grid(grid: Grid) -> bytes:
    """The bytes of a beat grid. What the byte at the end means is not known; 0 is accepted."""
    markers = b"".join(struct.pack(">fI", *marker) for marker in grid.markers)
    head = struct.pack(">2sI", b"\1\0", len(grid.markers) + 1)
    return head + markers + struct.pack(">ff", *grid.last) + b"\0"


def unpack_grid(data: bytes) -> Grid:
    """The beat grid that bytes hold."""
    if len(data) < 15 or data[:2] != b"\1\0":
        raise ValueError("not a beat grid of Serato's version 1.0")
    (count,) = struct.unpack_from(">I", data, 2)
    if count < 1 or len(data) not in (7 + 8 * count, 8 + 8 * count):  # an envelope may add one
        raise ValueError(f"a beat grid of {count} markers has not {len(data)} bytes")
    markers = tuple(struct.unpack_from(">fI", data, 6 + 8 * i) for i in range(count - 1))
    last = struct.unpack_from(">ff", data, 6 + 8 * (count - 1))
    starts = [start for start, _ in markers] + [last[0]]
    if not all(abs(start) <= MAX_TIME for start in starts):
        raise ValueError("a marker of the beat grid stands outside any music")
    if not all(a < b for a, b in pairwise(starts)):
        raise ValueError("the markers of the beat grid do not ascend")
    tempi = [last[1]] + [
        60 * beats / (end - start) for (start, beats), end in zip(markers, starts[1:], strict=True)
    ]
    if not all(MIN_BPM <= tempo <= MAX_BPM for tempo in tempi):
        raise ValueError("a marker of the beat grid has no tempo")
    return Grid(markers, last)


def beats_of(grid: Grid, duration: float) -> list[float]:
    """The beats that a grid means, seconds: between markers, and from the last to the end.

    The usual grid has one marker, the last. A marker may stand before the music; of its beats
    those from 0 on are given.
    """
    beats: list[float] = []
    starts = [start for start, _ in grid.markers] + [grid.last[0]]
    for (start, count), end in zip(grid.markers, starts[1:], strict=True):
        beats += [start + (end - start) * i / count for i in range(count)]
    start, bpm = grid.last
    beats += [start + i * 60 / bpm for i in range(int(max(0, duration - start) * bpm / 60) + 1)]
    return [beat for beat in beats if beat >= 0]


def pack_markers2(cues: Sequence[Cue], locked: bool = False) -> bytes:
    """The bytes of the hot cues and loops of a track, and of the lock on its grid."""
    entries = [(b"COLOR", b"\0\xff\xff\xff")]
    entries += [(b"CUE" if cue.end is None else b"LOOP", _entry(cue)) for cue in cues]
    entries.append((b"BPMLOCK", bytes([locked])))
    body = b"\1\1" + b"".join(
        name + b"\0" + struct.pack(">I", len(data)) + data for name, data in entries
    )
    text = b"\1\1" + _lines(body + b"\0")
    return text.ljust(max(MARKERS2_BYTES, len(text) + 1), b"\0")


def _entry(cue: Cue) -> bytes:
    name = _short(cue.name) + b"\0"
    if cue.end is None:
        return struct.pack(">BBIB3s2s", 0, cue.pad, cue.time, 0, cue.rgb, b"\0\0") + name
    # The four bytes behind the end, and the colour, are the same in all loops that were seen.
    return (
        struct.pack(">BBII", 0, cue.pad, cue.time, cue.end)
        + b"\xff\xff\xff\xff\x00\x27\xaa\xe1\0\0"
        + name
    )


def _short(name: str) -> bytes:
    """A name as UTF-8 of at most MAX_NAME bytes, no letter cut in two, no zero in it."""
    data = name.replace("\0", "").encode("utf-8", "replace")[:MAX_NAME]
    return data.decode("utf-8", "ignore").encode()


def unpack_markers2(data: bytes) -> tuple[list[Cue], bool]:
    """(the hot cues and loops, whether the grid is locked); what else there is is passed over."""
    if data[:2] != b"\1\1":
        raise ValueError("not cues of Serato's version 1.1")
    body = _bytes_of(data[2:].partition(b"\0")[0])
    if body[:2] != b"\1\1":
        raise ValueError("not cues of Serato's version 1.1")
    cues, locked, at = [], False, 2
    while at < len(body) and (name := body[at:].partition(b"\0")[0]):
        at += len(name) + 1
        (size,) = struct.unpack(">I", body[at : at + 4].rjust(4, b"\0"))
        value, at = body[at + 4 : at + 4 + size], at + 4 + size
        if len(value) < size:
            raise ValueError("the cues are cut short")
        if name == b"CUE" and size >= 13:
            time, text = struct.unpack_from(">I", value, 2)[0], value[12:]
            cues.append(Cue(value[1], time, _name(text), value[7:10]))
        elif name == b"LOOP" and size >= 21:
            time, end = struct.unpack_from(">II", value, 2)
            cues.append(Cue(value[1], time, _name(value[20:]), value[15:18], end))
        elif name == b"BPMLOCK":
            locked = any(value)
    return cues, locked


def _name(text: bytes) -> str:
    return text.partition(b"\0")[0].decode("utf-8", "replace")


def has_old_cues(data: bytes) -> bool:
    """Whether a tag of the older cues, of ID3 or of MP4, holds one that is set."""
    size = {318: 22, 276: 19, 277: 19}.get(len(data))
    if size is None:
        return bool(data)  # of an unknown version: from another program
    entries = [data[6 + i * size : 6 + (i + 1) * size] for i in range(OLD_CUES + OLD_LOOPS)]
    if size == 22:
        return any(entry[0] != 0x7F for entry in entries)
    return any(entry[:4] not in (b"\x7f" * 4, b"\xff" * 4) for entry in entries)


def pack_autotags(bpm: float, gain: float = 0.0) -> bytes:
    """The bytes of tempo and gain: texts of two and three decimals."""
    return b"\1\1" + f"{bpm:.2f}\0{gain:.3f}\0{0:.3f}\0".encode()


def wrap(name: str, data: bytes) -> str:
    """A tag as FLAC and MP4 hold it: base64 in lines, one character more than it needs.

    Real files have that character; Mixxx takes it off before it decodes a grid.
    """
    whole = MIME + b"\0\0" + name.encode() + b"\0" + data
    text = base64.b64encode(whole).rstrip(b"=") + b"A"
    return b"\n".join(text[i : i + LINE] for i in range(0, len(text), LINE)).decode()


def unwrap(text: str) -> tuple[str, bytes]:
    """(name, data) of what wrap made; the extra character may leave a byte behind the data."""
    whole = _bytes_of(text.encode("ascii", "replace"))
    mime, _, rest = whole.partition(b"\0\0")
    name, end, data = rest.partition(b"\0")
    if mime != MIME or not end:
        raise ValueError("not an envelope of Serato's")
    return name.decode("ascii", "replace"), data


def _lines(data: bytes) -> bytes:
    """Base64 in lines, without padding."""
    text = base64.b64encode(data).rstrip(b"=")
    return b"\n".join(text[i : i + LINE] for i in range(0, len(text), LINE))


def _bytes_of(text: bytes) -> bytes:
    """What base64 means, with a character too many or without padding; ValueError if not."""
    text = b"".join(text.split())
    if len(text) % 4 == 1:
        text = text[:-1]
    return base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
