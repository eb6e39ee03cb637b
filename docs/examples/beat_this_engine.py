"""Beat This! (Foscarin, Schlueter and Widmer 2024) as an engine of dropgrid.

    bpm: {method: "docs/examples/beat_this_engine.py:detect"}

needs beat_this and its weights in dropgrid's environment. BEAT_THIS_CHECKPOINT names the weights;
without it beat_this takes those it calls final0, and may want to download them.
"""

import os

import numpy as np

FROM, TO = 50, 100  # frames a second: of beat_this, of dropgrid


def detect(blocks, rate):
    """(frames, 2): the probability of a beat that is no downbeat, and of a downbeat."""
    from beat_this.inference import Audio2Frames

    model = Audio2Frames(os.environ.get("BEAT_THIS_CHECKPOINT", "final0"), "cpu")
    signal = np.concatenate(list(blocks))
    beat, downbeat = (probabilities(logits) for logits in model(signal, rate))
    found = np.column_stack([np.maximum(beat - downbeat, 0), downbeat])
    frames = np.arange(len(found) * TO // FROM) * FROM / TO
    return np.column_stack([np.interp(frames, np.arange(len(found)), v) for v in found.T])


def probabilities(logits):
    """Of logits as beat_this returns them, tensors."""
    return 1 / (1 + np.exp(-logits.cpu().numpy()))
