"""The activation on the beats of a grid or path: the evidence by which tempi are compared."""

from __future__ import annotations

import numpy as np

REACH = 1  # frames: largest distance of a peak from its beat
GRID_SHARE = 0.9  # a steady grid is kept if it collects this share of the beat activation
FAINT = 0.25  # share of the usual beat activation; fainter music decides nothing
STRETCH_BEATS = 32  # eight bars
SIXTEENTHS = 16  # positions tried within a beat; accents lie on every fourth
STRONGER = 2.0  # a grid is off if another position collects this many times its activation


def beat_activation(activation: np.ndarray, beats: np.ndarray) -> np.ndarray:
    """The greatest activation within REACH of each beat (n,), in frames: (n,)."""
    at = np.round(beats).astype(int)[:, None] + np.arange(-REACH, REACH + 1)
    return activation[np.clip(at, 0, len(activation) - 1)].max(axis=1)


def off_grid(activation: np.ndarray, beats: np.ndarray) -> float:
    """The share of beats (n,), in frames, that lie in stretches of eight bars off the grid.

    There, some other sixteenth of the beat collects clearly more activation than the beats and
    their quarters, where accents lie, and is not faint: the phase has jumped, or the tempo is not
    quite that of the music.
    """
    if len(beats) < STRETCH_BEATS:
        return 0.0
    steps = np.diff(beats, append=2 * beats[-1] - beats[-2])
    levels = np.array(
        [beat_activation(activation, beats + k / SIXTEENTHS * steps) for k in range(SIXTEENTHS)]
    )
    first = np.arange(0, len(beats) - STRETCH_BEATS + 1, STRETCH_BEATS)
    sizes = np.diff(first, append=len(beats))
    means = np.add.reduceat(levels, first, axis=1) / sizes
    accents = np.arange(SIXTEENTHS) % 4 == 0
    other = means[~accents].max(axis=0)
    usual = np.sort(levels.max(axis=0))[len(beats) // 2 :].mean()
    off = (other > STRONGER * means[accents].max(axis=0)) & (other > FAINT * usual)
    return float(sizes[off].sum() / len(beats))
