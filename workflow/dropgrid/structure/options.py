"""Options of the structure stage."""

from __future__ import annotations

from dataclasses import dataclass

METHODS = ("phrases", "energy")


@dataclass(frozen=True)
class StructureOptions:
    """Section `structure` of the configuration."""

    method: str = "phrases"  # phrases: bar grid, novelty and phrase lengths; energy: loudness only
    min_section_bars: int = 4  # shorter sections need strong evidence
    sensitivity: float = 0.0  # above 0: more and smaller changes become boundaries; -1 to 1

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise ValueError(f"method: {self.method!r} is none of {', '.join(METHODS)}")
        if not 1 <= self.min_section_bars <= 64:
            raise ValueError(f"min_section_bars: {self.min_section_bars} is not within 1 to 64")
        if not -1.0 <= self.sensitivity <= 1.0:
            raise ValueError(f"sensitivity: {self.sensitivity} is not within -1 to 1")
