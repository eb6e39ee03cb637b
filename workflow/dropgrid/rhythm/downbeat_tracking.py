"""Where counting begins anew: a mix is cut into records by what its half beats show.

Eight places of the one among the half beats are counted on side by side. What a half beat shows
speaks for some of them; a way through them, which may go over to another place at a cost, is
found by dynamic programming (Viterbi). One song stays whole: its witnesses err for a phrase, not
for good. In a mix the next record's one is somewhere else, and so are beats that were cut out.

The weights are those of a conditional logistic regression on windows of 16 bars of 31 songs, the
costs those at which no song of them is cut without reason (see docs/rhythm.md). That of `beat` is
half of what would cut one: it finds where half a beat is missing.
"""

from __future__ import annotations

import numpy as np

from ..native import address, compiled
from .evidence import BeatEvidence

PLACES = 8  # half beats of a bar of four
# name -> weight, and the share of it that each half beat of a bar has, from the one on
WEIGHTS: dict[str, tuple[float, tuple[int, ...]]] = {
    "beat": (0.03, (1, 0, 1, 0, 1, 0, 1, 0)),
    "downbeat": (0.095, (1, 0, 0, 0, 0, 0, 0, 0)),
    "kick": (0.04, (1, 0, 0, 0, 0, 0, 0, 0)),
    "hat": (0.04, (-1, 0, 1, 0, -1, 0, 1, 0)),
    "sections": (0.65, (1, 0, 0, 0, 0, 0, 0, 0)),
    "chords": (0.45, (1, 0, 0, 0, 0, 0, 0, 0)),
}
SUMMITS = ("sections", "chords")  # witnesses of single moments; the others are levels
FLOOR = 0.05  # of a witness's mean: less is silence
COST = 10.0  # log odds that the one's moving by whole beats has to earn
OFF_COST = 16.0  # the same by half beats
BORDER_COST = 7.0  # both, where the tempo or the phase of the grid changes
NEAR = PLACES  # half beats to both sides of such a border
SHORTEST = 4 * PLACES  # half beats: what is shorter goes with what was before


def records(seen: BeatEvidence, borders: np.ndarray) -> list[tuple[int, int]]:
    """Parts (first, past last) of a row of half beats, each counted by itself.

    seen: what the half beats show (see EvidenceSource.at_half_beats); borders: half beats (k,) at
    which another grid begins.
    """
    count = len(seen["beat"])
    if count < 2 * SHORTEST:
        return [(0, count)]
    way = _without_accents(_way(evidence(seen), _costs(count, borders)), borders)
    edges = [0]
    for edge in np.flatnonzero(np.diff(way)) + 1:
        if edge - edges[-1] >= SHORTEST and count - edge >= SHORTEST:
            edges.append(int(edge))
    return list(zip(edges, [*edges[1:], count], strict=True))


def evidence(seen: BeatEvidence) -> np.ndarray:
    """What each half beat says of the one being at half beats p, p + 8 ...: (half beats, 8)."""
    index = np.arange(len(seen["beat"]))
    place = (index[:, None] - np.arange(PLACES)) % PLACES
    total = np.zeros(place.shape)
    for name, (weight, shares) in WEIGHTS.items():
        values = seen.get(name)
        if values is None or not values.any():
            continue
        if name in SUMMITS:
            heights = values / values[values > 0].mean()
        else:
            heights = np.log(values / values.mean() + FLOOR)
        pattern = np.array(shares) - np.mean(shares)
        total += weight * heights[:, None] * pattern[place]
    return total


def _costs(count: int, borders: np.ndarray) -> np.ndarray:
    """(count, 2): the cost of the one's moving at a half beat, by whole beats and by half ones."""
    costs = np.tile([COST, OFF_COST], (count, 1))
    for border in borders:
        costs[max(border - NEAR, 0) : border + NEAR + 1] = BORDER_COST
    return costs


def _way(score: np.ndarray, costs: np.ndarray) -> np.ndarray:
    """The best place (n,) at each half beat; score: (n, places), costs: see _costs."""
    if loops := compiled():
        score, costs = (np.ascontiguousarray(values, np.float64) for values in (score, costs))
        way = np.empty(len(score), np.int64)
        loops.way(address(score), address(costs), *score.shape, address(way))
        return way
    own = np.arange(score.shape[1])
    odd = own % 2
    came = np.zeros(score.shape, dtype=np.int8)
    best = score[0]
    for i in range(1, len(score)):
        top = np.array([2 * int(np.argmax(best[::2])), 2 * int(np.argmax(best[1::2])) + 1])
        whole, half = best[top[odd]] - costs[i, 0], best[top[1 - odd]] - costs[i, 1]
        source = np.where(whole >= half, top[odd], top[1 - odd])
        moved = np.maximum(whole, half)
        came[i] = np.where(moved > best, source, own)
        best = np.maximum(moved, best) + score[i]
    way = np.empty(len(score), dtype=int)
    way[-1] = int(np.argmax(best))
    for i in range(len(score) - 1, 0, -1):
        way[i - 1] = came[i, way[i]]
    return way


def _without_accents(way: np.ndarray, borders: np.ndarray) -> np.ndarray:
    """The way, where it goes half a beat off and comes back to where it was, gone straight on.

    The grid has no border there, and records half a beat apart are not mixed upon one another:
    the accents of a break lie off the beat.
    """
    way = way.copy()
    edges = [0, *(np.flatnonzero(np.diff(way)) + 1).tolist(), len(way)]
    for i in range(1, len(edges) - 2):
        first, last = edges[i], edges[i + 1]
        before, own, after = way[first - 1], way[first], way[last]
        near = (borders >= first - NEAR) & (borders <= last + NEAR)
        if before == after and (own - before) % 2 and not near.any():
            way[first:last] = before
    return way
