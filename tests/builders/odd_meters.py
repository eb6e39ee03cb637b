"""Dance music in bars of five and seven, played by the demonstration's instruments."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from dropgrid.demo_music import instruments

RATE = 44100
LEVELS = {"kick": 0.9, "snare": 0.55, "hat": 0.25, "bass": 0.4}


@dataclass(frozen=True)
class Pattern:
    """One bar: the number of its eighths, and those at which each instrument plays.

    roots: semitones of the bass above its lowest note, a bar each, repeated.
    """

    eighths: int
    kick: tuple[int, ...]
    snare: tuple[int, ...]
    hat: tuple[int, ...]
    bass: tuple[int, ...]
    roots: tuple[int, ...] = (0, 0, 8, 10)


PATTERNS = {
    "5/4": Pattern(10, (0, 3, 4, 8), (2, 6), tuple(range(10)), (0, 3, 4, 8)),
    "5/4, a kick on every beat": Pattern(10, (0, 2, 4, 6, 8), (4, 8), (1, 3, 5, 7, 9), (0, 5, 6)),
    "7/4": Pattern(14, (0, 4, 7, 8), (2, 6, 10), tuple(range(14)), (0, 4, 7, 8, 12)),
    "7/8": Pattern(7, (0, 4), (2, 6), tuple(range(7)), (0, 3, 4)),
    "4/4": Pattern(8, (0, 2, 4, 6), (2, 6), (1, 3, 5, 7), (1, 3, 5, 7)),
    "4/4, broken": Pattern(8, (0, 5), (2, 6), tuple(range(8)), (0, 3, 5)),
}


def drawn(eighths: int, random: np.random.Generator) -> Pattern:
    """A random pattern with `eighths` per bar; each bar begins with a kick and a bass note."""

    def some(count: int, places: range | list[int]) -> list[int]:
        return [int(place) for place in random.choice(places, count, replace=False)]

    few = eighths // 4
    kick = sorted({0, *some(few, range(1, eighths))})
    snare = sorted(some(few, [place for place in range(1, eighths) if place not in kick]))
    often = eighths % 2 == 1 or random.random() < 0.5
    hat = range(eighths) if often else range(1, eighths, 2)
    bass = sorted({0, *some(eighths // 3, range(eighths))})
    roots = tuple(int(root) for root in random.choice([0, 3, 5, 7, 8, 10], 4))
    return Pattern(eighths, tuple(kick), tuple(snare), tuple(hat), tuple(bass), roots)


def played(pattern: Pattern, bpm: float, seconds: float, start: float = 0.2) -> np.ndarray:
    """The pattern from start to the end: (samples,) float32; bpm counts quarters."""
    random = np.random.default_rng(3)
    sounds = {
        "kick": instruments.kick(RATE, 48.0, 0.16),
        "snare": instruments.snare(RATE, random),
        "hat": instruments.hat(RATE, random, 0.03),
    }
    samples = np.zeros(round(seconds * RATE), np.float32)
    eighth = 30.0 / bpm
    for bar in range(int((seconds - start - 1.0) / (eighth * pattern.eighths))):
        for name in LEVELS:
            for step in getattr(pattern, name):
                at = round((start + (bar * pattern.eighths + step) * eighth) * RATE)
                root = pattern.roots[bar % len(pattern.roots)]
                sound = _bass(root, eighth) if name == "bass" else sounds[name]
                sound = sound[: len(samples) - at]
                samples[at : at + len(sound)] += LEVELS[name] * sound
    return np.tanh(samples)


def _bass(root: int, seconds: float) -> np.ndarray:
    """A note of the bass, with its first overtones."""
    t = np.arange(round(0.9 * seconds * RATE)) / RATE
    pitch = 55.0 * 2 ** (root / 12)
    tone = sum(np.sin(2 * np.pi * pitch * n * t) / n for n in (1, 2, 3, 4))
    fade = np.minimum(1.0, np.minimum(t, t[::-1]) / 0.005)
    return np.asarray(tone * fade * np.exp(-t / 0.3), np.float32)
