"""Whether music repeats after a whole number of beats; if not, part of a beat is missing.

Electronic music repeats bar by bar. The bars before each moment are compared with the bars after
it. If a shift by part of a beat makes them clearly more alike than no shift and than shifts by
whole beats, part of a beat was cut out there, and the grid continues without it.
"""

from __future__ import annotations

import numpy as np

BAR = 16  # quarters of a beat: bars of four beats
REACH = 16  # bars: largest distance between two compared bars
LEAST_BARS = 8  # bars on either side of a moment: fewer prove nothing
WHOLE_SHIFTS = (-4, 0, 4, 8)  # quarters of a beat: shifts by whole beats
SHIFTS = tuple(shift for shift in range(-7, 8) if shift % 4)  # shifts by part of a beat


def shift_gain(strokes: np.ndarray) -> float:
    """How much more alike bars are after a shift by part of a beat than by whole beats, at most.

    strokes: (quarters of beats, n), the strength of n kinds of strokes. Returns the greatest
    difference, over all moments, of mean correlations of bars before with bars after a moment;
    -1 if there are fewer than 2 LEAST_BARS bars.
    """
    count = len(strokes) // BAR
    if count < 2 * LEAST_BARS:
        return -1.0
    spread = strokes.std(axis=0)
    rows = (strokes - strokes.mean(axis=0)) / np.where(spread > 0, spread, 1)
    unshifted = np.max([_across(rows, count, shift) for shift in WHOLE_SHIFTS], axis=0)
    return max(float((_across(rows, count, shift) - unshifted).max()) for shift in SHIFTS)


def _across(rows: np.ndarray, count: int, shift: int) -> np.ndarray:
    """The mean correlation of bars before each moment with shifted bars after it.

    rows: (quarters of beats, n); count: bars; shift: quarters. The moments, (count + 1 -
    2 LEAST_BARS,), are the beginnings of bars with at least LEAST_BARS on either side.
    """
    bars = _unit(rows[: count * BAR].reshape(count, -1))
    others = _unit(np.roll(rows, -shift, axis=0)[: count * BAR].reshape(count, -1))
    moments = np.arange(LEAST_BARS, count + 1 - LEAST_BARS)
    total = np.zeros(len(moments))
    pairs = np.zeros(len(moments))
    for lag in range(1, min(REACH, count - 2) + 1):
        inner = count - lag - 1  # the last bar, shifted, may reach beyond the end
        similarity = np.einsum("ij,ij->i", bars[:inner], others[lag : lag + inner])
        sums = np.concatenate([[0.0], np.cumsum(similarity)])
        first, last = np.maximum(moments - lag, 0), np.minimum(moments, inner)
        total += sums[last] - sums[np.minimum(first, last)]
        pairs += np.maximum(last - first, 0)
    return total / np.maximum(pairs, 1)


def _unit(rows: np.ndarray) -> np.ndarray:
    """Rows (n, d) scaled to length one; silent rows are unchanged."""
    sizes = np.sqrt((rows**2).sum(axis=1, keepdims=True))
    return rows / np.maximum(sizes, 1e-9)
