"""Identify a recording after it was renamed, moved or re-encoded.

A fingerprint is the length in milliseconds and the loudness of PARTS equal parts, in steps of STEP
dB below the loudest part: "252344-0a12...". Two recordings are the same music if their lengths
differ by at most MAX_LENGTH_DIFFERENCE and their parts by at most MAX_STEPS. A digest of the file
would change with its tags, and differ between FLAC and MP3.
"""

from __future__ import annotations

import re

import numpy as np

from ..features import Features

PARTS = 32
STEP = 0.5  # dB
QUIETEST = 120  # steps below the loudest part; silence and quieter parts count as this
MAX_LENGTH_DIFFERENCE = 60  # ms: decoders differ at the ends of an MP3
MAX_STEPS = 2
FORM = re.compile(rf"([0-9]{{1,10}})-([0-9a-f]{{{2 * PARTS}}})")


def fingerprint(features: Features) -> str | None:
    """The fingerprint of a recording; None for silence or features without loudness."""
    tenths = features.descriptors.get("loudness")
    if tenths is None or len(tenths) < PARTS:
        return None
    edges = np.arange(PARTS + 1) * len(tenths) // PARTS
    sums = np.add.reduceat(np.nan_to_num(np.asarray(tenths, float)), edges[:-1])
    means = np.maximum(sums / np.diff(edges), 0.0)
    if not means.max() > 0:
        return None
    below = -10 * np.log10(np.maximum(means / means.max(), 1e-30)) / STEP
    steps = np.minimum(np.round(below), QUIETEST).astype(int)
    return f"{round(1000 * features.duration)}-{bytes(steps.tolist()).hex()}"


def same(first: str | None, second: str | None) -> bool | None:
    """Whether two fingerprints belong to the same music; None if that is unknown."""
    if first is None or second is None:
        return None
    if first == second:
        return True
    parts = FORM.fullmatch(first), FORM.fullmatch(second)
    if parts[0] is None or parts[1] is None:
        return None
    if abs(int(parts[0][1]) - int(parts[1][1])) > MAX_LENGTH_DIFFERENCE:
        return False
    courses = [
        np.frombuffer(bytes.fromhex(part[2]), np.uint8).astype(int) for part in parts if part
    ]
    return bool(np.abs(courses[0] - courses[1]).max() <= MAX_STEPS)
