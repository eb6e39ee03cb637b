"""Features: everything the later stages know of a track's sound, computed in one reading."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

FRAME_RATE = 100  # frames a second of everything framed; frame i is centred on i / 100 s
ENVELOPE_RATE = 400  # values a second of the attack envelopes


@dataclass(frozen=True)
class Features:
    """The features of a track: results/features/{track}.npz.

    duration: seconds of decoded audio.
    activations: (frames, 2) float32, the networks' probability of a beat that is no downbeat,
        and of a downbeat.
    Further arrays: see dropgrid.features.descriptors.
    """

    duration: float
    activations: np.ndarray
    descriptors: dict[str, np.ndarray] = field(default_factory=dict)
    decoder: dict[str, Any] = field(default_factory=dict)
    method: str = ""
    tags: dict[str, Any] = field(default_factory=dict)
