"""The key of a track from its features."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..features import Features
from ..features.pitch import STEP_SECONDS, tuning
from ..records.model import KeyAlternative, KeySegment
from . import network, notation, profiles
from .options import KeyOptions
from .segments import key_path, stretches

ALTERNATIVES = 3
# When music has no key; docs/key.md describes the music that these values were chosen on.
PITCHED = 1.0  # strength of pitch of a step; less is drums and noise
ONE_NOTE = 2.0  # effective number of pitch classes; fewer are a note, not a key
LIKENESS = 0.72  # least correlation with the best profile, if little of the sound is pitched
LOW_TONALITY = 0.055  # share of the sound that stands out as partials; drums have less
LOW_LIKENESS = 0.6  # correlation below which no key explains the music ...
LOW_PROBABILITY = 0.3  # ... unless the network's probability of its key is above this


@dataclass(frozen=True)
class Key:
    """The result. key: see notation; None without a key, and `reason` then explains why.

    confidence: the probability that the key is right; tuning_cents: how far the music is above
    A = 440 Hz, None without pitched sound; evidence: the values that the decision is based on.
    """

    key: int | None
    reason: str | None
    confidence: float
    alternatives: tuple[KeyAlternative, ...]
    segments: tuple[KeySegment, ...]
    tuning_cents: float | None
    method: str
    evidence: dict[str, float]


@dataclass(frozen=True)
class _Method:
    """The parameters of a method.

    change: the evidence that a change of key must gain (segments.key_path). weights: of the lead
    over the second key, the evidence of the first, whether the profiles find the same key, and 1,
    in the logit of the confidence; fitted on synthetic music (docs/key.md). sharpness: of the
    softmax over keys.
    """

    name: str
    change: float
    weights: tuple[float, float, float, float]
    sharpness: float

    def confidence(self, evidence: np.ndarray, by_profiles: np.ndarray) -> float:
        """The probability that the key with the most evidence of (24,) is right."""
        second, first = np.partition(evidence, -2)[-2:]
        same = float(evidence.argmax() == by_profiles.argmax())
        logit = np.dot(self.weights, (first - second, first, same, 1.0))
        return float(1 / (1 + np.exp(-logit)))


MADMOM = _Method("madmom", change=60.0, weights=(1.89, 0.0, 3.74, -1.92), sharpness=1.0)
PROFILES = _Method("profiles", change=6.0, weights=(12.2, 18.9, 0.0, -15.6), sharpness=20.0)


def analyse(features: Features, options: KeyOptions) -> Key:
    """The key of a track. Without the network's scores, the profiles decide."""
    pitches = features.descriptors["pitches"].astype(np.float64)
    scores = features.descriptors.get("key_scores")
    cents, agreement = tuning(pitches.sum(axis=(0, 1)))
    by_profiles = profiles.evidence(pitches, cents)
    if options.method == "madmom" and scores is not None and len(scores):
        method, by_step = MADMOM, network.evidence(scores)
    else:
        method, by_step = PROFILES, by_profiles
    evidence = by_step.mean(axis=0)
    measured = _measured(pitches, features.descriptors["tonality"], cents)
    measured |= {"likeness": float(by_profiles.mean(axis=0).max()), "agreement": agreement}
    shares = _softmax(evidence * method.sharpness)
    reason = _why_none(measured, shares.max() if method is MADMOM else 0.0)
    if reason is not None:
        has_pitch = measured["strength"] >= PITCHED
        return Key(
            None, reason, 0.0, (), (), cents if has_pitch else None, method.name, measured
        )  # fmt: skip
    confidence = method.confidence(evidence, by_profiles.mean(axis=0))
    order = np.argsort(-evidence, kind="stable")
    rest = shares.copy()
    rest[order[0]] = 0
    rest *= (1 - confidence) / max(rest.sum(), 1e-12)
    return Key(
        int(order[0]),
        None,
        confidence,
        tuple(
            KeyAlternative(notation.name(key), notation.camelot(key), float(rest[key]))
            for key in map(int, order[1 : 1 + ALTERNATIVES])
        ),
        _segments(by_step, by_profiles, method, features.duration),
        cents,
        method.name,
        measured,
    )


def _segments(
    by_step: np.ndarray, by_profiles: np.ndarray, method: _Method, duration: float
) -> tuple[KeySegment, ...]:
    """The stretches between lasting changes of key, over the whole track."""
    found = stretches(key_path(by_step, method.change))
    return tuple(
        KeySegment(
            start=first * STEP_SECONDS,
            end=duration if last == len(by_step) else last * STEP_SECONDS,
            key=notation.name(key),
            camelot=notation.camelot(key),
            confidence=method.confidence(
                by_step[first:last].mean(axis=0), by_profiles[first:last].mean(axis=0)
            ),
        )
        for first, last, key in found
    )


def _measured(pitches: np.ndarray, tonality: np.ndarray, cents: float) -> dict[str, float]:
    """The evidence on whether there is a key at all."""
    above = profiles.chroma(pitches.sum(axis=0), cents)[1]
    share = above / max(above.sum(), 1e-12)
    entropy = -(share * np.log(np.maximum(share, 1e-12))).sum()
    return {
        "strength": float(pitches.sum(axis=(1, 2)).mean()),
        "pitch_classes": float(np.exp(entropy)) if above.sum() > 0 else 0.0,
        "tonality": float(tonality[:, 1].astype(np.float64).mean()),
    }


def _why_none(measured: dict[str, float], probability: float) -> str | None:
    """Why music has no key, None if it has one. probability: the network's, of its key."""
    if measured["strength"] < PITCHED:
        return "no pitched sound"
    if measured["pitch_classes"] < ONE_NOTE:
        return "one note alone"
    if measured["likeness"] < LIKENESS and measured["tonality"] < LOW_TONALITY:
        return "drums or noise, with too little pitched sound"
    if measured["likeness"] < LOW_LIKENESS and probability < LOW_PROBABILITY:
        return "atonal: its notes are like those of no key"
    return None


def _softmax(values: np.ndarray) -> np.ndarray:
    powers = np.exp(values - values.max())
    return powers / powers.sum()
