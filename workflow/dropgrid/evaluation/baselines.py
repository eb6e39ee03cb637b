"""Simple methods whose scores the analysis must beat.

median_interval  60 over the median interval of the beats, rounded to the 10 ms frames of beat
                 trackers: the tempo without a fitted grid. The record's beats are on a fitted
                 grid; the rounding undoes the fit.
eight_bars       a boundary every eight bars from the first downbeat, whatever the music
tag              the BPM tag, if the reference is not a tag
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

GRID_BARS = 8
FRAME_RATE = 100.0  # frames per second of the usual beat trackers


def median_interval_bpm(beats: Sequence[float]) -> float | None:
    """60 over the median interval of the beats (seconds, rounded to frames), in BPM; None for
    fewer than two beats and if all are on one frame."""
    if len(beats) < 2:
        return None
    frames = np.round(np.asarray(beats, dtype=float) * FRAME_RATE)
    interval = float(np.median(np.diff(frames)))
    return 60.0 * FRAME_RATE / interval if interval > 0 else None


def median_interval_beats(beats: Sequence[float]) -> list[float]:
    """A steady grid from the first beat to the last, with the median interval as period."""
    bpm = median_interval_bpm(beats)
    if bpm is None:
        return list(beats)
    count = int(np.floor((beats[-1] - beats[0]) * bpm / 60.0 + 0.5)) + 1
    return [float(t) for t in beats[0] + np.arange(count) * 60.0 / bpm]


def eight_bar_boundaries(downbeats: Sequence[float]) -> list[float]:
    """A section boundary every eight bars from the first downbeat."""
    return list(downbeats[::GRID_BARS])
