"""Bars: chains of regions without a missing beat, and the bars of each record in a chain."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from .borders import LEAST_GAP
from .downbeat_decision import DecisionTable, decision_table
from .downbeat_tracking import downbeat_parts
from .evidence import BeatEvidence, EvidenceSource, with_halves
from .region_fit import Region

# Of a beat: largest distance of a region's first beat from the next beat of the region before it.
CHAIN_SLACK = 0.2


@dataclass(frozen=True)
class Bars:
    """The bars of a part: beats_per_bar; first: index of the first downbeat among the beats.

    table: the decision table that gave both. odd: 0 or 1, which of the table's half beats are the
    beats. phase: the probability of odd from the table; None if the regions' own phase counts.
    """

    beats_per_bar: int
    first: int
    table: DecisionTable
    odd: int = 0
    phase: float | None = None


@dataclass(frozen=True)
class GridPart:
    """Beats (n,) and downbeats (m,) in seconds of a region, or of a part of it."""

    region: Region
    beats: np.ndarray
    downbeats: np.ndarray
    bars: Bars


def count_bars(
    source: EvidenceSource, regions: list[Region], lengths: Sequence[int]
) -> list[GridPart]:
    """The regions' beats and downbeats, in order of time; a region of two records gives two parts.

    lengths: the beats that a bar may have.
    """
    grid_parts: list[GridPart] = []
    for chain in _chains(regions, source.features.duration):
        beats = np.concatenate([own for _, own in chain])
        borders = np.cumsum([len(own) for _, own in chain])
        halves = with_halves(beats)
        evidence = source.at_half_beats(halves)
        for first, last, bars in _decided_parts(evidence, 2 * borders[:-1], lengths):
            index = np.arange(first + bars.odd, last, 2)
            index = index[halves[index] <= source.features.duration]
            first_downbeat, bar = first + bars.odd + 2 * bars.first, 2 * bars.beats_per_bar
            owners = np.searchsorted(2 * borders, index, side="right")
            for owner in np.flatnonzero(np.bincount(owners)):
                own = index[owners == owner]
                region = chain[owner][0]
                if grid_parts:  # a change of phase may bring beats too near to the last one
                    gap = halves[own] - grid_parts[-1].beats[-1]
                    own = own[gap > LEAST_GAP * region.piece.line.period]
                if len(own):
                    own_downbeats = halves[
                        own[(own >= first_downbeat) & ((own - first_downbeat) % bar == 0)]
                    ]
                    grid_parts.append(GridPart(region, halves[own], own_downbeats, bars))
    return grid_parts


def _decided_parts(
    evidence: BeatEvidence, borders: np.ndarray, lengths: Sequence[int]
) -> Iterator[tuple[int, int, Bars]]:
    """Parts (first, past last) of a chain of half beats, and the bars of each.

    borders: the half beats at which regions begin.
    """
    count = len(evidence["beat"])
    whole = _bars(decision_table(evidence, lengths), 0)
    parts = downbeat_parts(evidence, borders) if whole.beats_per_bar == 4 else [(0, count)]
    if len(parts) == 1:
        yield 0, count, whole
        return
    for first, last in parts:
        table = decision_table(
            {name: values[first:last] for name, values in evidence.items()}, lengths
        )
        phases = table.phases()
        odd = int(np.argmax(phases))
        yield first, last, _bars(table, odd, float(phases[odd]))


def _bars(table: DecisionTable, odd: int, phase: float | None = None) -> Bars:
    """The most probable bars of a table, if the even (odd = 0) or odd half beats are the beats."""
    by_length = table.downbeat_probabilities(odd)
    length = max(by_length, key=lambda beats_per_bar: float(by_length[beats_per_bar].max()))
    return Bars(length, int(np.argmax(by_length[length])), table, odd, phase)


def _chains(regions: list[Region], duration: float) -> list[list[tuple[Region, np.ndarray]]]:
    """The regions that have beats, each with its beats, in chains without a missing beat."""
    chains: list[list[tuple[Region, np.ndarray]]] = []
    last = -np.inf
    for region in regions:
        beats = np.maximum(region.piece.beats(), 0.0)
        period = region.piece.line.period
        beats = beats[(beats <= duration) & (beats > last + period / 2)]
        if not len(beats):
            continue
        if abs(beats[0] - last - period) < CHAIN_SLACK * period:
            chains[-1].append((region, beats))
        else:
            chains.append([(region, beats)])
        last = float(beats[-1])
    return chains
