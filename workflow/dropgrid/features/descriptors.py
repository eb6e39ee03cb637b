"""Descriptors: measures of the sound for the later stages, besides the activations.

All use the spectra that the networks need anyway. `Features.descriptors` holds, beside what
pitch.Pitch (for the key) and loudness.Meter keep,

bands     (frames, 9) float16: power in each band between EDGES, dB; 0 dB is a sine at full scale,
          FLOOR dB silence. Below 250 Hz from frames of 4096 samples, above from 2048.
attack    (4 * frames, 2) float16: amplitude, 400 values a second; value j is centred on j / 400 s.
          Column 0: RMS of the samples within 1 / 800 s. Column 1: envelope (magnitude of the
          analytic signal) of the band around 95 Hz, nothing from 0 and above 190 Hz; it is
          zero-phase and a step spreads over about 10 ms, half of it before.
chroma    (tenths, 12) float16: share of each pitch class, C first, 130 to 2100 Hz; the largest
          is 1, all are 0 in silence.
peaks     (at most 2000, 2) float16: lowest and highest sample of each column of a picture.

`tenths` are tenths of a second, ceil(frames / 10): value i is the mean of frames
10 i .. 10 i + 9.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from .spectra import FRAME_SIZES, HOP, LONGEST

EDGES = (20, 60, 120, 250, 500, 1000, 2000, 4000, 8000, 16000)  # Hz
FLOOR = -100.0  # dB
LOW_BANDS = 3  # bands that need the frequency resolution of the longest frames
PER_TENTH = 10  # frames
PER_FRAME = 4  # attack values
KICK_TOP = 190.0  # Hz
PICTURE = 2000  # columns
STRETCH = 441  # samples of each pair of extremes, until the length is known


class Descriptors:
    """Collects the descriptors of consecutive chunks of frames; each chunk but the last must
    be a multiple of PER_TENTH frames."""

    def __init__(self, sample_rate: int) -> None:
        _, middle, long = FRAME_SIZES
        low_bands = _band_matrix(long, sample_rate, EDGES[: LOW_BANDS + 1])
        semitones = _semitone_matrix(np.arange(long // 2) * (sample_rate / long))
        both = np.zeros((len(semitones), LOW_BANDS + semitones.shape[1]), np.float32)
        both[: len(low_bands), :LOW_BANDS], both[:, LOW_BANDS:] = low_bands, semitones
        self._kick = _kick_matrix(long, sample_rate)
        # The sums of powers needed, for each of FRAME_SIZES.
        self.powers = (
            np.zeros((0, 0), np.float32),
            _band_matrix(middle, sample_rate, EDGES[LOW_BANDS:]),
            both,
        )
        self._parts: dict[str, list[np.ndarray]] = {"bands": [], "attack": [], "chroma": []}

    @property
    def kick_bins(self) -> int:
        """How many complex values of the longest frames' spectra are needed, from 0 Hz up."""
        return len(self._kick)

    def add(self, segment: np.ndarray, lowest: np.ndarray, sums: Sequence[np.ndarray]) -> None:
        """Add a chunk.

        segment: its samples (see spectra.segments); lowest: the first kick_bins complex values of
        the longest frames' spectra; sums: of `powers`, of each of FRAME_SIZES.
        """
        _, high, long = sums
        self._keep("bands", _decibels(np.hstack([long[:, :LOW_BANDS], high])))
        kick = np.abs(lowest @ self._kick)
        self._keep("attack", np.column_stack([_rms(segment, len(long)), kick.ravel()]))
        chroma = np.sqrt(_pitch_classes(_mean(long[:, LOW_BANDS:])))
        self._keep("chroma", chroma / np.maximum(chroma.max(axis=1, keepdims=True), 1e-6))

    def _keep(self, name: str, values: np.ndarray) -> None:
        self._parts[name].append(values.astype(np.float16))

    def arrays(self) -> dict[str, np.ndarray]:
        """All that was added, end to end."""
        return {name: np.concatenate(parts) for name, parts in self._parts.items()}


class Waveform:
    """Collects what comes from the samples themselves: their extremes."""

    def __init__(self) -> None:
        self._rest = np.zeros(0, np.float32)
        self._extremes: list[np.ndarray] = []
        self.samples = 0

    def add(self, block: np.ndarray) -> None:
        """Add a block of samples."""
        self.samples += len(block)
        block = np.concatenate([self._rest, block])
        whole = len(block) // STRETCH * STRETCH
        self._rest = block[whole:]
        if whole:
            self._measure(block[:whole])

    def _measure(self, block: np.ndarray) -> None:
        starts = np.arange(0, len(block), STRETCH)
        low, high = np.minimum.reduceat(block, starts), np.maximum.reduceat(block, starts)
        self._extremes.append(np.column_stack([low, high]).astype(np.float16))

    def arrays(self) -> dict[str, np.ndarray]:
        """The descriptor `peaks` of all blocks."""
        if len(self._rest):
            self._measure(self._rest)
            self._rest = self._rest[:0]
        extremes = np.concatenate(self._extremes)
        columns = min(PICTURE, len(extremes))
        starts = np.arange(columns) * len(extremes) // columns
        low = np.minimum.reduceat(extremes[:, 0], starts)
        high = np.maximum.reduceat(extremes[:, 1], starts)
        return {"peaks": np.column_stack([low, high])}


def _mean(powers: np.ndarray) -> np.ndarray:
    """The mean of each PER_TENTH frames, and of the remaining ones at the end."""
    whole = len(powers) // PER_TENTH * PER_TENTH
    means = powers[:whole].reshape(-1, PER_TENTH, powers.shape[1]).mean(axis=1)
    if whole < len(powers):
        means = np.vstack([means, powers[whole:].mean(axis=0)])
    return means


def _pitch_classes(semitones: np.ndarray) -> np.ndarray:
    """(tenths, 12) of semitones (tenths, whole octaves) from a C up."""
    return semitones.reshape(len(semitones), -1, 12).sum(axis=1)


def _decibels(power: np.ndarray) -> np.ndarray:
    return 10 * np.log10(power + np.float32(10 ** (FLOOR / 10)))


def _rms(segment: np.ndarray, frames: int) -> np.ndarray:
    """RMS of the PER_FRAME * frames stretches of samples around the segment's frame centres."""
    count = PER_FRAME * frames
    edges = LONGEST // 2 + np.rint((np.arange(count + 1) - 0.5) * (HOP / PER_FRAME)).astype(int)
    power = np.add.reduceat(segment[: edges[-1]] ** 2, edges[:-1])
    return np.sqrt(power / np.diff(edges).astype(np.float32))


def _band_matrix(size: int, sample_rate: int, edges: tuple[int, ...]) -> np.ndarray:
    """Sums power spectra into bands: (bins, bands); a sine at full scale sums to 1."""
    top = int(np.ceil(edges[-1] * size / sample_rate))
    bins = np.arange(top) * (sample_rate / size)
    matrix = np.zeros((top, len(edges) - 1), np.float32)
    for band, (low, high) in enumerate(pairwise(edges)):
        matrix[(bins >= low) & (bins < high), band] = 1 / (1.5 * (size / 4) ** 2)
    return matrix


def _kick_matrix(size: int, sample_rate: int) -> np.ndarray:
    """The analytic signal of the kick's band at a frame's PER_FRAME times: (bins, PER_FRAME).

    An inverse Fourier transform of the tapered lowest bins alone; the window is divided out.
    """
    count = int(KICK_TOP * size / sample_rate)
    bins = np.arange(count)
    taper = np.sin(np.pi * bins / count) ** 2
    shift = np.arange(PER_FRAME) * (HOP / PER_FRAME)
    phase = np.exp(2j * np.pi * np.outer(bins, size / 2 + shift) / size)
    window = np.cos(np.pi * shift / size) ** 2
    return (taper[:, None] * phase * (2 / size) / window).astype(np.complex64)


def _semitone_matrix(bins: np.ndarray) -> np.ndarray:
    """Sums power into semitones, whole octaves from a C up: (bins, semitones); a bin belongs to
    the nearest semitone."""
    first, end = np.searchsorted(bins, (130, 2100))
    pitches = np.rint(69 + 12 * np.log2(bins[first:end] / 440)).astype(int)
    lowest = pitches[0] // 12 * 12
    matrix = np.zeros((end, (pitches[-1] // 12 + 1) * 12 - lowest), np.float32)
    matrix[np.arange(first, end), pitches - lowest] = 1
    return matrix
