"""Engine's grid of a track: few markers, between which all beats are equally long.

Engine numbers beats and takes every fourth, from 0, for a downbeat. So where a bar is cut short or
a pause lies between two beats, numbers are left out, as many as put the next downbeat on a
multiple of four: the beats before keep their places, and those behind their bars.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from .engine_blobs import Marker

BAR = 4
FIRST = -4  # the number of Engine's first marker, at or before the first sample
EXACT = 0.0005  # seconds by which a beat may lie beside the line between two markers


def markers(
    beats: Sequence[float], downbeats: Sequence[float], duration: float, rate: float
) -> list[Marker]:
    """The markers of a track's beats (seconds); [] where there are fewer than two."""
    if len(beats) < 2:
        return []
    times = np.asarray(beats, float)
    numbers = numbered(times, downbeats)
    kept = kept_points(numbers, times, EXACT)
    points = [(int(numbers[i]), float(times[i])) for i in kept]
    points = _from_before_0(points, bool(len(downbeats)))
    points = _to_behind_end(points, duration)
    return [Marker(time * rate, number) for number, time in points]


def numbered(times: np.ndarray, downbeats: Sequence[float]) -> np.ndarray:
    """The number of each beat, a multiple of BAR on every downbeat."""
    is_one = _near(times, np.asarray(downbeats, float))
    steps = np.diff(times)
    usual = sliding_window_view(np.concatenate([np.full(8, np.median(steps)), steps[:-1]]), 8)
    natural = np.maximum(1, np.round(steps / np.median(usual, axis=1))).astype(int)
    numbers = [-int(np.argmax(is_one))]  # the first downbeat is 0
    for one, step in zip(is_one[1:].tolist(), natural.tolist(), strict=True):
        number = numbers[-1] + step
        if one and number % BAR:
            number = _nearest_multiple(number, numbers[-1])
        numbers.append(number)
    return np.array(numbers)


def _near(times: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Whether one of the others lies within a millisecond of each time."""
    edges = np.concatenate([[-np.inf], others, [np.inf]])
    behind = np.searchsorted(others, times) + 1
    return np.minimum(edges[behind] - times, times - edges[behind - 1]) <= 1e-3


def _nearest_multiple(number: int, before: int) -> int:
    """The multiple of BAR nearest to a number, of those greater than another."""
    found = round(number / BAR) * BAR
    return found if found > before else found + BAR * -(-(before + 1 - found) // BAR)


def kept_points(x: np.ndarray, y: np.ndarray, most: float) -> list[int]:
    """The points between which straight lines pass all others by no more than `most`."""
    kept = {0, len(x) - 1}
    stretches = [(0, len(x) - 1)]
    while stretches:
        start, end = stretches.pop()
        if end - start < 2:
            continue
        inner = slice(start + 1, end)
        slope = (y[end] - y[start]) / (x[end] - x[start])
        off = np.abs(y[inner] - y[start] - slope * (x[inner] - x[start]))
        if off.max() > most:
            worst = start + 1 + int(off.argmax())
            kept.add(worst)
            stretches += [(start, worst), (worst, end)]
    return sorted(kept)


def _from_before_0(points: list[tuple[int, float]], in_bars: bool) -> list[tuple[int, float]]:
    """The points with a first one at or before 0, on the line through the first two, all
    numbered anew from FIRST on; whole bars before where bars are known."""
    (number, time), (second, following) = points[:2]
    period = (following - time) / (second - number)
    back = max(0, int(np.ceil(time / period - 1e-9)))
    step = BAR if in_bars else 1
    start = (number - back) // step * step
    shift = FIRST - start
    first = (FIRST, time - (number - start) * period)
    return [first, *((n + shift, t) for n, t in points[1:])]


def _to_behind_end(points: list[tuple[int, float]], duration: float) -> list[tuple[int, float]]:
    """The points with the last one moved on along its line to the first beat behind the end."""
    (before, start), (number, time) = points[-2:]
    period = (time - start) / (number - before)
    more = max(1, int(np.floor((duration - time) / period)) + 1)
    return [*points[:-1], (number + more, time + more * period)]


def beats(
    marks: Sequence[Marker], rate: float, duration: float, most: int, before_0: bool = False
) -> list[float]:
    """The beats from 0, or from the first marker, to a track's end, seconds.

    Raises ValueError for markers out of order, or more than so many beats.
    """
    found: list[float] = []
    for start, end in pairwise(marks):
        count = end.beat - start.beat
        if count <= 0 or end.sample <= start.sample:
            raise ValueError("markers of a grid are out of order")
        if count > most - len(found):
            raise ValueError(f"more than {most} beats")
        step = (end.sample - start.sample) / count
        found += [(start.sample + i * step) / rate for i in range(count)]
    return [time for time in found if (before_0 or time >= 0) and time <= duration]
