"""Measure loudness while the samples are read: ITU-R BS.1770-4 and EBU R 128.

`Meter` takes blocks of the file's own channels at its own rate, before they are mixed, and keeps
one number for each 100 ms: the power of the K-weighted channels, summed with the weights of
their positions. Everything else (`integrated`, `loudness_range`, the loudness of a section) is
arithmetic on those tenths. Loudness is in LUFS, ranges in LU, peaks in dB of full scale.

Sources: ITU-R BS.1770-4, annexes 1 to 3; EBU Tech 3341 (integrated), Tech 3342 (range). The
filters at other rates than 48 kHz: the same analogue prototypes, by bilinear transformation.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
import sys
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from ..audio.channels import POSITIONS, largest
from ..base.quantiles import quantile
from ..native import address, compiled

TENTHS = 10  # powers a second
OFFSET = -0.691  # dB: makes a 997 Hz sine at full scale in one channel read -3.01 LUFS
ABSOLUTE_GATE = -70.0  # LUFS
BLOCK = 4  # tenths in a gating block
SHORT_TERM = 30  # tenths in a short-term window
RELATIVE_GATE = -10.0  # LU below the mean of what passes the absolute gate
RANGE_GATE = -20.0  # LU, the relative gate of the range
RANGE_SHARES = (0.1, 0.95)
LOUDEST = 1e12  # upper limit of a power: a float file may contain any value
SURROUND = 1.41  # weight of a channel between 60 and 120 degrees to the side
AT_ONCE = 65536  # samples that are filtered at once
OVERSAMPLED = 192_000  # Hz at least, where true peaks are looked for


class Meter:
    """Collects the power of each tenth of a second, and the peaks, of blocks of samples.

    rate: of the samples, Hz; positions: of the channels (audio.Reader); true_peak: also measure
    peaks between the samples, which takes twice as long as the rest together.
    """

    def __init__(self, rate: int, positions: Sequence[str], true_peak: bool = False) -> None:
        self.sample_peak = 0.0
        self.true_peak = 0.0 if true_peak else None
        self._parts: list[np.ndarray] = []
        self._oversample: _oversampler | None = None
        self._begin(rate, positions)

    def _begin(self, rate: int, positions: Sequence[str]) -> None:
        """Prepare for samples of a rate; an incomplete tenth is dropped."""
        self._finish_peak()
        by_channel = weights(positions)
        self.rate, self.channels = rate, len(by_channel)
        self._used = [i for i, weight in enumerate(by_channel) if weight]
        self._weights = np.array([by_channel[i] for i in self._used])
        self._sections = k_weighting(rate)
        self._state = np.zeros((2, 2, len(self._used)))  # of each section, by channel
        self._samples = 0
        self._open = 0.0  # weighted energy of the tenth that is not full yet
        if self.true_peak is not None:
            self._oversample = _oversampler(rate, self.channels)

    def add(self, block: np.ndarray, rate: int | None = None) -> None:
        """Add a block: (samples, channels), finite, full scale 1.

        rate: of its samples, if it may differ from the previous rate: a file can contain several
        recordings in sequence. The number of channels then determines their positions.
        """
        if not len(block):
            return
        if (rate or self.rate, block.shape[1]) != (self.rate, self.channels):
            self._begin(rate or self.rate, POSITIONS[block.shape[1]].split())
        self.sample_peak = max(self.sample_peak, largest(block))
        if self._oversample is not None and self.true_peak is not None:
            self.true_peak = max(self.true_peak, largest(self._oversample(block, False)))
        for start in range(0, len(block), AT_ONCE):
            self._measure(block[start : start + AT_ONCE])

    def _measure(self, block: np.ndarray) -> None:
        """Filter a short block, cut it at the edges of the tenths, and sum the squares between
        them."""
        first = self._samples
        self._samples += len(block)
        edges = _edges(first, self._samples, self.rate) - first  # of tenths that end in this block
        starts = np.concatenate([[0], edges[edges < len(block)]])
        if self._state.any() or block.any():
            sums = self._powers(block, starts) @ self._weights
            # An endless decay would reach subnormal numbers, which are very slow.
            self._state[np.abs(self._state) < 1e-30] = 0
        else:
            sums = np.zeros(len(starts))
        if len(sums) == len(edges):  # the block ends where a tenth does
            sums = np.append(sums, 0.0)
        sums[0] += self._open
        self._open = float(sums[-1])
        power = sums[:-1] * (TENTHS / self.rate)
        self._parts.append(np.minimum(power, LOUDEST).astype(np.float32))

    def _powers(self, block: np.ndarray, starts: np.ndarray) -> np.ndarray:
        """The energy of each used channel, filtered, from each start to the next: (starts, used).

        Sums from first to last, so that both implementations give the same bits.
        """
        powers = np.empty((len(starts), len(self._used)))
        if (loops := compiled()) and block.dtype == np.float32:
            step, apart = (stride // 4 for stride in block.strides)
            for at in range(0, len(self._used), 2):
                pair = [at, min(at + 1, len(self._used) - 1)]
                state, sums = self._state[:, :, pair], np.empty((len(starts), 2))
                state = np.ascontiguousarray(state)
                loops.weigh(
                    address(block), len(block), step,
                    *(self._used[channel] * apart for channel in pair), address(self._sections),
                    address(state), address(starts), len(starts), address(sums),
                )  # fmt: skip
                self._state[:, :, pair], powers[:, pair] = state, sums
            return powers
        channels = np.ascontiguousarray(block.T[self._used], np.float64)
        state = np.ascontiguousarray(self._state.transpose(2, 0, 1))
        _cascade()(self._sections, channels, state)
        self._state = state.transpose(1, 2, 0).copy()
        np.square(channels, out=channels)
        for piece, part in enumerate(np.split(channels, starts[1:], axis=1)):
            powers[piece] = np.add.accumulate(part, axis=1)[:, -1]
        return powers

    def arrays(self) -> dict[str, np.ndarray]:
        """The measures of all blocks. Call it only once.

        loudness: (tenths,) float32, weighted power of each whole tenth of a second; peak: (2,)
        float32, the largest sample and the true peak, NaN if it was not measured."""
        self._finish_peak()
        true_peak = np.nan if self.true_peak is None else self.true_peak
        return {
            "loudness": np.concatenate([*self._parts, np.zeros(0, np.float32)]),
            "peak": np.array([self.sample_peak, true_peak], np.float32),
        }

    def _finish_peak(self) -> None:
        """Count the samples still in the oversampling filter."""
        if self._oversample is not None and self.true_peak is not None:
            nothing = np.zeros((0, self._oversample.channels), np.float32)
            rest = largest(self._oversample(nothing, True))
            self.true_peak = max(self.true_peak, rest, self.sample_peak)


def weights(positions: Sequence[str]) -> tuple[float, ...]:
    """The weight of each channel by its position (see audio.Reader). The low-frequency channel
    does not count and the side pair counts more; without a side pair, the back pair takes its
    role."""
    sides = ("SL", "SR") if "SL" in positions else ("BL", "BR")
    return tuple(
        0.0 if name.startswith("LFE") else SURROUND if name in sides else 1.0 for name in positions
    )


def k_weighting(rate: float) -> np.ndarray:
    """The two filters of BS.1770 as second-order sections (2, 6) for a rate in Hz."""
    shelf, high_pass = _tangent(1681.974450955533, rate), _tangent(38.13547087602444, rate)
    gain, quality = 10 ** (3.999843853973347 / 20), 0.7071752369554196
    middle = gain**0.4996667741545416
    norm = 1 + shelf / quality + shelf**2
    first = [
        (gain + middle * shelf / quality + shelf**2) / norm,
        2 * (shelf**2 - gain) / norm,
        (gain - middle * shelf / quality + shelf**2) / norm,
        1.0,
        2 * (shelf**2 - 1) / norm,
        (1 - shelf / quality + shelf**2) / norm,
    ]
    quality = 0.5003270373238773
    norm = 1 + high_pass / quality + high_pass**2
    second = [
        *(1.0, -2.0, 1.0, 1.0),
        2 * (high_pass**2 - 1) / norm,
        (1 - high_pass / quality + high_pass**2) / norm,
    ]
    return np.array([first, second])


def decibels(power: float) -> float:
    """A power in dB."""
    return float(10 * np.log10(power))


def integrated(tenths: np.ndarray) -> float | None:
    """Gated loudness of consecutive tenths, LUFS; None if nothing passes the gate.

    Fewer tenths than a gating block count as one block.
    """
    blocks = _windows(tenths, BLOCK)
    loud = _gated(blocks, RELATIVE_GATE)
    return OFFSET + decibels(loud.mean()) if len(loud) else None


def loudness_range(tenths: np.ndarray) -> float | None:
    """Loudness range of Tech 3342, LU; None for less than a short-term window or silence."""
    if len(tenths) < SHORT_TERM:
        return None
    loud = _gated(_windows(tenths, SHORT_TERM), RANGE_GATE)
    if not len(loud):
        return None
    low, high = (quantile(10 * np.log10(loud), share) for share in RANGE_SHARES)
    return float(high - low)


def loudest(tenths: np.ndarray, window: int) -> float | None:
    """The loudest window of `window` tenths, LUFS: 4 momentary, 30 short-term."""
    power = _windows(tenths, window).max(initial=0.0)
    return OFFSET + decibels(power) if power > _power(ABSOLUTE_GATE) else None


def between(tenths: np.ndarray, start: float, end: float) -> float | None:
    """Gated loudness from start to end in seconds, LUFS, of tenths at least half inside."""
    first, last = round(start * TENTHS), round(end * TENTHS)
    return integrated(tenths[first:last])


def _gated(powers: np.ndarray, relative: float) -> np.ndarray:
    """The powers that pass the absolute gate, and then the relative one."""
    audible = powers[powers > _power(ABSOLUTE_GATE)]
    return audible[audible > audible.mean() * 10 ** (relative / 10)] if len(audible) else audible


def _windows(tenths: np.ndarray, length: int) -> np.ndarray:
    """Mean power of each window of `length` tenths, with one window starting at every tenth."""
    if not len(tenths):
        return np.zeros(0)
    length = min(length, len(tenths))
    windows = np.lib.stride_tricks.sliding_window_view(tenths.astype(np.float64), length)
    return windows.mean(axis=1)


def _power(lufs: float) -> float:
    return float(10 ** ((lufs - OFFSET) / 10))


def _edges(first: int, last: int, rate: int) -> np.ndarray:
    """The samples in (first, last] at which a tenth of a second ends."""
    numbers = np.arange(first * TENTHS // rate, last * TENTHS // rate + 2)
    edges = np.rint(numbers * (rate / TENTHS)).astype(np.int64)
    return edges[(edges > first) & (edges <= last)]


def _tangent(frequency: float, rate: float) -> float:
    return float(np.tan(np.pi * frequency / rate))


class _oversampler:
    """Raises blocks to at least OVERSAMPLED Hz by soxr's band-limited interpolation."""

    def __init__(self, rate: int, channels: int) -> None:
        import soxr

        factor = max(1, -(-OVERSAMPLED // rate)) if rate < OVERSAMPLED else 2
        self.channels = channels
        self._stream = soxr.ResampleStream(
            rate, rate * min(factor, 4), channels, dtype="float32", quality="HQ"
        )

    def __call__(self, block: np.ndarray, last: bool) -> np.ndarray:
        return self._stream.resample_chunk(np.ascontiguousarray(block, np.float32), last=last)


@cache
def _cascade() -> Callable[[np.ndarray, np.ndarray, np.ndarray], object]:
    """scipy's cascade of second-order sections: (sections, channels, state), both changed.

    `import scipy.signal` costs 0.6 s of cpu, a seventh of a track. The compiled kernel behind it
    loads alone in 15 ms; if another version of scipy has it elsewhere, scipy.signal is imported.
    """
    spec = importlib.machinery.PathFinder.find_spec("scipy", sys.path)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        for file in sorted(Path(folder, "signal").glob("_sosfilt.*")):
            kernel = importlib.util.spec_from_file_location("_sosfilt", file)
            if kernel and kernel.loader:
                module: Any = importlib.util.module_from_spec(kernel)
                kernel.loader.exec_module(module)
                return module._sosfilt
    from scipy.signal import sosfilt

    def cascade(sections: np.ndarray, channels: np.ndarray, state: np.ndarray) -> None:
        filtered, after = sosfilt(sections, channels, zi=state.transpose(1, 0, 2))
        channels[:] = filtered
        state[:] = after.transpose(1, 0, 2)

    return cascade
