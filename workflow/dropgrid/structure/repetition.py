"""Repetition: find where one stretch of self-similar bars ends and another begins.

Two views of the same comparison of every bar with every other: a checkerboard kernel on the
self-similarity matrix (Foote, Automatic audio segmentation using a measure of audio novelty,
ICME 2000), and how the recurrences of a bar differ from those of the bar before it (the structure
features of Serrà et al., Unsupervised music structure annotation by time series structure
features and segment similarity, IEEE Transactions on Multimedia, 2014).
"""

from __future__ import annotations

import numpy as np

from .window import largest

KERNEL = 4  # bars on each side that the checkerboard compares
NEARBY = 2  # bars on each side within which a larger value reduces a smaller one
NEIGHBOURS = 0.06  # share of all bars that count as recurrences of a bar
BLUR = (1.5, 0.5)  # bars by which recurrences are blurred, along time and along the lag
MOST_BARS = 1500  # of a track; longer tracks would need too much memory and time


def by_bar(pattern: np.ndarray, per_bar: int, offset: int) -> np.ndarray:
    """(bars, features) the whole bars of a pattern from the unit `offset` on.

    pattern: (units, subdivisions, bands) dB.
    """
    bars = max(0, len(pattern) - offset) // per_bar
    width = per_bar * int(np.prod(pattern.shape[1:]))
    return np.asarray(pattern[offset : offset + bars * per_bar].reshape(bars, width))


def contrast(bars: np.ndarray) -> np.ndarray:
    """How much the bars before and after every bar line resemble themselves, not each other.

    bars: (bars, features). Returns (bars,): the mean cosine similarity within the KERNEL bars
    before plus that within the bars after, minus twice that between them; -2 to 4, about 0 if
    nothing changes.
    """
    count = len(bars)
    centred = bars - bars.mean(axis=0)
    unit = centred / (np.linalg.norm(centred, axis=1, keepdims=True) + 1e-6)
    total = np.zeros((count + 1, count + 1))
    total[1:, 1:] = np.maximum(0.0, unit @ unit.T).cumsum(axis=0).cumsum(axis=1)

    def mean(rows: tuple[np.ndarray, ...], columns: tuple[np.ndarray, ...]) -> np.ndarray:
        (a, b), (c, d) = rows, columns
        return (total[b, d] - total[a, d] - total[b, c] + total[a, c]) / ((b - a) * (d - c))

    found = np.zeros(count)
    at = np.arange(1, count)
    width = np.minimum(KERNEL, np.minimum(at, count - at))
    before, after = (at - width, at), (at, at + width)
    found[1:] = mean(before, before) + mean(after, after) - 2 * mean(before, after)
    return found


def recurrence_change(bars: np.ndarray) -> np.ndarray:
    """How much the recurrences of every bar differ from those of the bar before, 0 or more.

    bars: (bars, features). Two bars are recurrences if each is among the NEIGHBOURS nearest bars
    of the other.
    """
    count = len(bars)
    if count < 2:
        return np.zeros(count)
    power = (bars**2).sum(axis=1)
    distance = power[:, None] + power[None] - 2 * bars @ bars.T
    kept = max(1, int(NEIGHBOURS * count))
    reach = np.partition(distance, kept, axis=1)[:, kept]
    recurs = (distance <= reach[:, None]) & (distance <= reach[None])
    lags = (np.arange(count)[:, None] + np.arange(count)[None]) % count
    by_lag = np.take_along_axis(recurs, lags, axis=1).astype(float)
    for axis, width in enumerate(BLUR):
        by_lag = blurred(by_lag, width, axis)
    return np.append(0.0, np.linalg.norm(np.diff(by_lag, axis=0), axis=1))


def blurred(values: np.ndarray, width: float, axis: int) -> np.ndarray:
    """Blur values along an axis with a Gaussian of a standard deviation of `width`.

    The kernel is cut off at four standard deviations; the values are mirrored at the edges. The
    sums and their order are those of scipy's gaussian_filter1d, but importing scipy takes .4 s.
    """
    reach = int(4 * width + 0.5)
    weights = np.exp(-0.5 / width**2 * np.arange(-reach, reach + 1) ** 2)
    weights /= weights.sum()
    values = np.moveaxis(values, axis, 0)
    around = ((reach, reach),) + ((0, 0),) * (values.ndim - 1)
    padded = np.pad(values, around, mode="symmetric")
    count = len(values)
    total = padded[reach : reach + count] * weights[reach]
    for away in range(reach, 0, -1):
        before, after = padded[reach - away :][:count], padded[reach + away :][:count]
        total += (before + after) * weights[reach - away]
    return np.moveaxis(total, 0, axis)


def describe(pattern: np.ndarray, per_bar: int) -> np.ndarray:
    """(3, units): contrast, contrast minus the largest nearby, change of recurrences.

    The values at a unit are computed as if it began a bar. The change of recurrences is a share
    of the track's largest. All are 0 if there are too few bars to compare or more than MOST_BARS.
    """
    units = len(pattern)
    found = np.zeros((3, units))
    for offset in range(per_bar):
        bars = by_bar(pattern, per_bar, offset)
        if not 2 * KERNEL <= len(bars) <= MOST_BARS:
            continue
        places = offset + per_bar * np.arange(len(bars))
        found[0, places], found[2, places] = contrast(bars), recurrence_change(bars)
    found[1] = found[0] - largest(found[0], NEARBY * per_bar)
    found[2] /= max(float(found[2].max()), 1e-9)
    return found
