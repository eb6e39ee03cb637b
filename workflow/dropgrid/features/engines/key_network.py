"""madmom's key network over a track, in bounded memory.

The network is convolutional: what it says of a step depends on at most REACH frames on either
side. So a track is cut into windows that overlap by as much, and the scores are those of the
whole track at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from ...base.errors import ModelError

STEP = 8  # frames in a step of the scores: three times pooled by two
REACH = 32  # frames: 2 + 1 + 2 * (1 + 1) + 4 * (1 + 1) + 8 * (1 + 1), and the poolings' own
WINDOW = 512  # frames whose scores a run of the network gives, 102 seconds
CLASSES = 24

Network = Callable[[np.ndarray], np.ndarray]  # (frames, bands) -> (frames // STEP, CLASSES)


def load(path: Path, threads: int = 1) -> Network:
    """The network that key_weights.prepare wrote to path. Raises ModelError."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # onnxruntime has no public base class of its errors
        raise ModelError(f"{path}: cannot be loaded as the key network ({error})") from error
    return lambda spectrum: session.run(["scores"], {"spectrum": spectrum})[0]


class Scores:
    """Collects the network's scores of spectra that come in chunks of frames."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._held: list[np.ndarray] = []
        self._count = 0  # frames held
        self._before = 0  # of them, those that only serve as the window's margin
        self._scores: list[np.ndarray] = []

    def add(self, spectrum: np.ndarray) -> None:
        """Add the frames (frames, bands) that follow the last ones."""
        self._held.append(spectrum)
        self._count += len(spectrum)
        while self._count >= self._before + WINDOW + REACH:
            self._run(WINDOW)

    def _run(self, frames: int) -> None:
        """Keep the scores of the next so many frames; hold what later ones need."""
        held = np.concatenate(self._held)
        end = self._before + frames
        scores = self._network(held[: end + REACH])
        self._scores.append(scores[self._before // STEP : end // STEP])
        start = max(0, end - REACH)
        self._held = [held[start:]]
        self._count -= start
        self._before = end - start

    def array(self) -> np.ndarray:
        """All scores: (steps, CLASSES) float32; none for less than a step of frames."""
        rest = self._count - self._before
        if rest >= STEP:
            self._run(rest)
        return np.concatenate([*self._scores, np.zeros((0, CLASSES), np.float32)])


def scores_of(network: Network, chunks: Iterable[np.ndarray]) -> np.ndarray:
    """The scores of spectra in chunks."""
    scores = Scores(network)
    for chunk in chunks:
        scores.add(chunk)
    return scores.array()
