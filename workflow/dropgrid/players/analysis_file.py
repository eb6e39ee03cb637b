"""ANLZ0000.DAT, .EXT and .2EX: what players know of a track beside the database.

A file is a head and a row of tags; all numbers are big-endian. `.DAT` is what all players read,
`.EXT` what those with colour displays add, `.2EX` the CDJ-3000's waveform of three bands. Times
are milliseconds.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ..records.model import Label

MEMORY, HOT = 0, 1  # kinds of cues
MOST_MEMORY, MOST_HOT = 10, 8  # cues that players keep of a track
MAX_COMMENT = 60  # characters of a cue's name
MASK = bytes.fromhex("cbe1eefae5eeadeee9d2e9ebe1e9f3e8e9f4e1")  # of phrases, with their number
HIGH_MOOD = 1
SEEK_POINTS = 400
BAND_GAIN = 100  # per cent by which players draw a band higher
# Phrases of the high mood, in which there are these: intro, up, down, chorus, outro.
PHRASES: dict[Label, int] = {
    "intro": 1, "buildup": 2, "main": 2, "breakdown": 3, "drop": 5, "outro": 6,
}  # fmt: skip


@dataclass(frozen=True)
class Beat:
    """number: in its bar, from 1. tempo: BPM. time: seconds."""

    number: int
    tempo: float
    time: float


@dataclass(frozen=True)
class PlayerCue:
    """time, end: seconds, end of a loop only. pad: from 0, None for a memory cue.

    colour: (red, green, blue), 0..255.
    """

    time: float
    name: str
    colour: tuple[int, int, int]
    pad: int | None = None
    end: float | None = None


@dataclass(frozen=True)
class PhraseStart:
    """beat: from 1, the one on which a phrase begins; label: of the section it lies in."""

    beat: int
    label: Label


@dataclass(frozen=True)
class Waveforms:
    """uint8 arrays as in the tags of these names: (400,), (100,), (n,), (1200, 6), (n, 2),
    (1200, 3), (n, 3); those of three bands are low, middle, high."""

    preview: np.ndarray
    tiny: np.ndarray
    detail: np.ndarray
    colour_preview: np.ndarray
    colour_detail: np.ndarray
    band_preview: np.ndarray
    band_detail: np.ndarray


@dataclass(frozen=True)
class SeekIndex:
    """By what players seek in an MP3. samples: of all its frames. places: of SEEK_POINTS equal
    parts of the music, the byte at which the frame of its beginning begins, counted from the
    first frame of the file; () where all frames have the same bit rate, which need none."""

    samples: int = 0
    places: tuple[int, ...] = ()


def dat_file(
    path: str,
    beats: Sequence[Beat],
    cues: Sequence[PlayerCue],
    waves: Waveforms,
    seek: SeekIndex = SeekIndex(),
) -> bytes:
    """ANLZ0000.DAT of a track; path: of its audio, from the stick's root. seek: of an MP3."""
    return _file([
        path_tag(path),
        seek_tag(seek),
        grid_tag(beats),
        _tag(b"PWAV", struct.pack(">II", 400, 0x10000), waves.preview.tobytes()),
        _tag(b"PWV2", struct.pack(">II", 100, 0x10000), waves.tiny.tobytes()),
        cues_tag(cues, HOT),
        cues_tag(cues, MEMORY),
    ])  # fmt: skip


def ext_file(
    path: str,
    beats: Sequence[Beat],
    cues: Sequence[PlayerCue],
    waves: Waveforms,
    phrases: Sequence[PhraseStart],
) -> bytes:
    """ANLZ0000.EXT of a track."""
    detail, colour = len(waves.detail), len(waves.colour_detail)
    tags = [
        path_tag(path),
        _tag(b"PWV3", struct.pack(">III", 1, detail, 0x00960000), waves.detail.tobytes()),
        cues_tag(cues, HOT),
        cues_tag(cues, MEMORY),
        named_cues_tag(cues, HOT),
        named_cues_tag(cues, MEMORY),
        *([exact_grid_tag(beats)] if beats else []),
        _tag(b"PWV5", struct.pack(">III", 2, colour, 0x00960305), waves.colour_detail.tobytes()),
        _tag(b"PWV4", struct.pack(">III", 6, 1200, 0), waves.colour_preview.tobytes()),
    ]
    if phrases:
        tags.append(phrases_tag(phrases, len(beats)))
    return _file(tags)


def two_ex_file(path: str, waves: Waveforms) -> bytes:
    """ANLZ0000.2EX of a track. What stands in PWVC are the gains of the three bands; rekordbox
    levels a track by them, the waveforms here are level as they are."""
    detail = len(waves.band_detail)
    return _file([
        path_tag(path),
        _tag(b"PWV7", struct.pack(">III", 3, detail, 0x00960000), waves.band_detail.tobytes()),
        _tag(b"PWV6", struct.pack(">II", 3, 1200), waves.band_preview.tobytes()),
        _tag(b"PWVC", bytes(2), struct.pack(">HHH", *[BAND_GAIN] * 3)),
    ])  # fmt: skip


def _file(tags: Sequence[bytes]) -> bytes:
    length = 28 + sum(map(len, tags))
    head = b"PMAI" + struct.pack(">IIIIII", 28, length, 1, 0x10000, 0x10000, 0)
    return head + b"".join(tags)


def _tag(name: bytes, head: bytes, body: bytes) -> bytes:
    length = 12 + len(head)
    return name + struct.pack(">II", length, length + len(body)) + head + body


def path_tag(path: str) -> bytes:
    """Where the audio lies, from the stick's root."""
    data = path.encode("utf-16-be", "replace") + b"\0\0"
    return _tag(b"PPTH", struct.pack(">I", len(data)), data)


def seek_tag(seek: SeekIndex) -> bytes:
    """The index of an MP3; zeros for another file."""
    places = seek.places or (0,) * SEEK_POINTS
    return _tag(b"PVBR", bytes(4), struct.pack(f">{SEEK_POINTS}II", *places, seek.samples))


def grid_tag(beats: Sequence[Beat]) -> bytes:
    """Every beat with its place in the bar, the tempo there and its time, cut to milliseconds."""
    body = b"".join(struct.pack(">HHI", *_entry(beat)) for beat in beats)
    return _tag(b"PQTZ", struct.pack(">III", 0, 0x80000, len(beats)), body)


def exact_grid_tag(beats: Sequence[Beat]) -> bytes:
    """What grid_tag cuts off: the microseconds of every beat, behind the first and the last beat
    and a checksum of all. Found out from exports of rekordbox, in which the times of all beats
    together are whole samples (tests/unit/players/test_analysis_file.py)."""
    entries = [_entry(beat) for beat in beats]
    ends = b"".join(struct.pack(">HHI", *entry) for entry in (entries[0], entries[-1]))
    head = struct.pack(">III", 0, 0x1000002, 0) + ends
    head += struct.pack(">IIII", len(entries), grid_checksum(entries), 0, 0)
    fractions = (microseconds(beat.time) % 1000 for beat in beats)
    return _tag(b"PQT2", head, b"".join(struct.pack(">H", part) for part in fractions))


def grid_checksum(entries: Iterable[tuple[int, int, int]]) -> int:
    """The sum of all numbers of the entries of a grid, in 32 bits."""
    return sum(map(sum, entries)) & 0xFFFFFFFF


def _entry(beat: Beat) -> tuple[int, int, int]:
    """(place in its bar, hundredths of a BPM, whole milliseconds) of a beat."""
    return beat.number, round(100 * beat.tempo), microseconds(beat.time) // 1000


def of_kind(cues: Sequence[PlayerCue], kind: int) -> list[PlayerCue]:
    """The hot cues by their pads, or the memory cues in the order of time; no more than fit."""
    if kind == HOT:
        found = [cue for cue in cues if cue.pad is not None and cue.pad < MOST_HOT]
        return sorted(found, key=lambda cue: cue.pad or 0)
    return sorted((cue for cue in cues if cue.pad is None), key=lambda c: c.time)[:MOST_MEMORY]


def cues_tag(cues: Sequence[PlayerCue], kind: int) -> bytes:
    """Cues as all players read them: times alone."""
    found = of_kind(cues, kind)
    body = b"".join(_cue(cue, i, len(found)) for i, cue in enumerate(found))
    return _tag(b"PCOB", struct.pack(">IHHi", kind, 0, len(found), -1), body)


def _cue(cue: PlayerCue, place: int, count: int) -> bytes:
    first = 0xFFFF if place == 0 else place - 1
    last = 0xFFFF if place == count - 1 else place + 1
    return b"PCPT" + struct.pack(
        ">IIIIIHHBBHII16x", 28, 56, _pad_number(cue), 4 if cue.end else 0, 0x10000, first, last,
        2 if cue.end else 1, 0, 1000, milliseconds(cue.time), _loop_end(cue),
    )  # fmt: skip


def named_cues_tag(cues: Sequence[PlayerCue], kind: int) -> bytes:
    """Cues with names and colours, as players since the CDJ-2000NXS2 read them."""
    found = of_kind(cues, kind)
    return _tag(
        b"PCO2", struct.pack(">IHH", kind, len(found), 0), b"".join(map(_named_cue, found))
    )


def _named_cue(cue: PlayerCue) -> bytes:
    comment = cue.name[:MAX_COMMENT].encode("utf-16-be", "replace") + b"\0\0"
    body = struct.pack(
        ">IBBHIIB7xHHI", _pad_number(cue), 2 if cue.end else 1, 0, 1000, milliseconds(cue.time),
        _loop_end(cue), 0, 0, 0, len(comment),
    )  # fmt: skip
    body += comment + struct.pack(">BBBB20x", 0, *cue.colour)
    return b"PCP2" + struct.pack(">II", 16, 12 + len(body)) + body


def _pad_number(cue: PlayerCue) -> int:
    return 0 if cue.pad is None else cue.pad + 1


def _loop_end(cue: PlayerCue) -> int:
    return 0xFFFFFFFF if cue.end is None else milliseconds(cue.end)


def phrases_tag(phrases: Sequence[PhraseStart], end_beat: int) -> bytes:
    """The phrases, of the high mood, masked as rekordbox 6 masks them."""
    count = len(phrases)
    head = struct.pack(">IHH6xHxxBx", 24, count, HIGH_MOOD, min(end_beat, 0xFFFF), 0)
    body = b"".join(
        struct.pack(">HHH18x", i, min(phrase.beat, 0xFFFF), PHRASES[phrase.label])
        for i, phrase in enumerate(phrases, 1)
    )
    return masked(_tag(b"PSSI", head, body), count)


def masked(tag: bytes, count: int) -> bytes:
    """A tag of so many phrases with its mask put on, or taken off: from the mood on."""
    data = bytearray(tag)
    for i in range(18, len(data)):
        data[i] ^= (MASK[(i - 18) % len(MASK)] + count) & 0xFF
    return bytes(data)


def microseconds(seconds: float) -> int:
    """A time of the grid; none before 0."""
    return max(0, round(1e6 * seconds))


def milliseconds(seconds: float) -> int:
    """A time as players have it; none before 0."""
    return max(0, round(1000 * seconds))
