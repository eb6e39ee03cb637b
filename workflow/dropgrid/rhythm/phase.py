"""Where the beat is: which of two half beats, and to the millisecond on the kick's attack.

The networks' frames are 10 ms apart and their peaks a little early (LAG); the envelope of the
sound itself, averaged over the beats, says where the attack begins. Other offsets there are
none: frame i is centred on i / 100 s, and the decoder's lag is removed before.
"""

from __future__ import annotations

import numpy as np

from ..features import ENVELOPE_RATE, FRAME_RATE, Features
from .octave import rises

LAG = 0.0025  # s: the networks' peaks come this much before the attack
FOOT = 0.2  # share of its rise at which an attack has begun
SLICE_LAG = 0.5 / ENVELOPE_RATE  # s: half a value of the envelope already holds what is to come
SHARP = 0.010  # s from FOOT to half of the rise: a slower one says nothing of milliseconds
NEAREST = 0.025  # s: how far from the networks' beat an attack may be
LOUDEST = 0.4  # share of the beats, those that rise most, whose envelopes are averaged
FEWEST = 16  # beats
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


def attack_offset(features: Features, beats: np.ndarray) -> float | None:
    """Seconds from the beats (n,) to the foot of the mean attack; None if it has no clear one.

    The envelope of the beats that rise most, averaged; its foot is where it has passed FOOT of
    the way from what was before to its peak.
    """
    attack = features.descriptors.get("attack")
    if attack is None:
        return None
    reach = round(0.06 * ENVELOPE_RATE)
    span = np.arange(-reach, reach + 1)
    at = beats * ENVELOPE_RATE
    at = at[(at > reach) & (at < len(attack) - reach - 2)]
    if len(at) < FEWEST:
        return None
    whole = np.floor(at).astype(int)
    part = (at - whole)[:, None].astype(np.float32)
    envelope = attack[:, 0].astype(np.float32)
    near = envelope[whole[:, None] + span] * (1 - part)
    near += envelope[whole[:, None] + span + 1] * part
    rise = near[:, reach:].max(axis=1) - near[:, : reach // 2].mean(axis=1)
    mean = near[rise >= np.quantile(rise, 1 - LOUDEST)].mean(axis=0)
    low = mean[: reach // 2].mean()
    level = (mean - low) / max(float(mean[reach:].max() - low), 1e-9)
    foot, half = (_crossing(level[reach // 2 :], share) for share in (FOOT, 0.5))
    foot, half = ((x - (reach - reach // 2)) / ENVELOPE_RATE for x in (foot, half))
    if half - foot > SHARP or abs(foot) > NEAREST:
        return None
    return foot + SLICE_LAG


def _crossing(values: np.ndarray, level: float) -> float:
    """Where, between its values, a curve that ends above level first passes it."""
    at = max(int(np.argmax(values > level)), 1)
    step = max(float(values[at] - values[at - 1]), 1e-9)
    return at - 1 + float(np.clip((level - values[at - 1]) / step, 0, 1))
