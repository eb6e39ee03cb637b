"""Evidence for a boundary: novelty and repetition together, in one number for every unit.

The weights are those of a logistic model fitted to the boundaries of 42 songs (`python
benchmarks/structure_nested.py weights`), its log odds averaged with the novelty alone, which
places boundaries better, and rounded. They hardly differ between two halves of the songs.
"""

from __future__ import annotations

import numpy as np

from . import novelty, repetition
from .labels import CALM, PEAK

NOVELTY = 0.8  # of a unit of novelty.evidence
CONTRAST = 0.25  # of a unit of repetition.contrast: two stretches, each like itself ...
LEAD = 1.2  # ... and by which it falls short of the largest nearby
RECURRENCE = 1.05  # of the track's largest change of recurrences
USUAL = -0.6  # what the others say where nothing begins; .1 above the fit: labels cost boundaries
REST = 2  # bars of silence before a section begins, at most: they belong to the one before
NOTHING = -1.0  # evidence where nothing begins


def boundary_evidence(
    pattern: np.ndarray, level: np.ndarray, per_bar: int, aligned: bool
) -> np.ndarray:
    """(units,) how much every unit looks like the first of a section; above 0: it does.

    pattern: (units, subdivisions, bands) dB. level: (units,) dB. aligned: whether positions in
    the bar mean something; else there is novelty alone.
    """
    changed = novelty.evidence(pattern, level, per_bar, aligned)
    if not aligned:
        return changed
    described = repetition.describe(pattern, per_bar)
    if not described.any():
        return changed
    weights = np.array([CONTRAST, LEAD, RECURRENCE])
    found = NOVELTY * changed + weights @ described + USUAL
    return after_rests(found, level, per_bar)


def after_rests(evidence: np.ndarray, level: np.ndarray, per_bar: int) -> np.ndarray:
    """(units,) evidence with what speaks for the bars of a rest given to its end.

    A rest is calm music of REST bars at most between peaks: what follows begins where the music
    returns, and nothing begins before.
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
