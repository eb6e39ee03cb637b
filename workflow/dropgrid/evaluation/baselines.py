"""What anyone could say without an analysis worth the name: the numbers to beat."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

GRID_BARS = 8


def median_interval_bpm(beats: Sequence[float]) -> float | None:
    """60 over the median interval of the beats (seconds), as BPM; None below two beats."""
    if len(beats) < 2:
        return None
    return float(60.0 / np.median(np.diff(np.asarray(beats, dtype=float))))


def median_interval_beats(beats: Sequence[float]) -> list[float]:
    """A steady grid from the first beat to the last, a median interval apart."""
    bpm = median_interval_bpm(beats)
    if bpm is None:
        return list(beats)
    count = int(np.floor((beats[-1] - beats[0]) * bpm / 60.0 + 0.5)) + 1
    return [float(t) for t in beats[0] + np.arange(count) * 60.0 / bpm]


def eight_bar_boundaries(downbeats: Sequence[float]) -> list[float]:
    """A section boundary every eight bars from the first downbeat, without listening."""
    return list(downbeats[::GRID_BARS])
