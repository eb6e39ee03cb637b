"""How much memory the features of a track take, from measurement."""

from __future__ import annotations

from .network import WHOLE

BASE = 150.0  # MB: Python, NumPy, onnxruntime, decoder, buffers
HELD = 44.0  # MB a minute that is one sequence: the networks' inputs and states
KEPT = 1.3  # MB a minute beyond: activations and descriptors, and their copy when saved


def megabytes(minutes: float) -> int:
    """A limit on allocated memory (RLIMIT_DATA, MB of 2^20 bytes) that minutes of audio keep to.

    Measured (onnxruntime 1.32, FLAC at 44.1 kHz in stereo), MB allocated and MB in use at most:

        minutes      1    5   10   15
        allocated  155  307  482  789
        in use     105  201  327  459    and 480 for two hours

    onnxruntime takes memory in steps that double, and does not use all of it.
    """
    sequence = min(minutes, WHOLE / 6000)
    return round(BASE + HELD * sequence + KEPT * (minutes - sequence))
