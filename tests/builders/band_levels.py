"""Band levels (input of the structure stage) of artificial music with exactly known sections."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from dropgrid.features import FRAME_RATE, Features
from dropgrid.records.model import BpmRecord

SILENCE = -90.0
BANDS = 9

# Level in dB of each layer in each band at a stroke; the layers of each kind of section.
LAYERS = {
    "kick": [-8, -6, -18, -30, -40, -40, -40, -40, -40],
    "hats": [-90, -90, -80, -60, -50, -40, -30, -20, -18],
    "bass": [-12, -8, -14, -24, -34, -44, -60, -70, -80],
    "pad": [-80, -60, -34, -26, -26, -30, -36, -44, -56],
    "lead": [-90, -80, -40, -24, -18, -16, -18, -24, -34],
    "voice": [-90, -90, -38, -24, -20, -22, -26, -34, -44],
    "roll": [-90, -90, -60, -30, -24, -22, -24, -28, -40],
    "riser": [-90, -90, -70, -50, -40, -34, -28, -24, -22],
}
STROKES = {  # positions in sixteenths of a bar of four beats
    "kick": (0, 4, 8, 12), "hats": (2, 6, 10, 14), "bass": (2, 3, 6, 7, 10, 11, 14, 15),
    "lead": (0, 3, 6, 8, 11, 14), "roll": (0, 2, 4, 6, 8, 10, 12, 14),
}  # fmt: skip
KINDS = {
    "intro": ("pad", "hats"),
    "buildup": ("pad", "hats", "roll", "riser"),
    "drop": ("kick", "hats", "bass", "lead"),
    "breakdown": ("pad",),
    "outro": ("kick", "hats"),
    "voice": ("voice",),
}
FORM = (("intro", 8), ("buildup", 8), ("drop", 16), ("breakdown", 8), ("buildup", 8),
        ("drop", 16), ("outro", 8))  # fmt: skip


def levels_of(
    form: Sequence[tuple[str, float]], bpm: float, lead_in: float = 0.0, per_bar: int = 4
) -> np.ndarray:
    """(frames, 9) dB: sections of so many bars each, with a little noise, after silence."""
    random = np.random.default_rng(7)
    beat = 60.0 / bpm
    bars = sum(length for _, length in form)
    frames = round((lead_in + bars * per_bar * beat) * FRAME_RATE)
    power = np.full((frames, BANDS), 10 ** (SILENCE / 10))
    time = (np.arange(frames) + 0.5) / FRAME_RATE - lead_in
    start = 0.0
    for kind, length in form:
        inside = (time >= start) & (time < start + length * per_bar * beat)
        through = (time - start) / (length * per_bar * beat)
        position = (time / beat * 4) % (4 * per_bar)
        for layer in KINDS[kind]:
            level = np.array(LAYERS[layer], float)[None] + np.zeros((frames, 1))
            if layer == "riser":
                level += 12.0 * (through[:, None] - 1.0)
            sounds = inside.copy()
            if layer in STROKES:
                sounds &= np.isin(position.astype(int) % 16, STROKES[layer])
                level -= 20.0 * (position % 1.0)[:, None]
            power[sounds] += 10 ** (level[sounds] / 10)
        start += length * per_bar * beat
    return 10 * np.log10(power) + random.normal(0.0, 0.5, power.shape)


def features_of(levels: np.ndarray) -> Features:
    """Features that contain only band levels."""
    return Features(
        len(levels) / FRAME_RATE, np.zeros((0, 2)), {"bands": levels.astype(np.float16)}
    )


def grid_of(
    levels: np.ndarray, bpm: float, lead_in: float = 0.0, per_bar: int = 4, late: int = 0
) -> BpmRecord:
    """The record of a steady grid; its downbeats `late` beats after the true ones."""
    duration = len(levels) / FRAME_RATE
    beats = lead_in + np.arange(int((duration - lead_in) * bpm / 60 + 1e-6)) * 60.0 / bpm
    return BpmRecord(
        "made-up", "made-up.wav", "ok", duration,
        beats=tuple(beats), downbeats=tuple(beats[late::per_bar]), time_signature=f"{per_bar}/4",
    )  # fmt: skip


def starts_of(
    form: Sequence[tuple[str, float]], bpm: float, lead_in: float = 0.0, per_bar: int = 4
) -> list[float]:
    """Seconds at which the sections of a form begin."""
    bars = np.cumsum([0.0, *(length for _, length in form)])[:-1]
    return (lead_in + bars * per_bar * 60.0 / bpm).tolist()
