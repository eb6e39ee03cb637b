"""Decode boundaries and labels together: the best way to cut a track into labelled sections.

A semi-Markov model over the beats of a track (Sarawagi and Cohen, Semi-Markov conditional random
fields for information extraction, NIPS 2004). The score of a section is the sum of the evidence at
its beginning, the log prior of its length, the fit of its sound to its label, and the weight of
its label after the label before. Exact, by dynamic programming, for sections of up to LONGEST
bars.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from . import labels, segment
from .labels import FIRST, LAST, RunningSums

LABELS_COUNT = 2.0  # weight of the labels' log probabilities relative to boundaries and lengths
SPLIT_EVIDENCE = 0.7  # evidence above which two neighbouring sections with one label stay separate
MIN_EVIDENCE = -0.5  # no section begins below this evidence; on 42 songs none did below 0
ENDS_AT_ONCE = 64  # ends of sections that are scored in one call
LONGEST = 256  # bars of a section that contains another possible start


def decode(
    evidence: np.ndarray,
    running_sums: RunningSums,
    min_bars: int,
    sensitivity: float,
    drops: bool,
) -> tuple[list[int], list[int]]:
    """The units at which sections begin, without the first, and the label of every section.

    evidence: (units,) as from evidence.boundary_evidence, on a grid. running_sums: of the same
    units. drops: whether the track may have drops. Labels are indices into records.model.LABELS.
    """
    units, per_bar = len(evidence), running_sums.per_bar
    if units < 2 * min_bars * per_bar:
        whole = running_sums.sections([0, units])
        fits = labels.scores(whole, drops)[0] + FIRST
        return [], [int(fits.argmax())]
    first, inner, last = segment.limits(units, per_bar, min_bars)
    gain = segment.WEIGHT * (evidence + sensitivity)
    inside = 1 + np.flatnonzero(evidence[1:] + sensitivity > MIN_EVIDENCE)
    places = np.concatenate([[0], inside, [units]])
    follows = LABELS_COUNT * labels.transitions(running_sums.steps(inside))
    count = len(FIRST)
    best = np.full((len(places), count), -np.inf)  # score up to a section that begins at a place
    best[0] = LABELS_COUNT * FIRST
    began = np.zeros((len(places), count), int)
    before = np.zeros((len(places), count), int)
    within = np.searchsorted(places, places - LONGEST * per_bar)
    nearest = np.minimum(within, np.maximum(np.arange(len(places)) - 1, 0))
    for i, fits in enumerate(_fits(running_sums, places, nearest, drops), 1):
        end, starts = places[i], places[nearest[i] : i]
        usual = (last if end == units else inner)[end - starts]
        if starts[0] == 0 and end < units:
            usual = np.append(first[end], usual[1:])
        totals = best[nearest[i] : i] + LABELS_COUNT * fits + usual[:, None]
        if end == units:
            totals = totals + LABELS_COUNT * LAST
        began[i] = nearest[i] + totals.argmax(axis=0)
        reached = totals.max(axis=0)
        if end < units:
            ways = reached[:, None] + follows[i - 1]
            before[i], best[i] = ways.argmax(axis=0), ways.max(axis=0) + gain[end]
    return _path(places, began, before, int(reached.argmax()))


def _fits(
    running_sums: RunningSums, places: np.ndarray, nearest: np.ndarray, drops: bool
) -> Iterator[np.ndarray]:
    """For each place but the first, (starts, labels): the scores of the sections that end there.

    They begin at the places from nearest on. Many ends are scored in one call.
    """
    for low in range(1, len(places), ENDS_AT_ONCE):
        ends = np.arange(low, min(low + ENDS_AT_ONCE, len(places)))
        counts = ends - nearest[ends]
        starts = np.concatenate([np.arange(nearest[i], i) for i in ends])
        sound = running_sums.between(places[starts], places[np.repeat(ends, counts)])
        yield from np.split(labels.scores(sound, drops), np.cumsum(counts)[:-1])


def _path(
    places: np.ndarray, began: np.ndarray, before: np.ndarray, label: int
) -> tuple[list[int], list[int]]:
    """The boundaries and labels that lead to the last label, in order of time."""
    bounds, names, i = [], [label], int(began[-1, label])
    while i > 0:
        bounds.append(int(places[i]))
        label = int(before[i, label])
        names.append(label)
        i = int(began[i, label])
    return bounds[::-1], names[::-1]


def join_same_labels(
    bounds: list[int], names: list[int], evidence: np.ndarray
) -> tuple[list[int], list[int]]:
    """Join neighbours with one label unless the evidence between them exceeds SPLIT_EVIDENCE."""
    kept = [
        i for i, unit in enumerate(bounds)
        if names[i] != names[i + 1] or evidence[unit] > SPLIT_EVIDENCE
    ]  # fmt: skip
    return [bounds[i] for i in kept], [names[0], *(names[i + 1] for i in kept)]
