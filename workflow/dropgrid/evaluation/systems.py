"""Other systems' answers beside dropgrid's, on the same tracks against the same references.

An answer may come in any format that a reference may have. A track that a system does not answer
counts as wrong in the first mean, and is left out of the second. Each system is compared with
dropgrid track by track: the mean difference with its interval, how often each is better, and the
probability of that if both were equally good (sign test; of accuracies, which are right or
wrong, that is McNemar's exact test).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..records.model import BpmRecord, KeyRecord, StructureRecord
from ..records.store import without_tag
from ..references.matching import Reference
from . import beats, bootstrap, key, structure, tempo
from .bootstrap import MIN_TRACKS
from .rows import PRODUCT

HEAD = """# Systems side by side

A track without an answer counts as wrong in the first mean and is left out of the second.
Intervals are 95 % (bootstrap over tracks), from 10 tracks on. The last columns compare a system
with dropgrid on the same tracks: on how many it is better and worse, and the probability of that
if both were equally good.
"""
SHOWN = 10  # tracks on which systems disagree most
# Task -> its metrics, all from 0 (wrong) to 1; the first one decides who is better.
METRICS = {
    "tempo": ("accuracy1", "accuracy2", "within_0.05"),
    "beats": ("f_measure", "cmlt", "amlt"),
    "downbeats": ("f_measure", "cmlt"),
    "boundaries": ("hit_0.5_f", "hit_3_f", "hit_0.5_precision", "hit_0.5_recall"),
    "key": ("mirex", "exact"),
}

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Answer:
    """What a system says of a track; None where it says nothing.

    bpm: BPM. beats, downbeats: seconds. boundaries: seconds inside the track. tonality: see
    dropgrid.key.notation.
    """

    bpm: float | None = None
    beats: tuple[float, ...] | None = None
    downbeats: tuple[float, ...] | None = None
    boundaries: tuple[float, ...] | None = None
    tonality: int | None = None


@dataclass(frozen=True)
class Case:
    """A track with a reference for a task: each system's metrics, None where it has no answer."""

    track: str
    path: str
    task: str
    genre: str | None
    bpm: float | None  # of the reference
    scores: dict[str, dict[str, float] | None]


@dataclass(frozen=True)
class Mean:
    """Over tracks: missing answers counted as 0, and without them; 95 % interval of the first,
    None below MIN_TRACKS tracks."""

    system: str
    metric: str
    tracks: int
    answered: int
    mean: float
    low: float | None
    high: float | None
    mean_answered: float | None


@dataclass(frozen=True)
class Difference:
    """A system less dropgrid, track by track. p: two-sided, of better and worse being as likely;
    None where no track differs."""

    system: str
    metric: str
    tracks: int
    mean: float
    low: float | None
    high: float | None
    better: int
    worse: int
    p: float | None


def answer_of_records(
    rhythm: BpmRecord | None, sections: StructureRecord | None, tonality: KeyRecord | None
) -> Answer:
    """dropgrid's own answer from the audio alone: no tag decided its tempo or its beats."""
    from ..key import notation

    found: dict[str, Any] = {}
    if rhythm is not None and rhythm.status == "ok" and rhythm.bpm is not None:
        alone = without_tag(rhythm)
        found |= {"bpm": alone.bpm, "beats": alone.beats, "downbeats": alone.downbeats}
    if sections is not None and sections.status == "ok":
        found["boundaries"] = tuple(section.start for section in sections.sections[1:])
    if tonality is not None and tonality.status == "ok" and tonality.key:
        found["tonality"] = notation.parse(tonality.key)
    return Answer(**found)


def answer_of_annotation(stated: Reference) -> Answer:
    """The answer that a file of a system holds."""
    boundaries = stated.structure[0] if stated.structure else None
    return Answer(stated.bpm, stated.beats, stated.downbeats, boundaries, stated.tonality)


def cases(
    reference: Reference, path: str, duration: float | None, answers: Mapping[str, Answer]
) -> list[Case]:
    """The cases of a track: one for each task that its reference speaks of."""
    found = []
    for task in METRICS:
        scores = {
            system: _score(task, reference, answer, duration)
            for system, answer in answers.items()
            if _speaks(task, reference)
        }
        if scores:
            bpm = reference.bpm
            found.append(Case(reference.track, path, task, reference.genre, bpm, scores))
    return found


def _speaks(task: str, reference: Reference) -> bool:
    fields = {"tempo": "bpm", "boundaries": "structure", "key": "tonality"}
    return bool(getattr(reference, fields.get(task, task)) not in (None, ()))


def _score(
    task: str, reference: Reference, answer: Answer, duration: float | None
) -> dict[str, float] | None:
    """A system's metrics; None where it has no answer."""
    if task == "tempo":
        assert reference.bpm is not None
        found = None if answer.bpm is None else tempo.evaluate(reference.bpm, answer.bpm)
    elif task == "key":
        assert reference.tonality is not None
        known = answer.tonality is not None
        found = key.evaluate(reference.tonality, answer.tonality) if known else None
    elif task == "boundaries":
        found = _boundaries(reference, answer.boundaries, duration)
    else:
        times = getattr(answer, task)
        found = None if times is None else beats.evaluate(getattr(reference, task), times)
    return None if found is None else {name: float(found[name]) for name in METRICS[task]}


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
    """(cases,) a metric of a system, NaN where it has no answer."""
    values = [case.scores[system] for case in found]
    return np.array([np.nan if v is None else v[metric] for v in values], float)


def means(found: Sequence[Case], system: str, metric: str, seed: int) -> Mean:
    """The mean of a metric over cases of one task."""
    values = column(found, system, metric)
    there = np.isfinite(values)
    estimate = bootstrap.means(np.nan_to_num(values)[:, None], seed)[0]
    enough = len(values) >= MIN_TRACKS
    return Mean(
        system, metric, len(values), int(there.sum()), estimate.value,
        estimate.low if enough else None, estimate.high if enough else None,
        float(values[there].mean()) if there.any() else None,
    )  # fmt: skip


def difference(found: Sequence[Case], system: str, metric: str, seed: int) -> Difference:
    """A system against dropgrid on the same cases, missing answers counted as 0."""
    from scipy.stats import binomtest

    other_values, own_values = (
        np.nan_to_num(column(found, name, metric)) for name in (system, PRODUCT)
    )
    apart = other_values - own_values
    estimate = bootstrap.means(apart[:, None], seed)[0]
    better, worse = int((apart > 1e-9).sum()), int((apart < -1e-9).sum())
    enough = len(apart) >= MIN_TRACKS
    p = float(binomtest(better, better + worse).pvalue) if better + worse else None
    return Difference(
        system, metric, len(apart), estimate.value,
        estimate.low if enough else None, estimate.high if enough else None, better, worse, p,
    )  # fmt: skip


def strata(found: Sequence[Case]) -> dict[str, list[Case]]:
    """The cases by genre and by range of tempo, as far as they are known."""
    groups: dict[str, list[Case]] = {}
    for case in found:
        if case.genre:
            groups.setdefault(f"genre {case.genre}", []).append(case)
        if case.bpm:
            groups.setdefault(f"{tempo.stratum(case.bpm)} BPM", []).append(case)
    return dict(sorted(groups.items()))


def disagreements(found: Sequence[Case], metric: str) -> list[Case]:
    """The cases on which the systems are furthest apart, the furthest first."""
    systems = list(found[0].scores) if found else []
    if len(systems) < 2:
        return []
    table = np.nan_to_num(np.stack([column(found, system, metric) for system in systems]))
    spread = table.max(axis=0) - table.min(axis=0)
    order = np.argsort(-spread, kind="stable")
    return [found[i] for i in order[:SHOWN] if spread[i] > 1e-9]


def document(found: Sequence[Case], systems: Sequence[str], seed: int) -> dict[str, Any]:
    """All of it, by task: means, differences, strata, and where they disagree most."""
    tasks: dict[str, Any] = {}
    for task, metrics in METRICS.items():
        of_task = [case for case in found if case.task == task]
        if not of_task:
            continue
        others = [system for system in systems if system != PRODUCT]
        tasks[task] = {
            "means": [asdict(means(of_task, s, m, seed)) for m in metrics for s in systems],
            "differences": [
                asdict(difference(of_task, s, m, seed)) for m in metrics for s in others
            ],
            "strata": {
                name: [asdict(means(group, s, metrics[0], seed)) for s in systems]
                for name, group in strata(of_task).items()
            },
            "disagreements": [
                {"track": case.track, "path": case.path, "scores": case.scores}
                for case in disagreements(of_task, metrics[0])
            ],
        }
    return {
        "schema": "dropgrid/systems",
        "schema_version": 1,
        "systems": list(systems),
        "tasks": tasks,
    }


def markdown(values: Mapping[str, Any]) -> str:
    """The document for people."""
    lines = [HEAD]
    for task, found in values["tasks"].items():
        against = {(d["system"], d["metric"]): d for d in found["differences"]}
        lines += [f"## {task.capitalize()}", ""]
        lines += [
            "| metric | system | mean | answered only | tracks | less dropgrid | better | worse "
            "| p |",
            "|---|---|---|---|---|---|---|---|---|",
        ]
        for mean in found["means"]:
            apart = against.get((mean["system"], mean["metric"]))
            lines.append(_line(mean, apart))
        lines += ["", *_strata_lines(values["systems"], found["strata"])]
    return "\n".join(lines) + "\n"


def _line(mean: Mapping[str, Any], apart: Mapping[str, Any] | None) -> str:
    cells = [
        mean["metric"], mean["system"], _interval(mean), _number(mean["mean_answered"]),
        f"{mean['answered']} of {mean['tracks']}",
    ]  # fmt: skip
    if apart is None:
        cells += ["", "", "", ""]
    else:
        p = "" if apart["p"] is None else f"{apart['p']:.2g}"
        cells += [_interval(apart, sign=True), str(apart["better"]), str(apart["worse"]), p]
    return f"| {' | '.join(cells)} |"


def _strata_lines(systems: Sequence[str], found: Mapping[str, Sequence[Any]]) -> list[str]:
    if not found:
        return []
    lines = [f"| tracks | {' | '.join(systems)} |", "|---" * (len(systems) + 1) + "|"]
    for name, of_group in found.items():
        cells = " | ".join(_interval(mean) for mean in of_group)
        lines.append(f"| {name} ({of_group[0]['tracks']}) | {cells} |")
    return [*lines, ""]


def _interval(value: Mapping[str, Any], sign: bool = False) -> str:
    text = f"{value['mean']:+.3f}" if sign else f"{value['mean']:.3f}"
    if value["low"] is None:
        return text
    form = "+.3f" if sign else ".3f"
    return f"{text} [{value['low']:{form}}, {value['high']:{form}}]"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
