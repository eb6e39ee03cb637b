"""How much of its beats a piece of music lets hear: the evidence that tempi are chosen by."""

from __future__ import annotations

import numpy as np

REACH = 1  # frames a peak may lie off its beat
AS_WELL = 0.9  # share of its beats' activation with which a steady grid explains music as well
FAINT = 0.25  # of the activation on the beat elsewhere: fainter music decides nothing
STRETCH = 32  # beats: eight bars
PLACES = 16  # places in a beat where the true beat is looked for; accents lie on every fourth
CLEARLY = 2.0  # times what is heard on the beats and on their quarters


def heard(activation: np.ndarray, beats: np.ndarray) -> np.ndarray:
    """The greatest activation within REACH of each beat (n,), in frames: (n,)."""
    at = np.round(beats).astype(int)[:, None] + np.arange(-REACH, REACH + 1)
    return activation[np.clip(at, 0, len(activation) - 1)].max(axis=1)


def off_grid(activation: np.ndarray, beats: np.ndarray) -> float:
    """The share of beats (n,), in frames, in stretches of eight bars whose music is beside them.

    There another place in the beat lets hear clearly more than the beats do, or the places where
    accents lie, and not faintly: the phase has jumped, or the tempo is not quite the music's.
    """
    if len(beats) < STRETCH:
        return 0.0
    steps = np.diff(beats, append=2 * beats[-1] - beats[-2])
    levels = np.array([heard(activation, beats + k / PLACES * steps) for k in range(PLACES)])
    first = np.arange(0, len(beats) - STRETCH + 1, STRETCH)
    sizes = np.diff(first, append=len(beats))
    means = np.add.reduceat(levels, first, axis=1) / sizes
    accents = np.arange(PLACES) % 4 == 0
    beside = means[~accents].max(axis=0)
    usual = np.sort(levels.max(axis=0))[len(beats) // 2 :].mean()
    off = (beside > CLEARLY * means[accents].max(axis=0)) & (beside > FAINT * usual)
    return float(sizes[off].sum() / len(beats))
