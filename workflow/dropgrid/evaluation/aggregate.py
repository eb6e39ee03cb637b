"""Means and counts over the rows, per system and per stratum, with confidence intervals."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ..records.model import LABELS
from . import bootstrap, key, tempo
from .bootstrap import Estimate
from .rows import PRODUCT, Row

COMMON = ("track", "path", "genre", "reference", "system", "answered", "reference_bpm")

Measures = dict[str, Estimate]
Measure = Callable[[Sequence[Row], int], Measures]


def systems(rows: Iterable[Row]) -> list[str]:
    """The systems of the rows, dropgrid first."""
    return sorted({row["system"] for row in rows}, key=lambda name: (name != PRODUCT, name))


def column(rows: Sequence[Row], name: str) -> npt.NDArray[np.float64]:
    """A metric of the rows, NaN if a row does not have it."""
    values = (row.get(name) for row in rows)
    return np.array([math.nan if value is None else value for value in values], dtype=float)


def means(rows: Sequence[Row], seed: int) -> Measures:
    """The mean of every metric over the rows of one system."""
    names = list(dict.fromkeys(
        name for row in rows for name, value in row.items()
        if name not in COMMON and isinstance(value, float)
    ))  # fmt: skip
    if not names:
        return {}
    table = np.column_stack([column(rows, name) for name in names])
    return dict(zip(names, bootstrap.means(table, seed), strict=True))


def with_answered(measure: Measure, rows: Sequence[Row], seed: int) -> Measures:
    """The measures over all rows, where failed and unanswered ones count as wrong, each with the
    value over the answered rows only."""
    found = measure(rows, seed)
    answered = [row for row in rows if row.get("answered", True)]
    of_answered = found if len(answered) == len(rows) else measure(answered, seed)
    none = Estimate(math.nan, math.nan, math.nan, 0)
    return {
        name: replace(
            estimate,
            answered=(alone := of_answered.get(name, none)).value,
            answered_tracks=alone.tracks,
        )
        for name, estimate in found.items()
    }


def tempo_measures(rows: Sequence[Row], seed: int) -> Measures:
    """MAE, RMSE, median error, shares within tolerances and accuracies of one system."""
    errors = np.abs(column(rows, "error"))
    shares = [f"within_{tolerance:g}" for tolerance in tempo.WITHIN]
    names = [*shares, "accuracy1", "accuracy2"]
    table = np.column_stack([errors, errors**2, *(column(rows, name) for name in names)])
    mae, square, *rest = bootstrap.means(table, seed)
    rmse = Estimate(
        math.sqrt(square.value), math.sqrt(square.low), math.sqrt(square.high), square.tracks
    )
    median = bootstrap.medians(errors, seed)
    return {"mae": mae, "rmse": rmse, "median_error": median} | dict(zip(names, rest, strict=True))


def octaves(rows: Iterable[Row]) -> dict[str, int]:
    """The number of estimates for each multiple of the reference."""
    counted = Counter(row["octave"] for row in rows)
    order = (*tempo.FACTORS, tempo.OTHER, tempo.NO_ESTIMATE)
    return {name: counted[name] for name in order if counted[name]}


def key_errors(rows: Iterable[Row]) -> dict[str, int]:
    """The number of estimated keys of each kind."""
    counted = Counter(row["kind"] for row in rows)
    return {name: counted[name] for name in key.KINDS if counted[name]}


def strata(rows: Sequence[Row], seed: int, measure: Measure = means) -> dict[str, dict[str, Any]]:
    """The measures of dropgrid by tempo range and by genre, for tracks with a known one."""
    groups: dict[str, dict[str, list[Row]]] = {"tempo": {}, "genre": {}}
    rows = [row for row in rows if row["system"] == PRODUCT]
    for row in sorted(rows, key=lambda row: float(row["reference_bpm"] or 0)):
        if row["reference_bpm"]:
            groups["tempo"].setdefault(tempo.stratum(row["reference_bpm"]), []).append(row)
    for row in sorted(rows, key=lambda row: row["genre"] or ""):
        if row["genre"]:
            groups["genre"].setdefault(row["genre"], []).append(row)
    return {
        kind: {
            name: with_answered(measure, _by_track(group), seed) for name, group in named.items()
        }
        for kind, named in groups.items()
    }


def _by_track(rows: Iterable[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: str(row["track"]))


def label_measures(confusions: Sequence[npt.NDArray[np.int64]], seed: int) -> dict[str, Measures]:
    """Precision, recall and F of each label over the 0.1 s frames of all tracks together."""
    if not confusions:
        return {}
    cells = np.stack(confusions).astype(float)
    right = np.diagonal(cells, axis1=1, axis2=2)
    estimated, annotated = cells.sum(axis=1), cells.sum(axis=2)
    found = {
        "precision": bootstrap.ratios(right, estimated, seed),
        "recall": bootstrap.ratios(right, annotated, seed),
        "f": bootstrap.ratios(2 * right, estimated + annotated, seed),
    }
    return {
        label: {kind: estimates[i] for kind, estimates in found.items()}
        for i, label in enumerate(LABELS)
    }


def accuracy_of_labels(confusions: Sequence[npt.NDArray[np.int64]], seed: int) -> Estimate:
    """The share of all annotated frames with the right label."""
    if not confusions:
        return Estimate(math.nan, math.nan, math.nan, 0)
    cells = np.stack(confusions).astype(float)
    right = np.trace(cells, axis1=1, axis2=2)[:, None]
    found = bootstrap.ratios(right, cells.sum(axis=(1, 2))[:, None], seed)[0]
    return replace(found, tracks=len(confusions))
