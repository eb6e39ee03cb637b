"""Find boundaries: the sections that best fit the evidence and the usual lengths."""

from __future__ import annotations

import numpy as np

# Lengths of sections in bars and their shares in 129 electronic tracks of the Harmonix Set (Nieto
# et al., ISMIR 2019), rounded. Other multiples of 4 share the rest, less the longer they are.
LENGTHS = {4: 0.09, 8: 0.47, 12: 0.04, 16: 0.20, 20: 0.02, 24: 0.03, 32: 0.03}
LONG = 32.0  # bars over which the share of longer multiples of 4 falls to 1/e
FREE = 0.2  # share of sections of any length, whether a phrase or not ...
MEAN_FREE = 24.0  # ... and the bars over which it falls to 1/e
WEIGHT = 8.0  # weight of a unit of evidence relative to the log prior
TOO_SHORT = 6.0  # cost of each bar by which a section is too short
LAST = 2  # fewest bars of the last section: less is the decay of the section before
SHIFT = 12.0  # cost of a section that does not last whole bars: it moves the downbeats after it


def length_prior(units: int, per_bar: int, phrases: bool = True) -> np.ndarray:
    """Log prior of a section of n units, for n in 0..units.

    phrases: whether to prefer lengths of whole phrases; if not, there are no preferred lengths.
    """
    bars = np.arange(units + 1) / per_bar
    free = np.exp(-bars / MEAN_FREE)
    free[0] = 0.0
    free /= free.sum()
    comb = np.zeros(units + 1)
    fours = np.arange(4 * per_bar, units + 1, 4 * per_bar)
    comb[fours] = [
        LENGTHS.get(int(n) // per_bar, 0.0) + 0.01 * np.exp(-n / per_bar / LONG) for n in fours
    ]
    share = FREE if phrases and comb.any() else 1.0
    comb /= max(comb.sum(), 1e-12)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log((1 - share) * comb + share * free))


def best_boundaries(
    gain: np.ndarray, prior: np.ndarray, first: np.ndarray, last: np.ndarray
) -> list[int]:
    """The boundaries with the highest sum of gains and log priors of the lengths between them.

    gain: (units,) of a boundary at each unit. prior: (units + 1,) log prior by length;
    first, last: the same for the first and the last section. Returns the boundaries without
    either end. Exact, by dynamic programming.
    """
    units = len(gain)
    best = np.zeros(units + 1)
    back = np.zeros(units + 1, int)
    for unit in range(1, units + 1):
        lengths = prior if unit < units else last
        totals = best[:unit] + lengths[unit:0:-1]
        if unit < units:
            totals[0] = first[unit]
        back[unit] = int(np.argmax(totals))
        best[unit] = totals[back[unit]] + (gain[unit] if unit < units else 0.0)
    found = []
    unit = int(back[units])
    while unit > 0:
        found.append(unit)
        unit = int(back[unit])
    return found[::-1]


def boundaries(
    evidence: np.ndarray, per_bar: int, min_bars: int, sensitivity: float, on_grid: bool
) -> list[int]:
    """The units at which sections begin, without the first.

    evidence: (units,) as from novelty.evidence. on_grid: units are beats, and boundaries belong on
    downbeats. If the music is cut, or all downbeats are off by some beats, one section that does
    not last whole bars aligns the sections after it.
    """
    units = len(evidence)
    if units < 2 * min_bars * per_bar:
        return []
    gain = WEIGHT * (evidence + sensitivity)
    if on_grid:
        first, inner, last = limits(units, per_bar, min_bars)
        return best_boundaries(gain, inner, first, last)
    prior = length_prior(units, per_bar, phrases=False) - _shortness(units, per_bar, min_bars)
    return best_boundaries(gain, prior, prior, prior)


def limits(units: int, per_bar: int, min_bars: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(units + 1,) log priors by length of the first, an inner and the last section, on a grid."""
    lengths = np.arange(units + 1)
    prior = length_prior(units, per_bar) - _shortness(units, per_bar, min_bars)
    # Up to a bar may be missing at the start of the first section and at the end of the last.
    longer = np.concatenate([prior, np.full(per_bar - 1, -np.inf)])
    cut = np.lib.stride_tricks.sliding_window_view(longer, per_bar).max(axis=1)
    shift = SHIFT * (lengths % per_bar > 0)
    return cut - shift, prior - shift, np.where(lengths < LAST * per_bar, -np.inf, cut)


def _shortness(units: int, per_bar: int, min_bars: int) -> np.ndarray:
    """(units + 1,) the cost of a section of n units for being short."""
    return TOO_SHORT * np.maximum(0.0, min_bars - np.arange(units + 1) / per_bar)


def probability(evidence: np.ndarray, sensitivity: float) -> np.ndarray:
    """Probability that a section begins at a downbeat with this evidence, without the lengths."""
    return np.asarray(1 / (1 + np.exp(-WEIGHT * (evidence + sensitivity))))
