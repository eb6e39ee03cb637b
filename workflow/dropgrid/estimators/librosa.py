"""librosa's beat tracker (Ellis 2007): tempo and beats, no downbeats."""

from __future__ import annotations

from importlib import import_module
from typing import Any

NAME = "librosa"
HELP = "librosa's beat tracker: tempo, beats"
PACKAGE = "librosa"
IMPORTS = ("librosa",)
INSTALL = "pip install librosa"


def estimate(wav: str, weights: Any = None) -> Any:
    """What the system finds in a WAV file, in its own environment."""
    librosa = import_module("librosa")
    signal, rate = librosa.load(wav)
    tempo, beats = librosa.beat.beat_track(y=signal, sr=rate, units="time")
    first = tempo.flat[0] if hasattr(tempo, "flat") else tempo  # an array since 0.10.2
    return {"bpm": float(first) or None, "beats": beats}
