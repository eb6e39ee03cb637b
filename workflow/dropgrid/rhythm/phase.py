"""Where the beat is: on the beat or between two, and how far the networks' peaks are from it."""

from __future__ import annotations

import numpy as np

from ..features import FRAME_RATE, Features
from .octave import rises

LAG = 0.0025  # s: the networks' peaks come this much before the attack
ACTIVATION_WEIGHT = 3.0  # log odds for an activation that is all on one side
DRUM_WEIGHT = 2.0  # log odds for drums e times more regular on one side
DRUM_BANDS = slice(2, 5)  # 120 Hz to 1 kHz: bodies of kick and snare, no hats
CYCLE = 8  # half beats after which a drum pattern repeats
REACH = 3  # frames a hit may be off


def on_the_beat(
    features: Features, offset: float, period: float, part: slice
) -> tuple[float, float]:
    """The offset, or half a period later if the beat is there; and the log odds for it.

    offset, period: seconds; part: the frames to look at. Witnesses: the activation; and the
    drums, which strike every beat of a bar but only some of the half beats between.
    """
    local = offset - part.start / FRAME_RATE
    odds = ACTIVATION_WEIGHT * _balance(features.activations[part].sum(axis=1), local, period)
    bands = features.descriptors.get("bands")
    if bands is not None:
        hits = _hits(rises(bands[part, DRUM_BANDS]), local, period)
        odds += DRUM_WEIGHT * float(np.log(hits[::2]).mean() - np.log(hits[1::2]).mean())
    return (offset, odds) if odds >= 0 else (offset + period / 2, -odds)


def _balance(values: np.ndarray, offset: float, period: float) -> float:
    """(on - off) / (on + off) of values (frames,) near the beats and near the half beats."""
    turns = (np.arange(len(values)) / FRAME_RATE - offset) / period
    near = np.cos(2 * np.pi * turns)
    on = float(np.sum(values * np.maximum(near, 0) ** 4))
    off = float(np.sum(values * np.maximum(-near, 0) ** 4))
    return (on - off) / (on + off) if on + off > 0 else 0.0


def _hits(values: np.ndarray, offset: float, period: float) -> np.ndarray:
    """Mean height of values (frames,) at each half beat of a cycle, even ones on the beat.

    (CYCLE,), relative to their mean and never below 0.05 of it.
    """
    start = offset % period
    times = np.arange(start, len(values) / FRAME_RATE, period / 2)
    at = np.round(times * FRAME_RATE).astype(int)[:, None] + np.arange(-REACH, REACH + 1)
    heights = values[np.clip(at, 0, len(values) - 1)].max(axis=1)
    if len(heights) < 2 * CYCLE or heights.sum() <= 0:
        return np.ones(CYCLE)
    means = np.array([heights[place::CYCLE].mean() for place in range(CYCLE)])
    return np.maximum(means / means.mean(), 0.05)
