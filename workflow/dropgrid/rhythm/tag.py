"""A BPM tag as evidence: for an octave, and against a tempo that it contradicts.

A tag is rounded and often wrong, so it is never used as the tempo itself. If it equals the
computed tempo or an octave of it, within its rounding, the exact tempo is kept.
"""

from __future__ import annotations

OCTAVES = (1.0, 2.0, 0.5)  # the same tempo, double and half
NEAR = 0.03  # largest relative distance of a candidate from the tag
EXACT = 0.0005  # relative error of a tempo fitted to the activations
TRUST = 19.0  # odds that a tag that agrees apart from its octave has the octave the user wants
CONTRADICTED = 0.5  # share of the tempo's confidence that is left if the tag contradicts it


def rounding(tag: float) -> float:
    """Half of a tag's last decimal: 0.5 for a whole number, at least 0.005."""
    for decimals in (0, 1):
        if abs(tag - round(tag, decimals)) < 1e-6:
            return float(0.5 * 10**-decimals)
    return 0.005


def agrees(bpm: float, tag: float, margin: float = 0.0) -> bool:
    """Whether a tag is a tempo or an octave of it; margin: the uncertainty of the tempo in BPM."""
    return any(
        abs(bpm * octave - tag) <= rounding(tag) + margin * octave + 1e-9 for octave in OCTAVES
    )


def in_octave_of(
    tag: float, bpm: float, tempi: list[tuple[float, float]], low: float, high: float
) -> list[tuple[float, float]]:
    """The tempi, (BPM, probability), with the one in the tag's octave first.

    This applies only if the tag agrees with bpm, the exact value of the first of them, and lies
    within low..high. The tag's octave is weighted by TRUST; otherwise the tempi are unchanged.
    """
    if not low <= tag <= high or not agrees(bpm, tag, EXACT * bpm):
        return tempi
    octave = min(OCTAVES, key=lambda octave: abs(bpm * octave - tag))
    place = next((i for i, (other, _) in enumerate(tempi) if abs(other / tag - 1) <= NEAR), None)
    bpm, share = (bpm * octave, 0.0) if place is None else tempi[place]
    weighted = max(share, 0.01) * TRUST
    others = [other for i, other in enumerate(tempi) if i != place]
    total = weighted + sum(other for _, other in others)
    return [(bpm, weighted / total), *((other, p / total) for other, p in others)]
