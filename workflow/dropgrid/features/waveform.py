"""Waveforms for looking at: loudness and kick, in as few bytes as the page bears."""

from __future__ import annotations

import json
import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np

from . import ENVELOPE_RATE
from .store import DESCRIPTOR

MINIATURE = 96  # columns of the waveform in the table
MOST_COLUMNS = 10_000  # of the waveform of an opened track ...
FEWEST_COLUMNS = 400  # ... which becomes coarser in libraries that would otherwise take
ALL_COLUMNS = 4_000_000  # more columns than this in all, two bytes each before deflating


def columns_for(tracks: int) -> int:
    """How many waveform columns a track may have in a library of so many tracks."""
    return min(MOST_COLUMNS, max(FEWEST_COLUMNS, ALL_COLUMNS // max(tracks, 1)))


def read_waveform(path: Path, columns: int) -> np.ndarray | None:
    """(at most columns, 2) loudness (RMS) and the kick's envelope from a track's start to its end.

    Reads the one array it needs of the features file. None if there is no such file (it may
    have been removed to save room) or no such array in it.
    """
    with (
        suppress(OSError, ValueError, KeyError, zipfile.BadZipFile),
        np.load(path, allow_pickle=False) as arrays,
    ):
        duration = json.loads(arrays["about"].tobytes())["duration"]
        attack = arrays[DESCRIPTOR + "attack"][: max(round(duration * ENVELOPE_RATE), 1)]
        if len(attack):
            return np.nan_to_num(pool(attack.astype(np.float32), columns))
    return None


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


def quantise(waveform: np.ndarray) -> bytes:
    """A waveform as bytes, its own peak being 255."""
    peak = float(waveform.max(initial=0.0))
    return np.round(waveform * (255 / peak if peak > 0 else 0)).astype(np.uint8).tobytes()
