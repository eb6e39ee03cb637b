"""The rhythm of a track: tempo, octave, exact grid, phase, bars and confidence, in that order."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..features import FRAME_RATE, Features
from ..records import Alternative, GridRegion
from .downbeats import find_bars
from .drift import drifts, refined, straight_pieces, track
from .fit import PEAK_FLOOR, Line, exact_tempo, fit_line, peaks, phase, snapped
from .octave import bar_evidence
from .options import RhythmOptions
from .phase import LAG, attack_offset, on_the_beat
from .regions import Run, steady_pieces, tempo_runs
from .tempo import (
    HARMONICS,
    Tempogram,
    candidates,
    probabilities,
    pulse,
    scores,
    tempogram,
)

SHORTEST = 2.0  # s: less has no tempo
FAINTEST = 0.055  # pulse below which nothing is periodic
SOUNDING = 45.0  # dB below the loudest second that still counts as music
STEADY_BEATS = 64  # so many beats in a straight line were not played by hand
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
    gram = tempogram(activation, options.min_bpm, max(HARMONICS) * options.max_bpm)
    strength = pulse(gram, options)
    if strength < FAINTEST:
        return NOTHING
    regions = _regions(features, activation, gram, options)
    return _rhythm(features, regions, strength, options)


def _regions(
    features: Features, activation: np.ndarray, gram: Tempogram, options: RhythmOptions
) -> list[Region]:
    bars = bar_evidence(features, options)
    windows = len(gram.centres)
    runs = tempo_runs(gram, options)
    if not options.piecewise:
        runs = [Run(0, windows, np.concatenate([run.tempi for run in runs]))]
    start, end = sounding(features)
    times = gram.centres / FRAME_RATE
    regions = []
    for run in runs:
        part = slice(run.first, run.last)
        score = scores(gram.magnitudes[part].mean(axis=0), gram.tempi, options)
        if bars is not None:
            score = score + bars[part].mean(axis=0)
        found = candidates(gram.tempi, probabilities(score))
        low = start if run.first == 0 else float(times[run.first - 1] + times[run.first]) / 2
        high = end if run.last == windows else float(times[run.last - 1] + times[run.last]) / 2
        first, last = round(low * FRAME_RATE), min(round(high * FRAME_RATE), len(activation))
        if last - first < FRAME_RATE:
            continue
        bpm = exact_tempo(activation[first:last], found[0][0])
        if options.piecewise and drifts(activation[first:last], bpm):
            local = np.interp(np.arange(first, last), gram.centres[part], run.local(bpm))
            fitted = _followed(features, activation, first, local, options)
        else:
            fitted = _steady(features, activation, first, last, bpm, options)
        regions += [
            Region(a, b, line, shown, found[0][1], tuple(found[1:]), odds)
            for a, b, line, shown, odds in fitted
        ]
    return regions


Fitted = list[tuple[float, float, Line, float, float]]  # start, end, line, BPM, phase odds


def _followed(
    features: Features,
    activation: np.ndarray,
    first: int,
    local: np.ndarray,
    options: RhythmOptions,
) -> Fitted:
    """Pieces of drifting music from frame first on, whose local tempi (frames,) are known.

    A long piece is a steady record in a mix, and fitted as such.
    """
    part = activation[first : first + len(local)]
    frames = track(part, 60.0 * FRAME_RATE / local)
    beats = refined(part, frames) + first / FRAME_RATE
    fitted: Fitted = []
    for start, end, line in straight_pieces(beats):
        low = max(float(beats[start]) - line.period / 2, 0.0)
        high = float(beats[end - 1]) + line.period / 2
        if end - start >= STEADY_BEATS:
            inside = round(low * FRAME_RATE), round(high * FRAME_RATE)
            fitted.append(_fitted(features, activation, *inside, line.bpm, options))
        else:
            line = Line(line.offset + LAG, line.period, line.margin)
            fitted.append((low, high, line, line.bpm, 0.0))
    return fitted


def _steady(
    features: Features,
    activation: np.ndarray,
    first: int,
    last: int,
    bpm: float,
    options: RhythmOptions,
) -> Fitted:
    """Pieces of the frames first..last, each in phase with itself, of about one tempo."""
    pieces = [(0, last - first, bpm)]
    if options.piecewise:
        pieces = steady_pieces(activation[first:last], bpm)
    return [
        _fitted(features, activation, first + start, first + end, tempo, options)
        for start, end, tempo in pieces
    ]


def _fitted(
    features: Features,
    activation: np.ndarray,
    start: int,
    end: int,
    bpm: float,
    options: RhythmOptions,
) -> tuple[float, float, Line, float, float]:
    """The frames start..end as one piece of a steady tempo near bpm."""
    part = np.zeros_like(activation)
    part[start:end] = activation[start:end]
    line = fit_line(*peaks(part), bpm, phase(part, bpm))
    offset, odds = on_the_beat(features, line.offset, line.period, slice(start, end))
    middle = (start + end) / 2 / FRAME_RATE
    offset += np.round((middle - offset) / line.period) * line.period
    count = int((end - start) / FRAME_RATE / line.period / 2)
    beats = offset + np.arange(-count, count + 1) * line.period
    attack = attack_offset(features, beats)
    offset += LAG if attack is None else attack
    line = Line(float(offset), line.period, line.margin)
    shown = snapped(line) if options.snap else line.bpm
    return start / FRAME_RATE, end / FRAME_RATE, line, shown, odds


def sounding(features: Features) -> tuple[float, float]:
    """Seconds of the first and the last sound that is music, not hiss or a dying echo."""
    bands = features.descriptors.get("bands")
    if bands is None or not len(bands):
        return 0.0, features.duration
    level = bands.astype(np.float32).max(axis=1)
    loud = np.flatnonzero(level > np.quantile(level, 0.95) - SOUNDING)
    return float(loud[0] / FRAME_RATE), min(float(loud[-1] + 1) / FRAME_RATE, features.duration)


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
            grid.append(GridRegion(float(beats[0]), regions[len(grid)].bpm, len(beats), one))
    main = regions[_middle(regions, [region.beats for region in grid])]
    longest = max(range(len(chains)), key=lambda i: sum(map(len, chains[i])))
    return Rhythm(
        bpm=main.bpm,
        bpm_fitted=main.line.bpm,
        bpm_interval=main.line.interval,
        confidence=main.share,
        alternatives=tuple(
            Alternative(round(tempo, 2), share) for tempo, share in main.others if share >= 0.01
        ),
        time_signature=f"{bars[longest].beats_per_bar}/4",
        beats=tuple(beat for chain in chains for beats in chain for beat in beats.tolist()),
        downbeats=tuple(downbeats),
        grid=tuple(grid),
        evidence={
            "pulse": strength,
            "regions": len(grid),
            "downbeat_share": bars[longest].share,
            "phase_odds": main.phase_odds,
        },
    )


def _chained(
    regions: list[Region], duration: float
) -> tuple[list[Region], list[list[np.ndarray]]]:
    """The regions that have beats, and their beats, region by region, in unbroken chains."""
    held: list[Region] = []
    chains: list[list[np.ndarray]] = []
    for region in regions:
        beats = np.maximum(region.beats(), 0.0)
        beats = beats[beats <= duration]
        period = region.line.period
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
    order = sorted(range(len(regions)), key=lambda i: regions[i].bpm)
    total = np.cumsum([counts[i] for i in order])
    return order[int(np.searchsorted(total, total[-1] / 2))]
