"""The random choices for a piece of the benchmark: sections, keys, chords and tempo curve."""

from __future__ import annotations

import numpy as np

from ..demo_music.styles import KEY_PROGRESSIONS
from ..records.model import Label
from .timeline import Curve

SECONDS = (62.0, 96.0)  # about how long a piece is
FORMS: tuple[tuple[Label, ...], ...] = (
    ("intro", "buildup", "drop", "breakdown", "buildup", "drop", "outro"),
    ("intro", "drop", "breakdown", "drop", "outro"),
    ("intro", "buildup", "drop", "breakdown", "drop", "outro"),
    ("breakdown", "buildup", "drop", "breakdown", "buildup", "drop", "outro"),
)


def draw_form(random: np.random.Generator, bar: float, odd: bool) -> tuple[tuple[Label, int], ...]:
    """Sections in bars, with a total length within about SECONDS."""
    labels = FORMS[int(random.integers(len(FORMS)))]
    room = int(random.uniform(*SECONDS) / bar)
    counts = [4] * len(labels)
    while sum(counts) + 4 <= room:
        counts[int(random.integers(len(counts)))] += 4
    if odd:
        counts = [max(3, n + int(random.integers(-1, 4))) for n in counts]
    return tuple(zip(labels, counts, strict=True))


def draw_keys(
    random: np.random.Generator, form: tuple[tuple[Label, int], ...], changes: bool
) -> tuple[tuple[int, int], ...]:
    """The keys, each with the bar where it begins; two of three pieces are minor."""
    tonic, mode = int(random.integers(12)), 12 if random.random() < 2 / 3 else 0
    found = [(0, mode + tonic)]
    if changes:
        after = int(random.integers(len(form) // 2, len(form) - 1))
        bar = sum(count for _, count in form[:after])
        found.append((bar, mode + (tonic + int(random.choice([1, 2, 3, 5]))) % 12))
    return tuple(found)


def draw_chords(random: np.random.Generator, key: int) -> tuple[tuple[int, bool], ...]:
    """A progression with a clear key: the tonic chord sounds half of the time."""
    known = KEY_PROGRESSIONS["minor" if key >= 12 else "major"]
    return known[int(random.integers(len(known)))]


def draw_curve(
    random: np.random.Generator,
    traits: tuple[str, ...],
    bars: int,
    meter: int,
    form: tuple[tuple[Label, int], ...],
) -> Curve:
    """The tempo curve that the traits require."""
    beats = bars * meter
    values = random.uniform(size=6)  # drawn always, so that traits do not move each other's
    first = int(beats * (0.25 + 0.2 * values[0]))
    breaks = np.cumsum([count for _, count in form])[:-1]
    at = int(breaks[int(values[1] * len(breaks))]) * meter + int(values[2] * meter)
    factor = 1 + (0.04 + 0.08 * values[3]) * (1 if values[4] < 0.5 else -1)
    return Curve(
        ramp=(first, int(first + beats * 0.3), factor) if "ramp" in traits else None,
        drift=(0.002 + 0.006 * values[3], 40 + 80 * values[4], values[5])
        if "drift" in traits
        else None,
        jitter=3 + 9 * values[5] if "jitter" in traits else 0.0,
        jump=(at, 0.2 + 0.6 * values[0]) if "jump" in traits else None,
    )
