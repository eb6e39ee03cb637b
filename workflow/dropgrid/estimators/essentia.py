"""Essentia's RhythmExtractor2013 (multifeature) and KeyExtractor with profiles for dance music."""

from __future__ import annotations

from importlib import import_module
from typing import Any

NAME = "essentia"
HELP = "Essentia's RhythmExtractor2013 and KeyExtractor: tempo, beats, key"
PACKAGE = "essentia"
IMPORTS = ("essentia.standard",)
INSTALL = "pip install essentia"


def estimate(wav: str, weights: Any = None) -> Any:
    """What the system finds in a WAV file, in its own environment."""
    standard = import_module("essentia.standard")
    audio = standard.MonoLoader(filename=wav, sampleRate=44100)()
    bpm, beats = standard.RhythmExtractor2013(method="multifeature")(audio)[:2]
    tonic, scale, _ = standard.KeyExtractor(profileType="edma")(audio)
    return {"bpm": float(bpm), "beats": beats, "key": tonic + " " + scale}
