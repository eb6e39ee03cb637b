"""All-In-One (Kim and Nam 2023), all eight folds: beats, downbeats, sections.

The user must provide its weights, in the cache of Hugging Face, and those of Demucs in PyTorch's.
dropgrid never downloads the former; without them every track reports what is missing.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any

NAME = "all_in_one"
HELP = "All-In-One: tempo, beats, downbeats, sections; needs its weights in its own caches"
PACKAGE = "allin1"
IMPORTS = ("allin1",)
INSTALL = "see github.com/mir-aidj/all-in-one (PyTorch, NATTEN, madmom, then pip install allin1)"


def prepare() -> None:
    """Prevent its loader from using the network."""
    os.environ["HF_HUB_OFFLINE"] = "1"


def estimate(wav: str, weights: Any = None) -> Any:
    """What the system finds in a WAV file, in its own environment."""
    found = import_module("allin1").analyze(wav, device="cpu")
    return {
        "bpm": found.bpm,
        "beats": found.beats,
        "downbeats": found.downbeats,
        "sections": [[part.start, part.end, part.label] for part in found.segments],
    }
