"""The chunks of WAV, Wave64, AIFF and CAF files: where the audio is, and what follows it.

Such a file is a sequence of chunks, each with its size; one chunk contains the audio. Only the
size of that chunk must be right. The data after it (a tag, text, zeros) and the size of the whole
file do not affect the music, and a program that writes to a pipe cannot go back to fill in sizes.
Beyond 4 GiB a 32-bit size wraps around: the rest of the audio follows the apparent end of the
chunk.

Sources: Multimedia Programming Interface and Data Specifications 1.0 (IBM, Microsoft);
EBU Tech 3306 (RF64); Audio Interchange File Format 1.3, Core Audio Format 1.0 (Apple).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

from .mp3_frames import end_of_id3

MAX_CHUNKS = 10_000  # limit for the search before the audio and after it
UNKNOWN = range(2**32 - 2**16, 2**32)  # sizes that mean "written to a pipe"
UNKNOWN_SOX = range(0x7FFF0000, 0x80000000)  # those SoX writes
WRAPPED = 2**32  # what a size of 32 bits is short by
LOOKED_AT = 2**16  # bytes outside chunks, to distinguish text and padding from sound
TAGS_AT_END = (b"TAG", b"APETAGEX", b"LYRICSBEGIN")
PRINTABLE = bytes(range(32, 127))
TEXT = PRINTABLE + b"\t\r\n"


@dataclass(frozen=True)
class AudioChunk:
    """promised: the size in bytes in its header; None if the header has none. present: the bytes
    in the file from byte `start`. big: sizes are big-endian. long: sizes have 64 bits. wave64: the
    names also have 16 bytes."""

    start: int
    promised: int | None
    present: int
    big: bool = False
    long: bool = False
    wave64: bool = False


def audio_chunk(path: Path) -> AudioChunk | None:
    """The chunk of a file with its audio, or None. Raises OSError."""
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
        if kind == b"riff":
            return _find_w64(stream, size)
        if kind == b"caff":
            stream.seek(-4, 1)
            return _find(stream, size, b"data", "big", long=True)
    return None


def _find(
    stream: IO[bytes],
    size: int,
    wanted: bytes,
    order: Literal["big", "little"],
    long: bool = False,
) -> AudioChunk | None:
    long_size: int | None = None  # size of the audio, if 32 bits are too few
    big = order == "big"
    for _ in range(MAX_CHUNKS):
        head = stream.read(12 if long else 8)
        if len(head) < (12 if long else 8):
            return None
        name, length = head[:4], int.from_bytes(head[4:], order)
        at = stream.tell()
        if name == wanted and long:
            known = length != 2**64 - 1
            return AudioChunk(at, length if known else None, min(length, size - at), big, long)
        if name == wanted:
            return _chunk(at, length, long_size, size - at, big)
        if name == b"ds64":
            long_size = int.from_bytes(stream.read(16)[8:], "little")
        if length > size - at:
            return None
        stream.seek(at + length + (0 if long else length % 2))
    return None


def _find_w64(stream: IO[bytes], size: int) -> AudioChunk | None:
    """The same for Sony's Wave64, with names of 16 bytes and sizes of 8 that include these 24."""
    at = 40  # after the names of the file and of its form
    for _ in range(MAX_CHUNKS):
        stream.seek(at)
        head = stream.read(24)
        length = int.from_bytes(head[16:], "little")
        if len(head) < 24 or length < 24:
            return None
        if head[:4] == b"data":
            return AudioChunk(at + 24, length - 24, min(length, size - at) - 24, wave64=True)
        at += (length + 7) // 8 * 8
        if at > size:
            return None
    return None


def _chunk(at: int, length: int, long_size: int | None, rest: int, big: bool) -> AudioChunk:
    if long_size and length in UNKNOWN:
        length = long_size
    elif length in UNKNOWN or (length in UNKNOWN_SOX and length > rest):
        return AudioChunk(at, None, rest, big)
    return AudioChunk(at, length, min(length, rest) if length else rest, big)


def unexplained(path: Path, chunk: AudioChunk) -> int:
    """The number of bytes after the audio that are not chunks, tags, text or padding.

    Raises OSError."""
    if not chunk.promised or chunk.wave64:  # of which libsndfile reads all
        return 0
    with path.open("rb") as stream:
        size = stream.seek(0, 2)
        at = chunk.start + chunk.present
        at += 0 if chunk.long else at % 2
        for _ in range(MAX_CHUNKS):
            stream.seek(at)
            head = stream.read(12 if chunk.long else 8)
            length = _length_of_chunk(head, chunk, size - at - len(head))
            if length is None:
                break
            at += len(head) + length + (0 if chunk.long else length % 2)
        return max(0, _sound(stream, at, size))


def _length_of_chunk(head: bytes, chunk: AudioChunk, rest: int) -> int | None:
    """The length in bytes of the chunk that starts with `head`; None if no valid chunk fits."""
    if len(head) < 8 or head[:4].translate(None, PRINTABLE):
        return None
    length = int.from_bytes(head[4:], "big" if chunk.big else "little")
    return length if length <= rest + 1 else None


def _sound(stream: IO[bytes], at: int, size: int) -> int:
    """The number of bytes from `at` on, if they may be sound; else 0."""
    stream.seek(at)
    begin = stream.read(LOOKED_AT)
    if begin[:3] == b"ID3" or begin.startswith(TAGS_AT_END) or not begin.translate(None, TEXT):
        return 0
    while begin:
        if begin.strip(b"\0") and begin.strip(b"\xff"):
            return size - at
        begin = stream.read(2**20)
    return 0


def wrapped_end(path: Path, chunk: AudioChunk) -> int | None:
    """The end of the audio in a WAV file beyond 4 GiB whose 32-bit size wrapped around.

    None if the size is right. Raises OSError."""
    size = path.stat().st_size
    if chunk.long or not chunk.promised or size - chunk.start < WRAPPED:
        return None
    times = (size - chunk.start - chunk.promised) // WRAPPED
    if times < 1 or not unexplained(path, chunk):
        return None
    return chunk.start + chunk.promised + times * WRAPPED
