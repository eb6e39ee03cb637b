"""The networks' inputs and their activations.

A track of up to WHOLE frames is one sequence, as in madmom. A longer track is cut into windows of
WINDOW frames that overlap by twice MARGIN, and the inner part of each window is kept. The
activations differ from those of the whole sequence, because the networks' cells remember minutes,
but the beats are as good.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol

import numpy as np

from ..spectra import FRAME_SIZES
from .filterbank import filterbank

WHOLE = 15 * 60 * 100  # frames: 15 minutes
WINDOW = 10 * 60 * 100  # frames: 10 minutes
MARGIN = 60 * 100  # frames: 1 minute
GROWTH = 60 * 100  # frames by which the stored inputs grow
TOP = 17000  # Hz, where the filters and every use of the spectra end
BANDS_PER_OCTAVE = (3, 6, 12)  # of the spectra of FRAME_SIZES
BANDS = (21, 45, 91)  # which they are
LAGS = (1, 1, 2)  # frames back that the differences reach
LEAD = max(LAGS)
STRETCHES = np.array(list(zip(BANDS, LAGS, strict=True)), np.int64)


class Ensemble(Protocol):
    """Trained networks."""

    def __call__(self, levels: np.ndarray, threads: int = 1) -> np.ndarray:
        """The activations (frames, 2) of levels (LEAD + frames, bands), see Inputs; the same on
        any number of threads."""


class Inputs:
    """The levels of bands of the three spectra, from which the networks' inputs are made: log10(1
    + filtered magnitude), chunk by chunk.

    LEAD rows of zeros come before the first frame, as the start for the rises of the first frames.
    """

    def __init__(self, sample_rate: int) -> None:
        sizes = list(zip(FRAME_SIZES, BANDS_PER_OCTAVE, strict=True))
        self.banks = [filterbank(size, sample_rate, count, highest=TOP) for size, count in sizes]
        assert tuple(bank.shape[1] for bank in self.banks) == BANDS
        self._begun = False

    def __call__(self, sums: Sequence[np.ndarray]) -> np.ndarray:
        """The levels (frames, bands) of the next chunk; (LEAD + frames, bands) for the first
        chunk.

        sums: of the magnitudes of each of FRAME_SIZES by its bank, (frames, bands).
        """
        lead = 0 if self._begun else LEAD
        levels = np.empty((lead + len(sums[0]), sum(BANDS)), np.float32)
        np.concatenate(sums, axis=1, out=levels[lead:])
        levels[lead:] += 1
        np.log10(levels[lead:], out=levels[lead:])
        if lead:
            self._begun, at = True, 0
            levels[:lead] = 0
            for width, lag in zip(BANDS, LAGS, strict=True):
                first = levels[lead : lead + lag, at : at + width]
                levels[lead - lag : lead, at : at + width][: len(first)] = first
                at += width
        return levels


def onset_strengths(chunks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """The mean rise (frames,) in the bands of the shorter frames, from levels in chunks."""
    short, middle, _ = BANDS
    rising = np.r_[short : 2 * short, 2 * short + middle : 2 * (short + middle)]
    before: np.ndarray | None = None
    for chunk in chunks:
        levels = chunk if before is None else np.concatenate([before, chunk])
        yield with_rises(levels)[:, rising].mean(axis=1)
        before = levels[len(levels) - LEAD :]


def with_rises(levels: np.ndarray) -> np.ndarray:
    """The networks' inputs (frames, twice the bands) of levels (LEAD + frames, bands): for each
    spectrum its levels, then their rises over LAGS frames."""
    frames = len(levels) - LEAD
    out = np.empty((frames, 2 * levels.shape[1]), np.float32)
    at = 0
    for width, lag in zip(BANDS, LAGS, strict=True):
        columns = slice(at, at + width)
        now, before = levels[LEAD:, columns], levels[LEAD - lag : LEAD - lag + frames, columns]
        rise = out[:, 2 * at + width : 2 * (at + width)]
        out[:, 2 * at : 2 * at + width] = now
        np.subtract(now, before, out=rise)
        np.maximum(rise, 0, out=rise)
        at += width
    return out


def activations(
    chunks: Iterable[np.ndarray],
    ensemble: Callable[[np.ndarray], np.ndarray],
    width: int,
    whole: int = WHOLE,
    window: int = WINDOW,
    margin: int = MARGIN,
) -> tuple[np.ndarray, bool]:
    """Activations (frames, 2) of levels in chunks, and whether they come from one sequence.

    Keeps the levels of at most `whole` frames; if there are more, cuts windows of `window` frames.
    Each window except the first starts `margin` frames before the part that is kept. Each window
    except the last, which may be longer, ends `margin` frames after that part. LEAD rows come
    before each window, as before the first chunk.
    """
    whole, window = whole + LEAD, window + LEAD
    buffer = np.empty((min(GROWTH, whole), width), np.float32)
    kept: list[np.ndarray] = []
    count, settled = 0, 0  # rows held; frames of them whose activations are kept
    for chunk in chunks:
        while len(chunk):
            if count == whole:
                kept.append(ensemble(buffer[:window])[settled : window - LEAD - margin])
                passed = window - LEAD - 2 * margin
                buffer[: whole - passed] = buffer[passed:]
                count, settled = whole - passed, margin
            if count == len(buffer):
                # Grows in place: a copy would need memory for the levels twice.
                buffer.resize((min(count + GROWTH, whole), width), refcheck=False)
            part = chunk[: len(buffer) - count]
            buffer[count : count + len(part)] = part
            count += len(part)
            chunk = chunk[len(part) :]
    kept.append(ensemble(buffer[:count])[settled:])
    return np.concatenate(kept), len(kept) == 1
