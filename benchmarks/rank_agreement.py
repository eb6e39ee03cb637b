"""Do systems rank alike on two sets? Spearman's and Kendall's correlation of their means.

Usage: .venv/bin/python benchmarks/rank_agreement.py ONE/systems.json OTHER/scores.json

Takes two documents that `dropgrid evaluate --estimates` or `dropgrid benchmark score` wrote, and
prints, for every measure that at least three systems have in both, each system's two means and
the rank correlations. With so few systems a correlation is a hint: its p is printed beside it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from scipy import stats

MEASURES = (
    ("tempo", "accuracy1"), ("tempo", "accuracy2"), ("beats", "f_measure"), ("beats", "cmlt"),
    ("beats", "amlt"), ("downbeats", "f_measure"), ("key", "mirex"),
)  # fmt: skip
FEWEST = 3  # systems


def means(file: Path) -> dict[tuple[str, str], dict[str, float]]:
    """By measure, the mean of each system that answers."""
    found: dict[tuple[str, str], dict[str, float]] = {}
    values: dict[str, Any] = json.loads(file.read_text())
    for task, scores in values["tasks"].items():
        for mean in scores["means"]:
            if mean["answered"]:
                found.setdefault((task, mean["metric"]), {})[mean["system"]] = mean["mean"]
    return found


def agreement(one: dict[str, float], other: dict[str, float]) -> tuple[list[str], Any, Any]:
    """The systems in both, the best of the first set first, and the two correlations."""
    both = sorted(one.keys() & other.keys(), key=lambda name: -one[name])
    pair = [one[name] for name in both], [other[name] for name in both]
    return both, stats.spearmanr(*pair), stats.kendalltau(*pair)


def main() -> None:
    first, second = (means(Path(name)) for name in sys.argv[1:3])
    print("| measure | systems: first set, second set | Spearman (p) | Kendall (p) |")
    print("|---|---|---|---|")
    for measure in MEASURES:
        one, other = first.get(measure, {}), second.get(measure, {})
        if len(one.keys() & other.keys()) < FEWEST:
            continue
        names, spearman, kendall = agreement(one, other)
        shown = "; ".join(f"{name} {one[name]:.3f}, {other[name]:.3f}" for name in names)
        print(
            f"| {' '.join(measure)} | {shown} | {spearman.statistic:.2f} ({spearman.pvalue:.2f}) "
            f"| {kendall.statistic:.2f} ({kendall.pvalue:.2f}) |"
        )


if __name__ == "__main__":
    main()
