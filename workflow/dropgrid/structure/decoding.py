"""Boundaries and labels together: the best of all ways to cut a track into labelled sections.

A semi-Markov model over the beats of a track (Sarawagi and Cohen, Semi-Markov conditional random
fields for information extraction, NIPS 2004): a section counts for the evidence at its beginning,
for how usual its length is, for how well its sound fits its label and its label the one before.
Exact, by dynamic programming, for sections of up to LONGEST bars.
"""

from __future__ import annotations

import numpy as np

from . import labels, segment
from .labels import DROP, FIRST, GRAMMAR, LAST, Course

LABELS_COUNT = 1.5  # what the labels' log probabilities count against boundaries and lengths
SAME = 4.0  # what two neighbouring sections of one label cost ...
SAME_DROP = 0.5  # ... and two of a drop, which may change without a break
PARTED = 0.4  # evidence above which two sections of one label stay two
LONGEST = 256  # bars of a section


def decode(
    evidence: np.ndarray,
    course: Course,
    min_bars: int,
    sensitivity: float,
    drops: bool,
) -> tuple[list[int], list[int]]:
    """The units at which sections begin, without the first, and the label of every section.

    evidence: (units,) as from evidence.boundary_evidence, on a grid. course: of the same units.
    drops: whether anything may drop. Labels are places in records.model.LABELS.
    """
    units, per_bar = len(evidence), course.per_bar
    if units < 2 * min_bars * per_bar:
        whole = course.sections([0, units])
        fits = labels.scores(whole, drops)[0] + FIRST
        return [], [int(fits.argmax())]
    first, inner, last = segment.limits(units, per_bar, min_bars)
    gain = segment.WEIGHT * (evidence + sensitivity)
    follows = LABELS_COUNT * GRAMMAR - SAME * np.eye(len(GRAMMAR))
    follows[DROP, DROP] += SAME - SAME_DROP
    best = np.full((units + 1, len(GRAMMAR)), -np.inf)  # of a section that begins at a unit
    best[0] = LABELS_COUNT * FIRST
    began = np.zeros((units + 1, len(GRAMMAR)), int)
    before = np.zeros((units + 1, len(GRAMMAR)), int)
    for end in range(1, units + 1):
        starts = np.arange(max(0, end - LONGEST * per_bar), end)
        lengths = last if end == units else inner
        usual = lengths[end - starts]
        if starts[0] == 0 and end < units:
            usual = np.append(first[end], usual[1:])
        fits = LABELS_COUNT * labels.scores(course.between(starts, end), drops)
        totals = best[starts] + fits + usual[:, None]
        if end == units:
            totals = totals + LABELS_COUNT * LAST
        chosen = totals.argmax(axis=0)
        began[end] = starts[chosen]
        reached = totals.max(axis=0)
        if end < units:
            ways = reached[:, None] + follows
            before[end], best[end] = ways.argmax(axis=0), ways.max(axis=0) + gain[end]
    return _path(began, before, int(reached.argmax()))


def _path(began: np.ndarray, before: np.ndarray, label: int) -> tuple[list[int], list[int]]:
    """The boundaries and labels that lead to the last label, from the first on."""
    bounds, names, unit = [], [label], int(began[-1, label])
    while unit > 0:
        bounds.append(unit)
        label = int(before[unit, label])
        names.append(label)
        unit = int(began[unit, label])
    return bounds[::-1], names[::-1]


def parted(
    bounds: list[int], names: list[int], evidence: np.ndarray
) -> tuple[list[int], list[int]]:
    """Boundaries and labels with neighbours of one label joined where little speaks for two."""
    kept = [
        i for i, unit in enumerate(bounds)
        if names[i] != names[i + 1] or evidence[unit] > PARTED
    ]  # fmt: skip
    return [bounds[i] for i in kept], [names[0], *(names[i + 1] for i in kept)]
