"""The octave of the tempo: the length of the bars distinguishes 87 from 174 BPM.

The beats of hip hop at 87 BPM and of drum and bass at 174 BPM look alike; the bars do not.
Downbeats and the pattern of kick and bass repeat once a bar, so the downbeat activation and the
onsets of the lowest bands have energy at a quarter of the right tempo. For twice the right
tempo, that is an eighth, which is evidence against it.
"""

from __future__ import annotations

import numpy as np

from ..features import Features
from .options import RhythmOptions
from .tempo import BINS_PER_OCTAVE, Tempogram, tempogram

BAR_WEIGHT = 12.0  # log odds for onsets that repeat after a bar only; 10 to 20 work
KICK_BANDS = slice(0, 2)  # 20 to 120 Hz


def low_onsets(features: Features) -> np.ndarray | None:
    """Rises of the amplitude from 20 to 120 Hz within 20 ms (frames,); None without bands."""
    bands = features.descriptors.get("bands")
    if bands is None:
        return None
    return rises(bands[:, KICK_BANDS])


def rises(decibels: np.ndarray) -> np.ndarray:
    """Rises within 20 ms of the summed amplitude of bands in dB (frames, n): (frames,)."""
    amplitude = (10.0 ** (decibels.astype(np.float32) / 20.0)).sum(axis=1)
    rise = np.zeros_like(amplitude)
    rise[1:-1] = np.maximum(amplitude[2:] - amplitude[:-2], 0.0)
    return rise


def bar_evidence(features: Features, options: RhythmOptions) -> np.ndarray | None:
    """Log odds of each tempo of the range in each window: (windows, tempi); None without onsets.

    The tempi are those of tempogram(), from min_bpm.
    """
    total: np.ndarray | None = None
    for onsets in (features.activations[:, 1], low_onsets(features)):
        if onsets is None or onsets.sum() <= 0:
            continue
        gram: Tempogram = tempogram(onsets, options.min_bpm / 8, options.max_bpm)
        octave = BINS_PER_OCTAVE
        count = int(np.sum(gram.tempi <= options.max_bpm * (1 + 1e-9))) - 3 * octave
        quarter = gram.magnitudes[:, octave : octave + count]
        eighth = gram.magnitudes[:, :count]
        odds = BAR_WEIGHT * (quarter - eighth)
        total = odds if total is None else total + odds
    return total
