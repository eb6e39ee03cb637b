"""Evidence for a boundary: novelty and repetition together, in one number for every unit.

The weights are those of a logistic model fitted to the boundaries of 42 songs (`python
benchmarks/structure_nested.py weights`), its log odds averaged with the novelty alone, which
places boundaries better, and rounded. They hardly differ between two halves of the songs.
"""

from __future__ import annotations

import numpy as np

from . import novelty, repetition

NOVELTY = 0.8  # of a unit of novelty.evidence
CONTRAST = 0.25  # of a unit of repetition.contrast: two stretches, each like itself ...
LEAD = 1.2  # ... and by which it falls short of the largest nearby
RECURRENCE = 1.05  # of the track's largest change of recurrences
USUAL = -0.6  # what the others say where nothing begins; .1 above the fit: labels cost boundaries


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
    return np.asarray(NOVELTY * changed + weights @ described + USUAL)
