"""Where the downbeat moves to another position: parts of a track that are counted separately.

A downbeat has eight possible positions among the half beats of a bar. All eight are tracked side
by side. Each half beat adds evidence for some of the positions. Dynamic programming (Viterbi)
finds the best sequence of positions, in which each move has a cost. One song stays whole, because
its evidence is wrong for a phrase at most. In a mix, the downbeat moves with the next record; in
an edit, it moves where beats were cut out.

The weights are those of a conditional logistic regression on windows of 16 bars of 31 songs. The
costs are those at which no song is cut without reason (see docs/rhythm.md). The weight of `beat`
is half of the weight at which it would cut a song; it finds where half a beat is missing.
"""

from __future__ import annotations

import numpy as np

from ..native import address, compiled
from .evidence import BeatEvidence

DOWNBEAT_POSITIONS = 8  # half beats of a bar of four
# name -> weight, and the share of it for each half beat of a bar, from the downbeat on
WEIGHTS: dict[str, tuple[float, tuple[int, ...]]] = {
    "beat": (0.03, (1, 0, 1, 0, 1, 0, 1, 0)),
    "downbeat": (0.095, (1, 0, 0, 0, 0, 0, 0, 0)),
    "kick": (0.04, (1, 0, 0, 0, 0, 0, 0, 0)),
    "hat": (0.04, (-1, 0, 1, 0, -1, 0, 1, 0)),
    "sections": (0.65, (1, 0, 0, 0, 0, 0, 0, 0)),
    "chords": (0.45, (1, 0, 0, 0, 0, 0, 0, 0)),
}
PEAK_EVIDENCE = ("sections", "chords")  # evidence of single moments; the others are levels
FLOOR = 0.05  # added to ratios to the mean before a logarithm
BEAT_MOVE_COST = 10.0  # log odds that a move of the downbeat by whole beats must gain
HALF_BEAT_MOVE_COST = 16.0  # the same for a move by half a beat
BORDER_COST = 7.0  # both, where the tempo or the phase of the grid changes
NEAR = DOWNBEAT_POSITIONS  # half beats on both sides of such a border
SHORTEST = 4 * DOWNBEAT_POSITIONS  # half beats: a shorter part joins the part before it


def downbeat_parts(evidence: BeatEvidence, borders: np.ndarray) -> list[tuple[int, int]]:
    """Parts (first, past last) of a sequence of half beats, each with its own downbeat.

    evidence: see EvidenceSource.at_half_beats; borders: half beats (k,) at which another grid
    begins.
    """
    count = len(evidence["beat"])
    if count < 2 * SHORTEST:
        return [(0, count)]
    positions = _without_accents(
        _best_positions(position_evidence(evidence), _costs(count, borders)), borders
    )
    edges = [0]
    for edge in np.flatnonzero(np.diff(positions)) + 1:
        if edge - edges[-1] >= SHORTEST and count - edge >= SHORTEST:
            edges.append(int(edge))
    return list(zip(edges, [*edges[1:], count], strict=True))


def position_evidence(evidence: BeatEvidence) -> np.ndarray:
    """Log odds of each half beat for a downbeat at half beats p, p + 8, ...: (half beats, 8)."""
    index = np.arange(len(evidence["beat"]))
    position = (index[:, None] - np.arange(DOWNBEAT_POSITIONS)) % DOWNBEAT_POSITIONS
    total = np.zeros(position.shape)
    for name, (weight, shares) in WEIGHTS.items():
        values = evidence.get(name)
        if values is None or not values.any():
            continue
        if name in PEAK_EVIDENCE:
            heights = values / values[values > 0].mean()
        else:
            heights = np.log(values / values.mean() + FLOOR)
        pattern = np.array(shares) - np.mean(shares)
        total += weight * heights[:, None] * pattern[position]
    return total


def _costs(count: int, borders: np.ndarray) -> np.ndarray:
    """(count, 2): the cost of moving the downbeat at a half beat, by whole and by half beats."""
    costs = np.tile([BEAT_MOVE_COST, HALF_BEAT_MOVE_COST], (count, 1))
    for border in borders:
        costs[max(border - NEAR, 0) : border + NEAR + 1] = BORDER_COST
    return costs


def _best_positions(score: np.ndarray, costs: np.ndarray) -> np.ndarray:
    """The best position (n,) at each half beat; score: (n, positions), costs: see _costs."""
    if loops := compiled():
        score, costs = (np.ascontiguousarray(values, np.float64) for values in (score, costs))
        positions = np.empty(len(score), np.int64)
        loops.way(address(score), address(costs), *score.shape, address(positions))
        return positions
    own = np.arange(score.shape[1])
    odd = own % 2
    previous = np.zeros(score.shape, dtype=np.int8)
    best = score[0]
    for i in range(1, len(score)):
        top = np.array([2 * int(np.argmax(best[::2])), 2 * int(np.argmax(best[1::2])) + 1])
        whole, half = best[top[odd]] - costs[i, 0], best[top[1 - odd]] - costs[i, 1]
        source = np.where(whole >= half, top[odd], top[1 - odd])
        moved = np.maximum(whole, half)
        previous[i] = np.where(moved > best, source, own)
        best = np.maximum(moved, best) + score[i]
    positions = np.empty(len(score), dtype=int)
    positions[-1] = int(np.argmax(best))
    for i in range(len(score) - 1, 0, -1):
        positions[i - 1] = previous[i, positions[i]]
    return positions


def _without_accents(positions: np.ndarray, borders: np.ndarray) -> np.ndarray:
    """The positions, without moves by half a beat that return to the same position.

    The grid has no border there, and records half a beat apart are not mixed upon one another: the
    accents of a break lie off the beat.
    """
    positions = positions.copy()
    edges = [0, *(np.flatnonzero(np.diff(positions)) + 1).tolist(), len(positions)]
    for i in range(1, len(edges) - 2):
        first, last = edges[i], edges[i + 1]
        before, own, after = positions[first - 1], positions[first], positions[last]
        near = (borders >= first - NEAR) & (borders <= last + NEAR)
        if before == after and (own - before) % 2 and not near.any():
            positions[first:last] = before
    return positions
