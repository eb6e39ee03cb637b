"""madmom's downbeat ensemble and tracker (Boeck, Krebs and Widmer 2016), and its tempo.

Beats and downbeats are from DBNDownBeatTrackingProcessor; the tempo is the strongest from
TempoEstimationProcessor on the beat activations of the same networks. Four things broke since its
release 0.16.1: `collections.MutableSequence` moved, NumPy removed its aliases of Python's types
and `in1d`, and `asarray` refuses the ragged lists that the downbeat tracker produces. This module
restores each of them if it is missing.
"""

from __future__ import annotations

import collections
import collections.abc
from importlib import import_module
from typing import Any

NAME = "madmom"
HELP = "madmom's downbeat ensemble and tracker: tempo, beats, downbeats"
PACKAGE = "madmom"
IMPORTS = ("madmom.features.downbeats", "madmom.features.tempo")
INSTALL = "pip install madmom; in a checkout, make setup-compare"
FPS = 100  # activations per second


def prepare() -> None:
    """Restore the old names in Python and NumPy that madmom uses."""
    numpy: Any = import_module("numpy")
    if not hasattr(collections, "MutableSequence"):
        setattr(collections, "MutableSequence", collections.abc.MutableSequence)  # noqa: B010
    for alias, meaning in {"float": float, "int": int, "bool": bool, "object": object}.items():
        if alias not in numpy.__dict__:
            setattr(numpy, alias, meaning)
    if "in1d" not in numpy.__dict__:
        numpy.in1d = numpy.isin


class _Result(tuple):
    """A path and its log probability, which NumPy converts to a row of two objects."""

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        row = import_module("numpy").empty(2, object)
        row[0], row[1] = self
        return row


def downbeat_tracker(beats_per_bar: Any = (4,), **options: Any) -> Any:
    """madmom's DBNDownBeatTrackingProcessor: activations (frames, 2) -> rows of time and beat."""
    downbeats = import_module("madmom.features.downbeats")
    tracker = downbeats.DBNDownBeatTrackingProcessor(
        beats_per_bar=list(beats_per_bar), fps=FPS, **options
    )
    tracker.map = lambda function, tasks: [_Result(function(task)) for task in tasks]
    return tracker


def estimate(wav: str, weights: Any = None) -> Any:
    """What the system finds in a WAV file, in its own environment."""
    activations = import_module("madmom.features.downbeats").RNNDownBeatProcessor()(wav)
    rows = [(float(row[0]), int(row[1])) for row in downbeat_tracker((3, 4))(activations)]
    tempo = import_module("madmom.features.tempo").TempoEstimationProcessor(fps=FPS)
    tempi = tempo(activations.sum(axis=1))
    return {
        "bpm": float(tempi[0][0]) if len(tempi) else None,
        "beats": [time for time, _ in rows],
        "downbeats": [time for time, position in rows if position == 1],
    }
