"""Where to leave a track and where to enter the next track, in bars and seconds, with reasons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..key import notation
from ..records.track import Track
from .library import NO_KEY, Library
from .score import Scores

CERTAIN = 0.8  # certainty below which the grids of both tracks should be checked
AUDIBLE_ENERGY = 0.05  # smallest audible difference of energy (0..1)
AUDIBLE_TEMPO = 0.05  # per cent: smallest audible change of tempo


@dataclass(frozen=True)
class Transition:
    """A transition from one track to the next.

    leave: the bar of the first track (from 1 at its first downbeat) at which the second track
    starts; leave_at: the time of its downbeat, seconds. enter, enter_at: the same of the second
    track. bars: how long both play. change: of the second track's tempo, in per cent. score and
    terms: 0..1, see dropgrid.mixing.score. reasons: as text.
    """

    first: str
    second: str
    leave: int
    leave_at: float
    enter: int
    enter_at: float
    bars: int
    change: float
    score: float
    terms: dict[str, float]
    reasons: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """As a JSON object with rounded numbers."""
        return {
            "from": self.first, "to": self.second,
            "leave": {"bar": self.leave, "seconds": round(self.leave_at, 6)},
            "enter": {"bar": self.enter, "seconds": round(self.enter_at, 6)},
            "bars": self.bars, "tempo_change": round(self.change, 3),
            "score": round(self.score, 4),
            "terms": {name: round(value, 4) for name, value in self.terms.items()},
            "reasons": list(self.reasons),
        }  # fmt: skip


def transition(
    library: Library, i: int, j: int, found: Scores, before: Track, after: Track
) -> Transition:
    """The transition from track i to track j of a library; found: the scores of track i."""
    bars = int(found.blend[j])
    out_bars, in_bars = int(library.bars_out[i]), int(library.bars_in[j])
    count = bar_count(before)
    leave = max(1, count - out_bars + 1)
    enter = 1 + max(0, in_bars - bars)
    return Transition(
        first=library.ids[i],
        second=library.ids[j],
        leave=leave,
        leave_at=bar_time(before, leave),
        enter=enter,
        enter_at=bar_time(after, enter),
        bars=bars,
        change=float(found.change[j]),
        score=float(found.total[j]),
        terms={name: float(term[j]) for name, term in found.terms.items()}
        | {"certainty": float(found.certainty[j])},
        reasons=tuple(reasons(library, i, j, found)),
    )


def bar_count(track: Track) -> int:
    """The number of bars up to the end of the last section; without sections, of downbeats."""
    ends = [s.end_bar for s in track.structure.sections] if track.structure else []
    if ends and ends[-1] is not None:
        return ends[-1] - 1
    return len(track.bpm.downbeats) if track.bpm else 0


def bar_time(track: Track, bar: int) -> float:
    """The time of the downbeat of a bar (s), counted from 1; 0 without downbeats."""
    downbeats = track.bpm.downbeats if track.bpm else ()
    if not downbeats:
        return 0.0
    return float(downbeats[min(max(bar, 1), len(downbeats)) - 1])


def reasons(library: Library, i: int, j: int, found: Scores) -> list[str]:
    """The reasons for and against a transition, most important first."""
    parts = [
        _tempo(found, j),
        _key(library, i, j),
        _energy(library, i, j),
        _sections(library, i, j),
    ]
    if found.blend[j] and library.bars_in[j] >= found.blend[j]:
        parts.append("its drop follows right after the blend")
    if found.certainty[j] < CERTAIN:
        parts.append("the grid of one track is unsure: check it first")
    return [text for text in parts if text]


def _tempo(found: Scores, j: int) -> str:
    change, octave = float(found.change[j]), float(found.octave[j])
    text = "same tempo" if abs(change) < AUDIBLE_TEMPO else f"tempo {change:+.1f} %"
    return text if octave == 1 else f"{text} at {'double' if octave == 2 else 'half'} tempo"


def _key(library: Library, i: int, j: int) -> str:
    keys = int(library.key[i]), int(library.key[j])
    if NO_KEY in keys or min(library.key_confidence[i], library.key_confidence[j]) <= 0:
        return "key unsure"
    first_key, second_key = (notation.camelot(key) for key in keys)
    if keys[0] == keys[1]:
        return f"same key ({first_key})"
    if keys[1] in notation.compatible(keys[0]):
        return f"compatible keys ({first_key} to {second_key})"
    return f"keys clash ({first_key} to {second_key})"


def _energy(library: Library, i: int, j: int) -> str:
    change = library.energy[j] - library.energy[i]
    if np.isnan(change):
        return ""
    if abs(change) < AUDIBLE_ENERGY:
        return "same energy"
    return f"energy {'up' if change > 0 else 'down'}"


def _sections(library: Library, i: int, j: int) -> str:
    out_bars, in_bars = library.bars_out[i], library.bars_in[j]
    if not out_bars or not in_bars:
        return "no bars to blend"
    if not min(out_bars, in_bars) >= 4:
        return "too short to blend: cut"
    return f"last {out_bars} bars over first {in_bars} bars"
