"""Evidence for a boundary: novelty and repetition combined in one number for every unit.

The weights are those of a logistic model fitted to the boundaries of 42 songs (`python
benchmarks/structure_nested.py weights`). Its log odds are averaged with the novelty alone, which
places boundaries more exactly, and rounded. The weights hardly differ between two halves of the
songs.
"""

from __future__ import annotations

import numpy as np

from . import novelty, repetition
from .labels import CALM, PEAK

NOVELTY = 0.8  # weight of novelty.evidence
CONTRAST = 0.25  # weight of repetition.contrast ...
LEAD = 1.2  # ... and of the contrast minus the largest contrast nearby
RECURRENCE = 1.05  # weight of the change of recurrences, relative to the track's largest
OFFSET = -0.6  # .1 above the fit, because the cost of equal labels also removes boundaries
REST = 2  # most bars of a rest before a section; they belong to the section before it
NOTHING = -1.0  # evidence inside a rest


def boundary_evidence(
    pattern: np.ndarray, level: np.ndarray, per_bar: int, aligned: bool
) -> np.ndarray:
    """(units,) log odds that a section begins at each unit.

    pattern: (units, subdivisions, bands) dB. level: (units,) dB. aligned: whether units have a
    known position in the bar; if not, only the novelty counts.
    """
    changed = novelty.evidence(pattern, level, per_bar, aligned)
    if not aligned:
        return changed
    described = repetition.describe(pattern, per_bar)
    if not described.any():
        return changed
    weights = np.array([CONTRAST, LEAD, RECURRENCE])
    found = NOVELTY * changed + weights @ described + OFFSET
    return after_rests(found, level, per_bar)


def after_rests(evidence: np.ndarray, level: np.ndarray, per_bar: int) -> np.ndarray:
    """(units,) the evidence, with the largest value inside each rest moved to the end of the rest.

    A rest is at most REST bars of calm music between peaks. The next section begins where the
    music returns, not inside the rest.
    """
    found = evidence.copy()
    bars = level[::per_bar]
    calm = np.concatenate([[False], bars < CALM, [False]])
    edges = np.flatnonzero(np.diff(calm.astype(int)))
    for start, end in edges.reshape(-1, 2):
        if not 0 < start < end < len(bars) or end - start > REST:
            continue
        if min(bars[start - 1], bars[end]) > PEAK:
            rest = slice((start - 1) * per_bar + 1, end * per_bar)
            back = end * per_bar
            found[back] = max(found[back], float(evidence[rest].max()))
            found[rest] = np.minimum(found[rest], NOTHING)
    return found
