"""Hearing a transition: two tracks over each other, as sound.

From `lead` on the first track plays as it is. The next one starts on a downbeat of it and is
played so much faster or slower, from beat to beat, that their beats fall together. Meanwhile one
goes and the other comes at equal power; their bass changes places within one beat, at the phrase.
The pitch follows the tempo, as on a turntable.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..audio.reader import SAMPLE_RATE, Reader
from .sonify import left_and_right, write_audio

HEADROOM = 0.7  # two full tracks at once
BASS = 180.0  # Hz: what changes places at the phrase
BLOCK = 1 << 16  # samples written at a time


@dataclass(frozen=True)
class Overlay:
    """Which beats (s) of two tracks fall together, and when what happens.

    first, second: (beats,) ascending. lead: where the first track is heard from, seconds. end: the
    beat at which it has gone; swap: the beat at which the bass changes places. gains: of the two.
    """

    first: np.ndarray
    second: np.ndarray
    lead: float
    end: int
    swap: int
    gains: tuple[float, float]


def render(before: Path, after: Path, overlay: Overlay, output: Path) -> None:
    """Write a transition to a WAV or FLAC file: stereo, 44.1 kHz, 16 bit.

    Raises ConfigError for another suffix, DecodeError, OSError.
    """
    ends = float(overlay.first[-1])
    first = stretch(before, overlay.lead, float(overlay.first[overlay.end]))
    second = stretch(after, float(overlay.second[0]), float(overlay.second[-1]) + 1.0)
    times = overlay.lead + np.arange(round((ends - overlay.lead) * SAMPLE_RATE)) / SAMPLE_RATE
    write_audio(output, _blocks(mixed(first, second, overlay, times)))


def stretch(audio: Path, start: float, end: float) -> np.ndarray:
    """(n, 2) the samples of a track between two times (s); zeros beyond its end."""
    low, high = round(start * SAMPLE_RATE), round(end * SAMPLE_RATE)
    found = np.zeros((high - low, 2), np.float32)
    at = 0
    for block in Reader(audio):
        if at >= high:
            break
        first, last = max(at, low), min(at + len(block), high)
        if last > first:
            found[first - low : last - low] = left_and_right(block)[first - at : last - at]
        at += len(block)
    return found


def mixed(
    first: np.ndarray, second: np.ndarray, overlay: Overlay, times: np.ndarray
) -> np.ndarray:
    """(n, 2) both tracks at times (s) of the first, which are 1 / SAMPLE_RATE apart."""
    gone = np.zeros((len(times), 2), np.float32)
    gone[: len(first)] = first[: len(gone)]
    come = np.zeros_like(gone)
    start = int(np.searchsorted(times, overlay.first[0]))
    at = np.interp(times[start:], overlay.first, overlay.second) - overlay.second[0]
    come[start:] = resampled(second, at * SAMPLE_RATE)
    blend = _angle(times, overlay.first[0], overlay.first[overlay.end])
    bass = _angle(times, *overlay.first[overlay.swap : overlay.swap + 2])
    gone = _faded(gone, np.cos(blend), np.cos(bass))
    come = _faded(come, np.sin(blend), np.sin(bass))
    mix = HEADROOM * (overlay.gains[0] * gone + overlay.gains[1] * come)
    return np.clip(mix, -1.0, 1.0).astype(np.float32)


def resampled(sound: np.ndarray, at: np.ndarray) -> np.ndarray:
    """(n, 2) a sound at fractional samples: a cubic through the four samples around each."""
    low = np.clip(np.floor(at).astype(int), 1, len(sound) - 3)
    x = (at - low)[:, np.newaxis].astype(np.float32)
    a, b, c, d = (sound[low + k] for k in (-1, 0, 1, 2))
    return np.asarray(
        b + 0.5 * x * (c - a + x * (2 * a - 5 * b + 4 * c - d + x * (3 * (b - c) + d - a)))
    )


def _angle(times: np.ndarray, start: float, end: float) -> np.ndarray:
    """From 0 at start to a right angle at end: its cosine and sine are equal-power gains."""
    return np.asarray(np.clip((times - start) / (end - start), 0, 1) * np.pi / 2)


def _faded(sound: np.ndarray, gain: np.ndarray, bass: np.ndarray) -> np.ndarray:
    """A sound whose bass has a gain of its own."""
    from scipy.signal import butter, sosfiltfilt

    low = sosfiltfilt(butter(2, BASS, fs=SAMPLE_RATE, output="sos"), sound, axis=0)
    return np.asarray((sound - low) * gain[:, np.newaxis] + low * bass[:, np.newaxis])


def _blocks(sound: np.ndarray) -> Iterator[np.ndarray]:
    for start in range(0, len(sound), BLOCK):
        yield sound[start : start + BLOCK]
