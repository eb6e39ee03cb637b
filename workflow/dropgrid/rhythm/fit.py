"""The exact tempo and phase of a stretch of steady music: a straight line through its beats."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..base.quantiles import median
from ..features import FRAME_RATE
from .tempo import HARMONICS

SPREAD = 0.03  # largest relative distance of the exact tempo from the coarse tempo
FINENESS = 16  # tempi tried for each that the length can distinguish
PHASES = 96  # phases tried in a beat
PEAK_FLOOR = 0.05  # the lowest activation that counts as a beat
JITTER = 0.005  # s: one part's beats may be this far off the others' (drums, then only a bass)
BIAS = 0.001  # BPM: error of a long fit beyond its interval, as attacks grow sharper or softer
BLOCK_BEATS = 16  # beats whose deviations count as one independent observation


@dataclass(frozen=True)
class Line:
    """Beat n falls on offset + n * period seconds; bpm is known to within +- margin."""

    offset: float
    period: float
    margin: float

    @property
    def bpm(self) -> float:
        """The tempo of the line."""
        return 60.0 / self.period

    @property
    def interval(self) -> tuple[float, float]:
        """The lowest and the highest tempo that the beats allow."""
        return self.bpm - self.margin, self.bpm + self.margin


def demodulate(activation: np.ndarray, bpm: float, block: int) -> np.ndarray:
    """Blocks of an activation demodulated by a tempo's harmonics: (harmonics, blocks) complex.

    Where the music has this tempo, the values of a row have the same angle; a slightly different
    tempo makes the angle grow steadily. Frame 0 is phase 0.
    """
    count = -(-len(activation) // block)
    padded = np.zeros(count * block)
    padded[: len(activation)] = activation
    turns = np.arange(count * block) * (bpm / 60.0 / FRAME_RATE)
    carrier = np.exp(-2j * np.pi * (turns % 1.0))
    rows = []
    power = np.ones_like(carrier)
    for _ in HARMONICS:
        power = power * carrier
        rows.append((padded * power).reshape(count, block).sum(axis=1))
    return np.stack(rows)


def exact_tempo(activation: np.ndarray, bpm: float) -> float:
    """The tempo within 3 % of bpm at which the whole activation's harmonics are most in phase.

    Over the whole activation, the error is a small part of a beat, which fit_line removes.
    """
    block = FRAME_RATE // 4
    rows = demodulate(activation, bpm, block)
    size = FINENESS * rows.shape[1]
    step = 60.0 * FRAME_RATE / block / size
    reach = int(SPREAD * bpm / step)
    shifts = np.arange(-reach, reach + 1)
    power = np.zeros(len(shifts))
    for harmonic, row in zip(HARMONICS, rows, strict=True):
        power += np.abs(np.fft.fft(row, size)[harmonic * shifts % size]) ** 2
    return float(bpm + step * shifts[int(np.argmax(power))])


def phase(activation: np.ndarray, bpm: float) -> float:
    """Seconds, in 0..period, of the beats that collect most of the activation's harmonics."""
    turns = np.arange(len(activation)) * (bpm / 60.0 / FRAME_RATE) % 1.0
    steps = np.arange(PHASES) / PHASES
    folded = np.bincount((turns * PHASES + 0.5).astype(int) % PHASES, activation, PHASES)
    sums = np.fft.fft(folded)[1 : len(HARMONICS) + 1]
    comb = (sums[:, None] * np.exp(2j * np.pi * np.outer(HARMONICS, steps))).real.sum(axis=0)
    return float(steps[int(np.argmax(comb))] * 60.0 / bpm)


def peaks(activation: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Times in seconds, finer than a frame, and heights of an activation's local maxima."""
    inner = activation[1:-1]
    at = 1 + np.flatnonzero(
        (inner >= activation[:-2]) & (inner > activation[2:]) & (inner >= PEAK_FLOOR)
    )
    before, top, after = (activation[at + shift].astype(float) for shift in (-1, 0, 1))
    curve = before - 2 * top + after
    return (at + 0.5 * (before - after) / np.minimum(curve, -1e-9)) / FRAME_RATE, top


def fit_line(times: np.ndarray, heights: np.ndarray, bpm: float, offset: float) -> Line:
    """Least squares through the peaks near a grid; distant peaks get little or no weight.

    times, heights: peaks() of one steady stretch; bpm, offset: the grid to start from.
    Gaps without peaks cost nothing: each peak belongs to the nearest beat, whatever the gap.
    """
    period = 60.0 / bpm
    for width in (0.15, 0.1, 0.07, 0.05, 0.05):
        index = np.round((times - offset) / period)
        error = times - offset - index * period
        near = np.abs(error) < width * period
        if near.sum() < 4 or np.ptp(index[near]) < 4:
            return Line(float(offset), float(period), margin=bpm * SPREAD)
        index, error, weight = index[near], error[near], heights[near]
        scale = 2 * (1.48 * median(np.abs(error - median(error))) + 0.003)
        weight = weight / (1 + (error / scale) ** 2)
        middle = np.average(index, weights=weight)
        centred = index - middle
        mean = np.average(error, weights=weight)
        slope = np.sum(weight * centred * (error - mean)) / np.sum(weight * centred**2)
        offset, period = offset + mean - slope * middle, period + slope
    error = error - mean - slope * centred
    return Line(float(offset), float(period), _margin(index, error, weight, float(period)))


def _margin(index: np.ndarray, error: np.ndarray, weight: np.ndarray, period: float) -> float:
    """Half width in BPM of the tempo's 95 % interval, from the deviations of blocks of beats.

    Neighbouring beats have the same error (the same drums), so blocks, not beats, are counted. A
    part that is early or late by JITTER, at one end of the track only, can tilt the whole line.
    """
    blocks = (index // BLOCK_BEATS).astype(int)
    blocks -= blocks.min()
    mass = np.bincount(blocks, weight)
    usable = mass > 0
    mean = np.bincount(blocks, weight * error)[usable] / mass[usable]
    place = np.bincount(blocks, weight * index)[usable] / mass[usable]
    share = mass[usable] / mass[usable].mean()
    lever = np.sum(share * (place - np.average(place, weights=share)) ** 2)
    freedom = len(mean) - 2
    if freedom < 1 or lever <= 0:
        slope = 2 * JITTER / max(np.ptp(index), 1.0)
    else:
        spread = np.sqrt(np.sum(share * mean**2) / freedom / lever)
        slope = 2 * spread * (1 + 2 / freedom) + JITTER / np.ptp(index)
    return float(slope / period * 60.0 / period)


def snapped(line: Line) -> float:
    """The only whole BPM in the interval, or else the only half BPM: what a DJ would type.

    The fitted tempo if the interval, widened by BIAS, contains none, or more than one.
    """
    low, high = line.interval[0] - BIAS, line.interval[1] + BIAS
    for unit in (1.0, 0.5):
        first, last = np.ceil(low / unit), np.floor(high / unit)
        if first == last:
            return float(first * unit)
        if first < last:
            break
    return line.bpm
