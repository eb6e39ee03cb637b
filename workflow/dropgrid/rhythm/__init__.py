"""Rhythm: from activations and descriptors to tempo, beats, downbeats and a grid."""

from .analysis import DECIDED, Rhythm, analyse
from .options import RhythmOptions

__all__ = ["DECIDED", "Rhythm", "RhythmOptions", "analyse"]
