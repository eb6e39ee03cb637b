"""Memory limits of a track's stages, from measurements; return free memory to the system."""

from __future__ import annotations

from contextlib import suppress
from pathlib import PurePosixPath

from .engines.front_end import WHOLE

BASE = 220.0  # MB: Python, NumPy, every stage's code, decoder, buffers, and a reserve of a fifth
SEQUENCE = 8.0  # MB a minute of one sequence: the levels of bands and a network's states
THREAD = 45.0  # MB of each further thread: its stack and its queue of results
THREAD_SEQUENCE = 4.0  # the same of each further thread: its networks' states
LIBROSA = 120.0  # MB of librosa and its compiler, besides the key network
OPEN = 10.0  # MB of the method `open`, besides the key network
KEPT = 1.3  # MB a minute of further music: activations and descriptors, and their copy when saved


# Usual minimum of file size, MB a minute: 16 bits at 44.1 kHz in stereo, uncompressed or in FLAC;
# other files are compressed to 128 kbit/s or more.
FILE = {".wav": 10.0, ".wave": 10.0, ".aif": 10.0, ".aiff": 10.0, ".aifc": 10.0, ".flac": 4.0}
COMPRESSED = 1.0
LONG = 600.0  # minutes: assumed for the last attempt of a job, whatever the size of its file


def minutes(path: str, size: int) -> float:
    """The longest likely duration of a file of `size` bytes, in minutes. If it is too short for
    an unusual file, the job is tried again with more memory."""
    return max(size, 0) / 2**20 / FILE.get(PurePosixPath(path).suffix.lower(), COMPRESSED)


def megabytes(minutes: float, method: str = "madmom", threads: int = 1) -> int:
    """A limit on allocated memory (RLIMIT_DATA, MB of 2^20 bytes) for minutes of audio.

    Measured (FLAC at 44.1 kHz in stereo), MB allocated at most with the key network:

        minutes      1    5   15
        1 thread   125  152  217
        2 threads  160  185  292

    Other formats take up to 31 MB more (M4A; Ogg Vorbis 13, other sampling rates 6). A fork of the
    warm server has the imports of all stages, 55 MB more.

    method: of beat detection; `open` keeps no sequence. threads: number that run in parallel.
    """
    more = THREAD * (threads - 1)
    if method == "open":
        return round(BASE + OPEN + 2 * KEPT * minutes + more)
    sequence = min(minutes, WHOLE / 6000)
    if method == "librosa":
        more += LIBROSA
    buffers = (SEQUENCE + THREAD_SEQUENCE * (threads - 1)) * sequence
    return round(BASE + more + buffers + KEPT * (minutes - sequence))


def later_megabytes(minutes: float) -> int:
    """The same limit for the stages that read the features.

    Measured: rhythm 850 MB for seven hours, structure 670.
    """
    return round(max(300.0, 150 + 2.0 * minutes))


def give_back() -> None:
    """Return freed memory to the system, where the C library can do so (glibc).

    Longer-lived buffers keep the heap from shrinking: 25 MB for five minutes of music.
    """
    import ctypes

    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)
