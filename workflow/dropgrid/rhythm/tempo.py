"""The coarse tempo, to half a per cent: a tempogram, and a score for each tempo.

A beat activation of tempo f has energy at f, and at 2 f, 3 f, 4 f where the music divides its
beats. The score of a tempo is a weighted sum of the square roots of these four magnitudes, less
a cost that grows with the distance from the preferred tempo. A softmax over all tempi of the
range turns scores into probabilities. Weights and cost were fitted by maximum likelihood to the
319 shared GiantSteps tracks (4-fold cross-validation: Accuracy1 .912, Accuracy2 .984), see
docs/rhythm.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..base.quantiles import median
from ..features import FRAME_RATE
from .options import RhythmOptions

WINDOW = 10 * FRAME_RATE  # frames; 6 s to 20 s work as well
BINS_PER_OCTAVE = 240  # 0.3 % a step
HARMONICS = (1, 2, 3, 4)
WEIGHTS = (2.0, 5.4, 4.9, 10.7)  # of the square roots of the harmonics' magnitudes
OCTAVE_DOUBT = 0.03  # probability that moves to the octaves: a matter of taste
OCTAVE_COST = 2.5  # log odds lost an octave from the preferred tempo; grows with the square


@dataclass(frozen=True)
class Tempogram:
    """Magnitudes of a windowed activation over a logarithmic axis of tempi.

    tempi: (n,) BPM; magnitudes: (windows, n), relative to the mean window's activation;
    centres: (windows,) frames.
    """

    tempi: np.ndarray
    magnitudes: np.ndarray
    centres: np.ndarray


def tempogram(activation: np.ndarray, lowest: float, highest: float) -> Tempogram:
    """The tempogram of an activation (frames,) from lowest to highest BPM.

    Hann windows of 10 s, half overlapping; a shorter activation is one window.
    """
    steps = np.arange(int(np.ceil(np.log2(highest / lowest) * BINS_PER_OCTAVE)) + 1)
    tempi = lowest * np.exp2(steps / BINS_PER_OCTAVE)
    length = min(WINDOW, len(activation))
    starts = np.arange(0, max(len(activation) - length, 0) + 1, WINDOW // 2)
    window = np.hanning(length + 2)[1:-1].astype(np.float32)
    pieces = np.stack([activation[start : start + length] for start in starts])
    mass = float(np.mean(pieces @ window)) + 1e-9
    pieces = (pieces - pieces.mean(axis=1, keepdims=True)) * window
    size = 8 * WINDOW
    spectrum = np.abs(np.fft.rfft(pieces, size, axis=1)) / mass
    places = tempi / 60.0 / FRAME_RATE * size
    low = np.minimum(places.astype(int), spectrum.shape[1] - 2)
    part = np.minimum(places - low, 1.0)
    magnitudes = spectrum[:, low] * (1 - part) + spectrum[:, low + 1] * part
    return Tempogram(tempi, magnitudes, starts + length / 2)


def scores(magnitudes: np.ndarray, tempi: np.ndarray, options: RhythmOptions) -> np.ndarray:
    """Log odds (up to a constant) of each tempo of the range, from magnitudes (..., n).

    Returns (..., m): one score for each of the first m tempi, those up to max_bpm.
    """
    total = _filled(magnitudes, tempi, options)
    away = np.log2(tempi[: total.shape[-1]] / options.preferred_bpm)
    return total - OCTAVE_COST * away**2


def _filled(magnitudes: np.ndarray, tempi: np.ndarray, options: RhythmOptions) -> np.ndarray:
    """The weighted harmonics of each tempo without that cost, with the same shapes."""
    count = int(np.sum(tempi <= options.max_bpm * (1 + 1e-9)))
    roots = np.sqrt(magnitudes)
    total = np.zeros((*magnitudes.shape[:-1], count))
    for harmonic, weight in zip(HARMONICS, WEIGHTS, strict=True):
        shift = round(np.log2(harmonic) * BINS_PER_OCTAVE)
        total += weight * roots[..., shift : shift + count]
    return total


def pulse(gram: Tempogram, options: RhythmOptions) -> float:
    """How much better the best tempo fills its harmonics than the median tempo does: 0..1.

    Noise, pads and drones stay below 0.06, speech and rain below 0.08; music with beats is
    mostly above 0.2.
    """
    filled = _filled(gram.magnitudes.mean(axis=0), gram.tempi, options)
    return float((filled.max() - median(filled)) / sum(WEIGHTS))


def probabilities(score: np.ndarray) -> np.ndarray:
    """The softmax of the scores (n,) of the range's tempi; OCTAVE_DOUBT moves to the octaves."""
    odds = np.exp(score - score.max())
    share = odds / odds.sum()
    doubted = OCTAVE_DOUBT / 2 * share
    for to, away in (
        (slice(BINS_PER_OCTAVE, None), slice(None, -BINS_PER_OCTAVE)),
        (slice(None, -BINS_PER_OCTAVE), slice(BINS_PER_OCTAVE, None)),
    ):
        share[to] += doubted[away]
        share[away] -= doubted[away]
    return share


def candidates(tempi: np.ndarray, share: np.ndarray, count: int = 6) -> list[tuple[float, float]]:
    """The most probable tempi: (BPM, probability within 4 % of it), best first, disjoint.

    Half and double the best follow, however improbable, if they are in the range.
    """
    left = share.copy()
    tempi = tempi[: len(share)]
    found = []
    for _ in range(count):
        best = int(np.argmax(left))
        near = np.abs(tempi / tempi[best] - 1) <= 0.04
        found.append((float(tempi[best]), min(float(left[near].sum()), 1.0)))
        left[near] = 0.0
    for times in (0.5, 2.0):
        bpm = found[0][0] * times
        known = any(abs(other / bpm - 1) <= 0.04 for other, _ in found)
        if tempi[0] <= bpm <= tempi[-1] and not known:
            found.append((bpm, float(left[np.abs(tempi / bpm - 1) <= 0.04].sum())))
    return found
