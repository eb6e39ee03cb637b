"""Find the sections and drops of a track: boundaries from evidence, labels from the sound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, takewhile
from typing import Literal

import numpy as np

from ..base.errors import UnusableAudio
from ..base.quantiles import median
from ..features import Features
from ..records.model import BpmRecord, Label, Phrase, Section
from . import decoding, labels, loudness_method, patterns, segment
from .bars import TimeBase, bar_number, time_base
from .evidence import boundary_evidence
from .levels import LevelMeasures, measure
from .options import StructureOptions

PHRASE_SENSITIVITY = 0.4  # by so much less evidence is enough for a phrase than for a section
_Bars = tuple[int | None, int | None, int | None]
SECOND_DROP_RISE = 0.8  # dB by which a section must be louder to be another drop of its passage


@dataclass(frozen=True)
class Structure:
    """The contents of a structure record without the track's name.

    sections: they cover 0..duration. drops: seconds at which the kick of a drop enters or a drop
    grows louder inside its passage. drop_confidences: the probability of each. drop_impacts: dB.
    mix_in, mix_out: seconds, None without an intro or outro of beat alone. time_base: "bars", or
    "seconds" if the track has no usable grid. phrases: they cover 0..duration, each lies inside a
    section.
    """

    sections: tuple[Section, ...]
    drops: tuple[float, ...]
    drop_confidences: tuple[float, ...]
    drop_impacts: tuple[float, ...]
    mix_in: float | None
    mix_out: float | None
    method: str
    time_base: Literal["bars", "seconds"]
    phrases: tuple[Phrase, ...] = ()


@dataclass(frozen=True)
class SectionMeasures:
    """Measurements of corrected sections and drops, with the fields of Structure.

    The sections have their energies. Each drop has its impact.
    """

    sections: tuple[Section, ...]
    drop_impacts: tuple[float, ...]
    mix_in: float | None
    mix_out: float | None
    phrases: tuple[Phrase, ...]


@dataclass(frozen=True)
class _Part:
    """A section before its energy is known. begins: the probability that a drop begins with it."""

    start: float
    end: float
    label: Label
    confidence: float
    begins: float


@dataclass(frozen=True)
class Music:
    """The units of a track without the silence at its ends.

    levels, pattern: as from patterns.levels and .relative. edges: (units + 1,) seconds at which
    the units begin and end. on_grid: whether the units are beats.
    """

    levels: np.ndarray
    pattern: np.ndarray
    edges: np.ndarray
    measures: LevelMeasures
    on_grid: bool

    def span(self, part: _Part) -> tuple[int, int]:
        """The first unit of a part and the end of its last unit. A part has at least one unit."""
        start, end = (int(np.abs(self.edges - time).argmin()) for time in (part.start, part.end))
        start = min(start, len(self.levels) - 1)
        return start, max(end, start + 1)


def analyse(features: Features, rhythm: BpmRecord, options: StructureOptions) -> Structure:
    """The sections and drops of a track.

    Raises UnusableAudio for a track without length or without band levels.
    """
    bands = features.descriptors.get("bands")
    if bands is None or len(bands) == 0 or features.duration <= 0:
        raise UnusableAudio("the features hold no band levels")
    base = time_base(rhythm, features.duration)
    music = music_of(bands, base)
    if music is None:
        silence = [_Part(0.0, features.duration, "intro", 1.0, 0.0)]
        sections = _count_bars(silence, [0.0], rhythm, base)
        return Structure(
            sections, (), (), (), None, None, options.method, base.kind,
            _count_phrases(silence, rhythm, base),
        )  # fmt: skip
    evidence = _evidence(music)
    if options.method == "energy":
        stretches = loudness_method.loudness_sections(bands, features.duration)
        parts = [_Part(*stretch, confidence=0.5, begins=0.5) for stretch in stretches]
    else:
        parts = _sections(music, evidence, features.duration, options)
    phrases = _phrases(music, evidence, parts, options)
    energies = [music.measures.energy(*music.span(part)) for part in parts]
    drops = _drops(music, parts)
    return Structure(
        _count_bars(parts, energies, rhythm, base),
        tuple(_drop_time(music, part) for part in drops),
        tuple(part.begins for part in drops),
        tuple(music.measures.impact(music.span(part)[0]) for part in drops),
        *_mix_points(music, parts, options.min_section_bars),
        options.method,
        base.kind,
        _count_phrases(phrases, rhythm, base),
    )


def measure_sections(
    features: Features,
    rhythm: BpmRecord,
    sections: Sequence[Section],
    drops: Sequence[float],
    options: StructureOptions,
) -> SectionMeasures:
    """Measure corrected sections and drops."""
    bands = features.descriptors["bands"]
    base = time_base(rhythm, features.duration)
    music = music_of(bands, base)
    parts = [_Part(s.start, s.end, s.label, s.confidence, 0.0) for s in sections]
    if music is None:
        silent = tuple(replace(section, energy=0.0) for section in sections)
        return SectionMeasures(
            silent, (0.0,) * len(drops), None, None, _count_phrases(parts, rhythm, base)
        )
    phrases = _phrases(music, _evidence(music), parts, options)
    energies = [music.measures.energy(*music.span(part)) for part in parts]
    units = [int(np.abs(music.edges[:-1] - time).argmin()) for time in drops]
    return SectionMeasures(
        tuple(replace(s, energy=value) for s, value in zip(sections, energies, strict=True)),
        tuple(music.measures.impact(unit) for unit in units),
        *_mix_points(music, parts, options.min_section_bars),
        _count_phrases(phrases, rhythm, base),
    )


def music_of(bands: np.ndarray, base: TimeBase) -> Music | None:
    """The audible part of a track; None if it is shorter than a bar."""
    levels = patterns.levels(bands, base)
    start, end = patterns.sounding(levels, base.per_bar)
    if end - start < base.per_bar:
        return None
    levels = levels[start:end]
    pattern = patterns.relative(levels)
    return Music(
        levels,
        pattern,
        base.edges[start : end + 1],
        measure(levels, pattern, base.per_bar),
        base.kind == "bars",
    )


def _sections(
    music: Music, evidence: np.ndarray, duration: float, options: StructureOptions
) -> list[_Part]:
    running_sums = labels.running_sums(music.measures, music.levels, music.pattern, music.on_grid)
    drops = may_drop(music, running_sums, options.min_section_bars)
    if music.on_grid:
        inner, chosen = decoding.decode(
            evidence, running_sums, options.min_section_bars, options.sensitivity, drops
        )
    else:
        inner = segment.boundaries(
            evidence, music.measures.per_bar, options.min_section_bars, options.sensitivity, False
        )
        chosen = labels.label(*_describe_sections(running_sums, inner), drops)[0]
    inner, chosen = decoding.join_same_labels(inner, chosen, evidence + options.sensitivity)
    posterior = labels.label(*_describe_sections(running_sums, inner), drops)[1]
    begins = [1.0, *segment.probability(evidence[inner], options.sensitivity).tolist()]
    times = [0.0, *(float(music.edges[unit]) for unit in inner), duration]
    return [
        _Part(
            times[i], times[i + 1], labels.LABELS[label], float(posterior[i, label]),
            float(posterior[i, labels.DROP] * begins[i]),
        )
        for i, label in enumerate(chosen)
    ]  # fmt: skip


def _describe_sections(
    running_sums: labels.RunningSums, inner: list[int]
) -> tuple[labels.SectionSound, np.ndarray]:
    """The sound of the sections between boundaries, and the steps of level between them."""
    return running_sums.sections([0, *inner, len(running_sums.level) - 1]), running_sums.steps(
        np.array(inner, int)
    )


def _evidence(music: Music) -> np.ndarray:
    per_bar, on_grid = music.measures.per_bar, music.on_grid
    return boundary_evidence(music.pattern, music.measures.levels(), per_bar, on_grid)


def _phrases(
    music: Music, evidence: np.ndarray, parts: list[_Part], options: StructureOptions
) -> list[_Part]:
    """The phrases inside each part. They need less evidence and never cross the ends of a part.

    Their confidence is the probability that something begins there.
    """
    per_bar, found = music.measures.per_bar, []
    for part in parts:
        start, end = music.span(part)
        sensitivity = options.sensitivity + PHRASE_SENSITIVITY
        inner = segment.boundaries(
            evidence[start:end], per_bar, options.min_section_bars, sensitivity, music.on_grid
        )
        times = [part.start, *(float(music.edges[start + unit]) for unit in inner), part.end]
        units = [start, *(start + unit for unit in inner)]
        probabilities = segment.probability(evidence[units], options.sensitivity)
        found += [
            _Part(*ends, part.label, 1.0 if ends[0] == 0.0 else float(probability), 0.0)
            for ends, probability in zip(pairwise(times), probabilities, strict=True)
        ]
    return found


def may_drop(music: Music, running_sums: labels.RunningSums, min_bars: int) -> bool:
    """Whether a track can have drops: it has a grid, a kick, and calm music too."""
    whole = running_sums.sections([0, len(music.levels)])
    return music.on_grid and music.measures.has_kick() and labels.has_contrast(whole, min_bars)


def _drops(music: Music, parts: list[_Part]) -> list[_Part]:
    """The parts at which drops begin: the first of a passage, and later ones that are louder."""
    found = []
    entry = None  # the unit at which the passage of this part began
    for part in parts:
        start, end = music.span(part)
        if part.label != "drop":
            entry = None
        elif entry is None or music.measures.rise(entry, start, end) > SECOND_DROP_RISE:
            found.append(part)
            entry = start if entry is None else entry
    return found


def _drop_time(music: Music, part: _Part) -> float:
    """Seconds at which the kick of a drop enters: the start of the part, or a bar later."""
    start, end = music.span(part)
    entry = music.measures.entry(start, end)
    return part.start if entry == start else float(music.edges[entry])


def _mix_points(
    music: Music, parts: list[_Part], min_bars: int
) -> tuple[float | None, float | None]:
    """Where an intro of beat alone ends and an outro of beat alone begins; None if absent.

    A lead-in before them or a tail after them is skipped if it is shorter than a section.
    """

    def alone(ordered: list[_Part]) -> list[_Part]:
        spans = [music.span(part) for part in ordered]
        short = spans[0][1] - spans[0][0] < min_bars * music.measures.per_bar
        candidates = list(zip(ordered, spans, strict=True))
        if short and not music.measures.beat_alone(*spans[0]):
            candidates = candidates[1:]
        return [
            part
            for part, _ in takewhile(
                lambda pair: pair[0].label != "drop" and music.measures.beat_alone(*pair[1]),
                candidates,
            )
        ]

    first, last = alone(parts), alone(parts[::-1])
    if len(first) == len(parts):  # the whole track is beat alone: no music to mix into
        return None, None
    return first[-1].end if first else None, last[-1].start if last else None


def _count_bars(
    parts: list[_Part], energies: list[float], rhythm: BpmRecord, base: TimeBase
) -> tuple[Section, ...]:
    """Sections with bar numbers: the first begins at bar 1, the last ends at the last bar."""
    return tuple(
        Section(part.start, part.end, part.label, *bars, part.confidence, energy=value)
        for part, value, bars in zip(parts, energies, _bars(parts, rhythm, base), strict=True)
    )


def _count_phrases(parts: list[_Part], rhythm: BpmRecord, base: TimeBase) -> tuple[Phrase, ...]:
    return tuple(
        Phrase(part.start, part.end, *bars, part.confidence)
        for part, bars in zip(parts, _bars(parts, rhythm, base), strict=True)
    )


def _bars(parts: list[_Part], rhythm: BpmRecord, base: TimeBase) -> list[_Bars]:
    """The first bar of each part, the bar after its last bar, and the number of its bars."""
    if base.kind == "seconds" or not rhythm.downbeats:
        return [(None, None, None)] * len(parts)
    length = float(median(np.diff(base.edges))) * base.per_bar
    firsts = [1, *(bar_number(rhythm, part.start, length) for part in parts[1:])]
    lasts = [*firsts[1:], bar_number(rhythm, parts[-1].end - length / 8, length) + 1]
    return [(first, last, last - first) for first, last in zip(firsts, lasts, strict=True)]
