"""Mixxx's analyser as a package, mixxx-analyzer: tempo, one steady grid of beats, key."""

from __future__ import annotations

from importlib import import_module
from typing import Any

NAME = "mixxx"
HELP = "Mixxx's analyser (mixxx-analyzer): tempo, beats, key"
PACKAGE = "mixxx-analyzer"
IMPORTS = ("mixxx_analyzer",)
INSTALL = "pip install mixxx-analyzer"


def estimate(wav: str, weights: Any = None) -> Any:
    """What the system finds in a WAV file, in its own environment."""
    found = import_module("mixxx_analyzer").analyze(wav)
    return {"bpm": found.bpm, "beats": found.beatgrid, "key": found.key}
