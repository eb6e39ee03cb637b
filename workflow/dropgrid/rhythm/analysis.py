"""The rhythm of a track: tempo and octave, exact grid, phase, bars and what each is worth."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..features import FRAME_RATE, Features
from ..records.model import Alternative, Confidences, GridRegion
from .decision import Table, read_bars
from .fit import peaks
from .options import RhythmOptions
from .stretches import Region, find_regions
from .tempo import HARMONICS, pulse, tempogram
from .witnesses import Witnesses, with_halves

SHORTEST = 2.0  # s: less has no tempo
FEWEST = 4  # peaks of the activation: fewer have no tempo
FAINTEST = 0.055  # pulse below which nothing is periodic
WORTH_SAYING = 0.02  # probability an alternative must have
OCTAVES = (1 / 3, 1 / 2, 2, 3)  # times a tempo that count the same beats in another way


@dataclass(frozen=True)
class Rhythm:
    """What a BpmRecord says of tempo and beats; see there."""

    bpm: float | None
    bpm_fitted: float | None
    bpm_interval: tuple[float, float] | None
    confidence: float
    confidences: Confidences | None
    alternatives: tuple[Alternative, ...]
    time_signature: str | None
    beats: tuple[float, ...]
    downbeats: tuple[float, ...]
    grid: tuple[GridRegion, ...]
    evidence: dict[str, Any] = field(default_factory=dict)


NOTHING = Rhythm(None, None, None, 0.0, None, (), None, (), (), (), {"reason": "nothing periodic"})


def analyse(features: Features, options: RhythmOptions) -> Rhythm:
    """The rhythm of a track from its features; descriptors are used where there are any."""
    activations = np.nan_to_num(np.asarray(features.activations, dtype=np.float32))
    if activations.ndim == 1:
        activations = activations[:, None]
    if activations.shape[1] == 1:
        activations = np.hstack([activations, np.zeros_like(activations)])
    sane = {n: values for n, values in features.descriptors.items() if np.isfinite(values).all()}
    features = Features(features.duration, activations, sane)
    activation = activations.sum(axis=1)
    if len(activation) < SHORTEST * FRAME_RATE or len(peaks(activation)[0]) < FEWEST:
        return NOTHING
    gram = tempogram(activation, options.min_bpm, max(HARMONICS) * options.max_bpm)
    strength = pulse(gram, options)
    if strength < FAINTEST:
        return NOTHING
    witnesses = Witnesses(features)
    regions = find_regions(witnesses, gram, options)
    return _rhythm(witnesses, regions, strength, options)


@dataclass(frozen=True)
class _Bars:
    """beats_per_bar; first: index of the first one among the beats; table: what both rest on."""

    beats_per_bar: int
    first: int
    table: Table


def _bars(witnesses: Witnesses, beats: np.ndarray, options: RhythmOptions) -> _Bars:
    """The bars of an unbroken chain of beats (n,) in seconds."""
    table = read_bars(witnesses.see(with_halves(beats)), options.bar_lengths)
    ones = table.ones(0)
    length = max(ones, key=lambda beats_per_bar: float(ones[beats_per_bar].max()))
    return _Bars(length, int(np.argmax(ones[length])), table)


def _rhythm(
    witnesses: Witnesses, regions: list[Region], strength: float, options: RhythmOptions
) -> Rhythm:
    regions, chains = _chained(regions, witnesses.features.duration)
    if not chains:
        return NOTHING
    bars = [_bars(witnesses, np.concatenate(chain), options) for chain in chains]
    grid: list[GridRegion] = []
    downbeats: list[float] = []
    chain_of: list[int] = []
    for number, (chain, counted) in enumerate(zip(chains, bars, strict=True)):
        wait = counted.first
        for beats in chain:
            ones = beats[wait :: counted.beats_per_bar]
            wait = (wait - len(beats)) % counted.beats_per_bar
            downbeats += ones.tolist()
            one = float(ones[0]) if len(ones) else None
            grid.append(GridRegion(float(beats[0]), regions[len(grid)].piece.bpm, len(beats), one))
            chain_of.append(number)
    middle = _middle(regions, [region.beats for region in grid])
    main, counted = regions[middle], bars[chain_of[middle]]
    confidences = _confidences(main, counted)
    return Rhythm(
        bpm=main.piece.bpm,
        bpm_fitted=main.piece.line.bpm,
        bpm_interval=main.piece.line.interval,
        confidence=confidences.tempo * confidences.octave * confidences.phase,
        confidences=confidences,
        alternatives=_alternatives(main, counted),
        time_signature=f"{counted.beats_per_bar}/4",
        beats=tuple(beat for chain in chains for beats in chain for beat in beats.tolist()),
        downbeats=tuple(downbeats),
        grid=tuple(grid),
        evidence={
            "pulse": strength,
            "regions": len(grid),
            "attack_ms": None if main.piece.attack is None else 1000 * main.piece.attack,
        },
    )


def _confidences(main: Region, bars: _Bars) -> Confidences:
    """The parts of the confidence of a region, and of the bars it is counted in."""
    own, share = main.tempi[0]
    family = share + sum(other for bpm, other in main.tempi[1:] if _octave(bpm, own))
    one = bars.table.ones(0)[bars.beats_per_bar][bars.first]
    return Confidences(family, share / family, main.piece.phase, float(one))


def _octave(bpm: float, other: float) -> bool:
    """True if a tempo is another's octave, to 4 %."""
    return any(abs(bpm / other / ratio - 1) <= 0.04 for ratio in OCTAVES)


def _alternatives(main: Region, bars: _Bars) -> tuple[Alternative, ...]:
    """The other readings of a region, the most probable first.

    Each differs in one part only; its probability is that of the whole reading but for the one,
    and of a place of the one, that of the place if the beats are right.
    """
    bpm, (own, share) = main.piece.bpm, main.tempi[0]
    found = [
        Alternative(round(tempo, 2), other, "octave" if _octave(tempo, own) else "tempo")
        for tempo, other in main.tempi[1:]
    ]
    length = bars.beats_per_bar
    late = bars.table.ones(1)[length]
    shift = (int(np.argmax(late)) - bars.first + 0.5 + length / 2) % length - length / 2
    found.append(Alternative(bpm, share * (1 - main.piece.phase), "phase", shift))
    for place, one in enumerate(bars.table.ones(0)[length]):
        if place != bars.first:
            shift = (place - bars.first + length // 2 - 1) % length - (length // 2 - 1)
            found.append(Alternative(bpm, float(one), "downbeat", float(shift)))
    worthy = [other for other in found if other.confidence >= WORTH_SAYING]
    return tuple(sorted(worthy, key=lambda other: -other.confidence))


def _chained(
    regions: list[Region], duration: float
) -> tuple[list[Region], list[list[np.ndarray]]]:
    """The regions that have beats, and their beats, region by region, in unbroken chains."""
    held: list[Region] = []
    chains: list[list[np.ndarray]] = []
    for region in regions:
        beats = np.maximum(region.piece.beats(), 0.0)
        beats = beats[beats <= duration]
        period = region.piece.line.period
        if held:
            last = chains[-1][-1][-1]
            beats = beats[beats > last + period / 2]
        if not len(beats):
            continue
        if held and abs(beats[0] - last - period) < 0.2 * period:
            chains[-1].append(beats)
        else:
            chains.append([beats])
        held.append(region)
    return held, chains


def _middle(regions: list[Region], counts: list[int]) -> int:
    """The region of the median beat, beats sorted by tempo."""
    order = sorted(range(len(regions)), key=lambda i: regions[i].piece.bpm)
    total = np.cumsum([counts[i] for i in order])
    return order[int(np.searchsorted(total, total[-1] / 2))]
