"""Confidence intervals by resampling tracks (Efron & Tibshirani, 1993): percentile, 95 %.

The result depends only on the values, their order and the seed, so pass the tracks in the order of
their ids.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

RESAMPLES = 1000
PERCENTILES = (2.5, 97.5)
MIN_TRACKS = 10  # needed for an interval
BLOCK = 1_000_000  # weights in memory at once


@dataclass(frozen=True)
class Estimate:
    """A value over tracks with its 95 % interval; NaN if no track counts.

    The interval is NaN below MIN_TRACKS tracks, which are too few to resample. In `value`, a track
    that failed or has no answer counts as wrong. answered: the value over the answered tracks
    only, answered_tracks of them; None if it was not computed.
    """

    value: float
    low: float
    high: float
    tracks: int
    answered: float | None = None
    answered_tracks: int | None = None


def ratios(numerators: Floats, denominators: Floats, seed: int) -> list[Estimate]:
    """Sum of numerators over sum of denominators, for each column.

    numerators, denominators: (tracks, columns). A mean is the values over ones; a pooled
    precision is the right frames over the estimated ones. A track with denominator 0 does not
    count in that column. The resamples of all columns contain the same tracks.
    """
    draws = [
        _quotient(*(np.einsum("rt,tc->rc", weights, side) for side in (numerators, denominators)))
        for weights in _weights(len(numerators), seed)
    ]
    values = _quotient(numerators.sum(axis=0), denominators.sum(axis=0))
    counts = np.count_nonzero(denominators, axis=0)
    return _estimates(values, draws, counts)


def medians(values: Floats, seed: int) -> Estimate:
    """The median of values (tracks,), without NaN."""
    values = np.sort(values[np.isfinite(values)])
    draws = [_weighted_medians(values, weights) for weights in _weights(len(values), seed)]
    value = np.array([np.median(values) if len(values) else np.nan])
    return _estimates(value, draws, np.array([len(values)]))[0]


def means(values: Floats, seed: int) -> list[Estimate]:
    """The mean of each column of values (tracks, columns), without NaN."""
    valid = np.isfinite(values)
    return ratios(np.where(valid, values, 0.0), valid.astype(float), seed)


def _weights(tracks: int, seed: int) -> Iterator[Floats]:
    """How often each track is drawn: blocks (resamples, tracks) with RESAMPLES rows in total."""
    if tracks == 0:
        return
    generator = np.random.default_rng(seed)
    block = max(1, BLOCK // tracks)
    for start in range(0, RESAMPLES, block):
        rows = np.arange(min(block, RESAMPLES - start))[:, None]
        drawn = generator.integers(tracks, size=(len(rows), tracks))
        counts = np.bincount((drawn + rows * tracks).ravel(), minlength=drawn.size)
        yield counts.reshape(drawn.shape).astype(float)


def _weighted_medians(ordered: Floats, weights: Floats) -> Floats:
    """The median of each resample, (resamples, 1), of sorted values."""
    cumulated = np.cumsum(weights, axis=1)
    half = cumulated[:, -1:] / 2
    low = ordered[np.argmax(cumulated >= half, axis=1)]
    high = ordered[np.argmax(cumulated > half, axis=1)]
    return np.asarray((low + high) / 2)[:, None]


def _quotient(numerator: Floats, denominator: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(denominator > 0, numerator / denominator, np.nan)


def _estimates(
    values: Floats, blocks: list[Floats], counts: npt.NDArray[np.int64]
) -> list[Estimate]:
    draws = np.concatenate(blocks) if blocks else np.empty((0, len(values)))
    result = []
    for i, value in enumerate(values):
        column = draws[np.isfinite(draws[:, i]), i]
        enough = len(column) and counts[i] >= MIN_TRACKS
        low, high = np.percentile(column, PERCENTILES) if enough else (np.nan, np.nan)
        result.append(Estimate(float(value), float(low), float(high), int(counts[i])))
    return result
