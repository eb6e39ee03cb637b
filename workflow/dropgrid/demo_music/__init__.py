"""Synthesised music with exact truth, for the demonstration and the tests.

compose() chooses tempo, form and harmony and returns them as truth; render() plays them.
"""

from __future__ import annotations

from .composition import Composition, compose
from .rendering import render
from .styles import STYLES

__all__ = ["STYLES", "Composition", "compose", "render"]
