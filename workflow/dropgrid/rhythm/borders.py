"""Where one steady grid gives way to the next: at the beat, not at the block of two seconds."""

from __future__ import annotations

import numpy as np

from .heard import heard

REACH = 4.0  # s to both sides of a border in which it is looked for: two blocks of the search
TOGETHER = 0.75  # of a beat: nearer to the last beat than this, a beat is left out


def giving_way(activation: np.ndarray, before: np.ndarray, after: np.ndarray) -> tuple[int, int]:
    """How many beats of before (n,) come first, and which of after (m,) follows them.

    before, after: beats of two grids in frames, ascending, through the same seconds. The beats
    kept are those that let hear most together; m if none of after follows.
    """
    counted = np.concatenate([[0.0], np.cumsum(heard(activation, before))])
    left = np.concatenate([np.cumsum(heard(activation, after)[::-1])[::-1], [0.0]])
    apart = TOGETHER * (after[-1] - after[0]) / (len(after) - 1)
    follows = np.searchsorted(after, np.concatenate([[-np.inf], before + apart]))
    count = int(np.argmax(counted + left[follows]))
    return count, int(follows[count])
