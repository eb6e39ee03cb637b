"""The time base of the structure: beats in bars where there is a grid, else plain time frames."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

from ..base.quantiles import median
from ..records.model import BpmRecord

FRAME = 0.5  # seconds of a unit where there is no grid; four of them stand for a bar


@dataclass(frozen=True)
class TimeBase:
    """What boundaries are placed on.

    edges: (units + 1,) seconds, the ends of consecutive units: beats, or frames of FRAME seconds.
    per_bar: units in a bar. edges[0] begins a bar, and so does every per_bar-th edge after it.
    """

    kind: Literal["bars", "seconds"]
    edges: np.ndarray
    per_bar: int

    @property
    def units(self) -> int:
        """How many whole units there are."""
        return len(self.edges) - 1


def time_base(rhythm: BpmRecord, duration: float) -> TimeBase:
    """The beats of a track's bars from its first to its last moment, or time frames without.

    The grid is carried on, at its own tempo, before the first and after the last downbeat and
    through gaps. A track with fewer than two bars of beats has no usable grid.
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

    What comes before the first downbeat is counted to bar 1. length: seconds of a bar; a
    time up to a 16th of it early still counts as on the downbeat.
    """
    downbeats = np.asarray(rhythm.downbeats, float)
    return max(1, int(np.searchsorted(downbeats, time + length / 16, side="right")))
