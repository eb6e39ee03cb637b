"""Compares other systems with dropgrid, on the same tracks and the same references.

An answer may have any format that a reference may have. A track without an answer counts as wrong
in the first mean and is left out of the second. Each system is compared with dropgrid track by
track: the mean difference with its interval, how often each is better, and the probability of that
if both were equally good (sign test; for accuracies, which are right or wrong, this is McNemar's
exact test). A distance in milliseconds (ERRORS) has no value for a missing answer, so its means
are over the answered tracks only, and smaller is better.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

import numpy as np
import numpy.typing as npt

from ..records.model import LABELS, BpmRecord, KeyRecord, StructureRecord
from ..records.store import without_tag
from ..references.matching import Reference
from . import beats, bootstrap, key, structure, tempo
from .bootstrap import MIN_TRACKS
from .rows import PRODUCT, tempo_of

MAX_DISAGREEMENTS = 10  # tracks in the list of the largest disagreements
# Task -> its metrics, from 0 (wrong) to 1 except ERRORS; disagreements and strata use the first.
METRICS = {
    "tempo": ("accuracy1", "accuracy2", "within_0.05"),
    "beats": (
        "f_measure", "cmlc", "cmlt", "amlc", "amlt", "p_score", "information_gain",
        "median_error_ms",
    ),
    "downbeats": ("f_measure", "cmlt", "downbeats_given_beats"),
    "boundaries": (
        "hit_0.5_f", "hit_3_f", "hit_0.5_trimmed_f", "hit_3_trimmed_f", "hit_0.5_precision",
        "hit_0.5_recall",
    ),
    "drops": ("drop_within_beat_f", "drop_within_bar_f"),
    "key": ("mirex", "exact"),
}  # fmt: skip
CONDITIONAL = ("downbeats_given_beats",)  # defined only for beats that were found
ERRORS = ("median_error_ms",)  # distances: smaller is better, a missing answer has none

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Answer:
    """A system's answer for a track; None for what it does not estimate.

    bpm: BPM. beats, downbeats: seconds. boundaries: seconds, inside the track. drops: their starts
    in seconds. tonality: see dropgrid.key.notation.
    """

    bpm: float | None = None
    beats: tuple[float, ...] | None = None
    downbeats: tuple[float, ...] | None = None
    boundaries: tuple[float, ...] | None = None
    drops: tuple[float, ...] | None = None
    tonality: int | None = None


@dataclass(frozen=True)
class Case:
    """A track with a reference for a task: each system's metrics, None without an answer."""

    track: str
    path: str
    task: str
    genre: str | None
    bpm: float | None  # of the reference
    scores: dict[str, dict[str, float] | None]


@dataclass(frozen=True)
class Mean:
    """A mean over tracks. mean: missing answers count as 0; low, high: its 95 % interval, None
    below MIN_TRACKS tracks; mean_answered: without missing answers."""

    system: str
    metric: str
    tracks: int
    answered: int
    mean: float | None
    low: float | None
    high: float | None
    mean_answered: float | None


@dataclass(frozen=True)
class Difference:
    """A system minus another (dropgrid), track by track. p: two-sided, for better and worse being
    equally likely; None if no track differs."""

    system: str
    metric: str
    tracks: int
    mean: float | None
    low: float | None
    high: float | None
    better: int
    worse: int
    p: float | None


def answer_of_records(
    rhythm: BpmRecord | None, sections: StructureRecord | None, tonality: KeyRecord | None
) -> Answer:
    """dropgrid's answer from the audio alone, without the influence of a BPM tag."""
    from ..key import notation

    found: dict[str, Any] = {}
    if rhythm is not None and rhythm.status == "ok" and rhythm.bpm is not None:
        alone = without_tag(rhythm)
        found |= {"bpm": alone.bpm, "beats": alone.beats, "downbeats": alone.downbeats}
    if sections is not None and sections.status == "ok":
        found["boundaries"] = tuple(section.start for section in sections.sections[1:])
        found["drops"] = sections.drops
    if tonality is not None and tonality.status == "ok" and tonality.key:
        found["tonality"] = notation.parse(tonality.key)
    return Answer(**found)


def answer_of_annotation(annotation: Reference) -> Answer:
    """The answer in a file of a system."""
    boundaries = annotation.structure[0] if annotation.structure else None
    drops = tuple(structure.starts(annotation.sections)) if annotation.sections else None
    return Answer(
        annotation.bpm,
        annotation.beats,
        annotation.downbeats,
        boundaries,
        drops,
        annotation.tonality,
    )


def cases(
    reference: Reference, path: str, duration: float | None, answers: Mapping[str, Answer]
) -> list[Case]:
    """The cases of a track: one for each task for which it has a reference."""
    found = []
    for task in METRICS:
        scores = {
            system: _score(task, reference, answer, duration)
            for system, answer in answers.items()
            if _has_reference(task, reference)
        }
        if scores:
            bpm = tempo_of(reference)
            found.append(Case(reference.track, path, task, reference.genre, bpm, scores))
    return found


def _has_reference(task: str, reference: Reference) -> bool:
    if task == "drops":
        labels = {section.label for section in reference.sections or ()}
        return bool(labels) and labels <= {*LABELS, None} and tempo_of(reference) is not None
    fields = {"tempo": "bpm", "boundaries": "structure", "key": "tonality"}
    return bool(getattr(reference, fields.get(task, task)) not in (None, ()))


def _score(
    task: str, reference: Reference, answer: Answer, duration: float | None
) -> dict[str, float] | None:
    """A system's metrics; None without an answer."""
    if task == "tempo":
        assert reference.bpm is not None
        found = None if answer.bpm is None else tempo.evaluate(reference.bpm, answer.bpm)
    elif task == "key":
        assert reference.tonality is not None
        answered = answer.tonality is not None
        found = key.evaluate(reference.tonality, answer.tonality) if answered else None
    elif task == "boundaries":
        found = _boundaries(reference, answer.boundaries, duration)
    elif task == "drops":
        found = _drops(reference, answer.drops)
    else:
        found = _beats(task, reference, answer)
    return None if found is None else {name: float(found[name]) for name in METRICS[task]}


def _beats(task: str, reference: Reference, answer: Answer) -> dict[str, Any] | None:
    times = getattr(answer, task)
    if times is None:
        return None
    found: dict[str, Any] = beats.evaluate(getattr(reference, task), times)
    if task == "downbeats":
        found["downbeats_given_beats"] = beats.downbeats_given_beats(
            reference.beats or (), reference.downbeats or (), answer.beats or (), times
        )
    return found


def _drops(reference: Reference, drops: Sequence[float] | None) -> dict[str, float] | None:
    bpm = tempo_of(reference)
    if drops is None or bpm is None or reference.sections is None:
        return None
    end = reference.sections[-1].end
    annotated = structure.starts(reference.sections)
    return structure.drop_hits(annotated, [drop for drop in drops if drop < end], bpm)


def _boundaries(
    reference: Reference, starts: Sequence[float] | None, duration: float | None
) -> dict[str, Any] | None:
    assert reference.structure is not None
    annotated, end = reference.structure
    end = end or duration
    if starts is None or end is None:
        return None
    truth = structure.to_intervals(annotated, end)
    return structure.evaluate_boundaries(
        truth, structure.to_intervals(starts, float(truth[-1, 1]))
    )


def column(found: Sequence[Case], system: str, metric: str) -> Floats:
    """(cases,) a metric of a system: 0 for a missing answer, NaN if the metric has no value.

    It has no value if the reference does not allow one (no inner boundary), and for a missing
    answer if it is one of ERRORS and CONDITIONAL.
    """
    missing = np.nan if metric in (*ERRORS, *CONDITIONAL) else 0.0
    values = [case.scores[system] for case in found]
    scores = np.array([missing if v is None else v[metric] for v in values], float)
    # If the reference does not allow a value, no system has one, even for a missing answer.
    allowed = np.array([_allowed(case, metric) for case in found], bool)
    return np.where(allowed, scores, np.nan)


def _allowed(case: Case, metric: str) -> bool:
    given = [scores[metric] for scores in case.scores.values() if scores is not None]
    return not given or any(np.isfinite(given))


def answered(found: Sequence[Case], system: str) -> npt.NDArray[np.bool_]:
    """(cases,) whether a system has an answer."""
    return np.array([case.scores[system] is not None for case in found], bool)


def means(found: Sequence[Case], system: str, metric: str, seed: int) -> Mean:
    """The mean of a metric over cases of one task."""
    values = column(found, system, metric)
    counted = np.isfinite(values)
    with_answer = counted & answered(found, system)
    estimate = bootstrap.means(values[:, None], seed)[0]
    enough = int(counted.sum()) >= MIN_TRACKS
    return Mean(
        system, metric, int(counted.sum()), int(with_answer.sum()),
        estimate.value if counted.any() else None,
        estimate.low if enough else None, estimate.high if enough else None,
        float(values[with_answer].mean()) if with_answer.any() else None,
    )  # fmt: skip


def difference(
    found: Sequence[Case], system: str, metric: str, seed: int, base: str = PRODUCT
) -> Difference:
    """A system compared with `base` on the same cases; see `column` for missing answers."""
    from scipy.stats import binomtest

    apart = column(found, system, metric) - column(found, base, metric)
    apart = apart[np.isfinite(apart)]
    estimate = bootstrap.means(apart[:, None], seed)[0]
    good = -apart if metric in ERRORS else apart
    better, worse = int((good > 1e-9).sum()), int((good < -1e-9).sum())
    enough = len(apart) >= MIN_TRACKS
    p = float(binomtest(better, better + worse).pvalue) if better + worse else None
    return Difference(
        system, metric, len(apart), estimate.value if len(apart) else None,
        estimate.low if enough else None, estimate.high if enough else None, better, worse, p,
    )  # fmt: skip


def strata(found: Sequence[Case]) -> dict[str, list[Case]]:
    """The cases by genre and by tempo range, if known."""
    groups: dict[str, list[Case]] = {}
    for case in found:
        if case.genre:
            groups.setdefault(f"genre {case.genre}", []).append(case)
        if case.bpm:
            groups.setdefault(f"{tempo.stratum(case.bpm)} BPM", []).append(case)
    return dict(sorted(groups.items(), key=lambda group: (_lowest(group[0]), group[0])))


def _lowest(name: str) -> float:
    """The lower end of a tempo range, in BPM; infinity for genres, which come last."""
    digits = "".join(takewhile(str.isdigit, name))
    return float(digits) if digits and name.endswith(" BPM") else math.inf


def disagreements(found: Sequence[Case], metric: str) -> list[Case]:
    """The cases with the largest differences between systems, the largest first."""
    systems = list(found[0].scores) if found else []
    if len(systems) < 2:
        return []
    table = np.stack([column(found, system, metric) for system in systems])
    spread = np.nan_to_num(table.max(axis=0) - table.min(axis=0))
    order = np.argsort(-spread, kind="stable")
    return [found[i] for i in order[:MAX_DISAGREEMENTS] if spread[i] > 1e-9]
