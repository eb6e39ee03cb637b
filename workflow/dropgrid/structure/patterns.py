"""Bar-synchronous descriptors: the level of every band in every sixteenth of a bar."""

from __future__ import annotations

import numpy as np

from ..base.quantiles import quantile
from ..features import FRAME_RATE
from .bars import TimeBase

SUBDIVISIONS = 4  # of a beat
DEPTH = 40.0  # dB below a band's loud level at which it counts as silent
SILENCE = -85.0  # dB of all bands together that count as silence, however quiet the track
SPREAD = 50.0  # dB below the loudest band at which a band counts as empty


def levels(bands: np.ndarray, base: TimeBase) -> np.ndarray:
    """Mean power of each band in each subdivision of each unit of the time base.

    bands: (frames, bands) dB at FRAME_RATE. Returns (units, SUBDIVISIONS, bands) dB.
    """
    parts = SUBDIVISIONS
    power = 10 ** (np.asarray(bands, np.float64) / 10)
    total = np.vstack([np.zeros(power.shape[1]), np.cumsum(power, axis=0)])
    steps = np.interp(
        np.arange(base.units * parts + 1) / parts, np.arange(base.units + 1), base.edges
    )
    # Frame i is centred on i / FRAME_RATE: it covers half a frame on either side.
    places = np.clip(steps * FRAME_RATE + 0.5, 0, len(power))
    at = np.stack([np.interp(places, np.arange(len(total)), column) for column in total.T], axis=1)
    width = np.maximum(np.diff(places), 1e-3)[:, None]
    decibels = 10 * np.log10(np.maximum(np.diff(at, axis=0) / width, 1e-12))
    return decibels.reshape(base.units, parts, power.shape[1])


def relative(levels: np.ndarray) -> np.ndarray:
    """Levels in dB relative to each band's loud level, at least -DEPTH.

    levels: (units, subdivisions, bands) dB. A band that is always SPREAD below the loudest band is
    silent throughout.
    """
    loud = quantile(levels.reshape(-1, levels.shape[2]), 0.99, 0)
    return np.maximum(levels - np.maximum(loud, loud.max() - SPREAD), -DEPTH)


def sounding(levels: np.ndarray, per_bar: int) -> tuple[int, int]:
    """The first unit of the first bar with music and the end of the last; (0, 0) for silence.

    levels: (units, subdivisions, bands) dB. Bars DEPTH below the loud ones are silent.
    """
    power = (10 ** (levels / 10)).sum(axis=2).mean(axis=1)
    bars = len(power) // per_bar
    if bars == 0:
        return 0, 0
    loud = 10 * np.log10(power[: bars * per_bar].reshape(bars, per_bar).max(axis=1))
    audible = np.flatnonzero(loud > max(float(quantile(loud, 0.9)) - DEPTH, SILENCE))
    return (
        (int(audible[0]) * per_bar, (int(audible[-1]) + 1) * per_bar) if len(audible) else (0, 0)
    )
