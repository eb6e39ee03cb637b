"""Three short-time spectra of a stream, chunk by chunk.

Frames lie HOP samples apart; frame i of every size is centred on sample i * HOP, and the signal
is padded with zeros, as madmom frames it.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path

import numpy as np

HOP = 441  # samples between frames: 100 frames a second at 44.1 kHz
FRAME_SIZES = (1024, 2048, 4096)
LONGEST = FRAME_SIZES[-1]
CHUNK = 240  # frames transformed at once: a multiple of 10, small enough for the caches


def segments(blocks: Iterable[np.ndarray], frames: int = CHUNK) -> Iterator[np.ndarray]:
    """Cut a mono signal given in blocks into segments of `frames` frames, the last one shorter.

    A segment of n frames has (n - 1) * HOP + LONGEST samples: neighbours overlap so that every
    frame lies in one segment. The whole signal has ceil(samples / HOP) frames.
    """
    length = (frames - 1) * HOP + LONGEST
    pending = [np.zeros(LONGEST // 2, np.float32)]
    held, samples, sent = LONGEST // 2, 0, 0
    for block in blocks:
        pending.append(block)
        held += len(block)
        samples += len(block)
        # Not the last frames yet: how many there are shows only at the end.
        while held >= length + frames * HOP:
            signal = np.concatenate(pending)
            yield signal[:length]
            pending = [signal[frames * HOP :]]
            held -= frames * HOP
            sent += frames
    rest = -(-samples // HOP) - sent
    signal = np.concatenate([*pending, np.zeros(LONGEST, np.float32)])
    for first in range(0, rest, frames):
        count = min(frames, rest - first)
        yield signal[first * HOP : (first + count - 1) * HOP + LONGEST]


def spectrum(segment: np.ndarray, window: np.ndarray) -> np.ndarray:
    """The complex spectra of a segment's frames: (frames, size // 2) complex64, no Nyquist bin.

    window: one of FRAME_SIZES long.
    """
    size = len(window)
    frames = np.lib.stride_tricks.as_strided(
        segment[(LONGEST - size) // 2 :],
        ((len(segment) - LONGEST) // HOP + 1, size),
        (HOP * segment.itemsize, segment.itemsize),
        writeable=False,
    )
    return _real_fft()(frames * window)[:, : size // 2]


def hann(size: int) -> np.ndarray:
    """madmom's window: a symmetric Hann window of height 32768 / 32767, float32."""
    return (np.hanning(size) * (32768 / 32767)).astype(np.float32)


@cache
def _real_fft() -> Callable[[np.ndarray], np.ndarray]:
    """scipy's single-precision real FFT along the last axis, without importing all of scipy.

    numpy's takes twice the time for float32; `import scipy.fft` costs 0.3 s of cpu, a tenth of
    a track. Its compiled kernel loads alone in a few ms; where a scipy keeps it elsewhere, the
    public door is used.
    """
    spec = importlib.machinery.PathFinder.find_spec("scipy", sys.path)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        for file in sorted(Path(folder, "fft", "_pocketfft").glob("pypocketfft.*")):
            kernel = importlib.util.spec_from_file_location("pypocketfft", file)
            if kernel and kernel.loader:
                module = importlib.util.module_from_spec(kernel)
                kernel.loader.exec_module(module)
                return lambda frames: module.r2c(frames, (-1,), True, 0, None, 1)
    from scipy.fft import rfft

    return lambda frames: rfft(frames, axis=-1)
