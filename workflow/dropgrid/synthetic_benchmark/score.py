"""Score systems' answers on a benchmark: the measures of an evaluation, then scores by cause.

A cause is a trait or a twin. A trait has two means: of the pieces with it and of those without it.
A twin is compared with its own original piece, so only the changed property can explain the
difference.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ..base.errors import ConfigError
from ..evaluation import bootstrap, systems, systems_report
from ..evaluation.bootstrap import MIN_TRACKS
from ..evaluation.systems import Case, column
from ..library import track_id
from ..references.collect import read_sources
from ..references.matching import LeftOut, Tracks, match
from .make import AUDIO, TRUTH, read
from .traits import TRAITS, TWINS

SEED = 0  # of the intervals
SHOWN = {
    "tempo": "accuracy1", "beats": "f_measure", "downbeats": "f_measure",
    "boundaries": "hit_3_trimmed_f", "drops": "drop_within_bar_f", "key": "mirex",
}  # fmt: skip


def gather(folder: Path, estimates: Mapping[str, str]) -> tuple[list[Case], list[LeftOut]]:
    """The cases of all pieces, and the answers that match no piece.

    estimates: a file or folder of answers by system. Answers are found by track id (relative to
    FOLDER/audio), path or name. Raises ConfigError, InvalidReference.
    """
    pieces = {piece["name"]: piece for piece in read(folder)["pieces"]}
    names = Tracks({name: name for name in pieces})
    truth, _, _ = match(read_sources([str(folder / TRUTH)]), names)
    missing = sorted(set(pieces) - set(truth))
    if missing:
        raise ConfigError(f"{folder / TRUTH}: no truth of {missing[0]}")
    files = {track_id(piece["file"]): name for name, piece in pieces.items()}
    tracks = Tracks({track: pieces[name]["file"] for track, name in files.items()},
                    str(folder / AUDIO))  # fmt: skip
    answers: dict[str, dict[str, systems.Answer]] = {}
    left_out: list[LeftOut] = []
    for name, source in estimates.items():
        found, unknown, _ = match(read_sources([source]), tracks)
        left_out += unknown
        answers[name] = {
            files[track]: systems.answer_of_annotation(annotation)
            for track, annotation in found.items()
        }
    cases: list[Case] = []
    for name in sorted(pieces):
        given = {system: own.get(name, systems.Answer()) for system, own in answers.items()}
        reference = replace(truth[name], genre=pieces[name]["style"])
        cases += systems.cases(reference, pieces[name]["file"], None, given)
    return cases, left_out


def document(folder: Path, cases: Sequence[Case], names: Sequence[str]) -> dict[str, Any]:
    """All scores: those of the original pieces, as in an evaluation, then the scores by cause."""
    manifest = read(folder)
    pieces = {piece["name"]: piece for piece in manifest["pieces"]}
    own = [case for case in cases if not pieces[case.track]["twin"]]
    values = systems_report.document(own, names, SEED, base=names[0])
    return values | {
        "schema": "dropgrid/benchmark-scores",
        "benchmark": {name: manifest[name] for name in ("seed", "tracks", "twins", "version")},
        "traits": _by_trait(own, pieces, names),
        "twins": _by_twin(cases, pieces, names),
    }


def _by_trait(
    cases: Sequence[Case], pieces: Mapping[str, Any], names: Sequence[str]
) -> dict[str, Any]:
    """By trait, task and system: the mean with the trait and without it."""
    found: dict[str, Any] = {}
    for trait in TRAITS:
        for task, metric in SHOWN.items():
            of_task = [case for case in cases if case.task == task]
            having = np.array([trait in pieces[case.track]["traits"] for case in of_task], bool)
            if not having.any():
                continue
            for name in names:
                values = column(of_task, name, metric)
                found.setdefault(trait, {}).setdefault(task, {})[name] = {
                    "tracks": int(np.isfinite(values[having]).sum()),
                    "with": _mean(values[having]),
                    "without": _mean(values[~having]),
                }
    return found


def _by_twin(
    cases: Sequence[Case], pieces: Mapping[str, Any], names: Sequence[str]
) -> dict[str, Any]:
    """By twin, task and system: the means of the pieces, their twins, and the differences."""
    by_name = {(case.track, case.task): case for case in cases}
    found: dict[str, Any] = {}
    for twin in TWINS:
        for task, metric in SHOWN.items():
            pairs = [
                (by_name[pieces[case.track]["twin_of"], task], case)
                for case in cases
                if case.task == task
                and pieces[case.track]["twin"] == twin
                and (pieces[case.track]["twin_of"], task) in by_name
            ]
            if not pairs:
                continue
            for name in names:
                one, other = (column(side, name, metric) for side in zip(*pairs, strict=True))
                apart = (other - one)[np.isfinite(other - one)]
                estimate = bootstrap.means(apart[:, None], SEED)[0] if len(apart) else None
                enough = estimate is not None and len(apart) >= MIN_TRACKS
                found.setdefault(twin, {}).setdefault(task, {})[name] = {
                    "tracks": len(apart),
                    "piece": _mean(one),
                    "twin": _mean(other),
                    "difference": None if estimate is None else estimate.value,
                    "low": estimate.low if estimate and enough else None,
                    "high": estimate.high if estimate and enough else None,
                    "worse": int((apart < -1e-9).sum()),
                }
    return found


def _mean(values: np.ndarray) -> float | None:
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if len(finite) else None


def markdown(values: Mapping[str, Any]) -> str:
    """The scores as Markdown."""
    names, about = values["systems"], values["benchmark"]
    text = systems_report.markdown(values).replace(
        "# Systems side by side\n",
        f"# Systems side by side\n\nEDM-grids, seed {about['seed']}, {about['tracks']} pieces, "
        f"dropgrid {about['version']}. The first tables are of the pieces without their twins.\n",
        1,
    )
    lines = ["## By trait: mean with it (mean of the other pieces)", ""]
    for task in SHOWN:
        rows = [(trait, found[task]) for trait, found in values["traits"].items() if task in found]
        if rows:
            lines += _head(f"{task}, {SHOWN[task]}", names)
            lines += [
                f"| {trait} ({own[names[0]]['tracks']}) | "
                + " | ".join(f"{_n(own[s]['with'])} ({_n(own[s]['without'])})" for s in names)
                + " |"
                for trait, own in rows
            ] + [""]
    lines += ["## By twin: mean of the twins less that of the same pieces (pieces worse)", ""]
    for task in SHOWN:
        rows = [(twin, found[task]) for twin, found in values["twins"].items() if task in found]
        if rows:
            lines += _head(f"{task}, {SHOWN[task]}", names)
            lines += [
                f"| {twin} ({own[names[0]]['tracks']}) | "
                + " | ".join(
                    "" if own[s]["difference"] is None
                    else f"{own[s]['difference']:+.3f} ({own[s]['worse']})"
                    for s in names
                )
                + " |"
                for twin, own in rows
            ] + [""]  # fmt: skip
    return text + "\n" + "\n".join(lines) + "\n"


def _head(title: str, names: Sequence[str]) -> list[str]:
    return [f"| {title} | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]


def _n(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
