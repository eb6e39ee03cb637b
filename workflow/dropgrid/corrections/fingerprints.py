"""By what a recording is known again after it was renamed, moved or encoded anew.

The course of its loudness in PARTS equal parts, in steps of STEP dB below the loudest, behind its
length in milliseconds: "252344-0a12...". Two recordings whose lengths differ by no more than
LENGTHS and whose parts differ by no more than STEPS are the same music. A digest of the file would
not do: tags are written into it, and the same music comes as FLAC and as MP3.
"""

from __future__ import annotations

import re

import numpy as np

from ..features import Features

PARTS = 32
STEP = 0.5  # dB
QUIETEST = 120  # steps below the loudest part: silence, and whatever is quieter
LENGTHS = 60  # ms: what decoders differ in at the ends of an MP3
STEPS = 2
FORM = re.compile(rf"([0-9]{{1,10}})-([0-9a-f]{{{2 * PARTS}}})")


def fingerprint(features: Features) -> str | None:
    """The fingerprint of a recording; None for features of a version without loudness."""
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


def same(one: str | None, other: str | None) -> bool | None:
    """Whether two fingerprints are of the same music; None where that is unknown."""
    if one is None or other is None:
        return None
    if one == other:
        return True
    first, second = FORM.fullmatch(one), FORM.fullmatch(other)
    if first is None or second is None:
        return None
    if abs(int(first[1]) - int(second[1])) > LENGTHS:
        return False
    courses = (np.frombuffer(bytes.fromhex(found[2]), np.uint8) for found in (first, second))
    return bool(np.abs(np.subtract(*(course.astype(int) for course in courses))).max() <= STEPS)
