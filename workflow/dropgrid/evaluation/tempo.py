"""Tempo evaluation: one reference tempo against one estimate, for each of many tracks.

Conventions
-----------
Tempi are BPM in arrays of shape (tracks,). A track without an estimate has NaN: it is wrong in
every accuracy and absent from every error.

Metrics
-------
* error: estimate minus reference, in BPM; within: its magnitude against a tolerance in BPM
* accuracy1: within 4 % of the reference; accuracy2: also of its double, triple, half or third
  (Gouyon et al., An experimental comparison of audio tempo induction algorithms, 2006)
* octave: which simple multiple of the reference the estimate is, if any

mir_eval.tempo scores pairs of tempi with weights (MIREX), but tracks here have a single tempo.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

TOLERANCE = 0.04  # of the reference
WITHIN = (0.01, 0.05, 0.5, 2.5)  # BPM
ROUNDING = 1e-9  # BPM: 128.05 is within 0.05 of 128 in spite of binary fractions
ACCURACY2_FACTORS = (1.0, 2.0, 3.0, 1 / 2, 1 / 3)
FACTORS = {
    "1": 1.0, "1/2": 1 / 2, "2": 2.0, "2/3": 2 / 3, "3/2": 3 / 2,
    "3/4": 3 / 4, "4/3": 4 / 3, "1/3": 1 / 3, "3": 3.0,
}  # fmt: skip
OTHER, NO_ESTIMATE = "other", "none"
STRATA = (0.0, 90.0, 115.0, 135.0, 160.0, float("inf"))  # BPM of the reference


def validate(reference: Floats, estimated: Floats) -> None:
    """Raise ValueError unless the tempi are of equal shape and positive (estimates: or NaN)."""
    if reference.ndim != 1 or reference.shape != estimated.shape:
        raise ValueError(f"tempi of shapes {reference.shape} and {estimated.shape}")
    if not np.all(reference > 0) or not np.all(np.isfinite(reference)):
        raise ValueError("a reference tempo is not a positive number")
    if np.any(estimated <= 0) or np.any(np.isinf(estimated)):
        raise ValueError("an estimated tempo is not a positive number")


def error(reference: Floats, estimated: Floats) -> Floats:
    """Estimate minus reference in BPM, NaN without an estimate."""
    return estimated - reference


def within(reference: Floats, estimated: Floats, tolerance: float) -> npt.NDArray[np.bool_]:
    """Whether each estimate is at most tolerance BPM from its reference."""
    return np.abs(estimated - reference) <= tolerance + ROUNDING


def accuracy1(
    reference: Floats, estimated: Floats, tolerance: float = TOLERANCE
) -> npt.NDArray[np.bool_]:
    """Whether each estimate is within tolerance (a share of the reference) of its reference."""
    return np.abs(estimated - reference) <= tolerance * reference


def accuracy2(
    reference: Floats, estimated: Floats, tolerance: float = TOLERANCE
) -> npt.NDArray[np.bool_]:
    """Accuracy1 against 1, 2, 3, 1/2 or 1/3 times the reference."""
    right = np.zeros(reference.shape, dtype=bool)
    for factor in ACCURACY2_FACTORS:
        right |= accuracy1(factor * reference, estimated, tolerance)
    return right


def octave(reference: float, estimated: float, tolerance: float = TOLERANCE) -> str:
    """The name of the nearest of FACTORS the estimate is within tolerance of, else "other".

    >>> octave(128, 64.1), octave(128, 128), octave(128, 140), octave(128, float("nan"))
    ('1/2', '1', 'other', 'none')
    """
    if np.isnan(estimated):
        return NO_ESTIMATE
    ratio = estimated / reference
    name = min(FACTORS, key=lambda name: abs(ratio / FACTORS[name] - 1))
    return name if abs(ratio / FACTORS[name] - 1) <= tolerance else OTHER


def stratum(reference: float) -> str:
    """The tempo range a reference belongs to.

    >>> stratum(128), stratum(174)
    ('115-135', '160+')
    """
    i = int(np.searchsorted(STRATA, reference, side="right")) - 1
    low, high = STRATA[i], STRATA[i + 1]
    return f"{low:.0f}+" if np.isinf(high) else f"{low:.0f}-{high:.0f}"


def evaluate(reference: float, estimated: float | None) -> dict[str, Any]:
    """All metrics of one track. Raises ValueError for an invalid tempo."""
    ref = np.array([reference], dtype=float)
    est = np.array([np.nan if estimated is None else estimated], dtype=float)
    validate(ref, est)
    scores: dict[str, Any] = {"error": float(error(ref, est)[0])}
    for tolerance in WITHIN:
        scores[f"within_{tolerance:g}"] = float(within(ref, est, tolerance)[0])
    scores["accuracy1"] = float(accuracy1(ref, est)[0])
    scores["accuracy2"] = float(accuracy2(ref, est)[0])
    scores["octave"] = octave(float(ref[0]), float(est[0]))
    return scores
