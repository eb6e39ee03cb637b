"""Sounds of the benchmark beyond the demonstration's: toms, long basses, voices. Each function
returns one note as float32, with its attack at the very start."""

from __future__ import annotations

import numpy as np

from ..demo_music import instruments

VOWELS = ((730, 1090, 2440), (300, 2300, 3000), (450, 800, 2830))  # Hz of three formants: a, i, o


def frequency(pitch: int, tuning: float) -> float:
    """Hz of a MIDI number; tuning: cents above A = 440 Hz."""
    return float(440.0 * 2 ** ((pitch - 69 + tuning / 100) / 12))


def tom(rate: int, pitch: int) -> np.ndarray:
    """A tom tuned to a MIDI number."""
    t = np.arange(round(0.35 * rate)) / rate
    sweep = frequency(pitch, 0.0) * (1 + 0.6 * np.exp(-t / 0.03))
    body = np.cos(2 * np.pi * np.cumsum(sweep) / rate) * np.exp(-t / 0.11)
    return faded(body, rate)


def bass(rate: int, hertz: float, seconds: float, wobble: float) -> np.ndarray:
    """A sawtooth over a sine; wobble: Hz at which its filter opens and closes, 0 for none."""
    t = np.arange(max(1, round(seconds * rate))) / rate
    colour = 0.5 - 0.5 * np.cos(2 * np.pi * wobble * t) if wobble else 0.5 * np.exp(-t / 0.06)
    note = 0.6 * instruments.tone(hertz, colour, rate) + 0.8 * np.sin(2 * np.pi * hertz * t)
    return faded(note * attack(t.size, rate), rate)


def stab(rate: int, hertz: float, random: np.random.Generator) -> np.ndarray:
    """A short bright chord tone, (2, n)."""
    t = np.arange(round(0.3 * rate)) / rate
    colour = (0.9 * np.exp(-t / 0.08)).astype(np.float32)
    wide = instruments.chord([hertz], colour, rate, random)
    return (wide * np.exp(-t / 0.13) * attack(t.size, rate)).astype(np.float32)


def pluck(rate: int, hertz: float) -> np.ndarray:
    """A plucked note."""
    t = np.arange(round(0.4 * rate)) / rate
    colour = 0.7 * np.exp(-t / 0.05)
    note = instruments.tone(hertz, colour, rate)
    return faded(note * np.exp(-t / 0.12) * attack(t.size, rate), rate)


def pad(rate: int, hertz: float, seconds: float, random: np.random.Generator) -> np.ndarray:
    """A wide note that swells, (2, n)."""
    size = max(1, round(seconds * rate))
    wide = instruments.chord([hertz], np.full(size, 0.2, np.float32), rate, random)
    edge = np.minimum(np.arange(size), np.arange(size)[::-1]) / (0.08 * rate)
    return (wide * np.minimum(edge, 1.0)).astype(np.float32)


def voice(rate: int, hertz: float, vowel: int) -> np.ndarray:
    """A sung vowel with vibrato: a sawtooth through three formants."""
    size = round(0.9 * rate)
    t = np.arange(size) / rate
    bent = hertz * (1 + 0.006 * np.sin(2 * np.pi * 5.3 * t))
    phase = np.cumsum(bent) / rate
    source = 2 * (phase % 1.0) - 1
    bins = np.fft.rfftfreq(size, 1 / rate)
    gain = sum(
        level / (1 + ((bins - centre) / width) ** 2)
        for centre, width, level in zip(
            VOWELS[vowel], (80, 110, 160), (1.0, 0.6, 0.3), strict=True
        )
    )
    sung = np.fft.irfft(np.fft.rfft(source) * gain, size)
    edge = np.minimum(np.arange(size) / (0.03 * rate), np.arange(size)[::-1] / (0.2 * rate))
    return np.asarray(0.9 * sung * np.minimum(edge, 1.0), np.float32)


def attack(size: int, rate: int) -> np.ndarray:
    """A rise within 2 ms."""
    return np.minimum(np.arange(size) / (0.002 * rate), 1.0).astype(np.float32)


def faded(sound: np.ndarray, rate: int) -> np.ndarray:
    """The sound with its last 5 ms faded out, as float32."""
    fade = min(sound.size, round(0.005 * rate))
    sound[sound.size - fade :] *= np.linspace(1.0, 0.0, fade)
    return sound.astype(np.float32)
