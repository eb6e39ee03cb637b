"""ANLZ0000.DAT, .EXT and .2EX: a track's grid, cues, waveforms and phrases for players.

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
MAX_MEMORY, MAX_HOT = 10, 8  # cues that players store per track
MAX_COMMENT = 60  # characters of a cue's name
MASK = bytes.fromhex("cbe1eefae5eeadeee9d2e9ebe1e9f3e8e9f4e1")  # of phrases, with their number
HIGH_MOOD = 1
SEEK_POINTS = 400
BAND_GAIN = 100  # per cent by which players enlarge a band
# The phrases that the high mood has: intro, up, down, chorus, outro.
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
    """beat: the number (from 1) of the beat on which a phrase begins; label: its section's."""

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
    """The index that players use to seek in an MP3. samples: of all its frames. places: for each
    of SEEK_POINTS equal parts of the music, the byte offset of its first frame from the first
    frame of the file; () at a constant bit rate, which needs no index."""

    samples: int = 0
    places: tuple[int, ...] = ()


def dat_file(
    path: str,
    beats: Sequence[Beat],
    cues: Sequence[PlayerCue],
    waves: Waveforms,
    seek: SeekIndex = SeekIndex(),
) -> bytes:
    """ANLZ0000.DAT of a track. path: of its audio, from the stick's root; seek: for MP3s."""
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
    """ANLZ0000.2EX of a track. PWVC contains the gains of the three bands; rekordbox levels a
    track with them, but the waveforms here are already level."""
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
    """The path of the audio, from the stick's root."""
    data = path.encode("utf-16-be", "replace") + b"\0\0"
    return _tag(b"PPTH", struct.pack(">I", len(data)), data)


def seek_tag(seek: SeekIndex) -> bytes:
    """The index of an MP3; zeros for other files."""
    places = seek.places or (0,) * SEEK_POINTS
    return _tag(b"PVBR", bytes(4), struct.pack(f">{SEEK_POINTS}II", *places, seek.samples))


def grid_tag(beats: Sequence[Beat]) -> bytes:
    """Every beat with its position in the bar, tempo and time, truncated to milliseconds."""
    body = b"".join(struct.pack(">HHI", *_entry(beat)) for beat in beats)
    return _tag(b"PQTZ", struct.pack(">III", 0, 0x80000, len(beats)), body)


def exact_grid_tag(beats: Sequence[Beat]) -> bytes:
    """The microseconds of every beat that grid_tag truncates, after the first and the last beat
    and a checksum of all. Derived from exports by rekordbox, in which the combined times of all
    beats are whole samples (tests/unit/player_formats/test_analysis_file.py)."""
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
    """(position in its bar, hundredths of a BPM, whole milliseconds) of a beat."""
    return beat.number, round(100 * beat.tempo), microseconds(beat.time) // 1000


def of_kind(cues: Sequence[PlayerCue], kind: int) -> list[PlayerCue]:
    """The hot cues by pad, or the memory cues by time; only as many as players store."""
    if kind == HOT:
        found = [cue for cue in cues if cue.pad is not None and cue.pad < MAX_HOT]
        return sorted(found, key=lambda cue: cue.pad or 0)
    return sorted((cue for cue in cues if cue.pad is None), key=lambda c: c.time)[:MAX_MEMORY]


def cues_tag(cues: Sequence[PlayerCue], kind: int) -> bytes:
    """Cues in the form that all players read: only times."""
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
    """Cues with names and colours, in the form for players since the CDJ-2000NXS2."""
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
    """The phrases, with the high mood, masked in the same way as by rekordbox 6."""
    count = len(phrases)
    head = struct.pack(">IHH6xHxxBx", 24, count, HIGH_MOOD, min(end_beat, 0xFFFF), 0)
    body = b"".join(
        struct.pack(">HHH18x", i, min(phrase.beat, 0xFFFF), PHRASES[phrase.label])
        for i, phrase in enumerate(phrases, 1)
    )
    return masked(_tag(b"PSSI", head, body), count)


def masked(tag: bytes, count: int) -> bytes:
    """A tag of `count` phrases with its mask applied or removed, from the mood on."""
    data = bytearray(tag)
    for i in range(18, len(data)):
        data[i] ^= (MASK[(i - 18) % len(MASK)] + count) & 0xFF
    return bytes(data)


def microseconds(seconds: float) -> int:
    """A time of the grid in microseconds, at least 0."""
    return max(0, round(1e6 * seconds))


def milliseconds(seconds: float) -> int:
    """A time in milliseconds for players, at least 0."""
    return max(0, round(1000 * seconds))
