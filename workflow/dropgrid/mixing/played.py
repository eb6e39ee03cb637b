"""How the score ranks what was really played next: a test of the score on somebody's own sets.

A list of tracks in the order they were played gives pairs. For each pair all other tracks of the
library are ranked; the rank of the one that was really played says how good a ranking is. Beside
the score stands a ranking by key and tempo alone, and chance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from .library import Library
from .score import ranked, scores


@dataclass(frozen=True)
class Ranking:
    """Over the pairs of a list: the median rank of the track really played next, from 1, and how
    often it was among the first ten; candidates: the median number of tracks to choose from."""

    name: str
    median_rank: float
    in_first_ten: float
    candidates: float


def rankings(library: Library, played: Sequence[int], limit: float) -> list[Ranking]:
    """The rankings of the pairs of a list, places in the library; [] where there is no pair.

    limit: per cent of tempo change, as for the score; a pair beyond it counts as last.
    """
    pairs = [(i, j) for i, j in pairwise(played) if i != j]
    if not pairs:
        return []
    ranks: dict[str, list[float]] = {"score": [], "key and tempo": [], "chance": []}
    counts = []
    for i, j in pairs:
        found = scores(library, i, limit=limit)
        candidates = ranked(library, i, found)
        simple = found.terms["key"] + found.terms["tempo"]
        others = len(library) - 1
        counts.append(others)
        ranks["score"].append(_rank(candidates, j, others))
        ranks["key and tempo"].append(
            _rank(candidates[np.argsort(-simple[candidates], kind="stable")], j, others)
        )
        ranks["chance"].append((others + 1) / 2)
    return [
        Ranking(
            name,
            float(np.median(found)),
            float(np.mean(np.array(found) <= 10)) if name != "chance" else
            float(np.mean([min(1.0, 10 / max(1, count)) for count in counts])),
            float(np.median(counts)),
        )
        for name, found in ranks.items()
    ]  # fmt: skip


def _rank(order: np.ndarray, track: int, last: int) -> float:
    places = np.flatnonzero(order == track)
    return float(places[0] + 1) if len(places) else float(last)
