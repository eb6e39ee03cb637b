"""The position of the beat to the millisecond: the grid is moved onto the attack.

The networks' frames are 10 ms apart, and their peaks are a little early (LAG). The envelope of
the sound, averaged over the beats, shows where the attack begins. There is no other offset:
frame i is centred on i / 100 s after the first decoded sample, and so are beats.
"""

from __future__ import annotations

import numpy as np

from ..base.quantiles import quantile
from ..features import ENVELOPE_RATE, Features

LAG = 0.0025  # s: the networks' peaks are this much before the attack
FOOT = 0.2  # share of its rise at which an attack has begun
SLICE_LAG = 0.5 / ENVELOPE_RATE  # s: a value of the envelope covers half a step after it
SHARP = 0.010  # s from FOOT to half of the rise; a slower attack has no exact position
NEAREST = 0.025  # s: largest distance of an attack from the networks' beat
LOUDEST = 0.4  # share of the beats, those that rise most, whose envelopes are averaged
FEWEST = 16  # beats


def attack_offset(features: Features, beats: np.ndarray) -> float | None:
    """Seconds from the beats (n,) to the start of the mean attack; None without a sharp one.

    The envelope is averaged over the beats that rise most. The attack starts where it has passed
    FOOT of the way from the level before to its peak.
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
    mean = near[rise >= quantile(rise, 1 - LOUDEST)].mean(axis=0)
    low = mean[: reach // 2].mean()
    level = (mean - low) / max(float(mean[reach:].max() - low), 1e-9)
    foot, half = (_crossing(level[reach // 2 :], share) for share in (FOOT, 0.5))
    foot, half = ((x - (reach - reach // 2)) / ENVELOPE_RATE for x in (foot, half))
    if half - foot > SHARP or abs(foot) > NEAREST:
        return None
    return foot + SLICE_LAG


def _crossing(values: np.ndarray, level: float) -> float:
    """The fractional index at which a curve that ends above level first exceeds it."""
    at = max(int(np.argmax(values > level)), 1)
    step = max(float(values[at] - values[at - 1]), 1e-9)
    return at - 1 + float(np.clip((level - values[at - 1]) / step, 0, 1))
