"""The key from the scores of madmom's network."""

from __future__ import annotations

import numpy as np

# The network's classes: twelve majors from A up, then twelve minors from A up.
_ORDER = [(tonic - 9) % 12 + mode for mode in (0, 12) for tonic in range(12)]


def evidence(scores: np.ndarray) -> np.ndarray:
    """The evidence of each step for each key: (steps, 24), keys in the order of notation.

    The softmax of the mean over steps is the output of the network itself.
    """
    return scores[:, _ORDER].astype(np.float64)
