"""Music made on the spot, with exact truth: what the demonstration and the tests listen to.

compose() decides everything (tempo, form, harmony) and states it as truth; render() plays it.
"""

from __future__ import annotations

from .composition import Composition, compose
from .rendering import render
from .styles import STYLES

__all__ = ["STYLES", "Composition", "compose", "render"]
