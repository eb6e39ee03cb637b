"""The networks' inputs and their activations.

A track of up to WHOLE frames is one sequence, as in madmom. A longer one is cut into windows of
WINDOW frames that overlap by twice MARGIN, and each window's inner part is kept: the networks'
cells remember minutes, so that the activations differ from the whole sequence's, but the beats
are as good.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

import numpy as np

from ..spectra import FRAME_SIZES
from .filterbank import filterbank

WHOLE = 15 * 60 * 100  # frames: 15 minutes
WINDOW = 10 * 60 * 100  # frames: 10 minutes
MARGIN = 60 * 100  # frames: 1 minute
GROWTH = 60 * 100  # frames: what the held inputs grow by
BLOCKS = 4  # pieces a filterbank is cut into
TOP = 17000  # Hz, where the filters and every use of the spectra end
BANDS_PER_OCTAVE = (3, 6, 12)  # of the spectra of FRAME_SIZES
LAGS = (1, 1, 2)  # frames back that the differences reach


class Ensemble(Protocol):
    """Trained networks."""

    def __call__(self, inputs: np.ndarray, threads: int = 1) -> np.ndarray:
        """The activations (frames, 2) of inputs (frames, bands); the same on any number of
        threads."""


class Inputs:
    """The networks' inputs of consecutive chunks of spectra.

    Of each of the three spectra: log10(1 + filtered magnitude), and how much that rose in
    LAGS frames.
    """

    def __init__(self, sample_rate: int) -> None:
        sizes = list(zip(FRAME_SIZES, BANDS_PER_OCTAVE, strict=True))
        self.banks = [filterbank(size, sample_rate, count, highest=TOP) for size, count in sizes]
        self._blocks = [_blocks(bank) for bank in self.banks]
        self.width = 2 * sum(bank.shape[1] for bank in self.banks)
        self._before: list[np.ndarray | None] = [None] * len(self.banks)

    def __call__(self, magnitudes: list[np.ndarray]) -> np.ndarray:
        """Inputs (frames, width) of the chunk that follows the last one given.

        magnitudes: of each of FRAME_SIZES, (frames, bins), up to TOP.
        """
        inputs = np.empty((len(magnitudes[0]), self.width), np.float32)
        at = 0
        for i, (magnitude, blocks, lag) in enumerate(
            zip(magnitudes, self._blocks, LAGS, strict=True)
        ):
            bands = _filtered(magnitude, blocks)
            bands += 1
            np.log10(bands, out=bands)
            before = self._before[i]
            if before is None:
                before = bands[:lag]  # so that the first differences are 0
            history = np.concatenate([before, bands])
            width = bands.shape[1]
            inputs[:, at : at + width] = bands
            rise = inputs[:, at + width : at + 2 * width]
            np.subtract(bands, history[: len(bands)], out=rise)
            np.maximum(rise, 0, out=rise)
            self._before[i] = history[len(history) - lag :]
            at += 2 * width
        return inputs

    def onset_strength(self, inputs: np.ndarray) -> np.ndarray:
        """The mean rise of the shortest and the middle frames' bands: (frames,)."""
        short, middle, _ = (bank.shape[1] for bank in self.banks)
        rises = inputs[:, np.r_[short : 2 * short, 2 * short + middle : 2 * (short + middle)]]
        return rises.mean(axis=1)


def _blocks(bank: np.ndarray) -> list[tuple[slice, np.ndarray]]:
    """A filterbank in BLOCKS pieces of neighbouring bands, each with the bins it uses.

    Most of the bank is zero: low bands use few bins, and only high bands use the many high bins.
    """
    pieces = []
    for bands in np.array_split(np.arange(bank.shape[1]), BLOCKS):
        used = np.flatnonzero(bank[:, bands].any(axis=1))
        bins = slice(used[0], used[-1] + 1)
        pieces.append((bins, np.ascontiguousarray(bank[bins, bands])))
    return pieces


def _filtered(magnitudes: np.ndarray, blocks: list[tuple[slice, np.ndarray]]) -> np.ndarray:
    """magnitudes @ bank, for a bank in blocks."""
    return np.hstack([magnitudes[:, bins] @ bank for bins, bank in blocks])


def activations(
    chunks: Iterable[np.ndarray],
    ensemble: Callable[[np.ndarray], np.ndarray],
    width: int,
    whole: int = WHOLE,
    window: int = WINDOW,
    margin: int = MARGIN,
) -> tuple[np.ndarray, bool]:
    """Activations (frames, 2) of inputs that come in chunks, and whether in one sequence.

    Holds the inputs of at most `whole` frames; when more come, cuts windows of `window` frames.
    Each but the first starts `margin` frames before the part of it that is kept, and each but
    the last, which may be longer, ends as many after it.
    """
    buffer = np.empty((min(GROWTH, whole), width), np.float32)
    kept: list[np.ndarray] = []
    count, settled = 0, 0  # frames held; of them, those whose activations are kept
    for chunk in chunks:
        while len(chunk):
            if count == whole:
                kept.append(ensemble(buffer[:window])[settled : window - margin])
                passed = window - 2 * margin
                buffer[: whole - passed] = buffer[passed:]
                count, settled = whole - passed, margin
            if count == len(buffer):
                # Grows where it is: a copy would hold the inputs twice.
                buffer.resize((min(count + GROWTH, whole), width), refcheck=False)
            part = chunk[: len(buffer) - count]
            buffer[count : count + len(part)] = part
            count += len(part)
            chunk = chunk[len(part) :]
    kept.append(ensemble(buffer[:count])[settled:])
    return np.concatenate(kept), len(kept) == 1
