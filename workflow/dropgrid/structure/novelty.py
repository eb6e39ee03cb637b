"""Novelty: how much the music before a moment differs from the music after it.

The contexts are whole bars, compared position by position, so loops cancel: only sounds that
enter, leave or change their pattern count. (Foote, Automatic audio segmentation using a measure
of audio novelty, ICME 2000, with a bar-synchronous kernel and a city-block distance.)
"""

from __future__ import annotations

import numpy as np

from ..base.quantiles import median
from .window import largest

CONTEXTS = (1, 2, 4, 8)  # bars on each side
REACH = 2  # bars on each side within which a larger novelty reduces a smaller one ...
RIVALRY = 1.0  # ... by this share of their difference: boundaries are peaks, not slopes
FLOOR = 1.5  # dB: smaller changes do not count, however calm the track
LIFT = 0.1  # evidence for each dB by which the level rises ...
LIFT_BARS = 4  # ... from so many bars before a moment to as many after it ...
STEPS = 2.0  # ... minus so many times the lead of the largest rise nearby: steps, not ramps


def novelty(pattern: np.ndarray, per_bar: int, bars: int) -> np.ndarray:
    """Mean absolute difference between the bars before and after every unit, in dB.

    pattern: (units, subdivisions, bands) dB. bars: length of the contexts, shortened near the
    ends. Returns (units,): the value at unit i belongs to the moment at which unit i begins; 0 if
    there is no whole bar on one side.
    """
    units = len(pattern)
    whole = -(-units // per_bar)
    flat = np.zeros((whole * per_bar, pattern[0].size))
    flat[:units] = pattern.reshape(units, -1)
    # sums[i] = pattern at every bar before i: a cumulative sum with a bar's stride.
    sums = np.zeros((whole + 1, per_bar, flat.shape[1]))
    np.cumsum(flat.reshape(whole, per_bar, -1), axis=0, out=sums[1:])
    bar = np.lib.stride_tricks.sliding_window_view(
        sums.reshape(-1, flat.shape[1]), per_bar, axis=0
    )
    result = np.zeros(units)
    places = np.arange(per_bar, units - per_bar + 1)
    width = per_bar * np.minimum(bars, np.minimum(places, units - places) // per_bar)
    change = bar[places + width] - 2 * bar[places] + bar[places - width]
    result[places] = np.abs(change).mean(axis=(1, 2)) * per_bar / width
    return result


def lift(level: np.ndarray, per_bar: int) -> np.ndarray:
    """dB by which the level steps up at every unit; 0 if it falls, or rises more nearby.

    level: (units,) dB. The mean of LIFT_BARS from the unit on minus the mean of those before it,
    fewer near the ends. A fall counts for nothing: the kick often rests before a section begins.
    """
    units = len(level)
    total = np.concatenate([[0.0], np.cumsum(level)])
    places = np.arange(1, units)
    width = np.minimum(LIFT_BARS * per_bar, np.minimum(places, units - places))
    change = total[places + width] - 2 * total[places] + total[places - width]
    rise = np.maximum(0.0, np.concatenate([[0.0], change / width]))
    return np.maximum(0.0, rise - STEPS * (largest(rise, LIFT_BARS * per_bar) - rise))


def evidence(
    pattern: np.ndarray, level: np.ndarray, per_bar: int, aligned: bool = True
) -> np.ndarray:
    """Evidence from the novelty that a section begins at each unit, over all contexts.

    The mean log ratio of the novelty to the track's median novelty. It is lower if there is more
    novelty nearby, and higher if the level steps up. pattern: (units, subdivisions, bands) dB.
    level: (units,) dB. aligned: whether units have a known position in the bar; if not, only mean
    levels are compared. Returns (units,): 0 is the usual novelty, 1 is e times the usual; very low
    near the ends, where no whole bar can be compared.
    """
    stride = per_bar if aligned else 1
    compared = pattern if aligned else pattern.mean(axis=1, keepdims=True)
    total = np.zeros(len(pattern))
    for bars in CONTEXTS:
        values = novelty(compared, stride, bars * per_bar // stride)
        usual = median(values[values > 0]) if np.any(values > 0) else FLOOR
        total += np.log(np.maximum(values, 0.05) / max(float(usual), FLOOR))
    total /= len(CONTEXTS)
    shortfall = largest(total, REACH * per_bar) - total
    return np.asarray(total - RIVALRY * shortfall + LIFT * lift(level, per_bar))
