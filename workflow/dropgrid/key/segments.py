"""Lasting changes of key: the best path through the keys."""

from __future__ import annotations

import numpy as np


def key_path(evidence: np.ndarray, change: float) -> np.ndarray:
    """The key of every step, (steps,), from evidence (steps, 24).

    The path maximises the sum of the evidence along it minus `change` for every change of key. A
    key that lasts only a few bars does not gain enough for two changes.
    """
    steps, keys = evidence.shape
    best = evidence[0].copy()
    came_from = np.empty((steps, keys), np.int8)
    stay = np.arange(keys, dtype=np.int8)
    for step in range(1, steps):
        leader = int(best.argmax())
        changed = best[leader] - change
        came_from[step] = np.where(best >= changed, stay, leader)
        best = np.maximum(best, changed) + evidence[step]
    path = np.empty(steps, np.int64)
    path[-1] = best.argmax()
    for step in range(steps - 1, 0, -1):
        path[step - 1] = came_from[step, path[step]]
    return path


def stretches(path: np.ndarray) -> list[tuple[int, int, int]]:
    """The stretches of a path with one key: (first step, step after the last, key)."""
    starts = np.flatnonzero(np.diff(path, prepend=-1))
    ends = np.append(starts[1:], len(path))
    return [(int(a), int(b), int(path[a])) for a, b in zip(starts, ends, strict=True)]
