"""Activations without trained networks: onset strength, weighted by librosa's local pulse.

Source: P. Grosche, M. Müller, "Extracting predominant local pulse information from music
recordings", IEEE TASLP 19(6), 2011; librosa.beat.plp.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from .. import FRAME_RATE
from ..spectra import HOP

METHOD = "librosa"
TEMPI = (30.0, 300.0)  # BPM: range of the pulse
HIGHEST = 0.9  # the largest activation: onsets are never certain beats
NEIGHBOURHOOD = 2 * FRAME_RATE  # frames on either side that onsets are measured against


def activations_of_onsets(chunks: Iterable[np.ndarray]) -> np.ndarray:
    """Activations (frames, 2) from chunks of onset strength (frames,), 100 frames a second.

    The second column, for downbeats, is 0: onset strength cannot identify them.
    """
    import librosa

    onsets = np.concatenate(list(chunks))
    pulse = librosa.beat.plp(
        onset_envelope=onsets, sr=HOP * FRAME_RATE, hop_length=HOP,
        tempo_min=TEMPI[0], tempo_max=TEMPI[1],
    )  # fmt: skip
    beat = np.clip(pulse[: len(onsets)], 0, 1) * np.minimum(onsets / _loudest_near(onsets), 1)
    return np.column_stack([HIGHEST * beat, np.zeros_like(beat)]).astype(np.float32)


def warm_up() -> None:
    """Make librosa compile its functions once, for all processes forked from this process."""
    activations_of_onsets([np.linspace(0, 1, 2000, dtype=np.float32)])


def _loudest_near(onsets: np.ndarray) -> np.ndarray:
    """For each frame the maximum of the blocks of NEIGHBOURHOOD frames around it, never 0."""
    starts = np.arange(0, len(onsets), NEIGHBOURHOOD)
    blocks = np.pad(np.maximum.reduceat(onsets, starts), 1, mode="edge")
    near = np.maximum(np.maximum(blocks[:-2], blocks[1:-1]), blocks[2:])
    return np.maximum(near[np.arange(len(onsets)) // NEIGHBOURHOOD], np.float32(1e-3))
