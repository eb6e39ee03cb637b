"""The audio that is measured on: a synthetic house track of any length, in stereo."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import soundfile
from dropgrid import demo_music

RATE = 44100
LOOP = 300.0  # seconds rendered; longer files repeat them


def write(path: Path, minutes: float) -> Path:
    """Write so many minutes to path, in the container that its suffix names."""
    music = _music()
    length = int(minutes * 60 * RATE)
    with soundfile.SoundFile(path, "w", RATE, 2) as file:
        # A second at a time: libsndfile's encoders put what they are given on the stack.
        for start in range(0, length, RATE):
            file.write(music[start % len(music) :][: min(RATE, length - start)])
    return path


@cache
def _music() -> np.ndarray:
    composition = demo_music.compose(seed=1, bpm=126.0, style="house", duration=LOOP)
    return np.asarray(demo_music.render(composition), np.float32)[: int(LOOP * RATE)]
