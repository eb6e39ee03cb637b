"""Which parts of a track continue the grid of another part.

Tempo and phase are found part by part. A quiet break, a pad before the first kick or a minute of
accents off the beat can make a part look like a record of its own. So each further part must
justify itself: on its own grid, it must collect much more activation than on its neighbour's
extended grid; it must be long; and it must not be faint. A grid that returns after music of the
same tempo continued all the time: another record is on it by chance only once in ten times.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..features import FRAME_RATE
from .beat_activation import FAINT, GRID_SHARE, beat_activation
from .fit import Line, fit_line, peaks
from .segmentation import PHASE_SLACK

# Full beats that a part's own grid must gain; after a phase jump, beats of the anchor's level.
LEAST_GAIN_BEATS = 12.0
SHORTEST = 32  # beats: eight bars; a shorter part is no record
ANCHOR = 64  # least beats of a part whose grid may extend into others
KEPT_SHARE = 0.95  # of its beat activation that a part keeps on a common grid
DRIFT_LIMIT = 0.2  # beats that a grid may drift across a gap
TEMPO_SLACK = 0.005  # relative difference of two parts' tempi that may be one tempo


@dataclass(frozen=True)
class Part:
    """Music from start to end (seconds) and its beats (n,) in seconds, as the networks place them.

    line: its grid; None if the part follows a path of changing tempo.
    """

    start: float
    end: float
    beats: np.ndarray
    line: Line | None


@dataclass(frozen=True)
class Joined:
    """Parts first to last (exclusive) on one grid; anchor: the part that the grid comes from."""

    first: int
    last: int
    anchor: int
    line: Line | None


@dataclass(frozen=True)
class _Stretch:
    """Joined parts from start to end (seconds); beats, activation_sum: of the anchor's music."""

    joined: Joined
    start: float
    end: float
    beats: int
    activation_sum: float

    @property
    def level(self) -> float:
        return self.activation_sum / max(self.beats, 1)


class _Activation:
    """An activation (frames,) and its peaks."""

    def __init__(self, activation: np.ndarray) -> None:
        self.activation = activation
        self.times, self.heights = peaks(activation)

    def beat_sum(self, beats: np.ndarray) -> float:
        """The sum of the activation on beats in seconds."""
        return (
            float(beat_activation(self.activation, beats * FRAME_RATE).sum())
            if len(beats)
            else 0.0
        )

    def on(self, line: Line, start: float, end: float) -> float:
        """The same for a line's beats from start to end (seconds)."""
        first = np.ceil((start - line.offset) / line.period)
        last = np.floor((end - line.offset) / line.period)
        return self.beat_sum(line.offset + np.arange(first, last + 1) * line.period)

    def fitted(self, line: Line, spans: Sequence[tuple[float, float]]) -> Line:
        """A line fitted again to the peaks in spans of seconds; the first span is its own.

        Each step at most triples the span, so that the fit never loses the beat.
        """
        low, high = spans[0]
        start, end = min(s for s, _ in spans), max(e for _, e in spans)
        inside = np.zeros(len(self.times), bool)
        for first, last in spans:
            inside |= (self.times >= first) & (self.times <= last)
        while low > start or high < end:
            reach = high - low
            low, high = max(start, low - reach), min(end, high + reach)
            near = inside & (self.times >= low) & (self.times <= high)
            bpm = line.bpm
            line = fit_line(self.times[near], self.heights[near], bpm, line.offset)
            if abs(line.bpm - bpm) > TEMPO_SLACK * bpm:
                return line
        return line


def join_parts(values: np.ndarray, parts: Sequence[Part]) -> list[Joined]:
    """The parts of an activation (frames,) in order of time, joined where a grid continues."""
    activation = _Activation(values)
    stretches = [
        _Stretch(
            Joined(i, i + 1, i, part.line), part.start, part.end, len(part.beats),
            activation.beat_sum(part.beats),
        )
        for i, part in enumerate(parts)
    ]  # fmt: skip
    while len(stretches) > 1:
        for anchor in sorted(stretches, key=lambda stretch: -stretch.activation_sum):
            if anchor.joined.line is None or anchor.beats < ANCHOR:
                continue
            at = stretches.index(anchor)
            found = _returning(activation, stretches, at) or _neighbour(activation, stretches, at)
            if found is not None:
                first, last, line = found
                stretches[first:last] = [_merged(activation, stretches[first:last], anchor, line)]
                break
        else:
            break
    return [stretch.joined for stretch in stretches]


def _merged(
    activation: _Activation, own: list[_Stretch], anchor: _Stretch, line: Line
) -> _Stretch:
    """Stretches as one on the anchor's line; the level stays that of the anchor's own music."""
    whole = Joined(own[0].joined.first, own[-1].joined.last, anchor.joined.anchor, line)
    return _Stretch(whole, own[0].start, own[-1].end, anchor.beats, anchor.activation_sum)


def _returning(
    activation: _Activation, stretches: list[_Stretch], at: int
) -> tuple[int, int, Line] | None:
    """The stretches from the anchor to another one on its grid, and their common line."""
    anchor = stretches[at]
    for indices in (range(at - 1, -1, -1), range(at + 1, len(stretches))):
        for other in indices:
            if abs(other - at) > 1 and _may_return(anchor, stretches[other]):
                line = _common(activation, anchor, stretches[other])
                if line is not None:
                    first, last = sorted((at, other))
                    return first, last + 1, line
            if not _same_tempo(anchor, stretches[other]):
                break
    return None


def _same_tempo(anchor: _Stretch, other: _Stretch) -> bool:
    """Whether a stretch has the anchor's tempo, or is too short or faint to have its own."""
    own, line = anchor.joined.line, other.joined.line
    if other.beats < SHORTEST or other.level < FAINT * anchor.level:
        return True
    return own is not None and line is not None and abs(line.bpm / own.bpm - 1) <= TEMPO_SLACK


def _may_return(anchor: _Stretch, far: _Stretch) -> bool:
    """Whether a return to the anchor's grid cannot be chance: same tempo, near, and exact."""
    own, other = anchor.joined.line, far.joined.line
    if own is None or other is None or far.beats < SHORTEST:
        return False
    gap = max(far.start - anchor.end, anchor.start - far.end)
    return (
        gap <= anchor.end - anchor.start + far.end - far.start
        and own.margin / 60 * gap <= DRIFT_LIMIT
        and abs(other.bpm / own.bpm - 1) <= TEMPO_SLACK
    )


def _common(activation: _Activation, anchor: _Stretch, far: _Stretch) -> Line | None:
    """A line on which both keep their beat activation; None if there is none."""
    assert anchor.joined.line is not None
    spans = [(stretch.start, stretch.end) for stretch in (anchor, far)]
    line = activation.fitted(anchor.joined.line, spans)
    return line if all(_fits(activation, line, stretch) for stretch in (anchor, far)) else None


def _fits(activation: _Activation, line: Line, stretch: _Stretch) -> bool:
    """Whether a stretch keeps its beat activation on a line of a tempo that its own line allows.

    A line through both sides of a small phase jump is tilted: it fits the music, but has another
    tempo.
    """
    own = stretch.joined.line
    allowed = own is None or abs(line.bpm - own.bpm) <= own.margin
    return (
        allowed
        and activation.on(line, stretch.start, stretch.end) >= KEPT_SHARE * stretch.activation_sum
    )


def _neighbour(
    activation: _Activation, stretches: list[_Stretch], at: int
) -> tuple[int, int, Line] | None:
    """The anchor and a neighbour that cannot justify its own grid, and their common line."""
    anchor = stretches[at]
    assert anchor.joined.line is not None
    for other in (at - 1, at + 1):
        if not 0 <= other < len(stretches):
            continue
        near = stretches[other]
        line = activation.fitted(anchor.joined.line, [(s.start, s.end) for s in (anchor, near)])
        if not _fits(activation, line, anchor):
            line = anchor.joined.line
        extended = activation.on(line, near.start, near.end)
        followed = near.joined.line is None
        least_gain = LEAST_GAIN_BEATS * (anchor.level if _phase_jumped(anchor, near) else 1)
        small_gain = not followed and (
            near.beats < SHORTEST or near.activation_sum - extended < least_gain
        )
        well_explained = extended >= GRID_SHARE * near.activation_sum and not _different_records(
            anchor, near
        )
        if small_gain or well_explained or near.level < FAINT * anchor.level:
            first, last = sorted((at, other))
            return first, last + 1, line
    return None


def _phase_jumped(one: _Stretch, other: _Stretch) -> bool:
    """Whether both have one well-known tempo, and accents cannot explain their grids' offset.

    Two neighbours have the same tempo by chance once in a hundred times.
    """
    own, its = one.joined.line, other.joined.line
    if own is None or its is None:
        return False
    difference = abs(own.bpm - its.bpm)
    if difference > own.margin + its.margin or max(own.margin, its.margin) > TEMPO_SLACK * own.bpm:
        return False
    border = max(one.start, other.start)
    quarters = 4 * ((border - its.offset) / its.period - (border - own.offset) / own.period)
    return bool(abs(quarters - round(quarters)) > 4 * PHASE_SLACK)


def _different_records(one: _Stretch, other: _Stretch) -> bool:
    """Whether both are long and their intervals exclude a common tempo: two records."""
    lines = one.joined.line, other.joined.line
    if lines[0] is None or lines[1] is None or min(one.beats, other.beats) < ANCHOR:
        return False
    return abs(lines[0].bpm - lines[1].bpm) > lines[0].margin + lines[1].margin
