"""madmom's downbeat ensemble: eight networks of three bidirectional LSTM layers, and their mean.

Two networks at a time take a sequence, so that one product of matrices serves both where they
hear the same; as many pairs at once as there are threads. No number depends on how many.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np

from . import npz
from .beat_weights import Layer, Weights, of_arrays
from .front_end import Ensemble
from .lstm_kernel import SLACK, Direction, direction, kernel
from .lstm_llvm import GATES
from .matrix import Matrix, aligned, product

TOGETHER = 2  # networks
BLOCK = 504  # frames that go through a product of matrices at once


@dataclass(frozen=True)
class _Layer:
    """Layers that run side by side on the same signal.

    inputs: of each direction the input weights (inputs, 4 * units) of all, side by side;
    directions: of each direction the rest, layer by layer.
    """

    inputs: tuple[Matrix, Matrix]
    directions: tuple[tuple[Direction, ...], tuple[Direction, ...]]


@dataclass(frozen=True)
class _Group:
    """Networks that run side by side. first: the layers that hear the same; later: of each
    network the layers above; output: of each network its last, and the bias of that."""

    first: _Layer
    later: tuple[tuple[_Layer, ...], ...]
    outputs: tuple[tuple[Matrix, np.ndarray], ...]


def load(path: Path) -> Ensemble:
    """The ensemble that weights.prepare wrote to path. Raises ModelError."""
    networks = of_arrays(npz.read(path), path)
    count, units = len(networks), networks[0].layers[0].recurrent.shape[2]
    groups = [_ready(networks[n : n + TOGETHER]) for n in range(0, len(networks), TOGETHER)]
    product()  # compiled here, before processes fork
    kernel(units)

    def activations(inputs: np.ndarray, threads: int = 1) -> np.ndarray:
        """Of inputs (frames, bands): the mean probability of a beat that is no downbeat, and of
        a downbeat, (frames, 2)."""
        if threads == 1:
            found = list(map(_classes, groups, [inputs] * len(groups)))
        else:
            with ThreadPoolExecutor(min(threads, len(groups))) as pool:
                found = list(pool.map(_classes, groups, [inputs] * len(groups)))
        total = np.zeros((len(inputs), 2), np.float32)
        for classes in chain.from_iterable(found):
            total += classes
        return total / np.float32(count)

    return activations


def _ready(networks: Sequence[Weights]) -> _Group:
    first, *_ = zip(*(network.layers for network in networks), strict=True)
    return _Group(
        first=_side_by_side(first),
        later=tuple(tuple(_side_by_side([one]) for one in n.layers[1:]) for n in networks),
        outputs=tuple((Matrix(n.output), n.output_bias.copy()) for n in networks),
    )


def _side_by_side(layers: Sequence[Layer]) -> _Layer:
    first, second = (
        Matrix(np.hstack([layer.inputs[way].T for layer in layers])) for way in range(2)
    )
    forward, backward = (
        tuple(direction(la.recurrent[way], la.bias[way], la.peepholes[way]) for la in layers)
        for way in range(2)
    )
    return _Layer((first, second), (forward, backward))


def _classes(group: _Group, inputs: np.ndarray) -> list[np.ndarray]:
    """What each of some networks says of inputs: (frames, 2) of beats and of downbeats."""
    found = []
    signals = _states(group.first, inputs)
    for layers, (output, bias) in zip(group.later, group.outputs, strict=True):
        signal = signals.pop(0)
        for layer in layers:
            [signal] = _states(layer, signal)
        scores = aligned((len(signal), output.width))
        output.multiply(signal, scores)
        found.append(_softmax(scores[:, : len(bias)] + bias))
    return found


def _states(layer: _Layer, signal: np.ndarray) -> list[np.ndarray]:
    """The outputs of layers that take the same signal (frames, inputs): (frames, 2 * units) each,
    forward before backward."""
    frames = len(signal)
    first, _ = layer.directions
    found = [np.empty((frames, 2 * one.units), np.float32) for one in first]
    for way, step in enumerate((1, -1)):
        weights = layer.inputs[way]
        room = aligned((min(BLOCK, frames) * weights.width + SLACK,))
        states = [one.begin() for one in layer.directions[way]]
        for start in range(0, frames, BLOCK)[::step]:
            block = signal[start : start + BLOCK]
            projected = room[: len(block) * weights.width].reshape(len(block), weights.width)
            weights.multiply(block, projected)
            at = 0
            for one, state, whole in zip(layer.directions[way], states, found, strict=True):
                gates = GATES * one.units
                out = whole[start : start + BLOCK, way * one.units : (way + 1) * one.units]
                one.run(projected[::step, at : at + gates], state, out[::step])
                at += gates
    return found


def _softmax(scores: np.ndarray) -> np.ndarray:
    """Probabilities of the classes after the first: (frames, classes - 1)."""
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers[:, 1:] / powers.sum(axis=1, keepdims=True)
