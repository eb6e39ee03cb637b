"""The rhythm of a track: tempo and octave, exact grid, beat phase, bars and confidence."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..base.quantiles import median
from ..features import FRAME_RATE, Features
from ..records.model import Alternative, Confidences, GridRegion
from .bars import GridPart, count_bars
from .confidence import Sound, alternatives, outside, part_confidences
from .evidence import EvidenceSource
from .fit import peaks
from .options import RhythmOptions
from .region_fit import Region, find_regions, region_at
from .tag import CONTRADICTED, agrees
from .tempo import HARMONICS, pulse, tempogram

SHORTEST = 2.0  # s: a shorter track has no tempo
FEWEST = 4  # peaks of the activation: with fewer, a track has no tempo
LEAST_PULSE = 0.055  # below this pulse, nothing is periodic
DECIDED = "decided"  # evidence.tag_octave: the tag put a stretch into another octave


@dataclass(frozen=True)
class Rhythm:
    """The tempo and beats of a BpmRecord; the fields are explained there."""

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
    """The rhythm of a track from its features; descriptors are optional.

    tag: its BPM tag, if it may be used as evidence. known_bpm: the steady tempo of the whole
    track, if known; only beats and bars are then searched for.
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
    source = EvidenceSource(features)
    if known_bpm is not None:
        return _rhythm(source, [region_at(source, known_bpm, options)], strength, options)
    if strength < LEAST_PULSE:
        return NOTHING
    regions = find_regions(source, gram, options, tag)
    found = _with_tag(_rhythm(source, regions, strength, options), tag)
    if any(region.by_tag for region in regions):
        found = replace(found, evidence=found.evidence | {"tag_octave": DECIDED})
    return found


def _with_tag(rhythm: Rhythm, tag: float | None) -> Rhythm:
    """A rhythm with its tag as evidence: a contradiction halves the confidence."""
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
    source: EvidenceSource, regions: list[Region], strength: float, options: RhythmOptions
) -> Rhythm:
    grid_parts = count_bars(source, regions, options.bar_lengths)
    if not grid_parts:
        return NOTHING
    main_index = _main_part(grid_parts)
    main = grid_parts[main_index]
    piece = main.region.piece
    activation = source.features.activations.sum(axis=1)
    sound = Sound(source, activation, options)
    confidences = part_confidences(grid_parts, main_index, sound)
    notes = {"outside": outside(main, sound), "deviation_ms": _deviation(grid_parts)}
    return Rhythm(
        bpm=piece.bpm,
        bpm_fitted=piece.line.bpm,
        bpm_interval=piece.line.interval,
        confidence=confidences.tempo * confidences.octave * confidences.phase,
        confidences=confidences,
        alternatives=alternatives(main, sound),
        time_signature=f"{main.bars.beats_per_bar}/4",
        beats=tuple(beat for part in grid_parts for beat in part.beats.tolist()),
        downbeats=tuple(downbeat for part in grid_parts for downbeat in part.downbeats.tolist()),
        grid=tuple(_grid_region(part) for part in grid_parts),
        evidence={
            "pulse": strength,
            "regions": len(grid_parts),
            "attack_ms": None if piece.attack is None else 1000 * piece.attack,
            **{name: value for name, value in notes.items() if value is not None},
        },
    )


def _deviation(grid_parts: list[GridPart]) -> dict[str, float] | None:
    """Distance in ms of a followed path's beats from the grid; None if all parts are steady."""
    pieces = {id(part.region): part.region.piece for part in grid_parts}.values()
    deviation = np.array([piece.deviation for piece in pieces if piece.deviation is not None])
    if not len(deviation):
        return None
    typical, largest = 1000 * median(deviation[:, 0]), 1000 * deviation[:, 1].max()
    return {"typical": float(typical), "largest": float(largest)}


def _grid_region(part: GridPart) -> GridRegion:
    """The entry of the grid for one part."""
    first = float(part.downbeats[0]) if len(part.downbeats) else None
    return GridRegion(float(part.beats[0]), part.region.piece.bpm, len(part.beats), first)


def _main_part(grid_parts: list[GridPart]) -> int:
    """The index of the part with the median beat, when all beats are sorted by tempo."""
    order = sorted(range(len(grid_parts)), key=lambda i: grid_parts[i].region.piece.bpm)
    total = np.cumsum([len(grid_parts[i].beats) for i in order])
    return order[int(np.searchsorted(total, total[-1] / 2))]
