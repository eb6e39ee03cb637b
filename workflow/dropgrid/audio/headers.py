"""The length of WMA files by their header, and whether another recording follows the first.

FFmpeg, where bytes follow a WMA file, guesses its length from the file's size.

Files set one behind the other: decoders of WAV, AIFF, FLAC, M4A and WMA stop after the first;
`another_behind` tells that there is a second. (Of Ogg and MP3, see those modules.)

Source: Advanced Systems Format 1.20 (Microsoft), 3.2.
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import IO

from .chunks import audio_chunk
from .mp4 import count_files

ASF_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")  # the id of that object
# How a file of each format begins, by FFmpeg's name for it.
BEGINNINGS = {
    "wav": re.compile(rb"(?s)RIFF....WAVE"),
    "aiff": re.compile(rb"(?s)FORM....AIF[FC]"),
    "flac": re.compile(rb"fLaC\0\0\0\x22"),
    "asf": re.compile(bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")),
}
LONGEST = 16  # bytes of such a beginning at most
PART = 2**20  # bytes looked through at a time
BEHIND = 2**20  # bytes looked through behind the audio, where it is known where that ends


def asf_seconds(path: Path) -> float | None:
    """The length of a WMA file by its header, in seconds; None if not given. Raises OSError."""
    with path.open("rb") as stream:
        head = stream.read(2**16)
    at = head.find(ASF_PROPERTIES)
    fields = head[at + 64 : at + 92]  # play duration, send duration, preroll, flags
    if at < 0 or len(fields) < 28 or fields[24] & 1:  # flag 1: broadcast, nothing is known
        return None
    play = int.from_bytes(fields[:8], "little") / 1e7
    preroll = int.from_bytes(fields[16:24], "little") / 1e3
    return play - preroll if play > preroll else None


def another_behind(path: Path, kind: str) -> bool:
    """Whether another recording follows the first, which decoders do not reach.

    kind: a format, as FFmpeg names it; of others it is not known. Raises OSError.
    """
    if kind.startswith("mov"):
        return count_files(path) > 1
    if kind not in BEGINNINGS:
        return False
    start, length = 16, None
    if kind in ("wav", "aiff"):
        chunk = audio_chunk(path)
        if chunk is None or not chunk.promised:
            return False
        start, length = chunk.start + chunk.present, BEHIND
    with path.open("rb") as stream:
        stream.seek(start)
        return _holds(stream, BEGINNINGS[kind], math.inf if length is None else length)


def _holds(stream: IO[bytes], pattern: re.Pattern[bytes], length: float) -> bool:
    """Whether a pattern of at most LONGEST bytes is in the next so many bytes."""
    before = b""
    while length > 0 and (part := stream.read(int(min(length, PART)))):
        if pattern.search(before + part):
            return True
        before = (before + part)[1 - LONGEST :]
        length -= len(part)
    return False
