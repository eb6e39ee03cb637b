"""Run madmom 0.16.1 itself on current Python and NumPy, for comparisons and measurements.

dropgrid's processes never import madmom; tests and benchmarks do, through this module, by what
its adapter knows (dropgrid.estimators.madmom).
"""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

from dropgrid.estimators import madmom


class NotInstalled(Exception):
    """madmom is missing, or only its networks are installed (it was not compiled)."""


def load(name: str = "madmom") -> ModuleType:
    """A module of madmom, patched so that it works. Raises NotInstalled."""
    madmom.prepare()
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise NotInstalled(f"madmom's own processors cannot be run here ({error})") from error


def downbeat_tracker(beats_per_bar: tuple[int, ...] = (4,), **options: Any) -> Any:
    """madmom's DBNDownBeatTrackingProcessor: activations (frames, 2) -> rows of time and beat."""
    load("madmom.features.downbeats")
    return madmom.downbeat_tracker(beats_per_bar, **options)
