"""madmom's key network over a track, in bounded memory.

The network is convolutional: what it says of a step depends on at most REACH frames on either
side. So a track is cut into windows that overlap by as much, and the scores are those of the
whole track at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from . import key_weights, npz
from .key_weights import CLASSES

STEP = 8  # frames in a step of the scores: three times pooled by two
REACH = 32  # frames: 2 + 1 + 2 * (1 + 1) + 4 * (1 + 1) + 8 * (1 + 1), and the poolings' own
WINDOW = 512  # frames whose scores a run of the network gives, 102 seconds
AT_ONCE = 2**17  # numbers of the maps' surroundings that are laid out at once: 0.5 MB

Network = Callable[[np.ndarray], np.ndarray]  # (frames, bands) -> (frames // STEP, CLASSES)


def load(path: Path) -> Network:
    """The network that key_weights.prepare wrote to path. Raises ModelError."""
    layers = key_weights.of_arrays(npz.read(path), path)
    kernels = [np.ascontiguousarray(layer.weights.transpose(2, 3, 1, 0)) for layer in layers]

    def scores(spectrum: np.ndarray) -> np.ndarray:
        """Of (frames, bands): the last maps averaged over frequency alone, (steps, CLASSES).

        Their mean over time is what the softmax of the network takes, and their means over
        stretches tell where the key changes.
        """
        maps = spectrum[:, :, None]
        for layer, kernel in zip(layers, kernels, strict=True):
            maps = _convolved(maps, kernel, layer.bias, layer.padding)
            if layer.pooled:
                maps = _pooled(maps)
        return maps.mean(axis=1)

    return scores


def _convolved(maps: np.ndarray, kernel: np.ndarray, bias: np.ndarray, padding: int) -> np.ndarray:
    """Maps (frames, bands, outputs) of maps (frames, bands, inputs): correlated with a kernel
    (height, width, inputs, outputs), an ELU behind. Some frames at a time, in near caches."""
    height, width, _, outputs = kernel.shape
    matrix = kernel.reshape(-1, outputs)
    edge = (padding, padding)
    padded = np.pad(maps, (edge, edge, (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (height, width), axis=(0, 1))
    windows = windows.transpose(0, 1, 3, 4, 2)
    frames, bands = windows.shape[:2]
    found = np.empty((frames, bands, outputs), np.float32)
    rows = max(1, AT_ONCE // (bands * len(matrix)))
    for start in range(0, frames, rows):
        part = windows[start : start + rows].reshape(-1, len(matrix))
        values = part @ matrix
        values += bias
        below = np.minimum(values, 0)
        np.exp(below, out=below)
        below -= 1
        np.maximum(values, 0, out=values)
        values += below
        found[start : start + rows] = values.reshape(-1, bands, outputs)
    return found


def _pooled(maps: np.ndarray) -> np.ndarray:
    """The largest of each 2 by 2 values; an odd last row or column is left out."""
    frames, bands = len(maps) // 2 * 2, maps.shape[1] // 2 * 2
    maps = np.maximum(maps[0:frames:2], maps[1:frames:2])
    return np.maximum(maps[:, 0:bands:2], maps[:, 1:bands:2])


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
