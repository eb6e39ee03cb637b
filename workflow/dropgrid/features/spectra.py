"""Three short-time spectra of a stream, chunk by chunk.

Frames lie HOP samples apart; frame i of every size is centred on sample i * HOP, and the signal
is padded with zeros, as madmom frames it.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path

import numpy as np

HOP = 441  # samples between frames: 100 frames a second at 44.1 kHz
FRAME_SIZES = (1024, 2048, 4096)
LONGEST = FRAME_SIZES[-1]
CHUNK = 240  # frames of a segment: a multiple of 10
AT_ONCE = 32768  # samples of frames transformed at once: 128 kB


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


class Spectra:
    """The magnitudes of segments' frames under a Hann window of each of FRAME_SIZES.

    A few frames at a time go through window, transform and magnitude, in the same memory, which
    stays in the processor's nearest caches: all frames of a segment at once take a quarter more.
    """

    def __init__(self, bins: Sequence[int], lowest: int, frames: int = CHUNK) -> None:
        """bins: how many magnitudes of each spectrum are wanted, from 0 Hz up; lowest: how many
        complex values of the longest frames'."""
        self._windows = [hann(size) for size in FRAME_SIZES]
        rows = [AT_ONCE // size for size in FRAME_SIZES]
        sizes = list(zip(rows, FRAME_SIZES, strict=True))
        self._frames = [np.empty((count, size), np.float32) for count, size in sizes]
        self._spectra = [np.empty((count, size // 2 + 1), np.complex64) for count, size in sizes]
        self._magnitudes = [np.empty((frames, count), np.float32) for count in bins]
        self._lowest = np.empty((frames, lowest), np.complex64)

    def __call__(self, segment: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
        """The lowest complex values of a segment's longest frames, and the magnitudes of each of
        FRAME_SIZES.

        Both are overwritten by the next call.
        """
        count = (len(segment) - LONGEST) // HOP + 1
        for i, window in enumerate(self._windows):
            size = len(window)
            overlapping = np.lib.stride_tricks.as_strided(
                segment[(LONGEST - size) // 2 :],
                (count, size),
                (HOP * segment.itemsize, segment.itemsize),
                writeable=False,
            )
            magnitudes = self._magnitudes[i]
            step, bins = len(self._frames[i]), magnitudes.shape[1]
            for start in range(0, count, step):
                end = min(start + step, count)
                frames, spectra = self._frames[i][: end - start], self._spectra[i][: end - start]
                np.multiply(overlapping[start:end], window, out=frames)
                real_fft()(frames, spectra)
                np.abs(spectra[:, :bins], out=magnitudes[start:end])
                if size == LONGEST:
                    self._lowest[start:end] = spectra[:, : self._lowest.shape[1]]
        return self._lowest[:count], [m[:count] for m in self._magnitudes]


def hann(size: int) -> np.ndarray:
    """madmom's window: a symmetric Hann window of height 32768 / 32767, float32."""
    return (np.hanning(size) * (32768 / 32767)).astype(np.float32)


@cache
def real_fft() -> Callable[[np.ndarray, np.ndarray], object]:
    """scipy's single-precision real FFT along the last axis, into its second argument.

    numpy's takes twice the time for float32; `import scipy.fft` costs 0.3 s of cpu, a tenth of
    a track. The compiled kernel behind it loads alone in a few ms; where a scipy keeps it
    elsewhere, scipy.fft is imported after all.
    """
    spec = importlib.machinery.PathFinder.find_spec("scipy", sys.path)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        for file in sorted(Path(folder, "fft", "_pocketfft").glob("pypocketfft.*")):
            kernel = importlib.util.spec_from_file_location("pypocketfft", file)
            if kernel and kernel.loader:
                module = importlib.util.module_from_spec(kernel)
                kernel.loader.exec_module(module)
                return lambda frames, out: module.r2c(frames, (-1,), True, 0, out, 1)
    from scipy.fft import rfft

    return lambda frames, out: np.copyto(out, rfft(frames, axis=-1))
