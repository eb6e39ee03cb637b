"""Engine's grid of a track: a few markers; the beats between two markers are equally long.

Engine numbers the beats; every fourth, from 0, is a downbeat. So at a short bar or a pause the
grid skips as many numbers as put the next downbeat on a multiple of four. Then the beats before it
keep their positions, and the bars after it are right.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from .engine_blobs import Marker

BAR = 4
FIRST = -4  # the number of Engine's first marker, at or before the first sample
TOLERANCE = 0.0005  # seconds between a beat and the line between two markers, at most


def markers(
    beats: Sequence[float], downbeats: Sequence[float], duration: float, rate: float
) -> list[Marker]:
    """The markers for a track's beats (seconds); [] for fewer than two beats."""
    if len(beats) < 2:
        return []
    times = np.asarray(beats, float)
    numbers = numbered(times, downbeats)
    kept = kept_points(numbers, times, TOLERANCE)
    points = [(int(numbers[i]), float(times[i])) for i in kept]
    points = _with_marker_before_0(points, bool(len(downbeats)))
    points = _with_marker_after_end(points, duration)
    return [Marker(time * rate, number) for number, time in points]


def numbered(times: np.ndarray, downbeats: Sequence[float]) -> np.ndarray:
    """The number of each beat, a multiple of BAR on every downbeat."""
    is_downbeat = _near_any(times, np.asarray(downbeats, float))
    steps = np.diff(times)
    usual = sliding_window_view(np.concatenate([np.full(8, np.median(steps)), steps[:-1]]), 8)
    natural = np.maximum(1, np.round(steps / np.median(usual, axis=1))).astype(int)
    numbers = [-int(np.argmax(is_downbeat))]  # the first downbeat is 0
    for is_first, step in zip(is_downbeat[1:].tolist(), natural.tolist(), strict=True):
        number = numbers[-1] + step
        if is_first and number % BAR:
            number = _nearest_multiple(number, numbers[-1])
        numbers.append(number)
    return np.array(numbers)


def _near_any(times: np.ndarray, others: np.ndarray) -> np.ndarray:
    """For each time, whether any of the others is within a millisecond of it."""
    edges = np.concatenate([[-np.inf], others, [np.inf]])
    behind = np.searchsorted(others, times) + 1
    return np.minimum(edges[behind] - times, times - edges[behind - 1]) <= 1e-3


def _nearest_multiple(number: int, before: int) -> int:
    """The multiple of BAR that is nearest to `number` and greater than `before`."""
    found = round(number / BAR) * BAR
    return found if found > before else found + BAR * -(-(before + 1 - found) // BAR)


def kept_points(x: np.ndarray, y: np.ndarray, most: float) -> list[int]:
    """The indices of points such that straight lines between them miss no point by more than
    `most`."""
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


def _with_marker_before_0(
    points: list[tuple[int, float]], in_bars: bool
) -> list[tuple[int, float]]:
    """The points with the first moved to or before 0 along the line through the first two, and
    renumbered from FIRST. in_bars: move it by whole bars."""
    (number, time), (second, following) = points[:2]
    period = (following - time) / (second - number)
    back = max(0, int(np.ceil(time / period - 1e-9)))
    step = BAR if in_bars else 1
    start = (number - back) // step * step
    shift = FIRST - start
    first = (FIRST, time - (number - start) * period)
    return [first, *((n + shift, t) for n, t in points[1:])]


def _with_marker_after_end(
    points: list[tuple[int, float]], duration: float
) -> list[tuple[int, float]]:
    """The points with the last moved along its line to the first beat after the end."""
    (before, start), (number, time) = points[-2:]
    period = (time - start) / (number - before)
    more = max(1, int(np.floor((duration - time) / period)) + 1)
    return [*points[:-1], (number + more, time + more * period)]


def beats(
    marks: Sequence[Marker], rate: float, duration: float, most: int, before_0: bool = False
) -> list[float]:
    """The beats from 0, or from the first marker if before_0, to a track's end, in seconds.

    Raises ValueError for markers out of order and for more than `most` beats.
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
