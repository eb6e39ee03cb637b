"""Whether music repeats after a whole number of beats: where it does not, beats are missing.

Electronic music repeats bar by bar. The bars before each moment are compared with the bars after
it. If they are clearly more alike after a move by part of a beat than after none, or one by whole
beats, part of a beat has been cut out there, and the grid has gone on without it.
"""

from __future__ import annotations

import numpy as np

BAR = 16  # quarters of a beat: bars of four beats
REACH = 16  # bars from a bar to those it is compared with
EDGE = 8  # bars on either side of a moment: fewer prove nothing
WHOLE = (-4, 0, 4, 8)  # quarters of a beat: moves by whole beats
MOVES = tuple(move for move in range(-7, 8) if move % 4)  # quarters: moves by part of a beat


def moved(strokes: np.ndarray) -> float:
    """How much more alike bars are when moved by part of a beat than by whole beats, at most.

    strokes: (quarters of beats, n), the strength of n kinds of strokes. Returns the greatest
    difference, over all moments, of mean correlations of bars before with bars after a moment;
    -1 if there are fewer than 2 EDGE bars.
    """
    count = len(strokes) // BAR
    if count < 2 * EDGE:
        return -1.0
    spread = strokes.std(axis=0)
    rows = (strokes - strokes.mean(axis=0)) / np.where(spread > 0, spread, 1)
    still = np.max([_across(rows, count, move) for move in WHOLE], axis=0)
    return max(float((_across(rows, count, move) - still).max()) for move in MOVES)


def _across(rows: np.ndarray, count: int, move: int) -> np.ndarray:
    """The mean correlation of bars before each moment with bars after it, moved.

    rows: (quarters of beats, n); count: bars; move: quarters. The moments, (count + 1 - 2 EDGE,),
    are the bars' beginnings with at least EDGE bars on either side.
    """
    bars = _unit(rows[: count * BAR].reshape(count, -1))
    others = _unit(np.roll(rows, -move, axis=0)[: count * BAR].reshape(count, -1))
    moments = np.arange(EDGE, count + 1 - EDGE)
    total = np.zeros(len(moments))
    pairs = np.zeros(len(moments))
    for lag in range(1, min(REACH, count - 2) + 1):
        inner = count - lag - 1  # the last bar moved may reach beyond the end
        alike = np.einsum("ij,ij->i", bars[:inner], others[lag : lag + inner])
        sums = np.concatenate([[0.0], np.cumsum(alike)])
        first, last = np.maximum(moments - lag, 0), np.minimum(moments, inner)
        total += sums[last] - sums[np.minimum(first, last)]
        pairs += np.maximum(last - first, 0)
    return total / np.maximum(pairs, 1)


def _unit(rows: np.ndarray) -> np.ndarray:
    """Rows (n, d) of length one; silent ones stay."""
    sizes = np.sqrt((rows**2).sum(axis=1, keepdims=True))
    return rows / np.maximum(sizes, 1e-9)
