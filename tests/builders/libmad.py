"""libmad, the MP3 decoder of Mixxx and others, through its own library if installed."""

from __future__ import annotations

import ctypes
import ctypes.util
from pathlib import Path

import numpy as np

INSTALL = "apt-get install --no-install-recommends libmad0 lame"
BUFFER_ENDS = 1  # the code at the end of the data, not an error
# Offsets in mad.h's structures, on a 64-bit machine.
ERROR, LENGTH, SAMPLES, ONE = 112, 4106, 4108, 2**28


def found() -> str | None:
    """The library's name; None if it is not installed."""
    return ctypes.util.find_library("mad")


def decode(path: Path) -> np.ndarray:
    """The first channel of every frame of an MP3, the info frame too: float (samples,)."""
    library = ctypes.CDLL(found())
    stream, frame, synth = (ctypes.create_string_buffer(2**17) for _ in range(3))
    data = path.read_bytes() + bytes(8)  # padding that the decoder needs after the last frame
    held = ctypes.create_string_buffer(data, len(data))
    library.mad_stream_init(stream)
    library.mad_frame_init(frame)
    library.mad_synth_init(synth)
    library.mad_stream_buffer(stream, held, ctypes.c_ulong(len(data)))
    blocks = []
    while True:
        if library.mad_frame_decode(frame, stream):
            error = int.from_bytes(stream[ERROR : ERROR + 4], "little")
            if error == BUFFER_ENDS:
                return np.concatenate(blocks)
            continue
        library.mad_synth_frame(synth, frame)
        count = int.from_bytes(synth[LENGTH : LENGTH + 2], "little")
        raw = synth[SAMPLES : SAMPLES + 4 * count]
        blocks.append(np.frombuffer(raw, dtype=np.int32) / ONE)
