"""The traits that make a piece of the benchmark hard, and the twins, which change one property."""

from __future__ import annotations

import numpy as np

# What can make a piece hard, each with its weight in the draw.
TRAITS = {
    "swing": 1.0, "half_time": 0.6, "offbeat_bass": 1.0, "broken_kick": 1.0, "ghost_notes": 1.0,
    "syncopation": 1.0, "odd_meter": 0.4, "pickup": 0.8, "odd_phrases": 0.8, "key_change": 0.6,
    "vocals": 0.8, "filtered_intro": 1.0, "no_drums_at_first": 0.8, "drift": 0.6, "jitter": 0.6,
    "ramp": 0.5, "jump": 0.5, "noise": 0.7, "loud_master": 0.8, "detuned": 0.5, "soft_kick": 0.8,
    "fills": 1.0, "sparse": 0.6, "triplets": 0.5, "lossy": 0.8,
}  # fmt: skip
MOVING = ("drift", "jitter", "ramp")  # at most one of them in a piece
MOST_TRAITS = 7
TWINS = ("without_kick", "swing", "half_time", "fast", "slow", "mp3", "quiet", "jump")


def draw_traits(random: np.random.Generator) -> tuple[str, ...]:
    """The traits of a piece, in alphabetical order; at most one of them moves its tempo."""
    names, weights = list(TRAITS), np.array(list(TRAITS.values()))
    count = int(random.integers(1, MOST_TRAITS + 1))
    drawn = random.choice(names, size=count, replace=False, p=weights / weights.sum())
    found, moving = [], False
    for name in map(str, drawn):
        if name in MOVING and moving:
            continue
        moving |= name in MOVING
        found.append(name)
    return tuple(sorted(found))
