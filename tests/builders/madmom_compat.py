"""Running madmom 0.16.1 itself on today's Python and NumPy, to compare with and to measure.

The product never imports madmom; tests and benchmarks do, through this module. Four things
broke since its release: `collections.MutableSequence` moved, NumPy dropped its aliases of
Python's types and `in1d`, and `asarray` refuses ragged lists, which the downbeat tracker
makes of its results. Each gets its old meaning back.
"""

from __future__ import annotations

import collections
import collections.abc
import importlib
from types import ModuleType
from typing import Any

import numpy as np


class NotInstalled(Exception):
    """madmom is missing, or only its networks are installed (it was not compiled)."""


def load(name: str = "madmom") -> ModuleType:
    """A module of madmom, made to work. Raises NotInstalled."""
    if not hasattr(collections, "MutableSequence"):
        collections.MutableSequence = collections.abc.MutableSequence  # type: ignore[attr-defined]
    for alias, meaning in {"float": float, "int": int, "bool": bool, "object": object}.items():
        if alias not in np.__dict__:
            setattr(np, alias, meaning)
    if "in1d" not in np.__dict__:
        np.in1d = np.isin  # type: ignore[attr-defined]
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise NotInstalled(f"madmom's own processors cannot be run here ({error})") from error


class _Result(tuple):
    """A path and its log probability, which NumPy takes for a row of two objects."""

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        row = np.empty(2, object)
        row[0], row[1] = self
        return row


def downbeat_tracker(beats_per_bar: tuple[int, ...] = (4,), **options: Any) -> Any:
    """madmom's DBNDownBeatTrackingProcessor: activations (frames, 2) -> rows of time and beat."""
    downbeats = load("madmom.features.downbeats")
    tracker = downbeats.DBNDownBeatTrackingProcessor(
        beats_per_bar=list(beats_per_bar), fps=100, **options
    )
    tracker.map = lambda function, tasks: [_Result(function(task)) for task in tasks]
    return tracker
