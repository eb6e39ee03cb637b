"""The key from pitch classes: the profile that is most like the music.

Sources: C. Krumhansl, "Cognitive foundations of musical pitch", 1990, for the method; Á. Faraldo,
S. Jordà, P. Herrera, "A multi-profile method for key estimation in EDM", AES 2017, for profiles
of electronic music.
"""

from __future__ import annotations

import numpy as np

from ..features.pitch import FINE

# Share of each pitch class, from the tonic up, in the music of a mode.
MAJOR = (1.00, 0.00, 0.42, 0.00, 0.53, 0.37, 0.00, 0.77, 0.00, 0.38, 0.21, 0.30)
MINOR = (1.00, 0.00, 0.36, 0.39, 0.00, 0.38, 0.00, 0.74, 0.27, 0.00, 0.42, 0.23)
BASS = 0.3  # weight of the bass relative to the pitches above it
WIDTH = 30.0  # cents: width of the window around each semitone


def chroma(pitches: np.ndarray, cents: float) -> np.ndarray:
    """Pitch classes (..., 12), C first, of fine pitches (..., FINE) with this tuning in cents."""
    places = np.arange(FINE) * (1200 / FINE)
    distance = places[:, None] - cents - 100 * np.arange(12)
    distance = (distance + 600) % 1200 - 600
    return pitches @ np.exp(-0.5 * (distance / WIDTH) ** 2)


def evidence(pitches: np.ndarray, cents: float) -> np.ndarray:
    """The evidence of each step for each key: (steps, 24) of pitches (steps, 2, FINE).

    The mean over steps is the correlation of the whole track's pitch classes with the keys'
    profiles; all 0 without pitch.
    """
    bass, above = np.moveaxis(chroma(pitches.astype(np.float64), cents), 1, 0)
    steps = above / max(above.sum(), 1e-12) + BASS * bass / max(bass.sum(), 1e-12)
    steps -= steps.mean(axis=1, keepdims=True)
    spread = np.linalg.norm(steps.sum(axis=0))
    return steps @ _profiles().T * (len(steps) / spread if spread > 1e-9 else 0.0)


def _profiles() -> np.ndarray:
    """(24, 12): the profile of every key, with mean 0 and norm 1."""
    rows = [np.roll(mode, tonic) for mode in (MAJOR, MINOR) for tonic in range(12)]
    profiles = np.array(rows) - np.mean(rows, axis=1, keepdims=True)
    return profiles / np.linalg.norm(profiles, axis=1, keepdims=True)
