"""The players' waveforms, from loudness and three bands."""

from __future__ import annotations

import numpy as np

from .analysis_file import Waveforms

RATE = 150  # columns of a detailed waveform per second
CURVE = 0.6  # exponent from amplitude to height: quiet passages stay visible
PREVIEW, TINY, COLOURS = 400, 100, 1200
STACKED = 42  # height of a band if players stack all three: a third of 127


def columns(duration: float) -> int:
    """The number of columns of a detailed waveform; duration: seconds."""
    return max(1, round(RATE * duration))


def waveforms(bands: np.ndarray | None, duration: float) -> Waveforms:
    """All waveforms of a track.

    bands: (n, 4) amplitudes of loudness, low, middle and high from its start to its end
    (dropgrid.features.waveform.read_waveform); None gives flat ones.
    """
    if bands is None or not len(bands):
        bands = np.zeros((1, 4), np.float32)
    amplitudes = np.nan_to_num(bands / np.maximum(bands.max(axis=0), 1e-9))
    shares = amplitudes**CURVE
    detail = pooled(shares, columns(duration))
    preview, tiny, colour = (pooled(shares, count) for count in (PREVIEW, TINY, COLOURS))
    return Waveforms(
        preview=_grey(preview),
        tiny=np.round(15 * tiny[:, 0]).astype(np.uint8),
        detail=_grey(detail),
        colour_preview=_colour_preview(colour),
        colour_detail=_colour_detail(detail),
        band_preview=np.round(STACKED * colour[:, 1:]).astype(np.uint8),
        # Amplitudes without the curve: in rekordbox's files each hit is a peak that decays.
        band_detail=np.round(127 * pooled(amplitudes[:, 1:], len(detail))).astype(np.uint8),
    )


def pooled(values: np.ndarray, count: int) -> np.ndarray:
    """(count, bands), the maximum of each part; values are repeated if there are fewer."""
    edges = np.linspace(0, len(values), count + 1)
    starts = np.minimum(edges[:-1].astype(int), len(values) - 1)
    is_new = np.diff(starts, prepend=-1) > 0
    found = np.maximum.reduceat(values, starts[is_new], axis=0)
    return found[np.cumsum(is_new) - 1]


def _grey(shares: np.ndarray) -> np.ndarray:
    """Five bits of height, and three of whiteness: the share of the high band."""
    height = np.round(31 * shares[:, 0]).astype(np.uint8)
    white = np.round(7 * shares[:, 3]).astype(np.uint8)
    return (white << 5 | height).astype(np.uint8)


def _colour_preview(shares: np.ndarray) -> np.ndarray:
    """Six bytes: height, brightness, height again, and the three bands."""
    loud, low, middle, high = (np.round(127 * shares[:, i]).astype(np.uint8) for i in range(4))
    return np.stack([loud, 255 - loud, loud, low, middle, high], axis=1)


def _colour_detail(shares: np.ndarray) -> np.ndarray:
    """Two bytes, big-endian: three bits each of red, green, blue, five of height, two free."""
    low, middle, high = (np.round(7 * shares[:, i]).astype(np.uint16) for i in (1, 2, 3))
    height = np.round(31 * shares[:, 0]).astype(np.uint16)
    packed = (low << 13 | middle << 10 | high << 7 | height << 2).astype(">u2")
    return packed.view(np.uint8).reshape(-1, 2)
