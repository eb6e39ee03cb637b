"""A track's sections and drops: boundaries by novelty, labels by what is in between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Literal

import numpy as np

from ..base.errors import UnusableAudio
from ..features import Features
from ..records.model import BpmRecord, Label, Section
from . import labels, loudness_method, novelty, patterns, segment
from .bars import TimeBase, bar_number, time_base
from .levels import Drive, measure
from .options import StructureOptions

# Within these instruments come and go: no boundary there, unless the
INSIDE = 1.0  # evidence for it is above this, or
ALIKE = 4.0  # the level changes by more than this, in dB
MERGED = ("buildup", "breakdown", "outro")
AGAIN = 0.8  # dB by which a drop grows louder where it drops once more, without a break before


@dataclass(frozen=True)
class Structure:
    """What a structure record holds beside the track's name.

    sections: covering 0..duration. drops: seconds at which the kick of a drop enters, or
    a drop grows louder inside its phrase, the probability that it does, and its impact in dB.
    mix_in, mix_out: seconds, None where there is no beat alone. time_base: "bars", or "seconds"
    where the track has no usable grid.
    """

    sections: tuple[Section, ...]
    drops: tuple[float, ...]
    drop_confidences: tuple[float, ...]
    drop_impacts: tuple[float, ...]
    mix_in: float | None
    mix_out: float | None
    method: str
    time_base: Literal["bars", "seconds"]


@dataclass(frozen=True)
class _Part:
    """A section before it is measured. begins: the probability that a drop begins with it."""

    start: float
    end: float
    label: Label
    confidence: float
    begins: float


@dataclass(frozen=True)
class Music:
    """The units of a track between its silences: levels and pattern as from patterns.

    edges: (units + 1,) seconds at which they begin and end.
    """

    levels: np.ndarray
    pattern: np.ndarray
    edges: np.ndarray
    drive: Drive
    on_grid: bool

    def span(self, part: _Part) -> tuple[int, int]:
        """The first unit of a part and the end of its last, which are one at least."""
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
        return Structure(sections, (), (), (), None, None, options.method, base.kind)
    if options.method == "energy":
        stretches = loudness_method.loudness_sections(bands, features.duration)
        parts = [_Part(*stretch, confidence=0.5, begins=0.5) for stretch in stretches]
    else:
        parts = _phrases(music, features.duration, options)
    energies = [music.drive.energy(*music.span(part)) for part in parts]
    drops = _drops(music, parts)
    return Structure(
        _count_bars(parts, energies, rhythm, base),
        tuple(_moment(music, part) for part in drops),
        tuple(part.begins for part in drops),
        tuple(music.drive.impact(music.span(part)[0]) for part in drops),
        *_mix_points(music, parts, options.min_section_bars),
        options.method,
        base.kind,
    )


def measured(
    features: Features,
    rhythm: BpmRecord,
    sections: Sequence[Section],
    drops: Sequence[float],
    options: StructureOptions,
) -> tuple[tuple[Section, ...], tuple[float, ...], float | None, float | None]:
    """What is measured of sections and drops that a person stated: energies, impacts, mix points.

    The sections with their energies, the impact of each drop, mix_in and mix_out, as in Structure.
    """
    bands = features.descriptors["bands"]
    music = music_of(bands, time_base(rhythm, features.duration))
    if music is None:
        silent = tuple(replace(section, energy=0.0) for section in sections)
        return silent, (0.0,) * len(drops), None, None
    parts = [_Part(s.start, s.end, s.label, s.confidence, 0.0) for s in sections]
    energies = [music.drive.energy(*music.span(part)) for part in parts]
    units = [int(np.abs(music.edges[:-1] - time).argmin()) for time in drops]
    return (
        tuple(replace(s, energy=value) for s, value in zip(sections, energies, strict=True)),
        tuple(music.drive.impact(unit) for unit in units),
        *_mix_points(music, parts, options.min_section_bars),
    )


def music_of(bands: np.ndarray, base: TimeBase) -> Music | None:
    """What sounds of a track; None where that is less than a bar."""
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


def _phrases(music: Music, duration: float, options: StructureOptions) -> list[_Part]:
    per_bar, on_grid = music.drive.per_bar, music.on_grid
    evidence = novelty.evidence(music.pattern, music.drive.levels(), per_bar, on_grid)
    inner = segment.boundaries(
        evidence, per_bar, options.min_section_bars, options.sensitivity, on_grid
    )
    names, posterior, sound = _labelled(music, inner, options)
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
        names, posterior, sound = _labelled(music, inner, options)
    times = [0.0, *(float(music.edges[unit]) for unit in inner), duration]
    surety = segment.probability(evidence[inner], options.sensitivity)
    begins = [1.0, *surety.tolist()]
    return [
        _Part(
            times[i], times[i + 1], name,
            float(posterior[i, labels.LABELS.index(name)]),
            float(posterior[i, labels.DROP] * begins[i]),
        )
        for i, name in enumerate(names)
    ]  # fmt: skip


def _labelled(
    music: Music, inner: list[int], options: StructureOptions
) -> tuple[list[Label], np.ndarray, labels.SectionSound]:
    bounds = [0, *inner, len(music.levels)]
    sound = labels.describe(music.drive, music.levels, music.pattern, bounds, music.on_grid)
    return *labels.label(sound, options.min_section_bars), sound


def _drops(music: Music, parts: list[_Part]) -> list[_Part]:
    """The parts that a drop begins with: each first of a phrase, and where it rises once more."""
    found = []
    entry = None  # the unit at which the phrase of this part began
    for part in parts:
        start, end = music.span(part)
        if part.label != "drop":
            entry = None
        elif entry is None or music.drive.rise(entry, start, end) > AGAIN:
            found.append(part)
            entry = start if entry is None else entry
    return found


def _moment(music: Music, part: _Part) -> float:
    """Seconds at which the kick of a drop enters: its start, or a bar later."""
    start, end = music.span(part)
    entry = music.drive.entry(start, end)
    return part.start if entry == start else float(music.edges[entry])


def _mix_points(
    music: Music, parts: list[_Part], min_bars: int
) -> tuple[float | None, float | None]:
    """Where an intro of beat alone ends and an outro of beat alone begins; None without.

    A lead-in or a tail shorter than a section may come before and after them.
    """

    def alone(ordered: list[_Part]) -> list[_Part]:
        spans = [music.span(part) for part in ordered]
        short = spans[0][1] - spans[0][0] < min_bars * music.drive.per_bar
        candidates = list(zip(ordered, spans, strict=True))
        if short and not music.drive.beat_alone(*spans[0]):
            candidates = candidates[1:]
        return [
            part
            for part, _ in takewhile(
                lambda pair: pair[0].label != "drop" and music.drive.beat_alone(*pair[1]),
                candidates,
            )
        ]

    first, last = alone(parts), alone(parts[::-1])
    if len(first) == len(parts):  # nothing but a beat: there is nothing to mix into
        return None, None
    return first[-1].end if first else None, last[-1].start if last else None


def _count_bars(
    parts: list[_Part], energies: list[float], rhythm: BpmRecord, base: TimeBase
) -> tuple[Section, ...]:
    """Sections with their bars: the first reaches back to bar 1, the last to the last bar."""
    if base.kind == "seconds" or not rhythm.downbeats:
        return tuple(
            Section(
                part.start, part.end, part.label, None, None, None, part.confidence, energy=value
            )
            for part, value in zip(parts, energies, strict=True)
        )
    length = float(np.median(np.diff(base.edges))) * base.per_bar
    firsts = [1, *(bar_number(rhythm, part.start, length) for part in parts[1:])]
    lasts = [*firsts[1:], bar_number(rhythm, parts[-1].end - length / 8, length) + 1]
    return tuple(
        Section(
            part.start,
            part.end,
            part.label,
            first,
            last,
            last - first,
            part.confidence,
            energy=value,
        )
        for part, value, first, last in zip(parts, energies, firsts, lasts, strict=True)
    )
