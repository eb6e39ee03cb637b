"""Beat This! (Foscarin, Schlueter and Widmer 2024): beats and downbeats, without its DBN."""

from __future__ import annotations

from importlib import import_module
from statistics import median
from typing import Any

NAME = "beat_this"
HELP = "Beat This!: tempo, beats, downbeats; needs its weights"
PACKAGE = "beat_this"
IMPORTS = ("beat_this.inference",)
INSTALL = "see github.com/CPJKU/beat_this (PyTorch, then its archive)"
WEIGHTS = "a checkpoint, final0.ckpt for example, from github.com/CPJKU/beat_this"


def estimate(wav: str, weights: Any = None) -> Any:
    """What the system finds in a WAV file, in its own environment."""
    track = import_module("beat_this.inference").File2Beats
    beats, downbeats = track(checkpoint_path=weights, device="cpu", dbn=False)(wav)
    beats = [float(time) for time in beats]
    intervals = [later - sooner for sooner, later in zip(beats, beats[1:])]  # noqa: B905, RUF007
    return {
        "bpm": 60 / median(intervals) if intervals else None,
        "beats": beats,
        "downbeats": downbeats,
    }
