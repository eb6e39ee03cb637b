"""The plain energy method: sections are stretches of high, medium or low loudness.

Kept for comparison. It uses neither bars nor phrases, so its boundaries can lie anywhere.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from ..features import FRAME_RATE
from ..records.model import Label

SMOOTHING = 8.0  # seconds over which loudness is averaged
SPREAD = 0.5  # standard deviations from the mean beyond which loudness is high or low
MIN_CHANGE = 0.1  # dB from the mean below which loudness does not count as changed
SHORTEST = 8.0  # seconds of the shortest section


def loudness_sections(bands: np.ndarray, duration: float) -> list[tuple[float, float, Label]]:
    """Sections (start, end, label) covering 0..duration, from the loudness alone.

    bands: (frames, bands) dB at FRAME_RATE.
    """
    power = (10 ** (np.asarray(bands, np.float64) / 10)).sum(axis=1)
    width = min(len(power), int(SMOOTHING * FRAME_RATE))
    total = np.concatenate([[0.0], np.cumsum(power)])
    centres = np.arange(len(power))
    low = np.clip(centres - width // 2, 0, len(power) - width)
    loudness = 10 * np.log10(np.maximum((total[low + width] - total[low]) / width, 1e-10))
    mean, spread = loudness.mean(), max(SPREAD * loudness.std(), MIN_CHANGE)
    level = (loudness > mean + spread).astype(int) - (loudness < mean - spread)
    edges = [0, *(np.flatnonzero(np.diff(level)) + 1).tolist(), len(level)]
    # Runs too short to be a section belong to the one before them.
    kept = [0]
    for edge, end in pairwise(edges[1:]):
        if end - edge >= SHORTEST * FRAME_RATE and level[edge] != level[kept[-1]]:
            kept.append(edge)
    levels = [int(level[edge]) for edge in kept]
    times = [0.0, *(edge / FRAME_RATE for edge in kept[1:]), duration]
    return [(times[i], times[i + 1], _label(levels, i)) for i in range(len(levels))]


def _label(levels: list[int], i: int) -> Label:
    if levels[i] == 1:
        return "drop"
    if i == 0:
        return "intro"
    if i == len(levels) - 1:
        return "outro"
    return "buildup" if levels[i] == 0 and levels[i + 1] == 1 else "breakdown"
