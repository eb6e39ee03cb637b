"""Activations from the rises of low, middle and high bands, without a network.

Each band is compared with the maximum of itself and its neighbours LAG frames earlier, so that a
sliding tone (vibrato, a wobbling bass) does not count as a rise. Three groups of bands, about the
ranges of kick, snare and hi-hat, are summed. Each sum is divided by the loudest rises of the
surrounding seconds, and its local mean is subtracted. A soft passage then counts as much as a loud
passage, and accents stand out in a dense passage. The activation is the mean of the three. It is 0
in seconds without strokes: in noise, whose rises are all similar, and in sustained chords, which
hardly rise. Later stages combine all evidence to decide which peaks are beats or downbeats
(dropgrid.rhythm).

Source: S. Böck, G. Widmer, "Maximum filter vibrato suppression for onset detection", DAFx 2013.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import numpy as np

from ...base.quantiles import median, quantile
from .front_end import BANDS, LEAD

METHOD = "open"
LAG = 2  # frames a rise may take
GROUPS = ((0, 11), (11, 27), (27, 45))  # bands of the middle spectrum: to 140, 840, 17000 Hz
BLOCK = 50  # frames of which the greatest is kept
AROUND = 4  # blocks to both sides in which rises are measured
STEADY = 10  # blocks on both sides, most of which must have strokes
AVERAGED = 20  # frames to both sides whose mean is taken off
APART = 3  # frames to both sides of a peak, which is the greatest of them
BESIDE = 0.3  # share of the height that frames outside peaks keep
HIGHEST = 0.9  # the largest activation: onsets are never certain beats
LEAST_CREST = 6.5  # loudest rise to mean rise; noise has 4 to 6.1, music in some group 10 to 31
SMALL = 0.2  # of a track's loudest rises: smaller rises are not strokes
FEWEST = 0.1  # mean accent of the groups, of the greatest possible: less is not made greater
LOUDEST = 0.95  # quantile of what is loudest around, that makes a track's loudest
FLOOR = 1e-2  # smallest rise, in log10 of magnitude, that is measured against


def activations_of_rises(chunks: Iterable[np.ndarray]) -> np.ndarray:
    """Activations (frames, 2) of the levels of bands in chunks, 100 frames a second.

    The second column, for downbeats, is 0: rises cannot identify them. The first column is 0 in
    seconds where no group has strokes that stand out, such as noise.
    """
    short, middle, _ = BANDS
    bands = slice(short, short + middle)
    before = np.zeros((0, middle), np.float32)
    parts = []
    for chunk in chunks:
        now = chunk[:, bands] if len(before) else chunk[LEAD:, bands]
        levels = np.concatenate([before if len(before) else now[:1].repeat(LAG, 0), now])
        parts.append(_rises(levels))
        before = levels[len(levels) - LAG :].copy()
    found = np.concatenate(parts)
    strengths = [_accents(rises) for rises in found.T]
    strength = np.mean(strengths, axis=0)
    strength = np.minimum(strength / np.maximum(_loudness(strength), FEWEST), 1.0)
    strength[~_has_strokes(found)] = 0.0
    padded = np.pad(strength, APART)
    greatest = np.lib.stride_tricks.sliding_window_view(padded, 2 * APART + 1).max(axis=1)
    beat = HIGHEST * np.where(strength >= greatest, strength, BESIDE * strength)
    return np.column_stack([beat, np.zeros_like(beat)]).astype(np.float32)


def _rises(levels: np.ndarray) -> np.ndarray:
    """Mean rises of GROUPS (frames, 3) of levels (LAG + frames, bands)."""
    widest = np.pad(levels[: len(levels) - LAG], ((0, 0), (1, 1)), mode="edge")
    widest = np.maximum(np.maximum(widest[:, :-2], widest[:, 1:-1]), widest[:, 2:])
    rises = np.maximum(levels[LAG:] - widest, 0.0)
    return np.column_stack([rises[:, low:high].mean(axis=1) for low, high in GROUPS])


def _accents(rises: np.ndarray) -> np.ndarray:
    """Rises (frames,) relative to the loudest rises nearby, minus their local mean."""
    around = _loudness(rises)
    scaled = rises / np.maximum(around, _smallest(around))
    padded = np.pad(scaled, (AVERAGED + 1, AVERAGED), mode="edge")
    sums = np.cumsum(padded, dtype=np.float64)  # float32 is too coarse for sums over hours
    width = 2 * AVERAGED + 1
    return np.maximum(scaled - (sums[width:] - sums[:-width]) / width, 0.0)


def _loudness(rises: np.ndarray) -> np.ndarray:
    """For each frame, a smooth estimate of the greatest rise within AROUND blocks."""
    starts = np.arange(0, len(rises), BLOCK)
    blocks = _around(_around(np.maximum.reduceat(rises, starts), AROUND).max(axis=1), AROUND)
    return np.interp(np.arange(len(rises)), starts + BLOCK / 2, blocks.mean(axis=1))


def _smallest(around: np.ndarray) -> float:
    """The smallest rise that counts as a stroke, from the local maxima of the whole track."""
    return max(SMALL * float(quantile(around.ravel(), LOUDEST)), FLOOR)


def _has_strokes(rises: np.ndarray) -> np.ndarray:
    """Whether strokes stand out in the rises (frames, groups) of any group: (frames,).

    A single stroke, such as the start of noise, affects fewer than half of the blocks nearby.
    """
    starts = np.arange(0, len(rises), BLOCK)
    crests = [_around(_crests(own, starts), STEADY, "reflect") for own in rises.T]
    found = np.max([median(own, 1) for own in crests], axis=0) >= LEAST_CREST
    return np.repeat(found, BLOCK)[: len(rises)]


def _crests(rises: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """The ratio of the greatest rise within AROUND blocks of each block to the mean rise there.

    It is below LEAST_CREST where the greatest rise is not a stroke.
    """
    greatest = _around(np.maximum.reduceat(rises, starts), AROUND).max(axis=1)
    sums = np.add.reduceat(rises, starts)
    means = _around(sums / np.diff(starts, append=len(rises)), AROUND).mean(axis=1)
    return np.asarray(greatest / np.maximum(means, _smallest(greatest) / LEAST_CREST))


def _around(
    blocks: np.ndarray, reach: int, ends: Literal["edge", "reflect"] = "edge"
) -> np.ndarray:
    """Each block (n,) with `reach` blocks on both sides: (n, 2 * reach + 1)."""
    padded = np.pad(blocks, reach, mode=ends)
    return np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1)
