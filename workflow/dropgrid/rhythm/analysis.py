"""The rhythm of a track: tempo, octave, exact grid, phase, bars and confidence, in that order."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..features import FRAME_RATE, Features
from ..records import Alternative, GridRegion
from .downbeats import find_bars
from .fit import PEAK_FLOOR, Line, exact_tempo, fit_line, peaks, phase, snapped
from .octave import bar_evidence
from .options import RhythmOptions
from .phase import LAG, on_the_beat
from .regions import steady_pieces, tempo_runs
from .tempo import candidates, probabilities, scores, tempogram

SHORTEST = 2.0  # s: less has no tempo
SOUNDING = 45.0  # dB below the loudest second that still counts as music
EDGE = 0.03  # s: a beat so little before the first sample falls on it


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


@dataclass(frozen=True)
class Region:
    """A steady stretch, seconds start..end, with its line, its tempo to show, and evidence."""

    start: float
    end: float
    line: Line
    bpm: float
    share: float
    others: tuple[tuple[float, float], ...]
    phase_odds: float

    def beats(self) -> np.ndarray:
        """Its beats in seconds (n,)."""
        period = 60.0 / self.bpm
        first = np.ceil((self.start - EDGE - self.line.offset) / period)
        last = np.floor((self.end - self.line.offset) / period)
        return self.line.offset + np.arange(first, last + 1) * period


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
    regions = _regions(features, activation, options)
    return _rhythm(features, regions, options)


def _regions(features: Features, activation: np.ndarray, options: RhythmOptions) -> list[Region]:
    gram = tempogram(activation, options.min_bpm, 4 * options.max_bpm)
    bars = bar_evidence(features, options)
    runs = tempo_runs(gram, options) if options.piecewise else [(0, len(gram.centres))]
    start, end = sounding(features)
    times = gram.centres / FRAME_RATE
    regions = []
    for first, last in runs:
        score = scores(gram.magnitudes[first:last].mean(axis=0), gram.tempi, options)
        if bars is not None:
            score = score + bars[first:last].mean(axis=0)
        found = candidates(gram.tempi, probabilities(score))
        low = start if first == 0 else float(times[first - 1] + times[first]) / 2
        high = end if last == len(times) else float(times[last - 1] + times[last]) / 2
        if high > low:
            regions += _steady(features, activation, low, high, found, options)
    return regions


def _steady(
    features: Features,
    activation: np.ndarray,
    start: float,
    end: float,
    found: list[tuple[float, float]],
    options: RhythmOptions,
) -> list[Region]:
    """The regions of a run of one tempo, found: its candidates, best first."""
    low, high = round(start * FRAME_RATE), round(end * FRAME_RATE)
    coarse = exact_tempo(activation[low:high], found[0][0])
    pieces = [(low, high, coarse)]
    if options.piecewise:
        pieces = [
            (low + first, low + last, tempo)
            for first, last, tempo in steady_pieces(activation[low:high], coarse)
        ]
    regions: list[Region] = []
    for first, last, tempo in pieces:
        part = np.zeros_like(activation)
        part[first:last] = activation[first:last]
        line = fit_line(*peaks(part), tempo, phase(part, tempo))
        offset, odds = on_the_beat(features, line.offset, line.period, slice(first, last))
        line = Line(offset + LAG, line.period, line.margin)
        bpm = snapped(line) if options.snap else line.bpm
        middle = (first + last) / 2 / FRAME_RATE
        nearest = line.offset + np.round((middle - line.offset) / line.period) * line.period
        line = Line(float(nearest), line.period, line.margin)
        regions.append(
            Region(first / FRAME_RATE, last / FRAME_RATE, line, bpm, found[0][1],
                   tuple(found[1:]), odds)
        )  # fmt: skip
    return regions


def sounding(features: Features) -> tuple[float, float]:
    """Seconds of the first and the last sound that is music, not hiss or a dying echo."""
    bands = features.descriptors.get("bands")
    if bands is None or not len(bands):
        return 0.0, features.duration
    level = bands.astype(np.float32).max(axis=1)
    loud = np.flatnonzero(level > np.quantile(level, 0.95) - SOUNDING)
    return float(loud[0] / FRAME_RATE), min(float(loud[-1] + 1) / FRAME_RATE, features.duration)


def _rhythm(features: Features, regions: list[Region], options: RhythmOptions) -> Rhythm:
    beats: list[float] = []
    downbeats: list[float] = []
    grid = []
    signature = 4
    most = 0
    for region in regions:
        own = region.beats()
        own = own[own <= features.duration]
        own = np.maximum(own, 0.0)
        if beats and len(own) and own[0] - beats[-1] < 0.5 * region.line.period:
            own = own[1:]
        if not len(own):
            continue
        bars = find_bars(features, own, options.bar_lengths)
        ones = own[bars.first :: bars.beats_per_bar]
        if len(own) > most:
            most, main, signature, share = len(own), region, bars.beats_per_bar, bars.share
        beats += own.tolist()
        downbeats += ones.tolist()
        grid.append(
            GridRegion(float(own[0]), region.bpm, len(own), float(ones[0]) if len(ones) else None)
        )
    if not beats:
        return NOTHING
    return Rhythm(
        bpm=main.bpm,
        bpm_fitted=main.line.bpm,
        bpm_interval=main.line.interval,
        confidence=main.share,
        alternatives=tuple(
            Alternative(round(tempo, 2), share) for tempo, share in main.others if share >= 0.01
        ),
        time_signature=f"{signature}/4",
        beats=tuple(beats),
        downbeats=tuple(downbeats),
        grid=tuple(grid),
        evidence={
            "regions": len(grid),
            "downbeat_share": share,
            "phase_odds": main.phase_odds,
        },
    )
