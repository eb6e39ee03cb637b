"""The time of each beat: the tempo curve of a piece and the deviations of a performance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

JITTER_MEMORY = 0.85  # share of a beat's deviation that carries over to the next beat


@dataclass(frozen=True)
class Curve:
    """How the tempo changes. ramp: (first beat, last beat, factor of the tempo from then on);
    drift: (share, beats of a period, phase in turns) of a machine that does not turn evenly;
    jitter: a drummer's deviation in milliseconds; jump: (beat, beats that are cut out there)."""

    ramp: tuple[int, int, float] | None = None
    drift: tuple[float, float, float] | None = None
    jitter: float = 0.0
    jump: tuple[int, float] | None = None

    @property
    def steady(self) -> bool:
        """Whether all beats have one tempo; a jump does not change the tempo."""
        return self.ramp is None and self.drift is None and not self.jitter


@dataclass(frozen=True)
class Timeline:
    """times: (beats + 1,) seconds of each beat and of the end of the last."""

    times: Floats
    bpm: Floats  # (beats,) the nominal tempo at each beat, without a drummer's deviations

    def at(self, beats: npt.ArrayLike) -> Floats:
        """Seconds of positions in beats: linear interpolation between beats, and extrapolation
        outside them."""
        position = np.asarray(beats, float)
        index = np.clip(np.floor(position).astype(int), 0, len(self.times) - 2)
        return np.asarray(
            self.times[index] + (position - index) * np.diff(self.times)[index], float
        )


def timeline(beats: int, bpm: float, start: float, curve: Curve, seed: int) -> Timeline:
    """The beats of a piece. start: seconds of the first beat. A jump shortens the beat in which it
    occurs and moves all later beats forward."""
    factors = np.ones(beats)
    if curve.ramp is not None:
        first, last, factor = curve.ramp
        factors *= np.interp(np.arange(beats), (first, last), (1.0, factor))
    if curve.drift is not None:
        share, period, phase = curve.drift
        factors *= 1 + share * np.sin(2 * np.pi * (np.arange(beats) / period + phase))
    tempo = bpm * factors
    intervals = 60 / tempo
    if curve.jump is not None:
        beat, by = curve.jump
        intervals[beat] *= 1 - by
    times = start + np.concatenate(([0.0], np.cumsum(intervals)))
    if curve.jitter:
        times += _deviations(beats + 1, curve.jitter / 1000, seed)
    return Timeline(times, tempo)


def _deviations(count: int, seconds: float, seed: int) -> Floats:
    """A drummer's deviations, each close to the previous beat's; 0 at the first beat, so that
    nothing begins before the start."""
    fresh = np.random.default_rng([seed, 7]).standard_normal(count)
    fresh *= seconds * np.sqrt(1 - JITTER_MEMORY**2)
    found = np.zeros(count)
    for i in range(1, count):
        found[i] = JITTER_MEMORY * found[i - 1] + fresh[i]
    return np.clip(found, -3 * seconds, 3 * seconds)
