"""BeatNet (Heydari, Cwitkowitz and Duan 2021), offline: beats and downbeats.

Its weights come with its package.
"""

from __future__ import annotations

from importlib import import_module
from statistics import median
from typing import Any

NAME = "beatnet"
HELP = "BeatNet, offline: tempo, beats, downbeats"
PACKAGE = "BeatNet"
IMPORTS = ("BeatNet.BeatNet",)
INSTALL = "pip install BeatNet (with PyTorch, madmom and PyAudio)"


def estimate(wav: str, weights: Any = None) -> Any:
    """What the system finds in a WAV file, in its own environment."""
    network = import_module("BeatNet.BeatNet").BeatNet
    model = network(1, mode="offline", inference_model="DBN", plot=[], thread=False)
    rows = [(float(row[0]), int(row[1])) for row in model.process(wav)]
    beats = [time for time, _ in rows]
    intervals = [later - sooner for sooner, later in zip(beats, beats[1:])]  # noqa: B905, RUF007
    return {
        "bpm": 60 / median(intervals) if intervals else None,
        "beats": beats,
        "downbeats": [time for time, position in rows if position == 1],
    }
