"""The time base of the structure: beats in bars if there is a grid, else plain time frames."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

from ..base.quantiles import median
from ..records.model import BpmRecord

FRAME = 0.5  # seconds of a unit without a grid; four of them count as a bar


@dataclass(frozen=True)
class TimeBase:
    """The times at which boundaries can lie.

    edges: (units + 1,) seconds, the ends of consecutive units: beats, or frames of FRAME seconds.
    per_bar: units in a bar. edges[0] and every per_bar-th edge after it begin a bar.
    """

    kind: Literal["bars", "seconds"]
    edges: np.ndarray
    per_bar: int

    @property
    def units(self) -> int:
        """The number of whole units."""
        return len(self.edges) - 1


def time_base(rhythm: BpmRecord, duration: float) -> TimeBase:
    """The beats of a track from its first to its last moment, or time frames without a grid.

    The grid is extended at its own tempo before the first downbeat, after the last and through
    gaps. A track with fewer than two bars of beats has no usable grid.
    """
    per_bar = _beats_per_bar(rhythm.time_signature)
    bars = np.asarray(rhythm.downbeats, float)
    if len(bars) < 2:
        bars = np.asarray(rhythm.beats, float)[::per_bar]
    if len(bars) < 2:
        return TimeBase("seconds", np.arange(0.0, duration + 1e-6, FRAME), 4)
    length = float(median(np.diff(bars)))
    before = np.arange(int(bars[0] / length + 1e-6), 0, -1)
    after = np.arange(1, int((duration - bars[-1]) / length + 0.1) + 1)
    bars = np.concatenate([bars[0] - before * length, bars, bars[-1] + after * length])
    parts = [
        np.linspace(start, end, per_bar * max(1, round((end - start) / length)), endpoint=False)
        for start, end in pairwise(bars.tolist())
    ]
    return TimeBase("bars", np.concatenate([*parts, bars[-1:]]), per_bar)


def _beats_per_bar(time_signature: str | None) -> int:
    beats = (time_signature or "4/4").partition("/")[0]
    return int(beats) if beats.isdigit() and int(beats) > 1 else 4


def bar_number(rhythm: BpmRecord, time: float, length: float) -> int:
    """The bar that sounds at a time, counted from 1 at the first downbeat.

    Times before the first downbeat belong to bar 1. length: seconds of a bar. A time that is up
    to a 16th of a bar early counts as on the downbeat.
    """
    downbeats = np.asarray(rhythm.downbeats, float)
    return max(1, int(np.searchsorted(downbeats, time + length / 16, side="right")))
