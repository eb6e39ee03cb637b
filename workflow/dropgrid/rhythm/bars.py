"""Bars: regions joined where no beat is missing, and counted, each record of a mix by itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from .borders import TOGETHER
from .downbeat_decision import Table, read_bars
from .downbeat_tracking import records
from .evidence import BeatEvidence, EvidenceSource, with_halves
from .region_fit import Region

CLOSE = 0.2  # of a beat: how far a region's first beat may be from where the last one's next is


@dataclass(frozen=True)
class Bars:
    """beats_per_bar; first: index of the first one among the beats; table: what both rest on.

    odd: 0 or 1, which of the table's half beats are the beats; phase: the probability of that
    where the table says so, None where the regions' own do.
    """

    beats_per_bar: int
    first: int
    table: Table
    odd: int = 0
    phase: float | None = None


@dataclass(frozen=True)
class Counted:
    """Beats (n,) and downbeats (m,) in seconds of a region, or of the part counted as bars say."""

    region: Region
    beats: np.ndarray
    downbeats: np.ndarray
    bars: Bars


def count_bars(
    witnesses: EvidenceSource, regions: list[Region], lengths: Sequence[int]
) -> list[Counted]:
    """The regions' beats and downbeats, in order of time; a region of two records comes twice.

    lengths: beats a bar may have.
    """
    counted: list[Counted] = []
    for chain in _chained(regions, witnesses.features.duration):
        beats = np.concatenate([own for _, own in chain])
        borders = np.cumsum([len(own) for _, own in chain])
        halves = with_halves(beats)
        seen = witnesses.at_half_beats(halves)
        for first, last, bars in _read(seen, 2 * borders[:-1], lengths):
            index = np.arange(first + bars.odd, last, 2)
            index = index[halves[index] <= witnesses.features.duration]
            one, bar = first + bars.odd + 2 * bars.first, 2 * bars.beats_per_bar
            owners = np.searchsorted(2 * borders, index, side="right")
            for owner in np.flatnonzero(np.bincount(owners)):
                own = index[owners == owner]
                region = chain[owner][0]
                if counted:  # beats that a change of phase brings too near to the last one
                    apart = halves[own] - counted[-1].beats[-1]
                    own = own[apart > TOGETHER * region.piece.line.period]
                if len(own):
                    own_downbeats = halves[own[(own >= one) & ((own - one) % bar == 0)]]
                    counted.append(Counted(region, halves[own], own_downbeats, bars))
    return counted


def _read(
    seen: BeatEvidence, borders: np.ndarray, lengths: Sequence[int]
) -> Iterator[tuple[int, int, Bars]]:
    """Parts (first, past last) of a chain of half beats, and the bars of each.

    borders: the half beats at which regions begin.
    """
    count = len(seen["beat"])
    whole = _bars(read_bars(seen, lengths), 0)
    parts = records(seen, borders) if whole.beats_per_bar == 4 else [(0, count)]
    if len(parts) == 1:
        yield 0, count, whole
        return
    for first, last in parts:
        table = read_bars({name: values[first:last] for name, values in seen.items()}, lengths)
        phases = table.phases()
        odd = int(np.argmax(phases))
        yield first, last, _bars(table, odd, float(phases[odd]))


def _bars(table: Table, odd: int, phase: float | None = None) -> Bars:
    """The most probable bars of a table, if the beats are the odd or the even half beats."""
    by_length = table.downbeat_probabilities(odd)
    length = max(by_length, key=lambda beats_per_bar: float(by_length[beats_per_bar].max()))
    return Bars(length, int(np.argmax(by_length[length])), table, odd, phase)


def _chained(regions: list[Region], duration: float) -> list[list[tuple[Region, np.ndarray]]]:
    """The regions that have beats, each with its beats, in unbroken chains."""
    chains: list[list[tuple[Region, np.ndarray]]] = []
    last = -np.inf
    for region in regions:
        beats = np.maximum(region.piece.beats(), 0.0)
        period = region.piece.line.period
        beats = beats[(beats <= duration) & (beats > last + period / 2)]
        if not len(beats):
            continue
        if abs(beats[0] - last - period) < CLOSE * period:
            chains[-1].append((region, beats))
        else:
            chains.append([(region, beats)])
        last = float(beats[-1])
    return chains
