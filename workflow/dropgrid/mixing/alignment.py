"""Align the beats of two tracks in a transition."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..base.errors import ConfigError
from ..records.track import Track, beats_per_bar
from .transition import Transition

LEAD_BARS = 8  # of the first track, before the second track starts
TAIL_BARS = 8  # of the second track, after the first track has ended


@dataclass(frozen=True)
class Alignment:
    """The beats of two tracks that play at the same time.

    first, second: (beats,) ascending times (s) of beats that coincide, from the start of the
    second track to the end of the tail; between beats, time is interpolated. lead: where playing
    starts in the first track, seconds. end: the index of the beat at which the first track has
    faded out; swap: of the downbeat at which the bass changes from the first track to the second.
    gains: of the two tracks, for equal loudness, at most 1.
    """

    first: np.ndarray
    second: np.ndarray
    lead: float
    end: int
    swap: int
    gains: tuple[float, float]

    @property
    def rates(self) -> np.ndarray:
        """(beats - 1,) the speed of the second track between beats; 1 is the recorded speed."""
        return np.asarray(np.diff(self.second) / np.diff(self.first))

    def as_json(self) -> dict[str, Any]:
        """As a JSON object, with times rounded to microseconds."""
        return {
            "first": [round(float(time), 6) for time in self.first],
            "second": [round(float(time), 6) for time in self.second],
            "lead": round(self.lead, 6), "end": self.end, "swap": self.swap,
            "gains": [round(gain, 4) for gain in self.gains],
        }  # fmt: skip


def align(before: Track, after: Track, step: Transition, octave: float = 1.0) -> Alignment:
    """Align the beats of the second track with those of the first, from where it starts.

    octave: 2 or .5 if the second track is counted at double or half tempo. A cut (no blend) takes
    one bar. Raises ConfigError if one of them has no beats.
    """
    if before.bpm is None or after.bpm is None or not before.bpm.beats or not after.bpm.beats:
        raise ConfigError("a track without beats cannot be aligned")
    bar = beats_per_bar(before.bpm)
    blend = max(step.bars, 1) * bar
    count = blend + TAIL_BARS * bar + 1
    first = _beats_from(np.asarray(before.bpm.beats), step.leave_at, count)
    second = _beats_from(
        _beats_at_octave(np.asarray(after.bpm.beats), step.enter_at, octave), step.enter_at, count
    )
    lead = max(0.0, float(first[0] - LEAD_BARS * bar * (first[1] - first[0])))
    return Alignment(
        first, second, lead, blend, (max(step.bars, 1) // 2) * bar, _gains(before, after)
    )


def _beats_at_octave(beats: np.ndarray, at: float, octave: float) -> np.ndarray:
    """The beats at double or half tempo, of which one is at a time."""
    if octave == 2:
        return np.sort(np.concatenate([beats, (beats[:-1] + beats[1:]) / 2]))
    if octave == 0.5:
        return beats[int(np.abs(beats - at).argmin()) % 2 :: 2]
    return beats


def _beats_from(beats: np.ndarray, at: float, count: int) -> np.ndarray:
    """`count` beats from the beat nearest to a time; extrapolated after the last beat."""
    start = int(np.abs(beats - at).argmin())
    found = beats[start : start + count]
    step = beats[-1] - beats[-2] if len(beats) > 1 else 0.5
    missing = count - len(found)
    return np.concatenate([found, found[-1] + step * np.arange(1, missing + 1)])


def _gains(before: Track, after: Track) -> tuple[float, float]:
    """The gains that reduce the louder track to the level of the other; 1 if one is unknown."""
    levels = [
        track.bpm.loudness.integrated if track.bpm and track.bpm.loudness else None
        for track in (before, after)
    ]
    if levels[0] is None or levels[1] is None:
        return 1.0, 1.0
    quieter = min(levels[0], levels[1])
    return 10 ** ((quieter - levels[0]) / 20), 10 ** ((quieter - levels[1]) / 20)
