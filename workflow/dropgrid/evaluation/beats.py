"""Beat evaluation: a sequence of estimated beats (or downbeats) against annotated ones.

Conventions
-----------
Beats are increasing times in seconds, arrays of shape (beats,). Nothing is trimmed: mir_eval's
own `evaluate` leaves out the first 5 s, which in dance music is where the grid is anchored.

Metrics
-------
* f_measure (70 ms), cmlc, cmlt, amlc, amlt (17.5 %) and information_gain (41 bins) are
  mir_eval.beat's; see there for the papers
* p_score (McKinney et al. 2007) is also mir_eval's
* median_error_ms: the median distance of an estimate to the nearest annotated beat, in ms, in
  either direction
* phase_error: the median of estimate minus nearest annotated beat, in seconds; positive is late
* phase_error_beats: the circular mean of the estimates' positions between annotated beats, -0.5
  to 0.5 beats; 0.5 is the off-beat
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

WINDOW = 0.07  # seconds
METRICS = (
    "f_measure", "cmlc", "cmlt", "amlc", "amlt", "p_score", "information_gain",
    "median_error_ms", "phase_error", "phase_error_beats",
)  # fmt: skip


def validate(reference: Floats, estimated: Floats) -> None:
    """Raise ValueError unless both are increasing times up to 30,000 s, the first not empty."""
    import mir_eval.beat

    if reference.size == 0:
        raise ValueError("no reference beats")
    with warnings.catch_warnings():  # about an empty estimate, which scores 0
        warnings.simplefilter("ignore")
        mir_eval.beat.validate(reference, estimated)


def f_measure(reference: Floats, estimated: Floats) -> float:
    """F-measure with a window of 70 ms to either side."""
    import mir_eval.beat

    return float(mir_eval.beat.f_measure(reference, estimated, f_measure_threshold=WINDOW))


def continuity(reference: Floats, estimated: Floats) -> tuple[float, float, float, float]:
    """CMLc, CMLt, AMLc, AMLt."""
    import mir_eval.beat

    return tuple(float(score) for score in mir_eval.beat.continuity(reference, estimated))  # type: ignore[return-value]


def information_gain(reference: Floats, estimated: Floats) -> float:
    """Information gain, 0 to 1."""
    import mir_eval.beat

    return float(mir_eval.beat.information_gain(reference, estimated))


def p_score(reference: Floats, estimated: Floats) -> float:
    """P-score, 0 to 1; 0 if either side has fewer than two beats."""
    import mir_eval.beat

    if min(reference.size, estimated.size) < 2:
        return 0.0
    return float(mir_eval.beat.p_score(reference, estimated))


def distances(reference: Floats, estimated: Floats) -> Floats:
    """Signed distance of each estimate to the nearest reference beat, in seconds."""
    after = np.clip(np.searchsorted(reference, estimated), 1, max(1, len(reference) - 1))
    candidates = reference[np.clip(np.stack([after - 1, after]), 0, len(reference) - 1)]
    both = estimated - candidates
    nearest = np.argmin(np.abs(both), axis=0)
    return np.asarray(np.take_along_axis(both, nearest[None], axis=0)[0], float)


def phase_error(reference: Floats, estimated: Floats) -> float:
    """Median signed distance of the estimates to the nearest reference beat, in seconds."""
    if estimated.size == 0:
        return float("nan")
    return float(np.median(distances(reference, estimated)))


def median_error_ms(reference: Floats, estimated: Floats) -> float:
    """Median distance of the estimates to the nearest reference beat, in milliseconds."""
    if estimated.size == 0:
        return float("nan")
    return 1000 * float(np.median(np.abs(distances(reference, estimated))))


def phase_error_beats(reference: Floats, estimated: Floats) -> float:
    """Circular mean of the estimates' phase between reference beats, -0.5 to 0.5 beats."""
    inside = estimated[(estimated >= reference[0]) & (estimated <= reference[-1])]
    if inside.size == 0 or reference.size < 2:
        return float("nan")
    phases = np.interp(inside, reference, np.arange(len(reference)))
    return float(np.angle(np.mean(np.exp(2j * np.pi * phases))) / (2 * np.pi))


def evaluate(reference: Sequence[float], estimated: Sequence[float]) -> dict[str, float]:
    """All metrics of one track. Raises ValueError for invalid beats."""
    ref, est = np.asarray(reference, dtype=float), np.asarray(estimated, dtype=float)
    validate(ref, est)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scores = (
            f_measure(ref, est),
            *continuity(ref, est),
            p_score(ref, est),
            information_gain(ref, est),
            median_error_ms(ref, est),
            phase_error(ref, est),
            phase_error_beats(ref, est),
        )
    return dict(zip(METRICS, scores, strict=True))


def downbeats_given_beats(
    beats: Sequence[float],
    downbeats: Sequence[float],
    estimated_beats: Sequence[float],
    estimated_downbeats: Sequence[float],
) -> float:
    """F-measure of the downbeats among the beats that were found.

    Annotated and estimated beats are paired as in f_measure (70 ms). Only these pairs count: each
    side marks the beat as a downbeat or not. NaN if no pair is a downbeat.
    """
    import mir_eval.util

    ref, est = np.asarray(beats, float), np.asarray(estimated_beats, float)
    if not ref.size or not est.size:
        return float("nan")
    pairs = np.array(mir_eval.util.match_events(ref, est, WINDOW), int).reshape(-1, 2)
    annotated = _among(ref, np.asarray(downbeats, float))[pairs[:, 0]]
    estimated_ones = _among(est, np.asarray(estimated_downbeats, float))[pairs[:, 1]]
    both = int(annotated.sum() + estimated_ones.sum())
    return 2 * float((annotated & estimated_ones).sum()) / both if both else float("nan")


def _among(beats: Floats, downbeats: Floats) -> npt.NDArray[np.bool_]:
    """Which beats are downbeats: those nearest to one, within the window."""
    marked = np.zeros(len(beats), bool)
    for time in downbeats:
        nearest = int(np.argmin(np.abs(beats - time)))
        marked[nearest] |= abs(beats[nearest] - time) <= WINDOW
    return marked
