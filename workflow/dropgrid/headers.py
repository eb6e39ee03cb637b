"""How much audio the headers of WAV, AIFF and WMA files promise.

A WAV or AIFF file is a row of chunks, each with its size; one of them is the audio. Only that
chunk must fit: what stands behind it (a tag, text, zeros) and the size of the whole say nothing
about the music, and a program that writes to a pipe cannot go back and fill sizes in. A WMA
file says how long it plays; FFmpeg, where bytes follow, guesses it from the file's size instead.

Sources: Multimedia Programming Interface and Data Specifications 1.0 (IBM, Microsoft);
EBU Tech 3306 (RF64); Audio Interchange File Format 1.3 (Apple); Advanced Systems Format 1.20
(Microsoft), 3.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

from .mp3 import end_of_id3

MAX_CHUNKS = 10_000  # looked at before the audio's
ASF_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")  # the id of that object
UNKNOWN = range(2**32 - 2**16, 2**32)  # sizes that say "written to a pipe"
UNKNOWN_SOX = range(0x7FFF0000, 0x80000000)  # those SoX writes


@dataclass(frozen=True)
class AudioChunk:
    """promised: its bytes, by its header; None where that does not know. present: those there."""

    promised: int | None
    present: int


def audio_chunk(path: Path) -> AudioChunk | None:
    """The chunk of a file that holds its audio; None where there is none. Raises OSError."""
    with path.open("rb") as stream:
        size = stream.seek(0, 2)
        stream.seek(0)
        stream.seek(end_of_id3(stream))
        head = stream.read(12)
        kind, form = head[:4], head[8:]
        if kind in (b"RIFF", b"RIFX", b"RF64") and form == b"WAVE":
            return _find(stream, size, b"data", "big" if kind == b"RIFX" else "little")
        if kind == b"FORM" and form in (b"AIFF", b"AIFC"):
            return _find(stream, size, b"SSND", "big")
    return None


def _find(
    stream: IO[bytes], size: int, wanted: bytes, order: Literal["big", "little"]
) -> AudioChunk | None:
    long_size: int | None = None  # of the audio, where 32 bits do not hold it
    for _ in range(MAX_CHUNKS):
        head = stream.read(8)
        if len(head) < 8:
            return None
        name, length = head[:4], int.from_bytes(head[4:], order)
        at = stream.tell()
        if name == wanted:
            return _chunk(length, long_size, size - at)
        if name == b"ds64":
            long_size = int.from_bytes(stream.read(16)[8:], "little")
        stream.seek(at + length + length % 2)
    return None


def _chunk(length: int, long_size: int | None, rest: int) -> AudioChunk:
    if long_size and length in UNKNOWN:
        length = long_size
    elif length in UNKNOWN or (length in UNKNOWN_SOX and length > rest):
        return AudioChunk(None, rest)
    return AudioChunk(length, min(length, rest) if length else rest)


def asf_seconds(path: Path) -> float | None:
    """How long a WMA file plays, by its header; None where that says nothing. Raises OSError."""
    with path.open("rb") as stream:
        head = stream.read(2**16)
    at = head.find(ASF_PROPERTIES)
    fields = head[at + 64 : at + 92]  # play duration, send duration, preroll, flags
    if at < 0 or len(fields) < 28 or fields[24] & 1:  # flag 1: broadcast, nothing is known
        return None
    play = int.from_bytes(fields[:8], "little") / 1e7
    preroll = int.from_bytes(fields[16:24], "little") / 1e3
    return play - preroll if play > preroll else None
