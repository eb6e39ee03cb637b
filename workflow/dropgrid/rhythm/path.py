"""Beats of music whose tempo moves: the most likely path of a bar pointer, and its likelihood.

The model is that of Böck, Krebs and Widmer (A multi-model approach to beat tracking, 2014) in
the state space of Krebs, Böck and Widmer (An efficient state-space model, 2015): a pointer runs
through a beat of d frames; the first sixteenth of it sounds as the activation says, the rest as
it denies; only where a beat begins may the next be longer or shorter, at a cost that grows with
the logarithm of their ratio. Inside a beat there is nothing to decide, so only beginnings of
beats are searched (explicit durations); and as the cost is a distance along a line, the best
predecessor is a running maximum from the left or from the right. Time and memory grow with
frames times tempi, and a back pointer is one byte: exact, about 0.1 s for five minutes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

PART = 16  # the first 1 / PART of a beat is where its activation is
STIFFNESS = 100.0  # log odds a beat e times longer than the last loses
FLOOR = 1e-4  # activation below which a frame is no less likely a beat


@dataclass(frozen=True)
class Path:
    """The beats of a path, frames (n,) within the activation, and its log likelihood."""

    beats: np.ndarray
    score: float


class Likelihood:
    """Log likelihoods of beats of an activation (frames,): sums over their frames in O(1)."""

    def __init__(self, activation: np.ndarray, pad: int) -> None:
        """pad: frames before the first and after the last that may be asked for; they say 0."""
        values = np.clip(np.asarray(activation, dtype=float), FLOOR, 1 - FLOOR)
        on, off = np.log(values), np.log((1 - values) / (PART - 1))
        self.pad = pad
        self.off = _cumulated(off, pad)
        self.gain = _cumulated(on - off, pad)

    def __call__(self, starts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """Of beats from frame starts on, lengths frames each (arrays that broadcast)."""
        first = starts + self.pad
        total = self.off[first + lengths] - self.off[first]
        return total + self.gain[first + sounding_part(lengths)] - self.gain[first]


def sounding_part(lengths: np.ndarray) -> np.ndarray:
    """How many frames at its beginning are a beat's own, of beats of so many frames."""
    return -(-lengths // PART)


def _cumulated(values: np.ndarray, pad: int) -> np.ndarray:
    """sums[i + pad] is that of values before i; nothing is added outside."""
    sums = np.zeros(len(values) + 2 * pad + 1)
    np.cumsum(values, out=sums[pad + 1 : pad + 1 + len(values)])
    sums[pad + 1 + len(values) :] = sums[pad + len(values)]
    return sums


def best_path(activation: np.ndarray, shortest: int, longest: int) -> Path:
    """The most likely beats of shortest to longest frames through an activation (frames,).

    A first beat that began before the activation counts with what is left of it, as does one
    that ends after it. Raises ValueError unless 1 <= shortest <= longest <= shortest + 254.
    """
    if not 1 <= shortest <= longest <= shortest + 254:
        raise ValueError(f"beats of {shortest} to {longest} frames: not one byte's worth")
    count = len(activation)
    likelihood = Likelihood(activation, longest)
    lengths = np.arange(shortest, longest + 1)
    places = STIFFNESS * np.log(lengths)
    spread = np.log(np.exp(-np.abs(places[:, None] - places)).sum(axis=1))
    # value[s]: of the best path to the end of a beat that began `longest - s` frames before start
    value = np.full((longest + shortest, len(lengths)), -np.inf)
    before = np.arange(-longest, 0)[:, None]
    begun = likelihood(before, lengths) - np.log(lengths.sum())
    value[:longest] = np.where(before + lengths >= 0, begun, -np.inf)
    came = np.zeros((count, len(lengths)), dtype=np.uint8)
    columns = np.arange(len(lengths))
    rows = np.arange(shortest)[:, None] + longest - lengths
    for start in range(0, count, shortest):
        size = min(shortest, count - start)
        ended = value[rows[:size], columns] - spread
        entered, came[start : start + size] = _nearest(ended, places)
        frames = np.arange(start, start + size)[:, None]
        value[longest : longest + size] = entered + likelihood(frames, lengths)
        value[:longest] = value[size : longest + size].copy()
    return _traced(value[:longest], came, lengths)


def _nearest(ended: np.ndarray, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each place the best of ended (rows, n) less its distance, and which that is."""
    up = ended + places
    best_up = np.maximum.accumulate(up, axis=1)
    index = np.arange(len(places), dtype=np.uint8)
    from_up = np.maximum.accumulate(np.where(up == best_up, index, 0), axis=1)
    down = (ended - places)[:, ::-1]
    best_down = np.maximum.accumulate(down, axis=1)
    from_down = np.minimum.accumulate(
        np.where(down == best_down, index[::-1], index[-1]), axis=1
    )[:, ::-1]
    best_up, best_down = best_up - places, best_down[:, ::-1] + places
    better = best_up >= best_down
    return np.where(better, best_up, best_down), np.where(better, from_up, from_down)


def _traced(value: np.ndarray, came: np.ndarray, lengths: np.ndarray) -> Path:
    """The path that ends best. value: of beats that began in the last frames, one row each."""
    longest, count = len(value), len(came)
    left = np.arange(longest, 0, -1)[:, None]  # frames from the beginning to the end of all
    reaching = np.where(lengths >= left, value, -np.inf)
    row, column = np.unravel_index(int(np.argmax(reaching)), reaching.shape)
    start = count - longest + int(row)
    beats = []
    while start >= 0:
        beats.append(start)
        column = came[start, column]
        start -= int(lengths[column])
    return Path(np.array(beats[::-1], dtype=int), float(reaching.max()))
