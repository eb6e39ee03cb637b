"""The atoms of an MP4 file: its edit list, and whether another file follows it.

An edit list declares which part of the coded audio is music: it excludes the encoder's delay at
the start and the padding of the last frame.

Source: ISO/IEC 14496-12, 8.2.2 (mvhd), 8.4.2 (mdhd), 8.6.6 (elst).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

MAX_ATOMS = 10_000  # looked at
MOST_OF_MOOV = 2**24  # bytes of the index that are looked through
BEHIND = 2**20  # bytes looked through behind the last atom


@dataclass(frozen=True)
class EditList:
    """skips: the music begins after the start of the coded audio. left_out: seconds of coded audio
    after the end of the music."""

    skips: bool
    left_out: float


def edit_list(path: Path) -> EditList | None:
    """The first edit list of a file, or None. Raises OSError."""
    moov = _moov(path)
    at = moov.find(b"elst")
    clock, media = _clock(moov, moov.find(b"mvhd")), _clock(moov, moov.find(b"mdhd", at))
    if at < 0 or clock is None or media is None:
        return None
    wide = 8 if moov[at + 4] == 1 else 4
    count = int.from_bytes(moov[at + 8 : at + 12])
    played = begin = 0.0
    for number in range(min(count, MAX_ATOMS)):
        entry = moov[at + 12 + number * (2 * wide + 4) :][: 2 * wide]
        start = int.from_bytes(entry[wide:], signed=True)
        if len(entry) < 2 * wide or start < 0:  # of silence before the music
            continue
        played += int.from_bytes(entry[:wide]) / clock[0]
        begin = begin or start / media[0]
    known = played > 0  # 0: to the end
    return EditList(begin > 0, media[1] - begin - played if known else 0.0)


def _clock(moov: bytes, at: int) -> tuple[int, float] | None:
    """(ticks a second, seconds) of the header atom whose name is at `at`; None if it is missing or
    invalid."""
    if at < 0 or len(moov) < at + 40:
        return None
    wide = 8 if moov[at + 4] == 1 else 4
    at += 8 + 2 * wide
    ticks = int.from_bytes(moov[at : at + 4])
    return (ticks, int.from_bytes(moov[at + 4 : at + 4 + wide]) / ticks) if ticks else None


def _moov(path: Path) -> bytes:
    """The index of a file; empty if there is none."""
    with path.open("rb") as stream:
        size = stream.seek(0, 2)
        at = 0
        for _ in range(MAX_ATOMS):
            stream.seek(at)
            head = stream.read(8)
            length = int.from_bytes(head[:4])
            if head[4:] == b"moov":
                return stream.read(min(length, MOST_OF_MOOV))
            if length == 1:  # in 64 bits
                length = int.from_bytes(stream.read(8))
            if length < 8 or at + length > size:
                return b""
            at += length
    return b""


def count_files(path: Path) -> int:
    """The number of concatenated MP4 files, counted by `ftyp` atoms, also after other bytes."""
    count = at = 0
    with path.open("rb") as stream:
        size = stream.seek(0, 2)
        for _ in range(MAX_ATOMS):
            stream.seek(at)
            head = stream.read(16)
            length = int.from_bytes(head[:4])
            if length == 1:  # in 64 bits
                length = int.from_bytes(head[8:])
            if length < 8 or at + length > size:
                stream.seek(at)
                return count + (b"ftyp" in stream.read(BEHIND))
            count += head[4:8] == b"ftyp"
            at += length
    return count
