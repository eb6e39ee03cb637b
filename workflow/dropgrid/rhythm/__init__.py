"""Rhythm: from activations and descriptors to tempo, beats, downbeats and a grid."""

from .analysis import Rhythm, analyse
from .options import RhythmOptions

__all__ = ["Rhythm", "RhythmOptions", "analyse"]
