"""Where the beat is to the millisecond: on the kick's attack.

The networks' frames are 10 ms apart and their peaks a little early (LAG); the envelope of the
sound itself, averaged over the beats, says where the attack begins. Other offsets there are
none: frame i is centred on i / 100 s after the first decoded sample, and so are beats.
"""

from __future__ import annotations

import numpy as np

from ..base.quantiles import quantile
from ..features import ENVELOPE_RATE, Features

LAG = 0.0025  # s: the networks' peaks come this much before the attack
FOOT = 0.2  # share of its rise at which an attack has begun
SLICE_LAG = 0.5 / ENVELOPE_RATE  # s: half a value of the envelope already holds what is to come
SHARP = 0.010  # s from FOOT to half of the rise: a slower one says nothing of milliseconds
NEAREST = 0.025  # s: how far from the networks' beat an attack may be
LOUDEST = 0.4  # share of the beats, those that rise most, whose envelopes are averaged
FEWEST = 16  # beats


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
    mean = near[rise >= quantile(rise, 1 - LOUDEST)].mean(axis=0)
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
