"""Sounds without a beat, and steady dance music with such a sound before, inside and after it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import odd_meters

RATE = odd_meters.RATE
BEATS = 80  # of the music at a time
Sound = Callable[[int], np.ndarray]


def track(
    sound: str, order: str, bpm: float, seconds: float, start: float = 0.2
) -> tuple[np.ndarray, float]:
    """A track (samples,) float32 and where its first kick falls, in seconds.

    order: "m" is music, "s" the sound, for whole bars, as many as come near to so many seconds.
    """
    bar = 240.0 / bpm
    music = odd_meters.played(odd_meters.PATTERNS["4/4"], bpm, BEATS / 4 * bar + 2.0, 0.0)
    seconds = round(seconds / bar) * bar
    parts = {
        "m": music[: round(BEATS / 4 * bar * RATE)],
        "s": SOUNDS[sound](round(seconds * RATE)),
    }
    silence = np.zeros(round(start * RATE))
    samples = np.concatenate([silence, *(parts[part] for part in order), np.zeros(RATE)])
    return samples.astype(np.float32), start + order.index("m") * seconds


def _chord(count: int, partials: int) -> np.ndarray:
    """A sustained chord, struck once."""
    t = np.arange(count) / RATE
    notes = (110.0, 138.6, 164.8)
    tone = sum(np.sin(2 * np.pi * hz * n * t) / n for hz in notes for n in range(1, partials + 1))
    return np.asarray(0.1 * tone * np.minimum(1.0, np.minimum(t, t[::-1]) / 0.01))


def _pad(count: int, lasts: float = 7.3, seed: int = 0) -> np.ndarray:
    """Chords of detuned tones that swell and fade, each `lasts` seconds."""
    random = np.random.default_rng(seed)
    samples = np.zeros(count)
    for number, first in enumerate(range(0, count, round(lasts * RATE))):
        t = np.arange(min(round(lasts * RATE), count - first)) / RATE
        hz = (110.0, 130.8, 98.0, 146.8)[number % 4]
        for ratio in (1.0, 1.2, 1.5):
            for detuned in (0.997, 1.0, 1.003):
                for n in (1, 2, 3, 4):
                    turn = 2 * np.pi * (hz * ratio * detuned * n * t + random.uniform())
                    samples[first : first + len(t)] += 0.03 / n * np.sin(turn)
        swell = np.minimum(t, t[-1] - t) / 0.8
        samples[first : first + len(t)] *= np.clip(swell, 0.0, 1.0)
    return samples


def _noise(count: int) -> np.ndarray:
    return 0.05 * np.random.default_rng(1).standard_normal(count)


def _pink_noise(count: int) -> np.ndarray:
    spectrum = np.fft.rfft(np.random.default_rng(2).standard_normal(count))
    spectrum[1:] /= np.sqrt(np.arange(1, len(spectrum)))
    samples = np.fft.irfft(spectrum, count)
    return np.asarray(0.1 * samples / samples.std())


def _crackle(count: int) -> np.ndarray:
    """The clicks of an old record, at random."""
    random = np.random.default_rng(4)
    samples = 0.003 * random.standard_normal(count)
    for first in random.integers(0, count - 50, 8 * count // RATE):
        samples[first : first + 30] += random.uniform(0.01, 0.06) * np.exp(-np.arange(30) / 6)
    return samples


def _plucks(count: int) -> np.ndarray:
    """A pad, and notes at random, .3 to 1.4 s apart."""
    random = np.random.default_rng(9)
    samples = 0.4 * _pad(count, seed=5)
    t = np.arange(RATE // 2) / RATE
    for first in np.cumsum(random.uniform(0.3, 1.4, count // RATE)):
        note = (
            0.1 * np.sin(2 * np.pi * random.choice([440, 523, 660, 784]) * t) * np.exp(-t / 0.12)
        )
        at = round(first * RATE)
        note = note[: max(count - at, 0)]
        samples[at : at + len(note)] += note
    return samples


SOUNDS: dict[str, Sound] = {
    "a held chord": lambda count: _chord(count, 1),
    "a held chord with overtones": lambda count: _chord(count, 12),
    "a pad": _pad,
    "a drone": lambda count: _pad(count, count / RATE, seed=6),
    "a pad that swells": lambda count: (
        _pad(count, count / RATE, seed=3)
        * (0.6 + 0.4 * np.sin(2 * np.pi * 0.13 * np.arange(count) / RATE))
    ),
    "noise": _noise,
    "pink noise": _pink_noise,
    "crackle": _crackle,
    "a pad with notes at random": _plucks,
    "silence": np.zeros,
}
