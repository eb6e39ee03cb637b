"""The comparison of systems, as JSON and Markdown."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from .rows import PRODUCT
from .systems import METRICS, Case, difference, disagreements, means, strata

HEAD = """# Systems side by side

A track without an answer counts as wrong in the first mean and is left out of the second.
Intervals are 95 % (bootstrap over tracks), from 10 tracks on. The last columns compare a system
with {base} on the same tracks: on how many it is better and worse, and the probability of that
if both were equally good.
"""


def document(
    found: Sequence[Case], systems: Sequence[str], seed: int, base: str = PRODUCT
) -> dict[str, Any]:
    """The JSON document. By task: means, differences from base, strata, largest disagreements."""
    tasks: dict[str, Any] = {}
    for task, metrics in METRICS.items():
        of_task = [case for case in found if case.task == task]
        if not of_task:
            continue
        others = [system for system in systems if system != base]
        tasks[task] = {
            "means": [asdict(means(of_task, s, m, seed)) for m in metrics for s in systems],
            "differences": [
                asdict(difference(of_task, s, m, seed, base)) for m in metrics for s in others
            ],
            "strata": {
                name: [asdict(means(group, s, metrics[0], seed)) for s in systems]
                for name, group in strata(of_task).items()
            },
            "disagreements": [
                {"track": case.track, "path": case.path, "scores": _plain(case.scores)}
                for case in disagreements(of_task, metrics[0])
            ],
        }
    return {
        "schema": "dropgrid/systems",
        "schema_version": 1,
        "systems": list(systems),
        "base": base,
        "tasks": tasks,
    }


def _plain(
    scores: Mapping[str, Mapping[str, float] | None],
) -> dict[str, dict[str, float | None] | None]:
    """The scores of a case; None for a metric without a value."""
    return {
        system: None
        if own is None
        else {name: value if math.isfinite(value) else None for name, value in own.items()}
        for system, own in scores.items()
    }


def markdown(values: Mapping[str, Any]) -> str:
    """The comparison as Markdown."""
    lines = [HEAD.format(base=values["base"])]
    for task, found in values["tasks"].items():
        against = {(d["system"], d["metric"]): d for d in found["differences"]}
        lines += [f"## {task.capitalize()}", ""]
        lines += [
            "| metric | system | mean | answered only | tracks | less "
            f"{values['base']} | better | worse | p |",
            "|---|---|---|---|---|---|---|---|---|",
        ]
        for mean in found["means"]:
            apart = against.get((mean["system"], mean["metric"]))
            lines.append(_line(mean, apart))
        lines += ["", *_strata_lines(values["systems"], found["strata"])]
        lines += _disagreement_lines(values["systems"], METRICS[task][0], found["disagreements"])
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


def _disagreement_lines(
    systems: Sequence[str], metric: str, found: Sequence[Mapping[str, Any]]
) -> list[str]:
    if not found:
        return []
    lines = [
        f"| the systems disagree most ({metric}) | {' | '.join(systems)} |",
        "|---" * (len(systems) + 1) + "|",
    ]
    for case in found:
        scores = [case["scores"][system] for system in systems]
        cells = ["no answer" if s is None else _number(s[metric]) for s in scores]
        name = " ".join(case["path"].split()).replace("|", "\\|")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return [*lines, ""]


def _interval(value: Mapping[str, Any], sign: bool = False) -> str:
    if value["mean"] is None:
        return ""
    text = f"{value['mean']:+.3f}" if sign else f"{value['mean']:.3f}"
    if value["low"] is None:
        return text
    form = "+.3f" if sign else ".3f"
    return f"{text} [{value['low']:{form}}, {value['high']:{form}}]"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
