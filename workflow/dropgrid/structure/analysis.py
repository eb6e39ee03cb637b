"""A track's sections and drops: boundaries by novelty, labels by what is in between."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..base.errors import UnusableAudio
from ..features import Features
from ..records.model import BpmRecord, Label, Section
from . import energy, labels, novelty, patterns, segment
from .bars import TimeBase, bar_number, time_base
from .options import StructureOptions

# Within these instruments come and go: no boundary there, unless the
INSIDE = 0.75  # evidence for it is above this, or
ALIKE = 4.0  # the level changes by more than this, in dB
MERGED = ("buildup", "breakdown", "outro")


@dataclass(frozen=True)
class Structure:
    """What a structure record holds beside the track's name.

    sections: covering 0..duration. drops: seconds at which a drop begins, and the probability
    that it does. time_base: "bars", or "seconds" where the track has no usable grid.
    """

    sections: tuple[Section, ...]
    drops: tuple[float, ...]
    drop_confidences: tuple[float, ...]
    method: str
    time_base: Literal["bars", "seconds"]


@dataclass(frozen=True)
class _Found:
    """A section before it is counted in bars. drop: the probability that a drop begins here."""

    start: float
    end: float
    label: Label
    confidence: float
    drop: float


def analyse(features: Features, rhythm: BpmRecord, options: StructureOptions) -> Structure:
    """The sections and drops of a track.

    Raises UnusableAudio for a track without length or without band levels.
    """
    bands = features.descriptors.get("bands")
    if bands is None or len(bands) == 0 or features.duration <= 0:
        raise UnusableAudio("the features hold no band levels")
    base = time_base(rhythm, features.duration)
    if options.method == "energy":
        parts = energy.loudness_sections(bands, features.duration)
        found = [_Found(*part, confidence=0.5, drop=0.5) for part in parts]
    else:
        found = _phrases(bands, base, features.duration, options)
    drops = [
        part
        for before, part in zip([None, *found[:-1]], found, strict=True)
        if part.label == "drop" and (before is None or before.label != "drop")
    ]
    return Structure(
        _count_bars(found, rhythm, base),
        tuple(part.start for part in drops),
        tuple(part.drop for part in drops),
        options.method,
        base.kind,
    )


def _phrases(
    bands: np.ndarray, base: TimeBase, duration: float, options: StructureOptions
) -> list[_Found]:
    levels = patterns.levels(bands, base)
    start, end = patterns.sounding(levels, base.per_bar)
    if end - start < base.per_bar:
        return [_Found(0.0, duration, "intro", 1.0, 0.0)]
    levels = levels[start:end]
    pattern = patterns.relative(levels)
    aligned = base.kind == "bars"
    evidence = novelty.evidence(pattern, base.per_bar, aligned)
    inner = segment.boundaries(
        evidence, base.per_bar, options.min_section_bars, options.sensitivity,
        aligned,
    )  # fmt: skip
    names, posterior, sound = _labelled(levels, pattern, base, inner, options)
    kept = [
        unit
        for i, unit in enumerate(inner)
        if names[i] != names[i + 1]
        or names[i] not in MERGED
        or abs(sound.level[i + 1] - sound.level[i]) > ALIKE
        or evidence[unit] + options.sensitivity > INSIDE
    ]
    if kept != inner:
        inner = kept
        names, posterior, sound = _labelled(levels, pattern, base, inner, options)
    times = [0.0, *(float(base.edges[start + unit]) for unit in inner), duration]
    surety = segment.probability(evidence[inner], options.sensitivity)
    begins = [1.0, *surety.tolist()]
    return [
        _Found(
            times[i], times[i + 1], name,
            float(posterior[i, labels.LABELS.index(name)]),
            float(posterior[i, labels.DROP] * begins[i]),
        )
        for i, name in enumerate(names)
    ]  # fmt: skip


def _labelled(
    levels: np.ndarray,
    pattern: np.ndarray,
    base: TimeBase,
    inner: list[int],
    options: StructureOptions,
) -> tuple[list[Label], np.ndarray, labels.SectionSound]:
    bounds = [0, *inner, len(pattern)]
    sound = labels.describe(levels, pattern, base.per_bar, bounds, base.kind == "bars")
    return *labels.label(sound, options.min_section_bars), sound


def _count_bars(found: list[_Found], rhythm: BpmRecord, base: TimeBase) -> tuple[Section, ...]:
    """Sections with their bars: the first reaches back to bar 1, the last to the last bar."""
    if base.kind == "seconds" or not rhythm.downbeats:
        return tuple(
            Section(part.start, part.end, part.label, None, None, None, part.confidence)
            for part in found
        )
    length = float(np.median(np.diff(base.edges))) * base.per_bar
    firsts = [1, *(bar_number(rhythm, part.start, length) for part in found[1:])]
    lasts = [*firsts[1:], bar_number(rhythm, found[-1].end - length / 8, length) + 1]
    return tuple(
        Section(part.start, part.end, part.label, first, last, last - first, part.confidence)
        for part, first, last in zip(found, firsts, lasts, strict=True)
    )
