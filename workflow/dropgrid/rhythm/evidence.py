"""The evidence at every half beat of a track, for rhythm/downbeat_decision.py.

All evidence is computed for a sequence of half beats, from a steady grid or from a path that
follows a drummer. It gives the strength of the beat, the downbeat and each drum at every half
beat, and how much the harmony and the levels change there.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..base.quantiles import median, quantile
from ..features import FRAME_RATE, Features
from .octave import rises

REACH = 3  # frames: largest distance of a hit from its half beat
QUIET = 58.0  # dB below the loudest second: lower levels are treated as equal
SOUNDING = 45.0  # dB below the loudest second that still counts as music
SILENT = 0.01  # least ratio of the drums on the half beats to those on the beats
OPENING = 0.06  # s from the first sound to a half beat that is the opening
KICK_BANDS, SNARE_BANDS, HAT_BANDS = slice(0, 2), slice(2, 5), slice(7, 9)
BAR = 8  # half beats over which chords are compared: a bar before and a bar after
PHRASE = 32  # half beats over which levels are compared as well: four bars before and after
EDGE = 4  # half beats at either end, where a change is only the start or end of the file
BREADTH = 8  # half beats on both sides within which a change must be the greatest

BeatEvidence = dict[str, np.ndarray]  # kind of evidence -> (half beats,) >= 0


@dataclass(frozen=True)
class EvidenceSource:
    """The evidence of a track; everything is computed on first use."""

    features: Features

    def at_half_beats(self, halves: np.ndarray) -> BeatEvidence:
        """The evidence at each of the half beats (n,) in seconds, ascending.

        beat, downbeat: activations; kick, snare, hat: rises of the amplitude of low, middle and
        high bands; chords, sections: how much harmony and levels change, if that is the greatest
        change within BREADTH, else 0; opening: 1 where the first sound begins, else 0. Evidence
        whose descriptors are missing is left out.
        """
        activations = self.features.activations
        evidence = {
            "beat": _maximum_near(activations.sum(axis=1), halves),
            "downbeat": _maximum_near(activations[:, 1], halves),
        }
        for name, values in self._drums.items():
            evidence[name] = _maximum_near(values, halves)
        if len(halves) < 2:
            return evidence
        edges = np.append(halves, 2 * halves[-1] - halves[-2])
        if self._levels is not None:
            levels = _means_between(self._levels, edges, FRAME_RATE)
            evidence["sections"] = _local_maxima(
                np.sqrt(_change(levels, BAR) * _change(levels, PHRASE))
            )
            evidence["opening"] = (np.abs(halves - self.sounding[0]) < OPENING).astype(float)
        if self._pitches is not None:
            pitches = _means_between(self._pitches, edges, FRAME_RATE / 10)
            evidence["chords"] = _local_maxima(_turn(pitches, BAR))
        return evidence

    def division(self, beats: np.ndarray) -> float | None:
        """The logarithm of the ratio of drums on the half beats to drums on the beats (n,).

        None without drums or beats.
        """
        if len(beats) < 2 or not self._drums:
            return None
        halves = with_halves(beats)
        strokes = [_maximum_near(values, halves) for values in self._drums.values()]
        total = sum((own / own.mean() for own in strokes if own.any()), np.zeros(len(halves)))
        if not total[::2].any():
            return None
        return float(np.log(max(total[1::2].mean() / total[::2].mean(), SILENT)))

    def strokes(self, times: np.ndarray) -> np.ndarray | None:
        """How much the amplitude of each band rises at the times (n,) in seconds: (n, bands).

        None without bands.
        """
        bands = self.features.descriptors.get("bands")
        if bands is None or not len(bands):
            return None
        rising = (rises(bands[:, band : band + 1]) for band in range(bands.shape[1]))
        return np.stack([_maximum_near(values, times) for values in rising], axis=1)

    @cached_property
    def sounding(self) -> tuple[float, float]:
        """Seconds of the first and the last sound that is music, not hiss or a dying echo."""
        bands = self.features.descriptors.get("bands")
        if bands is None or not len(bands):
            return 0.0, self.features.duration
        loud = np.flatnonzero(_levels_of(bands) > _loudest(bands) - SOUNDING)
        end = min(float(loud[-1] + 1) / FRAME_RATE, self.features.duration)
        return float(loud[0] / FRAME_RATE), end

    @cached_property
    def _drums(self) -> BeatEvidence:
        bands = self.features.descriptors.get("bands")
        if bands is None:
            return {}
        drums = {"kick": KICK_BANDS, "snare": SNARE_BANDS, "hat": HAT_BANDS}
        return {name: rises(bands[:, part]) for name, part in drums.items()}

    @cached_property
    def _levels(self) -> np.ndarray | None:
        """Running sums of the bands' levels: (frames + 1, bands)."""
        bands = self.features.descriptors.get("bands")
        if bands is None or not len(bands):
            return None
        return _sums(np.maximum(bands.astype(np.float32), _loudest(bands) - QUIET))

    @cached_property
    def _pitches(self) -> np.ndarray | None:
        chroma = self.features.descriptors.get("chroma")
        return None if chroma is None else _sums(chroma.astype(np.float32))


def _loudest(bands: np.ndarray) -> float:
    """The level in dB of the loudest band (frames, n) that one frame in twenty exceeds.

    In a file that is mostly silent, the silent frames are not counted.
    """
    levels = _levels_of(bands)
    usual = float(quantile(levels, 0.95))
    floor = np.sort(levels)[-min(FRAME_RATE, len(levels))] - SOUNDING
    return usual if usual > floor else float(quantile(levels[levels > floor], 0.95))


def _levels_of(bands: np.ndarray) -> np.ndarray:
    """The level in dB of the loudest band of each frame: (frames,)."""
    return np.asarray(bands.astype(np.float32).max(axis=1))


def with_halves(beats: np.ndarray) -> np.ndarray:
    """Beats (n,) and the half beats after each: (2 n,)."""
    if len(beats) < 2:
        return beats
    after = np.append(beats[1:], 2 * beats[-1] - beats[-2])
    return np.stack([beats, (beats + after) / 2], axis=1).ravel()


def _maximum_near(values: np.ndarray, times: np.ndarray) -> np.ndarray:
    """The greatest of values (frames,) within REACH of each time in seconds."""
    at = np.round(times * FRAME_RATE).astype(int)[:, None] + np.arange(-REACH, REACH + 1)
    return values[np.clip(at, 0, len(values) - 1)].max(axis=1)


def _sums(rows: np.ndarray) -> np.ndarray:
    """Sums of all rows (n, d) before each, and of all: (n + 1, d)."""
    return np.concatenate([np.zeros((1, rows.shape[1])), np.cumsum(rows, axis=0, dtype=float)])


def _means_between(sums: np.ndarray, edges: np.ndarray, rate: float) -> np.ndarray:
    """Means of rows with these _sums, rate a second, between neighbouring edges in seconds."""
    at = np.clip(np.round(edges * rate).astype(int), 0, len(sums) - 1)
    return np.diff(sums[at], axis=0) / np.maximum(np.diff(at), 1)[:, None]


def _around(rows: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Means of up to width rows (n, d) before each row and from it on, equally many."""
    count = len(rows)
    sums = _sums(rows)
    i = np.arange(count)
    reach = np.minimum(width, np.minimum(i, count - i))
    safe = np.maximum(reach, 1)[:, None]
    return (sums[i] - sums[i - reach]) / safe, (sums[i + reach] - sums[i]) / safe


def _change(rows: np.ndarray, width: int) -> np.ndarray:
    """Mean absolute difference between the width rows before and after each: (n,)."""
    before, after = _around(rows, width)
    return np.abs(after - before).mean(axis=1)


def _turn(rows: np.ndarray, width: int) -> np.ndarray:
    """One minus the cosine between the means of width rows before and after each: (n,)."""
    before, after = _around(rows, width)
    sizes = np.sqrt((before**2).sum(axis=1) * (after**2).sum(axis=1))
    cosine = (before * after).sum(axis=1) / np.maximum(sizes, 1e-6)
    return np.where(sizes > 1e-6, np.maximum(1.0 - cosine, 0.0), 0.0)


def _local_maxima(values: np.ndarray) -> np.ndarray:
    """Values (n,) above their median where none within BREADTH is greater, else 0."""
    padded = np.pad(values, BREADTH, constant_values=-np.inf)
    greatest = np.lib.stride_tricks.sliding_window_view(padded, 2 * BREADTH + 1).max(axis=1)
    heights = np.where(values >= greatest, np.maximum(values - median(values), 0.0), 0.0)
    heights[:EDGE] = heights[-EDGE:] = 0.0
    return heights
