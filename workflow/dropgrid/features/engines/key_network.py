"""madmom's key network over a track, in bounded memory.

The network is convolutional: its output for a step depends on at most REACH frames on each side. A
track is therefore cut into windows that overlap by REACH frames, and the scores equal those of the
whole track.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..memory import give_back
from . import key_weights, npz
from .key_weights import CLASSES, Convolution
from .matrix import Matrix, aligned, product

STEP = 8  # frames in a step of the scores: three times pooled by two
REACH = 32  # frames: 2 + 1 + 2 * (1 + 1) + 4 * (1 + 1) + 8 * (1 + 1), and the poolings' own
WINDOW = 512  # frames whose scores a run of the network gives, 102 seconds
AT_ONCE = 2**14  # numbers of maps that go through a product at once, twice: 128 kB

Network = Callable[[np.ndarray], np.ndarray]  # (frames, bands) -> (frames // STEP, CLASSES)


@dataclass(frozen=True)
class _Layer:
    """A convolution ready to run. rows: one matrix (width * inputs, outputs) for each kernel
    row."""

    rows: tuple[Matrix, ...]
    width: int
    bias: np.ndarray
    padding: int
    pooled: bool


def load(path: Path) -> Network:
    """The network that key_weights.prepare wrote to path. Raises ModelError."""
    layers = [_ready(layer) for layer in key_weights.of_arrays(npz.read(path), path)]
    product()  # compiled here, before processes fork

    def scores(spectrum: np.ndarray) -> np.ndarray:
        """The last maps for (frames, bands), averaged only over frequency: (steps, CLASSES).

        The network's softmax takes their mean over time. Their means over shorter stretches show
        where the key changes.
        """
        edges = [layer.padding for layer in layers]
        frames, bands = spectrum.shape
        maps = _edged(frames, bands, 1, edges[0])
        _inner(maps, edges[0])[:] = spectrum[:, :, None]
        for layer, edge in zip(layers, [*edges[1:], 0], strict=True):
            maps = _convolved(maps, layer, edge)
        return maps.mean(axis=1)

    return scores


def _ready(layer: Convolution) -> _Layer:
    kernel = layer.weights.transpose(2, 3, 1, 0)  # height, width, inputs, outputs
    height, width, inputs, outputs = kernel.shape
    rows = tuple(Matrix(row) for row in kernel.reshape(height, width * inputs, outputs))
    return _Layer(rows, width, layer.bias, layer.padding, layer.pooled)


def _edged(frames: int, bands: int, maps: int, edge: int) -> np.ndarray:
    """An array for maps (frames, bands, maps), with `edge` zeros on every side."""
    room = np.empty((frames + 2 * edge, bands + 2 * edge, maps), np.float32)
    if edge:
        room[:edge] = room[-edge:] = 0
        room[:, :edge] = room[:, -edge:] = 0
    return room


def _inner(room: np.ndarray, edge: int) -> np.ndarray:
    return room[edge : len(room) - edge, edge : room.shape[1] - edge]


def _convolved(maps: np.ndarray, layer: _Layer, edge: int) -> np.ndarray:
    """The convolution of padded maps (frames, bands, inputs), followed by an ELU. Pooling, which
    halves both axes, happens before the ELU, because the ELU is monotonic. The result gets an edge
    of zeros. A few frames are processed at a time, so that they fit into near caches.

    The input of a kernel row at a band is contiguous, and the input at the next band starts one
    map length later. They are the overlapping rows of a product. Rows at the edge that begin in
    one frame and end in the next are left out of the result.
    """
    across, inputs = maps.shape[1:]
    outputs, height = len(layer.bias), len(layer.rows)
    frames, bands = len(maps) - height + 1, across - layer.width + 1
    step = max(1, AT_ONCE // (across * max(inputs, outputs))) * 2  # even: pooled by two
    room = aligned((min(step, frames) * across, layer.rows[0].width))
    less = 2 if layer.pooled else 1
    found = _edged(frames // less, bands // less, outputs, edge)
    kept = _inner(found, edge)
    at = 0
    for start in range(0, frames, step):
        count = min(step, frames - start)
        rows = count * across - (layer.width - 1)
        for y, matrix in enumerate(layer.rows):
            windows = np.lib.stride_tricks.as_strided(
                maps[start + y :], (rows, layer.width * inputs), (inputs * 4, 4)
            )
            matrix.multiply(windows, room[:rows], add=y > 0)
        values = room[: count * across].reshape(count, across, -1)[:, :bands, :outputs]
        values = (_pooled(values) if layer.pooled else values) + layer.bias
        below = np.minimum(values, 0)
        np.exp(below, out=below)
        below -= 1
        np.maximum(values, 0, out=values)
        np.add(values, below, out=kept[at : at + len(values)])
        at += len(values)
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
        self._buffer: list[np.ndarray] = []
        self._count = 0  # frames held
        self._before = 0  # of them, those that only serve as the window's margin
        self._scores: list[np.ndarray] = []

    def add(self, spectrum: np.ndarray) -> None:
        """Add the frames (frames, bands) that follow the last ones."""
        self._buffer.append(spectrum)
        self._count += len(spectrum)
        while self._count >= self._before + WINDOW + REACH:
            self._run(WINDOW)

    def _run(self, frames: int) -> None:
        """Store the scores of the next `frames` frames, and keep the frames that later scores
        need."""
        give_back()  # before the maps need room
        buffer = np.concatenate(self._buffer)
        end = self._before + frames
        scores = self._network(buffer[: end + REACH])
        self._scores.append(scores[self._before // STEP : end // STEP])
        start = max(0, end - REACH)
        self._buffer = [buffer[start:]]
        self._count -= start
        self._before = end - start

    def array(self) -> np.ndarray:
        """All scores: (steps, CLASSES) float32; empty for fewer frames than one step."""
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
