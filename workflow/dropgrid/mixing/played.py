"""Test the score on a user's own sets: how it ranks the track that was actually played next.

A list of tracks in the order in which they were played gives pairs. For each pair, all other
tracks of the library are ranked; a good ranking puts the track that was played next near the top.
The score is compared with a ranking by key and tempo only, and with chance.
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
    """A ranking over the pairs of a list.

    median_rank: of the track played next, from 1; in_first_ten: the share of pairs in which it was
    among the first ten; candidates: the median number of tracks to choose from.
    """

    name: str
    median_rank: float
    in_first_ten: float
    candidates: float


def rankings(library: Library, played: Sequence[int], limit: float) -> list[Ranking]:
    """The rankings of the pairs of a list of indexes in the library; [] without a pair.

    limit: per cent of tempo change, as for the score; a pair beyond it has the last rank.
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
