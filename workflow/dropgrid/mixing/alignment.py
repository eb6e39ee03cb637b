"""Beat by beat, where two tracks lie over each other in a transition."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..base.errors import ConfigError
from ..records.track import Track, beats_per_bar
from .transition import Transition

LEAD_BARS = 8  # of the first track, before the next one starts
TAIL_BARS = 8  # of the next track, after the first one has ended


@dataclass(frozen=True)
class Alignment:
    """Which moment of the next track is heard with which of the first.

    first, second: (beats,) ascending times (s) of beats that fall together, from the start of the
    next track to the end of the tail; between them time runs evenly. lead: where the first track
    is heard from, seconds. end: the beat at which the first track has gone; swap: the beat, a
    downbeat, at which the bass goes over from one to the other. gains: of the two tracks, for the
    same loudness, at most 1.
    """

    first: np.ndarray
    second: np.ndarray
    lead: float
    end: int
    swap: int
    gains: tuple[float, float]

    @property
    def rates(self) -> np.ndarray:
        """(beats - 1,) how much faster than recorded the next track plays from beat to beat."""
        return np.asarray(np.diff(self.second) / np.diff(self.first))

    def as_json(self) -> dict[str, Any]:
        """As a JSON object, times in microseconds' exactness."""
        return {
            "first": [round(float(time), 6) for time in self.first],
            "second": [round(float(time), 6) for time in self.second],
            "lead": round(self.lead, 6), "end": self.end, "swap": self.swap,
            "gains": [round(gain, 4) for gain in self.gains],
        }  # fmt: skip


def align(before: Track, after: Track, step: Transition, octave: float = 1.0) -> Alignment:
    """Lay the beats of the next track over those of the first from where it starts.

    octave: 2 or .5 where the next track is counted at double or half tempo. A cut (no blend) goes
    over within one bar. Raises ConfigError where one of them has no beats to align.
    """
    if before.bpm is None or after.bpm is None or not before.bpm.beats or not after.bpm.beats:
        raise ConfigError("a track without beats cannot be aligned")
    bar = beats_per_bar(before.bpm)
    blend = max(step.bars, 1) * bar
    count = blend + TAIL_BARS * bar + 1
    first = _from(np.asarray(before.bpm.beats), step.leave_at, count)
    second = _from(
        _counted(np.asarray(after.bpm.beats), step.enter_at, octave), step.enter_at, count
    )
    lead = max(0.0, float(first[0] - LEAD_BARS * bar * (first[1] - first[0])))
    return Alignment(
        first, second, lead, blend, (max(step.bars, 1) // 2) * bar, _gains(before, after)
    )


def _counted(beats: np.ndarray, at: float, octave: float) -> np.ndarray:
    """The beats as a listener counts them at another octave, one of them at a time."""
    if octave == 2:
        return np.sort(np.concatenate([beats, (beats[:-1] + beats[1:]) / 2]))
    if octave == 0.5:
        return beats[int(np.abs(beats - at).argmin()) % 2 :: 2]
    return beats


def _from(beats: np.ndarray, at: float, count: int) -> np.ndarray:
    """So many beats from the one nearest to a time; after the last, at its own interval."""
    start = int(np.abs(beats - at).argmin())
    found = beats[start : start + count]
    step = beats[-1] - beats[-2] if len(beats) > 1 else 0.5
    missing = count - len(found)
    return np.concatenate([found, found[-1] + step * np.arange(1, missing + 1)])


def _gains(before: Track, after: Track) -> tuple[float, float]:
    """What makes the louder of the two as loud as the other; 1 where a loudness is unknown."""
    levels = [
        track.bpm.loudness.integrated if track.bpm and track.bpm.loudness else None
        for track in (before, after)
    ]
    if levels[0] is None or levels[1] is None:
        return 1.0, 1.0
    quieter = min(levels[0], levels[1])
    return 10 ** ((quieter - levels[0]) / 20), 10 ** ((quieter - levels[1]) / 20)
