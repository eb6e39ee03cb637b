"""A BPM tag as a witness: it speaks for an octave, and against a tempo that it contradicts.

A tag is rounded, and often it is wrong: it never is the answer. Where it is the computed tempo
or an octave of it, within its own rounding, the two agree, and the exact tempo stands.
"""

from __future__ import annotations

OCTAVES = (1.0, 2.0, 0.5)  # the same, twice and half as fast
NEAR = 0.03  # of a tempo: what a candidate for it may be off
EXACT = 0.0005  # of a tempo: what one fitted to the activations may be off
TRUST = 19.0  # odds that a tag which agrees after octave is in the octave its user counts in
CONTRADICTED = 0.5  # what is left of the confidence in a tempo that its tag contradicts


def rounding(tag: float) -> float:
    """Half of a tag's last decimal: 0.5 for a whole number, at least 0.005."""
    for decimals in (0, 1):
        if abs(tag - round(tag, decimals)) < 1e-6:
            return float(0.5 * 10**-decimals)
    return 0.005


def agrees(bpm: float, tag: float, margin: float = 0.0) -> bool:
    """Whether a tempo is its tag's after octave; margin: what the tempo itself may be off."""
    return any(
        abs(bpm * octave - tag) <= rounding(tag) + margin * octave + 1e-9 for octave in OCTAVES
    )


def in_octave_of(
    tag: float, bpm: float, tempi: list[tuple[float, float]], low: float, high: float
) -> list[tuple[float, float]]:
    """The tempi, (BPM, probability), with the one in the tag's octave first.

    Only where the tag agrees with bpm, the first of them exactly, and lies within low..high; the
    probabilities are what they were, weighed by TRUST.
    """
    if not low <= tag <= high or not agrees(bpm, tag, EXACT * bpm):
        return tempi
    octave = min(OCTAVES, key=lambda octave: abs(bpm * octave - tag))
    place = next((i for i, (other, _) in enumerate(tempi) if abs(other / tag - 1) <= NEAR), None)
    bpm, share = (bpm * octave, 0.0) if place is None else tempi[place]
    weighed = max(share, 0.01) * TRUST
    others = [other for i, other in enumerate(tempi) if i != place]
    total = weighed + sum(other for _, other in others)
    return [(bpm, weighed / total), *((other, p / total) for other, p in others)]
