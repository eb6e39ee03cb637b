"""Boundaries: the sequence of sections that best explains the novelty and the usual lengths."""

from __future__ import annotations

import numpy as np

# How many bars sections last: shares of 129 electronic tracks of the Harmonix Set (Nieto et
# al., ISMIR 2019), rounded; other multiples of 4 share the rest, falling with their length.
LENGTHS = {4: 0.09, 8: 0.47, 12: 0.04, 16: 0.20, 20: 0.02, 24: 0.03, 32: 0.03}
LONG = 32.0  # bars over which the share of longer multiples of 4 falls to 1/e
FREE = 0.15  # share of sections of any length, phrase or not ...
MEAN_FREE = 24.0  # ... and the bars over which it falls to 1/e
WEIGHT = 8.0  # what a unit of evidence counts against the log prior
TOO_SHORT = 4.0  # what a bar less than the shortest section costs
OFF_GRID = 4.0  # what a boundary on a beat that is no downbeat costs
SHIFTED = 4.0  # what it costs to believe that all downbeats of a track are off by some beats


def length_prior(units: int, per_bar: int, phrases: bool = True) -> np.ndarray:
    """Log prior of a section of n units, for n in 0..units.

    phrases: whether lengths are in bars that form phrases; else any length is as good.
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
    gain: np.ndarray, prior: np.ndarray, first: np.ndarray, candidates: np.ndarray
) -> tuple[list[int], float]:
    """The boundaries with the highest total of gains and log priors of the lengths between.

    gain: (units,) of a boundary at each unit. prior: (units + 1,) log prior by length;
    first: the same for the first section.
    candidates: where boundaries may lie, ascending, without 0 and units. Returns the
    boundaries, with neither end, and the total. Exact, by dynamic programming.
    """
    units = len(gain)
    places = np.concatenate([[0], candidates, [units]]).astype(int)
    gains = np.concatenate([gain[places[:-1]], [0.0]])
    best = np.zeros(len(places))
    back = np.zeros(len(places), int)
    for j in range(1, len(places)):
        totals = best[:j] + prior[places[j] - places[:j]]
        totals[0] = first[places[j]]
        back[j] = int(np.argmax(totals))
        best[j] = totals[back[j]] + gains[j]
    found = []
    j = int(back[-1])
    while j > 0:
        found.append(int(places[j]))
        j = int(back[j])
    return found[::-1], float(best[-1])


def boundaries(
    evidence: np.ndarray, per_bar: int, min_bars: int, sensitivity: float, on_grid: bool
) -> list[int]:
    """The units at which sections begin, without the first.

    evidence: (units,) as from novelty.evidence. on_grid: units are beats, and boundaries
    belong on downbeats; where all downbeats may be wrong together, the evidence at every beat
    of the bar is heard.
    """
    units = len(evidence)
    if units < 2 * min_bars * per_bar:
        return []
    prior = length_prior(units, per_bar, phrases=on_grid)
    lengths = np.arange(units + 1)
    prior -= TOO_SHORT * np.maximum(0.0, min_bars - lengths / per_bar)
    gain = WEIGHT * (evidence + sensitivity)
    if not on_grid:
        return best_boundaries(gain, prior, prior, np.arange(1, units))[0]
    # The first section may have lost up to a bar of its beginning.
    windows = np.lib.stride_tricks.sliding_window_view(
        np.concatenate([prior, np.full(per_bar - 1, -np.inf)]), per_bar
    )
    first = windows.max(axis=1)
    found, highest = [], -np.inf
    for shift in range(per_bar):
        off = np.arange(units - shift) % per_bar > 0
        gains = gain[shift:] - OFF_GRID * off
        candidates = np.flatnonzero(~off | (gains > 0))
        chosen, total = best_boundaries(gains, prior, first, candidates[candidates > 0])
        total -= SHIFTED * (shift > 0)
        if total > highest:
            found, highest = [unit + shift for unit in chosen], total
    return found


def probability(evidence: np.ndarray, sensitivity: float) -> np.ndarray:
    """Probability that a section begins at a downbeat of this evidence, lengths aside."""
    return np.asarray(1 / (1 + np.exp(-WEIGHT * (evidence + sensitivity))))
