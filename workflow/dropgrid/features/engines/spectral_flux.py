"""Activations from the rises of bands, without any network: low, middle and high ones apart.

Each band is compared with the greatest of itself and its neighbours LAG frames before, so that a
tone that slides (vibrato, a wobbling bass) is no rise. Three sums of bands, about where kick,
snare and hi-hat are heard, are each measured against the loudest rises of the seconds around and
less what they are on average, so that a soft passage counts like a loud one and a dense one shows
its accents; their mean is the activation. Which of its peaks are beats, and where the ones are,
is for the decision that all witnesses share (dropgrid.rhythm).

Source: S. Böck, G. Widmer, "Maximum filter vibrato suppression for onset detection", DAFx 2013.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from .front_end import BANDS, LEAD

METHOD = "open"
LAG = 2  # frames a rise may take
GROUPS = ((0, 11), (11, 27), (27, 45))  # bands of the middle spectrum: to 140, 840, 17000 Hz
BLOCK = 50  # frames of which the greatest is kept
AROUND = 4  # blocks to both sides in which rises are measured
AVERAGED = 20  # frames to both sides whose mean is taken off
APART = 3  # frames to both sides of a peak, which is the greatest of them
BESIDE = 0.3  # of its height is left to what is no peak
HIGHEST = 0.9  # the largest activation: onsets are never certain beats
LEAST_CREST = 6.5  # loudest rise to mean rise; noise has 4 to 6.1, music in some group 10 to 31
FLOOR = 1e-2  # smallest rise, in log10 of magnitude, that is measured against


def activations_of_rises(chunks: Iterable[np.ndarray]) -> np.ndarray:
    """Activations (frames, 2) of the levels of bands in chunks, 100 frames a second.

    The second column, the downbeat's, is 0: rises do not tell it. So is the first where no group
    has strokes that stand out of chance: noise.
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
    if max(_crest(rises) for rises in found.T) < LEAST_CREST:
        return np.zeros((len(found), 2), np.float32)
    strengths = [_accents(found[:, group]) for group in range(len(GROUPS))]
    strength = np.mean(strengths, axis=0)
    strength = np.minimum(strength / _loudness(strength), 1.0)
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
    """Rises (frames,) against the loudest around, less what they are on average there."""
    scaled = rises / _loudness(rises)
    padded = np.pad(scaled, (AVERAGED + 1, AVERAGED), mode="edge")
    sums = np.cumsum(padded, dtype=np.float64)  # hours add up to more than float32 tells apart
    width = 2 * AVERAGED + 1
    return np.maximum(scaled - (sums[width:] - sums[:-width]) / width, 0.0)


def _loudness(rises: np.ndarray) -> np.ndarray:
    """For each frame about the greatest rise within AROUND blocks, smoothly, at least FLOOR."""
    starts = np.arange(0, len(rises), BLOCK)
    blocks = _around(_around(np.maximum.reduceat(rises, starts)).max(axis=1)).mean(axis=1)
    return np.maximum(np.interp(np.arange(len(rises)), starts + BLOCK / 2, blocks), FLOOR)


def _crest(rises: np.ndarray) -> float:
    """The median ratio of the greatest rise within AROUND blocks to the mean one there."""
    starts = np.arange(0, len(rises), BLOCK)
    greatest = _around(np.maximum.reduceat(rises, starts)).max(axis=1)
    sums = np.add.reduceat(rises, starts)
    means = _around(sums / np.diff(starts, append=len(rises))).mean(axis=1)
    return float(np.median(greatest / np.maximum(means, FLOOR / 100)))


def _around(blocks: np.ndarray) -> np.ndarray:
    """The AROUND blocks to both sides of each (n,), and itself: (n, 2 * AROUND + 1)."""
    padded = np.pad(blocks, AROUND, mode="edge")
    return np.lib.stride_tricks.sliding_window_view(padded, 2 * AROUND + 1)
