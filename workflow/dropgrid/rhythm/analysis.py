"""The rhythm of a track: tempo and octave, exact grid, phase, bars and what each is worth."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..base.quantiles import median
from ..features import FRAME_RATE, Features
from ..records.model import Alternative, Confidences, GridRegion
from .bars import Counted, count_bars
from .confidence import Heard, alternatives, outside, part_confidences
from .evidence import EvidenceSource
from .fit import peaks
from .options import RhythmOptions
from .region_fit import Region, find_regions, region_at
from .tag import CONTRADICTED, agrees
from .tempo import HARMONICS, pulse, tempogram

SHORTEST = 2.0  # s: less has no tempo
FEWEST = 4  # peaks of the activation: fewer have no tempo
FAINTEST = 0.055  # pulse below which nothing is periodic
DECIDED = "decided"  # evidence.tag_octave: the tag put a stretch into another octave


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


def analyse(
    features: Features,
    options: RhythmOptions,
    tag: float | None = None,
    known_bpm: float | None = None,
) -> Rhythm:
    """The rhythm of a track from its features; descriptors are used where there are any.

    tag: its BPM tag, where it is to be heard as a witness. known_bpm: the steady tempo of the
    whole track, where somebody knows it; only beats and bars are then looked for.
    """
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
    witnesses = EvidenceSource(features)
    if known_bpm is not None:
        return _rhythm(witnesses, [region_at(witnesses, known_bpm, options)], strength, options)
    if strength < FAINTEST:
        return NOTHING
    regions = find_regions(witnesses, gram, options, tag)
    found = _heard(_rhythm(witnesses, regions, strength, options), tag)
    if any(region.by_tag for region in regions):
        found = replace(found, evidence=found.evidence | {"tag_octave": DECIDED})
    return found


def _heard(rhythm: Rhythm, tag: float | None) -> Rhythm:
    """A rhythm with what its tag says of it: one that is contradicted is half as sure."""
    if tag is None or rhythm.bpm is None or rhythm.confidences is None:
        return rhythm
    low, high = rhythm.bpm_interval or (rhythm.bpm, rhythm.bpm)
    agreed = agrees(rhythm.bpm, tag, (high - low) / 2)
    evidence = rhythm.evidence | {"tag": "agrees" if agreed else "contradicts"}
    if agreed:
        return replace(rhythm, evidence=evidence)
    confidences = rhythm.confidences
    return replace(
        rhythm,
        confidence=rhythm.confidence * CONTRADICTED,
        confidences=replace(confidences, tempo=confidences.tempo * CONTRADICTED),
        evidence=evidence,
    )


def _rhythm(
    witnesses: EvidenceSource, regions: list[Region], strength: float, options: RhythmOptions
) -> Rhythm:
    counted = count_bars(witnesses, regions, options.bar_lengths)
    if not counted:
        return NOTHING
    middle = _middle(counted)
    main = counted[middle]
    piece = main.region.piece
    activation = witnesses.features.activations.sum(axis=1)
    sound = Heard(witnesses, activation, options)
    confidences = part_confidences(counted, middle, sound)
    notes = {"outside": outside(main, sound), "deviation_ms": _deviation(counted)}
    return Rhythm(
        bpm=piece.bpm,
        bpm_fitted=piece.line.bpm,
        bpm_interval=piece.line.interval,
        confidence=confidences.tempo * confidences.octave * confidences.phase,
        confidences=confidences,
        alternatives=alternatives(main, sound),
        time_signature=f"{main.bars.beats_per_bar}/4",
        beats=tuple(beat for part in counted for beat in part.beats.tolist()),
        downbeats=tuple(one for part in counted for one in part.downbeats.tolist()),
        grid=tuple(_grid_region(part) for part in counted),
        evidence={
            "pulse": strength,
            "regions": len(counted),
            "attack_ms": None if piece.attack is None else 1000 * piece.attack,
            **{name: said for name, said in notes.items() if said is not None},
        },
    )


def _deviation(counted: list[Counted]) -> dict[str, float] | None:
    """How far beats that a path followed lie from the grid's, in ms; None where it is steady."""
    pieces = {id(part.region): part.region.piece for part in counted}.values()
    apart = np.array([piece.apart for piece in pieces if piece.apart is not None])
    if not len(apart):
        return None
    typical, largest = 1000 * median(apart[:, 0]), 1000 * apart[:, 1].max()
    return {"typical": float(typical), "largest": float(largest)}


def _grid_region(part: Counted) -> GridRegion:
    """The grid's entry of beats counted in one go."""
    first = float(part.downbeats[0]) if len(part.downbeats) else None
    return GridRegion(float(part.beats[0]), part.region.piece.bpm, len(part.beats), first)


def _middle(counted: list[Counted]) -> int:
    """The part of the median beat, beats sorted by tempo."""
    order = sorted(range(len(counted)), key=lambda i: counted[i].region.piece.bpm)
    total = np.cumsum([len(counted[i].beats) for i in order])
    return order[int(np.searchsorted(total, total[-1] / 2))]
