"""How much of its beats a piece of music lets hear: the evidence that tempi are chosen by."""

from __future__ import annotations

import numpy as np

REACH = 1  # frames a peak may lie off its beat
AS_WELL = 0.9  # share of its beats' activation with which a steady grid explains music as well
FAINT = 0.25  # of the activation on the beat elsewhere: fainter music decides nothing


def heard(activation: np.ndarray, beats: np.ndarray) -> np.ndarray:
    """The greatest activation within REACH of each beat (n,), in frames: (n,)."""
    at = np.round(beats).astype(int)[:, None] + np.arange(-REACH, REACH + 1)
    return activation[np.clip(at, 0, len(activation) - 1)].max(axis=1)
