"""Render a transition between two tracks as sound.

The first track plays unchanged from `lead`. The second track starts on a downbeat of the first, at
a speed that changes from beat to beat so that their beats coincide. The tracks cross-fade at equal
power; their bass is swapped within one beat, at the phrase. The pitch follows the speed, as on a
turntable.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..audio.reader import SAMPLE_RATE, Reader
from .sonify import left_and_right, write_audio

HEADROOM = 0.7  # two full tracks at once
BASS = 180.0  # Hz: below this, the tracks are swapped at the phrase
BLOCK = 1 << 16  # samples written at a time


@dataclass(frozen=True)
class Overlay:
    """The aligned beats (s) of two tracks; see dropgrid.mixing.alignment.Alignment.

    first, second: (beats,) ascending. lead: where the first track starts, seconds. end: the index
    of the beat at which it has faded out; swap: at which the bass is swapped. gains: of both.
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
    fading_out = np.zeros((len(times), 2), np.float32)
    fading_out[: len(first)] = first[: len(fading_out)]
    fading_in = np.zeros_like(fading_out)
    start = int(np.searchsorted(times, overlay.first[0]))
    at = np.interp(times[start:], overlay.first, overlay.second) - overlay.second[0]
    fading_in[start:] = resampled(second, at * SAMPLE_RATE)
    blend = _angle(times, overlay.first[0], overlay.first[overlay.end])
    bass = _angle(times, *overlay.first[overlay.swap : overlay.swap + 2])
    fading_out = _faded(fading_out, np.cos(blend), np.cos(bass))
    fading_in = _faded(fading_in, np.sin(blend), np.sin(bass))
    mix = HEADROOM * (overlay.gains[0] * fading_out + overlay.gains[1] * fading_in)
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
    """A sound with separate gains for the bass and the rest."""
    from scipy.signal import butter, sosfiltfilt

    low = sosfiltfilt(butter(2, BASS, fs=SAMPLE_RATE, output="sos"), sound, axis=0)
    return np.asarray((sound - low) * gain[:, np.newaxis] + low * bass[:, np.newaxis])


def _blocks(sound: np.ndarray) -> Iterator[np.ndarray]:
    for start in range(0, len(sound), BLOCK):
        yield sound[start : start + BLOCK]
