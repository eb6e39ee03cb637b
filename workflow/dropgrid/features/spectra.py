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

from ..native import address, compiled
from .engines.matrix import Matrix

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


class Bank:
    """Weighted sums over the bins of a spectrum: of magnitudes, and of powers.

    amplitudes, powers: (bins, columns), few of whose weights are not 0. Each sum runs from its
    first bin to its last, fused, whatever the processor.
    """

    def __init__(self, amplitudes: np.ndarray, powers: np.ndarray) -> None:
        self.matrices = amplitudes, powers
        self.columns = amplitudes.shape[1] + powers.shape[1]
        spans, weights, at = [], [], 0
        for column in (*amplitudes.T, *powers.T):
            used = np.flatnonzero(column)
            first, end = (used[0], used[-1] + 1) if len(used) else (0, 0)
            spans.append((first, end - first, at))
            weights.append(column[first:end])
            at += end - first
        self.spans = np.array(spans, np.int32).reshape(-1, 3)
        self.weights = np.concatenate([np.zeros(0), *weights]).astype(np.float32)

    def sum(self, magnitudes: np.ndarray, powers: np.ndarray, sums: np.ndarray) -> None:
        """Fill sums (frames, columns), without the compiled transform."""
        at = 0
        for matrix, values in zip(self._products(), (magnitudes, powers), strict=True):
            if matrix is not None:
                room = np.zeros((len(sums), matrix.width), np.float32)
                matrix.multiply(values[:, : matrix.terms], room)
                count = min(matrix.width, self.columns - at)
                sums[:, at : at + count] = room[:, :count]
            at = self.matrices[0].shape[1]

    @cache  # noqa: B019  # of few, which live as long as the process
    def _products(self) -> list[Matrix | None]:
        return [Matrix(matrix) if matrix.size else None for matrix in self.matrices]


NOTHING = Bank(np.zeros((0, 0), np.float32), np.zeros((0, 0), np.float32))


class Transform:
    """The spectra of real frames of one size under a Hann window.

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

    def magnitudes(self, frames: np.ndarray, bins: int) -> np.ndarray:
        """The magnitudes (frames, bins) from 0 Hz up, bins at most half the size, of frames
        (frames, size), which may overlap in memory."""
        found = np.empty((len(frames), bins), np.float32)
        self._fill(frames, found, np.empty((len(frames), 0), np.complex64), NOTHING)
        return found

    def sums(self, frames: np.ndarray, bank: Bank, lowest: int = 0) -> tuple[np.ndarray, ...]:
        """The sums (frames, columns) of a bank over the spectra of frames, and as many of their
        lowest bins (frames, lowest) complex64."""
        complexes = np.empty((len(frames), lowest), np.complex64)
        none = np.empty((len(frames), 0), np.float32)
        return self._fill(frames, none, complexes, bank), complexes

    def _fill(
        self, frames: np.ndarray, magnitudes: np.ndarray, lowest: np.ndarray, bank: Bank
    ) -> np.ndarray:
        """Fill magnitudes and lowest bins; return the bank's sums."""
        sums = np.empty((len(frames), bank.columns), np.float32)
        if not self._compiled:
            self._by_library(frames, magnitudes, lowest, bank, sums)
            return sums
        assert frames.strides[1] == frames.itemsize and frames.dtype == np.float32
        assert magnitudes.flags.c_contiguous and lowest.flags.c_contiguous
        assert len(frames) == len(magnitudes) == len(lowest) and frames.shape[1] == self.size
        self._compiled.transform(
            address(frames), len(frames), self.size, frames.strides[0] // frames.itemsize,
            address(self._window), address(self._factors), address(magnitudes),
            magnitudes.shape[1], address(lowest), lowest.shape[1], address(bank.spans),
            address(bank.weights), *(matrix.shape[1] for matrix in bank.matrices),
            address(sums),
        )  # fmt: skip
        return sums

    def _by_library(
        self,
        frames: np.ndarray,
        magnitudes: np.ndarray,
        lowest: np.ndarray,
        bank: Bank,
        sums: np.ndarray,
    ) -> None:
        bins, step = magnitudes.shape[1], len(self._frames)
        for start in range(0, len(frames), step):
            few = frames[start : start + step]
            windowed, spectra = self._frames[: len(few)], self._spectra[: len(few)]
            np.multiply(few, self._window, out=windowed)
            self._real_fft(windowed, spectra)
            re, im = spectra.real, spectra.imag
            powers = re * re + im * im
            found = np.sqrt(powers)
            magnitudes[start : start + step] = found[:, :bins]
            if bank.columns:
                bank.sum(found, powers, sums[start : start + step])
            lowest[start : start + step] = spectra[:, : lowest.shape[1]]


class Spectra:
    """The sums of a bank each over segments' frames of FRAME_SIZES."""

    def __init__(self, banks: Sequence[Bank], lowest: int) -> None:
        """lowest: how many complex bins of the longest frames are needed, from 0 Hz up."""
        self._transforms = [Transform(size) for size in FRAME_SIZES]
        self._banks, self._lowest = banks, lowest

    def __call__(self, segment: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
        """The lowest bins of a segment's longest frames, and the sums of each of FRAME_SIZES."""
        count = (len(segment) - LONGEST) // HOP + 1
        found = []
        for transform, bank in zip(self._transforms, self._banks, strict=True):
            size = transform.size
            overlapping = np.lib.stride_tricks.as_strided(
                segment[(LONGEST - size) // 2 :],
                (count, size),
                (HOP * segment.itemsize, segment.itemsize),
                writeable=False,
            )
            sums, lowest = transform.sums(overlapping, bank, self._lowest * (size == LONGEST))
            found.append(sums)
        return lowest, found


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
