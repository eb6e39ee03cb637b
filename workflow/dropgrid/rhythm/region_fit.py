"""The regions of a track: the stretches with one tempo each, fitted one by one."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..base.quantiles import median
from ..features import FRAME_RATE
from .borders import REACH, border_beats
from .continuation import Part, join_parts
from .downbeat_decision import decision_table
from .evidence import EvidenceSource, with_halves
from .fit import Line, exact_tempo, fit_line, peaks, phase, snapped
from .octave import bar_evidence
from .options import RhythmOptions
from .phase import LAG, attack_offset
from .piecewise import straight_pieces
from .segmentation import Run, steady_pieces, tempo_runs
from .tag import in_octave_of
from .tempo import Tempogram, candidates, probabilities, scores
from .variable_tempo import follow

STEADY_BEATS = 64  # this many beats in a straight line were not played by hand
EDGE = 0.03  # s: a beat this little before the first sample counts as being on it


@dataclass(frozen=True)
class Piece:
    """Steady music from start to end (seconds) on the beats of a line.

    bpm: the line's tempo, snapped if allowed; phase: probability that its beats are the beats, not
    the half beats; attack: seconds that the grid was moved onto the attack, None if it was not
    moved; deviation: for a piece of a path, the distance of the path's beats from the line in
    seconds (median, largest); None for steady music.
    """

    start: float
    end: float
    line: Line
    bpm: float
    phase: float
    attack: float | None
    deviation: tuple[float, float] | None = None

    @property
    def followed(self) -> bool:
        """Whether it is part of a path of changing tempo."""
        return self.deviation is not None

    def beats(self) -> np.ndarray:
        """Its beats in seconds (n,)."""
        period = 60.0 / self.bpm
        first = np.ceil((self.start - EDGE - self.line.offset) / period)
        last = np.floor((self.end - self.line.offset) / period)
        return self.line.offset + np.arange(first, last + 1) * period


@dataclass(frozen=True)
class Region:
    """A piece, and its tempo hypotheses: (BPM, probability), its own first.

    by_tag: a BPM tag put the first of them there; the audio alone gives another.
    """

    piece: Piece
    tempi: list[tuple[float, float]]
    by_tag: bool = False


@dataclass(frozen=True)
class _Track:
    source: EvidenceSource
    activation: np.ndarray
    options: RhythmOptions


def find_regions(
    source: EvidenceSource, gram: Tempogram, options: RhythmOptions, tag: float | None = None
) -> list[Region]:
    """The regions of a track, whose tempogram is gram, in order of time.

    tag: its BPM tag, if it may be used as evidence.
    """
    features = source.features
    track = _Track(source, features.activations.sum(axis=1), options)
    bars = bar_evidence(features, options)
    windows = len(gram.centres)
    runs = tempo_runs(gram, options)
    if not options.piecewise:
        runs = [Run(0, windows, np.concatenate([run.tempi for run in runs]))]
    start, end = source.sounding
    borders = (gram.centres[1:] + gram.centres[:-1]) / 2 / FRAME_RATE
    regions = []
    for run in runs:
        part = slice(run.first, run.last)
        score = scores(gram.magnitudes[part].mean(axis=0), gram.tempi, options)
        if bars is not None:
            score = score + bars[part].mean(axis=0)
        tempi = candidates(gram.tempi, probabilities(score))
        low = start if run.first == 0 else max(start, float(borders[run.first - 1]))
        high = end if run.last == windows else min(end, float(borders[run.last - 1]))
        first, last = (min(round(t * FRAME_RATE), len(track.activation)) for t in (low, high))
        if last - first < FRAME_RATE:
            continue
        activation = track.activation[first:last]
        bpm = exact_tempo(activation, tempi[0][0])
        without_tag = tempi[0][0]
        if tag is not None and options.tag_octave == "prefer":
            tempi = in_octave_of(tag, bpm, tempi, options.min_bpm, options.max_bpm)
            bpm = exact_tempo(activation, tempi[0][0])
        by_tag = tempi[0][0] != without_tag
        if not options.piecewise:
            regions.append(Region(_fitted(track, first, last, bpm), tempi, by_tag))
            continue
        local = np.clip(run.local(bpm), options.min_bpm, options.max_bpm)
        pieces = _pieces(track, first, last, bpm, local)
        regions += [Region(piece, tempi, by_tag) for piece in pieces]
    if not options.piecewise or len(regions) < 2:
        return regions
    return _with_exact_borders(track, _with_continued_grids(track, regions))


def _with_continued_grids(track: _Track, regions: list[Region]) -> list[Region]:
    """The regions, joined where the grid of a neighbour continues."""
    groups: list[list[Region]] = []
    for region in regions:
        if groups and region.piece.followed and groups[-1][-1].piece.followed:
            groups[-1].append(region)
        else:
            groups.append([region])
    found: list[Region] = []
    for one in join_parts(track.activation, [_part(group) for group in groups]):
        if one.last - one.first == 1 or one.line is None:
            found += groups[one.first]
            continue
        start, end = groups[one.first][0].piece.start, groups[one.last - 1][-1].piece.end
        frames = round(start * FRAME_RATE), round(end * FRAME_RATE)
        line = replace(one.line, offset=one.line.offset - frames[0] / FRAME_RATE)
        piece = _on_line(track, *frames, line, _halves(line, *frames))
        found.append(replace(groups[one.anchor][0], piece=piece))
    return found


def _with_exact_borders(track: _Track, regions: list[Region]) -> list[Region]:
    """The regions, with each border between steady ones moved to the exact beat."""
    pieces = [region.piece for region in regions]
    for i in range(len(pieces) - 1):
        one, following = pieces[i : i + 2]
        if one.followed or following.followed or following.start - one.end > EDGE:
            continue
        reach = min(REACH, (one.end - one.start) / 4, (following.end - following.start) / 4)
        low, high = one.end - reach, one.end + reach
        before, after = (replace(p, start=low, end=high).beats() for p in (one, following))
        if min(len(before), len(after)) < 2:
            continue
        frames = [
            (beats - _attack_delay(piece)) * FRAME_RATE
            for beats, piece in ((before, one), (after, following))
        ]
        count, follows = border_beats(track.activation, *frames)
        if count > 0 and follows < len(after):
            pieces[i] = replace(one, end=float(before[count - 1]) + one.line.period / 4)
            start = float(after[follows]) - following.line.period / 4
            pieces[i + 1] = replace(following, start=start)
    return [replace(region, piece=piece) for region, piece in zip(regions, pieces, strict=True)]


def _part(group: list[Region]) -> Part:
    """A region, or all pieces of a path, with the beats where the networks place them."""
    beats = np.concatenate(
        [region.piece.beats() - _attack_delay(region.piece) for region in group]
    )
    first, last = group[0].piece, group[-1].piece
    line = replace(first.line, offset=first.line.offset - _attack_delay(first))
    return Part(first.start, last.end, beats, None if first.followed else line)


def _attack_delay(piece: Piece) -> float:
    """Seconds from the networks' beats of a piece to the beats of its grid."""
    return LAG if piece.attack is None else piece.attack


def region_at(source: EvidenceSource, bpm: float, options: RhythmOptions) -> Region:
    """The whole track as one region of a known tempo, on the beat in its middle."""
    features = source.features
    track = _Track(source, features.activations.sum(axis=1), options)
    first, last = (
        min(round(time * FRAME_RATE), len(track.activation)) for time in source.sounding
    )
    piece = _fitted(track, first, last, bpm)
    line = Line(piece.line.offset, 60.0 / bpm, piece.line.margin)
    return Region(replace(piece, line=line, bpm=bpm), [(bpm, 1.0)])


def _pieces(track: _Track, first: int, last: int, bpm: float, local: np.ndarray) -> list[Piece]:
    """Pieces of the frames first..last: steady ones near bpm, and straight ones of moving tempo.

    local: (n,) tempi of its parts.
    """
    steady = _steady(track, first, last, bpm)
    beats = np.concatenate([piece.beats() for piece in steady])
    if len(beats) < 2:
        return steady
    activation = track.activation[first:last]
    grid = (beats - LAG) * FRAME_RATE - first
    grid = grid[np.diff(grid, prepend=-np.inf) > 1]
    parts, beats = follow(activation, bpm, grid, local, track.options)
    if not parts:
        return steady
    pieces = []
    begin = first
    for start, end in (*parts, (len(activation), len(activation))):
        until = min(first + start * FRAME_RATE, last)
        if until - begin > 2 * FRAME_RATE:
            near = exact_tempo(track.activation[begin:until], bpm)
            pieces += _steady(track, begin, until, near)
        inside = (beats >= start) & (beats < end)
        pieces += _straight(track, beats[inside] + first / FRAME_RATE)
        begin = first + end * FRAME_RATE
    return pieces


def _steady(track: _Track, first: int, last: int, bpm: float) -> list[Piece]:
    """The frames first..last as pieces of a steady tempo near bpm."""
    cuts = steady_pieces(track.activation[first:last], bpm)
    return [_fitted(track, first + begin, first + end, near) for begin, end, near in cuts]


def _straight(track: _Track, beats: np.ndarray) -> list[Piece]:
    """Beats (n,) in seconds of a path, as straight pieces.

    A long piece is a steady record in a mix, and is fitted as such.
    """
    if len(beats) < 3:
        return []
    beats, share = _on_the_beat(track, with_halves(beats))
    pieces = []
    for start, end, line in straight_pieces(beats):
        low = max(float(beats[start]) - line.period / 2, 0.0)
        high = float(beats[end - 1]) + line.period / 2
        if end - start >= STEADY_BEATS:
            inside = round(low * FRAME_RATE), round(high * FRAME_RATE)
            pieces.append(_fitted(track, *inside, line.bpm))
        else:
            line_at_beats = Line(line.offset + LAG, line.period, line.margin)
            own = beats[start:end]
            errors = np.abs(own - line.offset - np.arange(len(own)) * line.period)
            deviation = float(median(errors)), float(errors.max())
            pieces.append(Piece(low, high, line_at_beats, line.bpm, share, None, deviation))
    return pieces


def _on_the_beat(track: _Track, halves: np.ndarray) -> tuple[np.ndarray, float]:
    """The beats among the half beats (n,), and the probability that they are the beats."""
    phases = decision_table(track.source.at_half_beats(halves), track.options.bar_lengths).phases()
    odd = int(np.argmax(phases))
    return halves[odd::2], float(phases[odd])


def _fitted(track: _Track, start: int, end: int, bpm: float) -> Piece:
    """The frames start..end as one piece of a steady tempo near bpm."""
    return _on_line(track, start, end, *half_beats(track.activation, start, end, bpm))


def _on_line(track: _Track, start: int, end: int, line: Line, halves: np.ndarray) -> Piece:
    """The frames start..end as one piece on a line with these half beats (n,) in seconds."""
    beats, share = _on_the_beat(track, halves)
    attack = attack_offset(track.source.features, beats)
    offset = beats[len(beats) // 2] + (LAG if attack is None else attack)
    line = Line(float(offset), line.period, line.margin)
    shown = snapped(line) if track.options.snap else line.bpm
    return Piece(start / FRAME_RATE, end / FRAME_RATE, line, shown, share, attack)


def half_beats(
    activation: np.ndarray, start: int, end: int, bpm: float
) -> tuple[Line, np.ndarray]:
    """The line through the beats of the frames start..end, and all half beats in seconds (n,).

    It is not decided here which of them are the beats.
    """
    part = activation[start:end]
    line = fit_line(*peaks(part), bpm, phase(part, bpm))
    return line, _halves(line, start, end)


def _halves(line: Line, start: int, end: int) -> np.ndarray:
    """All half beats in seconds (n,) of a line in the frames start..end, offset from start."""
    half = line.period / 2
    first = np.ceil(-line.offset / half)
    count = max(int(((end - start) / FRAME_RATE - line.offset) / half - first) + 1, 2)
    return np.asarray(start / FRAME_RATE + line.offset + (first + np.arange(count)) * half)
