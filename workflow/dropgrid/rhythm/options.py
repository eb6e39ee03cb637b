"""The options of the rhythm stage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class RhythmOptions:
    """The user's options for tempo and bars; the defaults suit all electronic music.

    Raises ValueError for a value out of range.
    """

    min_bpm: float = 55.0  # the slowest tempo searched
    max_bpm: float = 215.0  # the fastest
    preferred_bpm: float = 150.0  # between octaves (87 or 174), the nearer one is preferred
    snap: bool = True  # a whole or half BPM if exactly one is in the fit's interval
    piecewise: bool = True  # False: one tempo for the whole track
    bar_lengths: tuple[int, ...] = (4, 3, 5, 7)  # beats a bar may have
    tag_octave: Literal["prefer", "ignore"] = "prefer"  # whether a BPM tag decides the octave

    def __post_init__(self) -> None:
        if not 20 <= self.min_bpm <= self.max_bpm / 2:
            raise ValueError(
                f"min_bpm {self.min_bpm:g}: at least 20, and at most half of max_bpm"
                f" ({self.max_bpm:g}), so that every tempo has one octave inside"
            )
        if self.max_bpm > 400:
            raise ValueError(f"max_bpm {self.max_bpm:g}: at most 400")
        if not 20 <= self.preferred_bpm <= 400:
            raise ValueError(f"preferred_bpm {self.preferred_bpm:g}: not from 20 to 400")
        if self.tag_octave not in ("prefer", "ignore"):
            raise ValueError(f"tag_octave {self.tag_octave!r}: neither prefer nor ignore")
        if not self.bar_lengths or not set(self.bar_lengths) <= {3, 4, 5, 7}:
            raise ValueError(f"bar_lengths {self.bar_lengths}: any of 3, 4, 5 and 7")
