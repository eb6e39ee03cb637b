"""Structure evaluation: boundaries and labels of sections.

Conventions
-----------
Boundaries are times in seconds; intervals are arrays of shape (sections, 2), gapless from 0.
The estimate is cropped or extended to the annotated range, as mir_eval.segment.evaluate does.

Metrics
-------
* hit rates at 0.5 s and 3 s, deviations and pairwise agreement are mir_eval.segment's; `trimmed`
  leaves out the first and last boundary, which are trivial. Trimmed scores are NaN if the
  annotation has no inner boundary.
* frames of 0.1 s by label, annotated and estimated: precision, recall and F of each label and
  the confusion matrix are sums over them
* drop_start: the starts of drops, within 0.5 s and 3 s
* drop_within_beat, drop_within_bar: the same, within a beat and a bar of the annotated tempo
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ..records.model import LABELS
from ..references.annotation import ReferenceSection

Floats = npt.NDArray[np.float64]

WINDOWS = (0.5, 3.0)  # seconds
FRAME = 0.1  # seconds
UNLABELLED = "unlabelled"


def validate(intervals: Floats) -> None:
    """Raise ValueError unless the intervals are gapless, start at 0, and none is empty."""
    if intervals.ndim != 2 or intervals.shape[1] != 2 or len(intervals) == 0:
        raise ValueError(f"intervals of shape {intervals.shape}")
    if intervals[0, 0] != 0 or np.any(intervals[1:, 0] != intervals[:-1, 1]):
        raise ValueError("the intervals are not gapless from 0")
    if not np.all(intervals[:, 1] > intervals[:, 0]):
        raise ValueError("an interval is empty")


def to_intervals(boundaries: Sequence[float], end: float) -> Floats:
    """The intervals between 0, the boundaries in between, and end (seconds)."""
    edges = [0.0, *sorted({b for b in boundaries if 0 < b < end}), end]
    return np.column_stack((edges[:-1], edges[1:])).astype(float)


def fill(sections: Sequence[tuple[float, float, str]], end: float) -> tuple[Floats, list[str]]:
    """Intervals and labels from 0 to end (seconds) of ordered sections; gaps are UNLABELLED."""
    edges, labels = [0.0], []
    for start, stop, label in [*sections, (end, end, UNLABELLED)]:
        for until, name in ((min(start, end), UNLABELLED), (min(stop, end), label)):
            if until > edges[-1]:
                edges.append(until)
                labels.append(name)
    return np.column_stack((edges[:-1], edges[1:])), labels


def hit_rates(reference: Floats, estimated: Floats) -> dict[str, float]:
    """Precision, recall and F of the boundaries, per window, untrimmed and trimmed."""
    import mir_eval.segment

    scores = {}
    for window in WINDOWS:
        for trim in (False, True):
            name = f"hit_{window:g}" + ("_trimmed" if trim else "")
            values = mir_eval.segment.detection(reference, estimated, window, trim=trim)
            if trim and len(reference) < 2:
                values = (np.nan,) * 3
            for kind, value in zip(("precision", "recall", "f"), values, strict=True):
                scores[f"{name}_{kind}"] = float(value)
    return scores


def deviations(reference: Floats, estimated: Floats) -> dict[str, float]:
    """Median distance in seconds from each boundary to the nearest boundary of the other side."""
    import mir_eval.segment

    scores = {}
    for trim in (False, True):
        pair = mir_eval.segment.deviation(reference, estimated, trim=trim)
        suffix = "_trimmed" if trim else ""
        scores[f"reference_to_estimate{suffix}"] = float(pair[0])
        scores[f"estimate_to_reference{suffix}"] = float(pair[1])
    return scores


def pairwise(
    reference: Floats, labels: list[str], estimated: Floats, estimated_labels: list[str]
) -> dict[str, float]:
    """Precision, recall and F of pairs of frames grouped under one label."""
    import mir_eval.segment

    values = mir_eval.segment.pairwise(
        reference, labels, estimated, estimated_labels, frame_size=FRAME
    )
    return {
        f"pairwise_{kind}": float(value)
        for kind, value in zip(("precision", "recall", "f"), values, strict=True)
    }


def confusion(
    reference: Floats, labels: Sequence[str], estimated: Floats, estimated_labels: Sequence[str]
) -> npt.NDArray[np.int64]:
    """Frames of 0.1 s by annotated (rows) and estimated label (columns), both in LABELS' order.

    Frames that either side leaves unlabelled are not counted.
    """
    frames = round(float(reference[-1, 1]) / FRAME)
    centres = (np.arange(frames, dtype=np.float64) + 0.5) * FRAME
    rows = _label_at(centres, reference, labels)
    columns = _label_at(centres, estimated, estimated_labels)
    counted = (rows >= 0) & (columns >= 0)
    size = len(LABELS)
    cells = rows[counted] * size + columns[counted]
    return np.bincount(cells, minlength=size * size).reshape(size, size)


def _label_at(centres: Floats, intervals: Floats, labels: Sequence[str]) -> npt.NDArray[np.int64]:
    codes = np.array([LABELS.index(name) if name in LABELS else -1 for name in labels])
    place = np.searchsorted(intervals[:, 1], centres, side="right")
    return np.asarray(codes[np.minimum(place, len(codes) - 1)], dtype=np.int64)


def starts(sections: Sequence[ReferenceSection], label: str = "drop") -> list[float]:
    """The starts of passages with that label: sections that do not continue another of the same
    label."""
    found, before = [], None
    for section in sections:
        if section.label == label and not (before and before == (label, section.start)):
            found.append(section.start)
        before = (section.label, section.end)
    return found


def start_hits(reference: Sequence[float], estimated: Sequence[float]) -> dict[str, float]:
    """Precision, recall and F of the starts of drops, per window.

    Precision is NaN without an estimate, recall without a reference, F without either.
    """
    import mir_eval.util

    scores = {}
    for window in WINDOWS:
        hits = 0
        if reference and estimated:
            hits = len(
                mir_eval.util.match_events(np.array(reference), np.array(estimated), window)
            )
        both = len(reference) + len(estimated)
        name = f"drop_start_{window:g}"
        scores[f"{name}_precision"] = hits / len(estimated) if estimated else np.nan
        scores[f"{name}_recall"] = hits / len(reference) if reference else np.nan
        scores[f"{name}_f"] = 2 * hits / both if both else np.nan
    return scores


def drop_hits(
    reference: Sequence[float], estimated: Sequence[float], bpm: float, beats_per_bar: int = 4
) -> dict[str, float]:
    """F of the starts of drops within a beat and within a bar; NaN if neither side has a drop."""
    import mir_eval.util

    scores = {}
    for name, window in (("beat", 60 / bpm), ("bar", beats_per_bar * 60 / bpm)):
        both = len(reference) + len(estimated)
        hits = 0
        if reference and estimated:
            hits = len(
                mir_eval.util.match_events(np.array(reference), np.array(estimated), window)
            )
        scores[f"drop_within_{name}_f"] = 2 * hits / both if both else np.nan
    return scores


def evaluate_boundaries(reference: Floats, estimated: Floats) -> dict[str, Any]:
    """The boundary metrics of one track; both arguments cover the annotated range."""
    validate(reference)
    validate(estimated)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about a single section, which is scored
        return hit_rates(reference, estimated) | deviations(reference, estimated)


def evaluate_labels(
    reference: Sequence[ReferenceSection],
    estimated: Sequence[tuple[float, float, str]],
    drops: Sequence[float],
) -> tuple[dict[str, float], npt.NDArray[np.int64] | None]:
    """Pairwise agreement; if all labels are dropgrid's, also starts of drops and the confusion.

    drops: estimated starts in seconds. The confusion is None for another vocabulary of labels.
    """
    end = reference[-1].end
    annotated = [(s.start, s.end, s.label or UNLABELLED) for s in reference]
    ref, labels = fill(annotated, end)
    est, estimated_labels = fill(estimated, end)
    validate(ref)
    validate(est)
    scores = pairwise(ref, labels, est, estimated_labels)
    if not set(labels) <= {*LABELS, UNLABELLED}:
        return scores, None
    scores |= start_hits(starts(reference), [drop for drop in drops if drop < end])
    return scores, confusion(ref, labels, est, estimated_labels)


def all_wrong(
    boundaries: tuple[Sequence[float], float | None] | None,
    sections: Sequence[ReferenceSection] | None,
) -> dict[str, float]:
    """The metrics of a track that has no answer: 0 for every share, NaN for distances.

    boundaries: (times, end or None). boundaries and sections are the reference's, or None.
    """
    scores: dict[str, float] = {}
    if boundaries is not None:
        moments, end = boundaries
        annotated = to_intervals(moments, end or max([0.0, *moments]) + 1.0)
        scores |= evaluate_boundaries(annotated, annotated)
    if sections:
        own = [(s.start, s.end, s.label or UNLABELLED) for s in sections]
        scores |= evaluate_labels(sections, own, starts(sections))[0]
    return {name: np.nan if "_to_" in name else 0.0 for name in scores}
