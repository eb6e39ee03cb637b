"""Which beat is the one: votes of the whole track, not of single bars.

Witnesses look at every beat: the network's downbeat activation, changes of harmony, and
changes of energy, whose cube counts: they come at the start of a bar, great ones at the start
of a phrase. Each says how much likelier each place in the bar is than the average place; the
logarithms add up. A file that begins exactly on a beat most often begins on a one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..features import FRAME_RATE, Features

WEIGHTS = {"activation": 1.0, "energy": 1.5, "harmony": 1.0}
OPENING = 0.06  # s: a file that begins so near to a beat was cut there, and on the one
OPENING_ODDS = 2.0  # how much likelier that makes the first beat
REACH = 0.03  # s: how far from its beat an activation or onset may peak
QUIET = -70.0  # dB below which differences of level are of no interest
THREE_NEEDS = 0.15  # how much stronger a three must repeat than a four to be believed


@dataclass(frozen=True)
class Bars:
    """beats_per_bar; first: index of the first downbeat; share: probability of that place."""

    beats_per_bar: int
    first: int
    share: float


def find_bars(features: Features, beats: np.ndarray, lengths: tuple[int, ...]) -> Bars:
    """The bars of a chain of beats (n,) in seconds that are one period apart each."""
    witnesses = _witnesses(features, beats)
    length = _beats_per_bar(witnesses["activation"], lengths)
    if len(beats) < length:
        return Bars(length, 0, 1 / length)
    votes = np.zeros(length)
    for name, values in witnesses.items():
        means = np.array([values[place::length].mean() for place in range(length)])
        total = means.mean()
        if total > 0:
            votes += WEIGHTS[name] * np.log((means + 0.02 * total) / total)
    if abs(beats[0]) < OPENING:
        votes[0] += np.log(OPENING_ODDS)
    odds = np.exp(votes - votes.max())
    first = int(np.argmax(odds))
    return Bars(length, first, float(odds[first] / odds.sum()))


def _witnesses(features: Features, beats: np.ndarray) -> dict[str, np.ndarray]:
    """What speaks for a downbeat at each beat: name -> (n,) >= 0."""
    found = {"activation": _peak_near(features.activations[:, 1], beats)}
    bands = features.descriptors.get("bands")
    if bands is not None and len(beats) > 8:
        edges = np.append(beats, 2 * beats[-1] - beats[-2])
        levels = _means_between(np.maximum(bands.astype(np.float32), QUIET), edges, FRAME_RATE)
        found["energy"] = _change(levels, 2) ** 3
        chroma = features.descriptors.get("chroma")
        if chroma is not None:
            pitch = _means_between(chroma.astype(np.float32), edges, FRAME_RATE / 10)
            found["harmony"] = _turn(pitch)
    return found


def _peak_near(values: np.ndarray, beats: np.ndarray) -> np.ndarray:
    """The largest of values (frames,) within REACH of each beat."""
    reach = round(REACH * FRAME_RATE)
    at = np.round(beats * FRAME_RATE).astype(int)[:, None] + np.arange(-reach, reach + 1)
    return values[np.clip(at, 0, len(values) - 1)].max(axis=1)


def _means_between(values: np.ndarray, edges: np.ndarray, rate: float) -> np.ndarray:
    """Means of values (m, d) at rate a second between neighbouring edges (n + 1,): (n, d)."""
    sums = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])
    at = np.clip(np.round(edges * rate).astype(int), 0, len(values))
    return np.diff(sums[at], axis=0) / np.maximum(np.diff(at), 1)[:, None]


def _change(rows: np.ndarray, width: int) -> np.ndarray:
    """Mean absolute difference between the width rows after and before each: (n,)."""
    count = len(rows)
    sums = np.concatenate([np.zeros((1, rows.shape[1])), np.cumsum(rows, axis=0)])
    i = np.arange(count)
    reach = np.minimum(width, np.minimum(i, count - i))
    safe = np.maximum(reach, 1)[:, None]
    before = (sums[i] - sums[i - reach]) / safe
    after = (sums[i + reach] - sums[i]) / safe
    return np.abs(after - before).mean(axis=1)


def _turn(rows: np.ndarray) -> np.ndarray:
    """One minus the cosine between each row and the one before: (n,)."""
    size = np.sqrt((rows**2).sum(axis=1)) + 1e-6
    cosine = (rows[1:] * rows[:-1]).sum(axis=1) / (size[1:] * size[:-1])
    return np.concatenate([[0.0], np.maximum(1.0 - cosine, 0.0)])


def _beats_per_bar(activation: np.ndarray, lengths: tuple[int, ...]) -> int:
    """3 or 4, from how clearly the downbeat activations (beats,) come back."""
    if len(lengths) == 1:
        return lengths[0]
    if len(activation) < 12 or activation.sum() <= 0:
        return 4
    turns = np.arange(len(activation))

    def strength(beats: int) -> float:
        total = np.sum(activation * np.exp(-2j * np.pi * turns / beats))
        return float(np.abs(total) / activation.sum())

    four = max(strength(4), strength(2))
    return 3 if strength(3) > four + THREE_NEEDS else 4
