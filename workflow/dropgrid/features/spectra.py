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

from ..native import compiled

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
    buffered, samples, sent = LONGEST // 2, 0, 0
    for block in blocks:
        pending.append(block)
        buffered += len(block)
        samples += len(block)
        # Not the last frames yet: how many there are shows only at the end.
        while buffered >= length + frames * HOP:
            signal = np.concatenate(pending)
            yield signal[:length]
            pending = [signal[frames * HOP :]]
            buffered -= frames * HOP
            sent += frames
    rest = -(-samples // HOP) - sent
    signal = np.concatenate([*pending, np.zeros(LONGEST, np.float32)])
    for first in range(0, rest, frames):
        count = min(frames, rest - first)
        yield signal[first * HOP : (first + count - 1) * HOP + LONGEST]


class Transform:
    """The magnitudes of real frames of one size under a Hann window.

    The compiled transform takes as many frames side by side as a vector has lanes, and its
    numbers are scipy's (native/transform.h), which does them without the compiled loops. Sizes
    that are no power of two go through NumPy. Both take a few frames at a time in the same
    memory, which stays in the processor's nearest caches: all frames of a segment at once take a
    quarter more.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._window = hann(size)
        of_two = size & (size - 1) == 0
        self._compiled = compiled() if of_two else None
        if self._compiled:
            self._factors = factors(size)
        else:
            self._real_fft = real_fft() if of_two else numpy_fft
            rows = max(AT_ONCE // size, 1)
            self._frames = np.empty((rows, size), np.float32)
            self._spectra = np.empty((rows, size // 2 + 1), np.complex64)

    def __call__(
        self, frames: np.ndarray, magnitudes: np.ndarray, lowest: np.ndarray | None = None
    ) -> None:
        """Fill magnitudes (frames, bins) from 0 Hz up, bins at most half the size, and lowest
        (frames, fewer bins) complex64, of frames (frames, size), which may overlap in memory."""
        if lowest is None:
            lowest = np.empty((len(frames), 0), np.complex64)
        if not self._compiled:
            return self._by_library(frames, magnitudes, lowest)
        assert frames.strides[1] == frames.itemsize and frames.dtype == np.float32
        assert magnitudes.flags.c_contiguous and lowest.flags.c_contiguous
        assert len(frames) == len(magnitudes) == len(lowest) and frames.shape[1] == self.size
        return self._compiled.transform(
            frames.ctypes.data, len(frames), self.size, frames.strides[0] // frames.itemsize,
            self._window.ctypes.data, self._factors.ctypes.data, magnitudes.ctypes.data,
            magnitudes.shape[1], lowest.ctypes.data, lowest.shape[1],
        )  # fmt: skip

    def _by_library(self, frames: np.ndarray, magnitudes: np.ndarray, lowest: np.ndarray) -> None:
        bins, step = magnitudes.shape[1], len(self._frames)
        for start in range(0, len(frames), step):
            few = frames[start : start + step]
            windowed, spectra = self._frames[: len(few)], self._spectra[: len(few)]
            np.multiply(few, self._window, out=windowed)
            self._real_fft(windowed, spectra)
            re, im = spectra.real[:, :bins], spectra.imag[:, :bins]
            np.sqrt(re * re + im * im, out=magnitudes[start : start + step])
            lowest[start : start + step] = spectra[:, : lowest.shape[1]]


class Spectra:
    """The magnitudes of segments' frames of each of FRAME_SIZES."""

    def __init__(self, bins: Sequence[int], lowest: int, frames: int = CHUNK) -> None:
        """bins: how many magnitudes of each spectrum are wanted, from 0 Hz up; lowest: how many
        complex values of the longest frames'."""
        self._transforms = [Transform(size) for size in FRAME_SIZES]
        self._magnitudes = [np.empty((frames, count), np.float32) for count in bins]
        self._lowest = np.empty((frames, lowest), np.complex64)

    def __call__(self, segment: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
        """The lowest complex values of a segment's longest frames, and the magnitudes of each of
        FRAME_SIZES.

        Both are overwritten by the next call.
        """
        count = (len(segment) - LONGEST) // HOP + 1
        for transform, magnitudes in zip(self._transforms, self._magnitudes, strict=True):
            size = transform.size
            overlapping = np.lib.stride_tricks.as_strided(
                segment[(LONGEST - size) // 2 :],
                (count, size),
                (HOP * segment.itemsize, segment.itemsize),
                writeable=False,
            )
            lowest = self._lowest[:count] if size == LONGEST else None
            transform(overlapping, magnitudes[:count], lowest)
        return self._lowest[:count], [m[:count] for m in self._magnitudes]


@cache
def factors(size: int) -> np.ndarray:
    """Cosines and sines of the passes of a transform of a power of two, in the order in which
    native/transform.h reads them."""
    twos = size.bit_length() - 1
    found, done = [], 1
    for radix in [2] * (twos % 2) + [4] * (twos // 2):
        groups, done = done, done * radix
        pairs = np.arange(1, (size // done + 1) // 2)
        for turn in range(1, radix):
            angles = 2 * np.pi / size * (turn * groups * pairs)
            values = np.zeros(size // done - 1)
            values[0 : 2 * len(pairs) : 2] = np.cos(angles)
            values[1 : 2 * len(pairs) : 2] = np.sin(angles)
            found.append(values)
    return np.concatenate(found).astype(np.float32)


def hann(size: int) -> np.ndarray:
    """madmom's window: a symmetric Hann window of height 32768 / 32767, float32."""
    return (np.hanning(size) * (32768 / 32767)).astype(np.float32)


def numpy_fft(frames: np.ndarray, out: np.ndarray) -> None:
    """NumPy's real FFT along the last axis, into out."""
    np.fft.rfft(frames, out=out)


@cache
def real_fft() -> Callable[[np.ndarray, np.ndarray], object]:
    """scipy's single-precision real FFT along the last axis, into its second argument.

    NumPy's takes four times as long for float32; `import scipy.fft` costs 0.3 s of cpu, a tenth of
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
