"""The border between two steady grids, to the exact beat instead of a block of two seconds."""

from __future__ import annotations

import numpy as np

from .beat_activation import beat_activation

REACH = 4.0  # s on both sides of a border that are searched: two blocks of the segmentation
LEAST_GAP = 0.75  # of a beat: a beat nearer than this to the one before is left out


def border_beats(activation: np.ndarray, before: np.ndarray, after: np.ndarray) -> tuple[int, int]:
    """How many beats of before (n,) are kept, and the index of the first beat of after (m,).

    before, after: beats of two grids in frames, ascending, over the same seconds. The choice gives
    the kept beats the most activation together. The index is m if no beat of after is kept.
    """
    collected_before = np.concatenate([[0.0], np.cumsum(beat_activation(activation, before))])
    collected_after = np.concatenate(
        [np.cumsum(beat_activation(activation, after)[::-1])[::-1], [0.0]]
    )
    gap = LEAST_GAP * (after[-1] - after[0]) / (len(after) - 1)
    follows = np.searchsorted(after, np.concatenate([[-np.inf], before + gap]))
    count = int(np.argmax(collected_before + collected_after[follows]))
    return count, int(follows[count])
