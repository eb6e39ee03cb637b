"""Do systems rank alike on two sets? Spearman's and Kendall's correlation of their means.

Usage: .venv/bin/python benchmarks/rank_agreement.py ONE.json OTHER.json

Takes two documents that systems.py or edm_grids.py wrote (benchmarks/results), and prints, for
every measure that at least three systems have in both, each system's two means and the rank
correlations. With so few systems a correlation is a hint: its p is printed too.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from scipy import stats

MEASURES = ("Accuracy1", "Accuracy2", "beat F", "CMLt", "AMLt", "downbeat F", "key, MIREX")
FEWEST = 3  # systems


def means(results: dict[str, Any], measure: str) -> dict[str, float]:
    """The mean of each system that answers."""
    found = {system["name"]: system["means"].get(measure) for system in results["systems"]}
    return {name: mean for name, mean in found.items() if mean is not None}


def agreement(one: dict[str, float], other: dict[str, float]) -> tuple[list[str], Any, Any]:
    """The systems in both, the best of the first set first, and the two correlations."""
    both = sorted(one.keys() & other.keys(), key=lambda name: (-one[name], name))
    pair = [one[name] for name in both], [other[name] for name in both]
    return both, stats.spearmanr(*pair), stats.kendalltau(*pair)


def table(
    first: dict[str, Any],
    second: dict[str, Any],
    sets: tuple[str, str] = ("first set", "second set"),
) -> str:
    """A row a measure. sets: what the two are of."""
    lines = [f"| | system: {sets[0]}, {sets[1]} | Spearman (p) | Kendall (p) |"]
    lines.append("|---|---|---|---|")
    for measure in MEASURES:
        one, other = means(first, measure), means(second, measure)
        if len(one.keys() & other.keys()) < FEWEST:
            continue
        names, spearman, kendall = agreement(one, other)
        shown = "; ".join(f"{name}: {_short(one[name])}, {_short(other[name])}" for name in names)
        found = " | ".join(
            f"{_short(test.statistic, 2)} ({_short(test.pvalue, 2)})"
            for test in (spearman, kendall)
        )
        lines.append(f"| {measure} | {shown} | {found} |")
    return "\n".join(lines)


def _short(value: float, digits: int = 3) -> str:
    """Without the 0 before the point."""
    return f"{value:.{digits}f}".replace("0.", ".", 1)


if __name__ == "__main__":
    print(table(*(json.loads(Path(name).read_text()) for name in sys.argv[1:3])))
