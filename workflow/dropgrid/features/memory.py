"""How much memory the stages of a track take, from measurement; giving back what is free."""

from __future__ import annotations

from contextlib import suppress
from pathlib import PurePosixPath

from .engines.front_end import WHOLE

BASE = 220.0  # MB: Python, NumPy, every stage's code, decoder, buffers, and a fifth to spare
HELD = 8.0  # MB a minute that is one sequence: the levels of bands and a network's states
THREAD = 45.0  # MB of each further thread: its stack, what waits to be taken from it
THREAD_HELD = 4.0  # MB a minute of one sequence and further thread: its networks' states
LIBROSA = 120.0  # MB of librosa and its compiler, beside the key network
OPEN = 10.0  # MB of the method of that name beside the key network
KEPT = 1.3  # MB a minute beyond: activations and descriptors, and their copy when saved


# MB of file a minute of music takes at least, as a rule: 16 bits at 44.1 kHz in stereo, as it is
# and packed; all else is compressed to 128 kbit/s or more.
FILE = {".wav": 10.0, ".wave": 10.0, ".aif": 10.0, ".aiff": 10.0, ".aifc": 10.0, ".flac": 4.0}
COMPRESSED = 1.0
LONG = 600.0  # minutes: what the last try of a job is for, however small its file


def minutes(path: str, size: int) -> float:
    """The longest a file of so many bytes is likely to play; a job that asks for too little
    because of an odd one is tried again with more."""
    return max(size, 0) / 2**20 / FILE.get(PurePosixPath(path).suffix.lower(), COMPRESSED)


def megabytes(minutes: float, method: str = "madmom", threads: int = 1) -> int:
    """A limit on allocated memory (RLIMIT_DATA, MB of 2^20 bytes) that minutes of audio keep to.

    Measured (FLAC at 44.1 kHz in stereo), MB allocated at most with the key network:

        minutes      1    5   15
        1 thread   125  152  217
        2 threads  160  185  292

    Other formats take up to 31 MB more (M4A; Ogg Vorbis 13, other sampling rates 6). A fork of the
    warm server holds what all stages import, 55 MB more.

    method: what finds the beats; `open` holds no sequence. threads: that work at a time.
    """
    more = THREAD * (threads - 1)
    if method == "open":
        return round(BASE + OPEN + 2 * KEPT * minutes + more)
    sequence = min(minutes, WHOLE / 6000)
    if method == "librosa":
        more += LIBROSA
    buffers = (HELD + THREAD_HELD * (threads - 1)) * sequence
    return round(BASE + more + buffers + KEPT * (minutes - sequence))


def later_megabytes(minutes: float) -> int:
    """The same limit for the stages that read the features.

    Measured: rhythm 850 MB for seven hours, structure 670.
    """
    return round(max(300.0, 150 + 2.0 * minutes))


def give_back() -> None:
    """Return to the system what was freed and is still held, where the C library can (glibc).

    Buffers that live longer keep the heap from shrinking by itself: 25 MB of five minutes.
    """
    import ctypes

    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)
