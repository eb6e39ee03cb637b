"""Waveforms for looking at: loudness and three bands, in few bytes, for the page."""

from __future__ import annotations

import json
import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np

from ..base.arrays import opened_arrays
from . import ENVELOPE_RATE, FRAME_RATE
from .store import DESCRIPTOR

MIDDLE, HIGH = slice(3, 7), slice(7, 9)  # of descriptor/bands: 250 Hz to 4 kHz, and above

MINIATURE = 96  # columns of the waveform in the table
MOST_COLUMNS = 10_000  # of the waveform of an opened track ...
FEWEST_COLUMNS = 400  # ... which becomes coarser in libraries that would otherwise take
ALL_COLUMNS = 3_000_000  # more columns than this in all, three bytes each before deflating


def columns_for(tracks: int) -> int:
    """How many waveform columns a track may have in a library of so many tracks."""
    return min(MOST_COLUMNS, max(FEWEST_COLUMNS, ALL_COLUMNS // max(tracks, 1)))


def read_waveform(path: Path, columns: int) -> np.ndarray | None:
    """(at most columns, 4) amplitudes from a track's start to its end.

    Loudness (RMS), the kick's envelope (up to 190 Hz), the middle (250 Hz to 4 kHz), the high
    (above). Reads the two arrays it needs of the features file. None if there is no such file
    (it may have been removed to save room) or no envelope in it; without bands, middle and high
    are silent.
    """
    with (
        suppress(OSError, ValueError, KeyError, zipfile.BadZipFile),
        opened_arrays(path) as arrays,
    ):
        duration = json.loads(arrays["about"].tobytes())["duration"]
        attack = arrays[DESCRIPTOR + "attack"][: max(round(duration * ENVELOPE_RATE), 1)]
        if len(attack):
            fine = np.nan_to_num(pool(attack.astype(np.float32), columns))
            bands = arrays.get(DESCRIPTOR + "bands")
            return np.hstack([fine, _upper(bands, duration, len(fine))])
    return None


def read_loudness(path: Path, columns: int) -> np.ndarray | None:
    """(at most columns, 1) loudness alone, as in read_waveform; in a third of the time."""
    with (
        suppress(OSError, ValueError, KeyError, zipfile.BadZipFile),
        opened_arrays(path) as arrays,
    ):
        attack = arrays[DESCRIPTOR + "attack"][:, :1]
        if len(attack):
            return np.nan_to_num(pool(attack.astype(np.float32), columns))
    return None


def _upper(bands: np.ndarray | None, duration: float, columns: int) -> np.ndarray:
    """(columns, 2) amplitudes of the strongest band of the middle and of the high; without bands
    (dB), silence."""
    if bands is None or not len(bands):
        return np.zeros((columns, 2), np.float32)
    frames = bands[: max(round(duration * FRAME_RATE), 1)]
    # Over time first: then the strongest band is looked for in few columns, not in all frames.
    levels = pool(frames[:, MIDDLE.start :].astype(np.float32), columns)
    parts = (slice(part.start - MIDDLE.start, part.stop - MIDDLE.start) for part in (MIDDLE, HIGH))
    strongest = np.column_stack([levels[:, part].max(axis=1) for part in parts])
    pooled = np.nan_to_num(strongest, nan=-np.inf)
    amplitudes = np.exp2(pooled * (np.log2(10) / 20))
    return np.asarray(amplitudes[np.arange(columns) * len(pooled) // columns])


def pool(waveform: np.ndarray, columns: int) -> np.ndarray:
    """A waveform of at most so many columns, each the peak of those it replaces."""
    if len(waveform) <= columns:
        return waveform
    starts = np.arange(columns) * len(waveform) // columns
    return np.maximum.reduceat(waveform, starts, axis=0)


def miniature(waveform: np.ndarray) -> np.ndarray:
    """(MINIATURE,) mean loudness of as many equal stretches."""
    starts = np.arange(MINIATURE) * len(waveform) // MINIATURE
    ends = np.maximum(np.append(starts[1:], len(waveform)), starts + 1)
    sums = np.append(0.0, np.cumsum(waveform, dtype=float))
    return np.asarray((sums[ends] - sums[starts]) / (ends - starts))


def quantise(waveform: np.ndarray, most: int = 255) -> np.ndarray:
    """A waveform as uint8, its own peak being `most`."""
    peak = float(waveform.max(initial=0.0))
    return np.round(waveform * (most / peak if peak > 0 else 0)).astype(np.uint8)
