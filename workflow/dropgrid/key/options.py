"""The options of the key stage."""

from __future__ import annotations

from dataclasses import dataclass

from ..records.model import MIN_KEY_CONFIDENCE

METHODS = ("madmom", "profiles")


@dataclass(frozen=True)
class KeyOptions:
    """Section `key` of the configuration. Raises ValueError for a value out of range."""

    method: str = "madmom"  # madmom: its key network; profiles: pitch classes alone
    # A key with less confidence is marked as uncertain and not exported.
    min_confidence: float = MIN_KEY_CONFIDENCE

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise ValueError(f"method: {self.method!r} is none of {', '.join(METHODS)}")
        if not 0 <= self.min_confidence <= 1:
            raise ValueError(f"min_confidence: {self.min_confidence:g} is not from 0 to 1")
