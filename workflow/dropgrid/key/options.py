"""The options of the key stage."""

from __future__ import annotations

from dataclasses import dataclass

METHODS = ("madmom", "profiles")


@dataclass(frozen=True)
class KeyOptions:
    """Section `key` of the configuration. Raises ValueError for a value out of range."""

    method: str = "madmom"  # madmom: its key network; profiles: pitch classes alone

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise ValueError(f"method: {self.method!r} is none of {', '.join(METHODS)}")
