"""aubio's beat tracker (Davies and Plumbley 2007), with its defaults: tempo and beats."""

from __future__ import annotations

from importlib import import_module
from statistics import median
from typing import Any

NAME = "aubio"
HELP = "aubio's beat tracker: tempo, beats"
PACKAGE = "aubio"
IMPORTS = ("aubio",)
INSTALL = "pip install aubio"
WINDOW, HOP = 1024, 512  # samples; aubio's own defaults


def estimate(wav: str, weights: Any = None) -> Any:
    """What the system finds in a WAV file, in its own environment."""
    aubio = import_module("aubio")
    source = aubio.source(wav, 0, HOP)
    tracker = aubio.tempo("default", WINDOW, HOP, source.samplerate)
    beats = []
    while True:
        samples, read = source()
        if tracker(samples)[0]:
            beats.append(float(tracker.get_last_s()))
        if read < HOP:
            break
    intervals = [later - sooner for sooner, later in zip(beats, beats[1:])]  # noqa: B905, RUF007
    return {"bpm": 60 / median(intervals) if intervals else None, "beats": beats}
