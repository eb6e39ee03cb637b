"""Where a steady grid goes on through music that says otherwise, but not clearly enough.

Tempo and phase of a part are found part by part, and a quiet break, a pad before the first kick
or a minute of accents beside the beat can make a part look like music of its own. Each further
part has a price: it must let hear its own beats much better than its neighbour's grid, gone on
with, would; for long; and not faintly. Where a grid is back after music of its tempo, it was
never away: by chance another record is on it once in ten times.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..features import FRAME_RATE
from .fit import Line, fit_line, peaks
from .heard import AS_WELL, FAINT, heard
from .segmentation import PHASE_SLACK

PRICE = 12.0  # beats a part must hear more on its own grid: full ones, the anchor's after a jump
SHORTEST = 32  # beats: eight bars; a shorter part is no record
ANCHOR = 64  # beats of a part whose grid may go on into others
KEPT = 0.95  # share of its beats' activation that a part keeps on the common grid
LOST = 0.2  # beats a grid may be off after a gap and still be known
APART = 0.005  # relative: how far two parts' tempi may lie apart to be one


@dataclass(frozen=True)
class Part:
    """Music from start to end (seconds) on beats (n,) in seconds, as the networks hear them.

    line: its grid; None where a path of changing tempo was followed.
    """

    start: float
    end: float
    beats: np.ndarray
    line: Line | None


@dataclass(frozen=True)
class Joined:
    """Parts first to last (exclusive) that share a grid; anchor: the one whose grid it was."""

    first: int
    last: int
    anchor: int
    line: Line | None


@dataclass(frozen=True)
class _Stretch:
    """Joined parts from start to end (seconds); beats and heard: of its anchor's own music."""

    joined: Joined
    start: float
    end: float
    beats: int
    heard: float

    @property
    def level(self) -> float:
        return self.heard / max(self.beats, 1)


class _Sound:
    """An activation (frames,) and its peaks."""

    def __init__(self, activation: np.ndarray) -> None:
        self.activation = activation
        self.times, self.heights = peaks(activation)

    def heard(self, beats: np.ndarray) -> float:
        """The activation on beats in seconds, all together."""
        return float(heard(self.activation, beats * FRAME_RATE).sum()) if len(beats) else 0.0

    def on(self, line: Line, start: float, end: float) -> float:
        """The same on a line's beats from start to end (seconds)."""
        first = np.ceil((start - line.offset) / line.period)
        last = np.floor((end - line.offset) / line.period)
        return self.heard(line.offset + np.arange(first, last + 1) * line.period)

    def fitted(self, line: Line, spans: Sequence[tuple[float, float]]) -> Line:
        """A line fitted anew to the peaks in spans of seconds, of which the first is its own.

        It goes no more than its own length further at a time, so that it is never lost.
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
            if abs(line.bpm - bpm) > APART * bpm:
                return line
        return line


def joined(activation: np.ndarray, parts: Sequence[Part]) -> list[Joined]:
    """The parts in order of time, made one where a steady grid goes on from one to others."""
    sound = _Sound(activation)
    stretches = [
        _Stretch(
            Joined(i, i + 1, i, part.line), part.start, part.end, len(part.beats),
            sound.heard(part.beats),
        )
        for i, part in enumerate(parts)
    ]  # fmt: skip
    while len(stretches) > 1:
        for anchor in sorted(stretches, key=lambda stretch: -stretch.heard):
            if anchor.joined.line is None or anchor.beats < ANCHOR:
                continue
            at = stretches.index(anchor)
            found = _back(sound, stretches, at) or _beside(sound, stretches, at)
            if found is not None:
                first, last, line = found
                stretches[first:last] = [_one(sound, stretches[first:last], anchor, line)]
                break
        else:
            break
    return [stretch.joined for stretch in stretches]


def _one(sound: _Sound, own: list[_Stretch], anchor: _Stretch, line: Line) -> _Stretch:
    """Stretches as one on the anchor's line; its level stays that of the anchor's own music."""
    whole = Joined(own[0].joined.first, own[-1].joined.last, anchor.joined.anchor, line)
    return _Stretch(whole, own[0].start, own[-1].end, anchor.beats, anchor.heard)


def _back(sound: _Sound, stretches: list[_Stretch], at: int) -> tuple[int, int, Line] | None:
    """The stretches from one to another that is on its grid again, and the common line."""
    anchor = stretches[at]
    for way in (range(at - 1, -1, -1), range(at + 1, len(stretches))):
        for other in way:
            if abs(other - at) > 1 and _may_return(anchor, stretches[other]):
                line = _common(sound, anchor, stretches[other])
                if line is not None:
                    first, last = sorted((at, other))
                    return first, last + 1, line
            if not _of_tempo(anchor, stretches[other]):
                break
    return None


def _of_tempo(anchor: _Stretch, other: _Stretch) -> bool:
    """Whether a stretch has the anchor's tempo, or is too short or too faint to have its own."""
    own, line = anchor.joined.line, other.joined.line
    if other.beats < SHORTEST or other.level < FAINT * anchor.level:
        return True
    return own is not None and line is not None and abs(line.bpm / own.bpm - 1) <= APART


def _may_return(anchor: _Stretch, far: _Stretch) -> bool:
    """Whether being on an anchor's grid again would be no chance: its tempo, near, and exact."""
    own, other = anchor.joined.line, far.joined.line
    if own is None or other is None or far.beats < SHORTEST:
        return False
    gap = max(far.start - anchor.end, anchor.start - far.end)
    return (
        gap <= anchor.end - anchor.start + far.end - far.start
        and own.margin / 60 * gap <= LOST
        and abs(other.bpm / own.bpm - 1) <= APART
    )


def _common(sound: _Sound, anchor: _Stretch, far: _Stretch) -> Line | None:
    """The line on which both let hear their beats as well as each on its own; None without."""
    assert anchor.joined.line is not None
    spans = [(stretch.start, stretch.end) for stretch in (anchor, far)]
    line = sound.fitted(anchor.joined.line, spans)
    return line if all(_kept(sound, line, stretch) for stretch in (anchor, far)) else None


def _kept(sound: _Sound, line: Line, stretch: _Stretch) -> bool:
    """Whether a stretch lets hear its beats on a common line, and its own allows that tempo.

    A line through both sides of a small jump leans: it lies by the music, but has another tempo.
    """
    own = stretch.joined.line
    allowed = own is None or abs(line.bpm - own.bpm) <= own.margin
    return allowed and sound.on(line, stretch.start, stretch.end) >= KEPT * stretch.heard


def _beside(sound: _Sound, stretches: list[_Stretch], at: int) -> tuple[int, int, Line] | None:
    """A stretch and a neighbour that does not earn its price, and their common line."""
    anchor = stretches[at]
    assert anchor.joined.line is not None
    for other in (at - 1, at + 1):
        if not 0 <= other < len(stretches):
            continue
        near = stretches[other]
        line = sound.fitted(anchor.joined.line, [(s.start, s.end) for s in (anchor, near)])
        if not _kept(sound, line, anchor):
            line = anchor.joined.line
        gone_on = sound.on(line, near.start, near.end)
        played = near.joined.line is None
        price = PRICE * (anchor.level if _jumped(anchor, near) else 1)
        cheap = not played and (near.beats < SHORTEST or near.heard - gone_on < price)
        as_well = gone_on >= AS_WELL * near.heard and not _another(anchor, near)
        if cheap or as_well or near.level < FAINT * anchor.level:
            first, last = sorted((at, other))
            return first, last + 1, line
    return None


def _jumped(one: _Stretch, other: _Stretch) -> bool:
    """Whether both have one tempo, well known, and grids that accents of one music do not explain.

    Two neighbours find the same tempo by chance once in a hundred times.
    """
    own, its = one.joined.line, other.joined.line
    if own is None or its is None:
        return False
    apart = abs(own.bpm - its.bpm)
    if apart > own.margin + its.margin or max(own.margin, its.margin) > APART * own.bpm:
        return False
    border = max(one.start, other.start)
    quarters = 4 * ((border - its.offset) / its.period - (border - own.offset) / own.period)
    return bool(abs(quarters - round(quarters)) > 4 * PHASE_SLACK)


def _another(one: _Stretch, other: _Stretch) -> bool:
    """Whether both are long, and their tempi surely differ, however little: two records."""
    lines = one.joined.line, other.joined.line
    if lines[0] is None or lines[1] is None or min(one.beats, other.beats) < ANCHOR:
        return False
    return abs(lines[0].bpm - lines[1].bpm) > lines[0].margin + lines[1].margin
