"""Calibration: is a confidence of 0.8 right in 8 cases of 10?

What counts as right:
whole     tempo within 4 %, and beats with an F-measure of at least 0.9, as far as the reference
          contains them
tempo     within 4 % of the reference or of its double, triple, half or third
octave    if the tempo is right: within 4 % of the reference itself
phase     if the octave is right: beats with an F-measure of at least 0.9
downbeat  if the phase is right: downbeats with an F-measure of at least 0.9
key       the exact key

The expected calibration error (Naeini, Cooper and Hauskrecht 2015) is the mean distance, over
tracks, between the mean confidence of a bin and the share of its tracks that is right.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

BINS = 10
RIGHT_F = 0.9
PARTS = ("tempo", "octave", "phase", "downbeat")  # of the confidence of a rhythm
KINDS = ("whole", *PARTS, "key")

Claim = tuple[str, float, bool]  # kind, confidence, whether it was right


def claims(
    confidences: Mapping[str, float | None],
    tempo: Mapping[str, Any] | None,
    beat_f: float | None,
    downbeat_f: float | None,
) -> list[Claim]:
    """The confidences of a rhythm, each with whether its result was right.

    confidences: by kind. tempo: the scores of the tempo. beat_f, downbeat_f: F-measures. None if
    the reference does not contain it.
    """
    octave = None if tempo is None else bool(tempo["accuracy1"])
    beats = None if beat_f is None else beat_f >= RIGHT_F
    scored = [answer for answer in (octave, beats) if answer is not None]
    right = {
        "whole": all(scored) if scored else None,
        "tempo": None if tempo is None else bool(tempo["accuracy2"]),
        "octave": octave if tempo is not None and tempo["accuracy2"] else None,
        "phase": beats if octave is not False else None,
        "downbeat": downbeat_f >= RIGHT_F if beats and downbeat_f is not None else None,
    }
    return [
        (kind, confidence, answer)
        for kind, answer in right.items()
        if answer is not None and (confidence := confidences.get(kind)) is not None
    ]


def reliability(found: Sequence[Claim]) -> dict[str, Any]:
    """By kind: tracks, expected calibration error, mean confidence, share right, bins."""
    kinds = [kind for kind in KINDS if any(claim[0] == kind for claim in found)]
    return {kind: _of_kind([claim for claim in found if claim[0] == kind]) for kind in kinds}


def _of_kind(found: Sequence[Claim]) -> dict[str, Any]:
    confidence = np.array([claim[1] for claim in found], float)
    right = np.array([claim[2] for claim in found], float)
    place = np.minimum((confidence * BINS).astype(int), BINS - 1)
    bins = [
        {
            "from": i / BINS,
            "to": (i + 1) / BINS,
            "tracks": int((place == i).sum()),
            "confidence": float(confidence[place == i].mean()),
            "right": float(right[place == i].mean()),
        }
        for i in sorted(set(place.tolist()))
    ]
    off = sum(b["tracks"] * abs(b["confidence"] - b["right"]) for b in bins)
    return {
        "tracks": len(found),
        "calibration_error": float(off / len(found)),
        "confidence": float(confidence.mean()),
        "right": float(right.mean()),
        "bins": bins,
    }
