"""Ogg files by FFmpeg's libraries, called from C (native/ffmpeg.c): what PyAV would read of them,
in half the time, and without importing PyAV."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from functools import cache
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from ..native import address, compiled

MAJOR_VERSIONS = (61, 62)  # of libavcodec and libavformat: FFmpeg 7 and 8
KINDS = ("avcodec", "avformat")


@cache
def libraries() -> tuple[ctypes.CDLL, np.ndarray] | None:
    """PyAV's libraries and the addresses of what native/ffmpeg.c calls of them; None where there
    are no compiled loops, or other libraries than those the loops know."""
    loops, package = compiled(), find_spec("av")
    if loops is None or package is None or package.origin is None:
        return None
    for suffix in EXTENSION_SUFFIXES:
        core = Path(package.origin).with_name(f"_core{suffix}")
        if core.exists():
            break
    try:
        # One of PyAV's modules, which is linked with them: their names are found through it.
        found = ctypes.CDLL(str(core))
        versions = [getattr(found, f"{kind}_version")() >> 16 for kind in KINDS]
        if any(version not in MAJOR_VERSIONS for version in versions):
            return None
        functions = [getattr(found, name) for name in loops.ffmpeg_functions()]
    except (OSError, AttributeError):
        return None
    places = [ctypes.cast(function, ctypes.c_void_p).value for function in functions]
    return found, np.array(places, np.uint64)


def codec_version() -> str | None:
    """libavcodec's version; None where PyAV has to be asked."""
    if (known := libraries()) is None:
        return None
    number = known[0].avcodec_version()
    return f"{number >> 16}.{number >> 8 & 255}.{number & 255}"


def opened(path: Path) -> Any:
    """An Ogg file, for the two functions below; None where PyAV has to read it. Raises ValueError
    where FFmpeg finds no sound in it, OSError."""
    if (known := libraries()) is None:
        return None
    return compiled().ffmpeg_open(os.open(path, os.O_RDONLY | os.O_CLOEXEC), address(known[1]))


def samples(source: Any, room: np.ndarray, enough: int) -> Iterator[int]:
    """Fill room (channels, capacity), one or two channels, with `enough` samples of Vorbis or
    some more, again and again; how many there are each time. Raises ValueError behind the last
    ones where the next cannot be decoded, OSError."""
    loops = compiled()
    assert room.flags.c_contiguous and room.dtype == np.float32 and enough < room.shape[1]
    while count := loops.ffmpeg_read(source, address(room), room.shape[1], len(room), enough):
        yield count


def lengths(source: Any, most: int) -> tuple[int, int]:
    """Of so many packets: how long all but the last are, and what the pages say."""
    together, declared = compiled().ffmpeg_lengths(source, most)
    return together, declared
