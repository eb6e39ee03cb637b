"""Running extremes of a sequence, and blurring."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def largest(values: np.ndarray, reach: int) -> np.ndarray:
    """The largest value within reach to both sides, of every value."""
    padded = np.pad(values, reach, mode="edge")
    return np.asarray(np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1).max(axis=1))


def blurred(values: np.ndarray, widths: Sequence[float]) -> np.ndarray:
    """Values blurred along each axis by a Gaussian of that standard deviation, cut off at four of
    them and mirrored at the edges: the bits of scipy.ndimage.gaussian_filter, whose import costs
    every process that makes or only counts records 0.4 s."""
    for axis, width in enumerate(widths):
        values = np.moveaxis(_blurred_rows(np.moveaxis(values, axis, -1), width), -1, axis)
    return values


def _blurred_rows(values: np.ndarray, width: float) -> np.ndarray:
    reach = int(4 * width + 0.5)
    weights = np.exp(-0.5 / (width * width) * np.arange(-reach, reach + 1) ** 2)
    weights /= weights.sum()
    sides = [(0, 0)] * (values.ndim - 1)
    padded = np.pad(values, [*sides, (reach, reach)], mode="symmetric")
    size = values.shape[-1]
    total = values * weights[reach]
    for away in range(reach, 0, -1):  # from the outside in, as scipy adds them
        left = padded[..., reach - away : reach - away + size]
        right = padded[..., reach + away : reach + away + size]
        total += (left + right) * weights[reach - away]
    return total
