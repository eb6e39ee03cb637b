"""The rhythm of a track: tempo, octave, exact grid, phase, bars and confidence, in that order."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..features import FRAME_RATE, Features
from ..records.model import Alternative, GridRegion
from .downbeats import find_bars
from .fit import PEAK_FLOOR
from .options import RhythmOptions
from .stretches import Region, find_regions
from .tempo import HARMONICS, pulse, tempogram

SHORTEST = 2.0  # s: less has no tempo
FAINTEST = 0.055  # pulse below which nothing is periodic


@dataclass(frozen=True)
class Rhythm:
    """What a BpmRecord says of tempo and beats; see there."""

    bpm: float | None
    bpm_fitted: float | None
    bpm_interval: tuple[float, float] | None
    confidence: float
    alternatives: tuple[Alternative, ...]
    time_signature: str | None
    beats: tuple[float, ...]
    downbeats: tuple[float, ...]
    grid: tuple[GridRegion, ...]
    evidence: dict[str, Any] = field(default_factory=dict)


NOTHING = Rhythm(None, None, None, 0.0, (), None, (), (), (), {"reason": "nothing periodic"})


def analyse(features: Features, options: RhythmOptions) -> Rhythm:
    """The rhythm of a track from its features; descriptors are used where there are any."""
    activations = np.nan_to_num(np.asarray(features.activations, dtype=np.float32))
    if activations.ndim == 1:
        activations = activations[:, None]
    if activations.shape[1] == 1:
        activations = np.hstack([activations, np.zeros_like(activations)])
    features = Features(features.duration, activations, features.descriptors)
    activation = activations.sum(axis=1)
    if len(activation) < SHORTEST * FRAME_RATE or activation.max() < PEAK_FLOOR:
        return NOTHING
    gram = tempogram(activation, options.min_bpm, max(HARMONICS) * options.max_bpm)
    strength = pulse(gram, options)
    if strength < FAINTEST:
        return NOTHING
    regions = find_regions(features, gram, options)
    return _rhythm(features, regions, strength, options)


def _rhythm(
    features: Features, regions: list[Region], strength: float, options: RhythmOptions
) -> Rhythm:
    regions, chains = _chained(regions, features.duration)
    if not chains:
        return NOTHING
    bars = [find_bars(features, np.concatenate(chain), options.bar_lengths) for chain in chains]
    grid: list[GridRegion] = []
    downbeats: list[float] = []
    for chain, counted in zip(chains, bars, strict=True):
        wait = counted.first
        for beats in chain:
            ones = beats[wait :: counted.beats_per_bar]
            wait = (wait - len(beats)) % counted.beats_per_bar
            downbeats += ones.tolist()
            one = float(ones[0]) if len(ones) else None
            grid.append(GridRegion(float(beats[0]), regions[len(grid)].piece.bpm, len(beats), one))
    main = regions[_middle(regions, [region.beats for region in grid])]
    longest = max(range(len(chains)), key=lambda i: sum(map(len, chains[i])))
    return Rhythm(
        bpm=main.piece.bpm,
        bpm_fitted=main.piece.line.bpm,
        bpm_interval=main.piece.line.interval,
        confidence=main.tempi[0][1],
        alternatives=tuple(
            Alternative(round(tempo, 2), share) for tempo, share in main.tempi[1:] if share >= 0.01
        ),
        time_signature=f"{bars[longest].beats_per_bar}/4",
        beats=tuple(beat for chain in chains for beats in chain for beat in beats.tolist()),
        downbeats=tuple(downbeats),
        grid=tuple(grid),
        evidence={
            "pulse": strength,
            "regions": len(grid),
            "attack_ms": None if main.piece.attack is None else 1000 * main.piece.attack,
            "downbeat_share": bars[longest].share,
            "phase_odds": main.piece.phase_odds,
        },
    )


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
