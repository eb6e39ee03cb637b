"""The logarithmic triangular filterbanks that madmom's networks were trained with.

Source: madmom.audio.filters.LogarithmicFilterbank of madmom 0.16.1.
"""

from __future__ import annotations

import numpy as np

A4 = 440.0  # Hz, the frequency the bands are aligned on


def band_frequencies(per_octave: int, lowest: float, highest: float) -> np.ndarray:
    """Frequencies (Hz) from `lowest` to below `highest`, per_octave in each octave, one at A4."""
    left = np.floor(np.log2(lowest / A4) * per_octave)
    right = np.ceil(np.log2(highest / A4) * per_octave)
    frequencies = A4 * 2.0 ** (np.arange(left, right) / per_octave)
    return frequencies[frequencies >= lowest]


def band_centres(
    frame_size: int, sample_rate: int, per_octave: int, lowest: float, highest: float
) -> np.ndarray:
    """The spectrum bins nearest the band frequencies, each once, ascending."""
    bins = np.arange(frame_size // 2) * (sample_rate / frame_size)
    frequencies = band_frequencies(per_octave, lowest, highest)
    right = np.clip(bins.searchsorted(frequencies), 1, len(bins) - 1)
    nearer_left = frequencies - bins[right - 1] < bins[right] - frequencies
    centres = right - nearer_left
    return centres[np.diff(centres, prepend=-1) > 0]


def filterbank(
    frame_size: int, sample_rate: int, per_octave: int, *, lowest: float = 30, highest: float
) -> np.ndarray:
    """Overlapping triangles of unit area over the bins of a spectrum: (bins, bands) float32.

    bins: only those below `highest` Hz. Each triangle spans three neighbouring band centres.
    """
    centres = band_centres(frame_size, sample_rate, per_octave, lowest, highest)
    bank = np.zeros((int(highest * frame_size / sample_rate), len(centres) - 2), np.float32)
    for band, (start, centre, stop) in enumerate(
        zip(centres[:-2], centres[1:-1], centres[2:], strict=True)
    ):
        rise = np.linspace(0, 1, centre - start, endpoint=False)
        fall = np.linspace(1, 0, stop - centre, endpoint=False)
        triangle = np.concatenate([rise, fall]).astype(np.float32)
        bank[start:stop, band] = triangle / triangle.sum()
    return bank
