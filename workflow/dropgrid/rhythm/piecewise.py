"""Music played by people: how much its tempo drifts, and its beats as straight pieces.

In steady music the tempi of ten-second windows agree to a thousandth; a drummer's do not. The
beats of a path (rhythm/bar_pointer.py) are cut into straight pieces by segmented least squares
(Bellman, On the approximation of curves by line segments, 1961).
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from ..base.quantiles import median
from ..features import FRAME_RATE
from .fit import JITTER, Line, demodulate

BLOCK = FRAME_RATE // 4
WINDOW = 40  # blocks
STEP = 0.1  # BPM between the tempi tried
REACH = 0.05  # largest relative distance of a local tempo from the tempo
PIECE_COST = 40.0  # squared deviations, in units of JITTER, that one more piece must save
BOUND = 0.01  # s that beats may be off their piece; it keeps the number of pieces small
SMOOTH = 3  # beats whose mean deviation counts; a single beat is off by the player's hand
SHORT_JOINT = 8  # beats: a shorter piece between two four times as long is removed
LONGEST = 400  # beats of one piece
MARGIN = 2.0  # standard errors


def drift(activation: np.ndarray, bpm: float) -> tuple[float, float]:
    """The share of an activation in phase with its local tempi, and how much these differ.

    Local tempi are those near bpm of ten-second windows. The second value is their relative median
    deviation. Both are 0 with less than two windows.
    """
    rows = demodulate(activation, bpm, BLOCK)
    if rows.shape[1] < 2 * WINDOW:
        return 0.0, 0.0
    shifts = np.arange(-REACH * bpm, REACH * bpm, STEP)
    times = np.arange(WINDOW) * (BLOCK / FRAME_RATE)
    turn = np.exp(-2j * np.pi * np.outer(shifts / 60.0, times))
    starts = np.arange(0, rows.shape[1] - WINDOW + 1, WINDOW // 2)
    strength = np.zeros((len(shifts), len(starts)))
    power = np.ones_like(turn)
    for row in rows:
        power = power * turn
        strength += np.abs(power @ np.stack([row[s : s + WINDOW] for s in starts], axis=1))
    weight = strength.max(axis=0)
    mass = sum(activation[s * BLOCK : (s + WINDOW) * BLOCK].sum() for s in starts)
    local = _maximum_rows(strength) * STEP / bpm
    deviation = np.abs(local - _weighted_median(local, weight))
    share = float(weight.sum()) / max(len(rows) * float(mass), 1e-9)
    return share, _weighted_median(deviation, weight)


def _maximum_rows(curves: np.ndarray) -> np.ndarray:
    """The fractional row at which each column of curves (n, m) is greatest: (m,)."""
    at = np.clip(curves.argmax(axis=0), 1, len(curves) - 2)
    columns = np.arange(curves.shape[1])
    before, top, after = (curves[at + shift, columns] for shift in (-1, 0, 1))
    curve = np.minimum(before - 2 * top + after, -1e-9)
    return at + np.clip(0.5 * (before - after) / curve, -0.5, 0.5)


def _weighted_median(values: np.ndarray, weights: np.ndarray) -> float:
    order = np.argsort(values)
    total = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(total, total[-1] / 2)])


def straight_pieces(times: np.ndarray) -> list[tuple[int, int, Line]]:
    """Beats (n,) in seconds cut into pieces (first, past last, line) of steady tempo."""
    count = len(times)
    index = np.arange(count, dtype=float)
    moments = np.zeros((5, count + 1))
    moments[:, 1:] = np.cumsum([np.ones(count), index, times, index * times, times**2], axis=1)
    squares = np.concatenate([[0.0], np.cumsum(index**2)])
    best = np.zeros(count + 1)
    previous = np.zeros(count + 1, dtype=int)
    for end in range(1, count + 1):
        start = np.arange(max(0, end - LONGEST), end)
        n, i, t, it, tt = moments[:, end : end + 1] - moments[:, start]
        ii = squares[end] - squares[start]
        spread = ii - i * i / n
        slope = (it - i * t / n) / np.where(spread > 0, spread, 1.0)
        rest = np.maximum(tt - t * t / n - slope * (it - i * t / n), 0.0)
        value = best[start] + rest / JITTER**2 + PIECE_COST + np.where(n < 3, PIECE_COST, 0.0)
        pick = int(np.argmin(value))
        best[end], previous[end] = value[pick], start[pick]
    edges = [count]
    while edges[-1] > 0:
        edges.append(int(previous[edges[-1]]))
    pieces = _within_bound(times, _rejoined(times, list(pairwise(edges[::-1]))))
    return [
        (first, last, _line(times[first:last], times)) for first, last in _without_joints(pieces)
    ]


def _within_bound(times: np.ndarray, pieces: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The pieces; neighbours are merged, the closest first, while all beats stay within BOUND."""
    kept = list(pieces)
    away = [_farthest(times[a:d]) for (a, _), (_, d) in pairwise(kept)]
    while away and min(away) <= BOUND:
        at = int(np.argmin(away))
        kept[at : at + 2] = [(kept[at][0], kept[at + 1][1])]
        del away[at]
        for near in (at - 1, at):
            if 0 <= near < len(away):
                away[near] = _farthest(times[kept[near][0] : kept[near + 1][1]])
    return kept


def _farthest(times: np.ndarray) -> float:
    """The largest distance in seconds of smoothed beats from their straight line."""
    error = np.abs(_smoothed(_errors(times)))
    return float(error.max())


def _smoothed(values: np.ndarray) -> np.ndarray:
    """Means over SMOOTH neighbours, fewer at the ends."""
    kernel = np.ones(SMOOTH)
    return np.convolve(values, kernel, "same") / np.convolve(np.ones(len(values)), kernel, "same")


def _rejoined(times: np.ndarray, pieces: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The pieces; neighbours that only LONGEST separated are merged."""
    joined = [pieces[0]]
    for first, last in pieces[1:]:
        start = joined[-1][0]
        rest = [_rest(times[a:b]) for a, b in (joined[-1], (first, last), (start, last))]
        if rest[2] < rest[0] + rest[1] + PIECE_COST:
            joined[-1] = (start, last)
        else:
            joined.append((first, last))
    return joined


def _rest(times: np.ndarray) -> float:
    """Squared deviations of beats from their straight line, in units of JITTER."""
    error = _errors(times)
    return float(error @ error) / JITTER**2


def _errors(times: np.ndarray) -> np.ndarray:
    """Deviations (n,) of beats from their straight line, in seconds."""
    index = np.arange(len(times)) - (len(times) - 1) / 2
    error = times - times.mean()
    return np.asarray(error - index * (index @ error) / max(float(index @ index), 1.0))


def _without_joints(pieces: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The pieces; a few beats between two long ones (a transition) are split between them."""
    kept = list(pieces)
    for i in range(1, len(pieces) - 1):
        first, last = pieces[i]
        (start, middle), (_, end) = kept[i - 1], pieces[i + 1]
        if last - first < SHORT_JOINT <= min(middle - start, end - last) // 4:
            half = (first + last) // 2
            kept[i - 1], kept[i] = (start, half), (half, half)
            pieces[i + 1] = kept[i + 1] = (half, end)
    return [(first, last) for first, last in kept if last > first]


def _line(times: np.ndarray, all_times: np.ndarray) -> Line:
    """The straight line through neighbouring beats, with a margin from their deviations."""
    if len(times) < 3:
        period = float(median(np.diff(all_times)))
        return Line(float(times[0]), period, 60.0 / period * 0.1)
    index = np.arange(len(times)) - (len(times) - 1) / 2
    spread = float((index**2).sum())
    period = float((index * times).sum() / spread)
    error = times - times.mean() - period * index
    slope = MARGIN * np.sqrt((error**2).sum() / (len(times) - 2) / spread)
    return Line(
        float(times.mean() + period * index[0]), period, float(slope / period * 60.0 / period)
    )
