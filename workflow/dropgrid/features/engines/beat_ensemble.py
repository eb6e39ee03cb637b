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

TOGETHER = 2  # networks
BLOCK = 1024  # frames that go through a product of matrices at once


@dataclass(frozen=True)
class _Layer:
    """A layer that runs: of each direction the input weights (inputs, 4 * units), and the rest."""

    inputs: tuple[np.ndarray, np.ndarray]
    directions: tuple[Direction, Direction]


@dataclass(frozen=True)
class _Network:
    layers: tuple[_Layer, ...]
    output: np.ndarray
    output_bias: np.ndarray


def load(path: Path) -> Ensemble:
    """The ensemble that weights.prepare wrote to path. Raises ModelError."""
    networks = [_ready(network) for network in of_arrays(npz.read(path), path)]
    pairs = [networks[n : n + TOGETHER] for n in range(0, len(networks), TOGETHER)]
    kernel(networks[0].layers[0].directions[0].units)  # compiled here, before processes fork

    def activations(inputs: np.ndarray, threads: int = 1) -> np.ndarray:
        """Of inputs (frames, bands): the mean probability of a beat that is no downbeat, and of
        a downbeat, (frames, 2)."""
        if threads == 1:
            found = list(map(_classes, pairs, [inputs] * len(pairs)))
        else:
            with ThreadPoolExecutor(min(threads, len(pairs))) as pool:
                found = list(pool.map(_classes, pairs, [inputs] * len(pairs)))
        total = np.zeros((len(inputs), 2), np.float32)
        for classes in chain.from_iterable(found):
            total += classes
        return total / np.float32(len(networks))

    return activations


def _ready(network: Weights) -> _Network:
    return _Network(tuple(map(_ready_layer, network.layers)), network.output, network.output_bias)


def _ready_layer(layer: Layer) -> _Layer:
    ways = zip(layer.recurrent, layer.bias, layer.peepholes, strict=True)
    forward, backward = (direction(*way) for way in ways)
    first, second = (np.ascontiguousarray(weights.T) for weights in layer.inputs)
    return _Layer((first, second), (forward, backward))


def _classes(networks: Sequence[_Network], inputs: np.ndarray) -> list[np.ndarray]:
    """What each of some networks says of inputs: (frames, 2) of beats and of downbeats."""
    first, *later = zip(*(network.layers for network in networks), strict=True)
    signals = _states(first, inputs)
    for layers in later:
        signals = [_states([layer], s)[0] for layer, s in zip(layers, signals, strict=True)]
    return [_softmax(s @ n.output + n.output_bias) for n, s in zip(networks, signals, strict=True)]


def _states(layers: Sequence[_Layer], signal: np.ndarray) -> list[np.ndarray]:
    """The outputs of layers that take the same signal (frames, inputs): (frames, 2 * units) each,
    forward before backward."""
    frames = len(signal)
    found = []
    for layer in layers:
        found.append(np.empty((frames, 2 * layer.directions[0].units), np.float32))
    for way, step in enumerate((1, -1)):
        weights = np.hstack([layer.inputs[way] for layer in layers])
        width = weights.shape[1]
        room = np.zeros(min(BLOCK, frames) * width + SLACK, np.float32)
        states = [layer.directions[way].begin() for layer in layers]
        for start in range(0, frames, BLOCK)[::step]:
            block = signal[start : start + BLOCK]
            projected = room[: len(block) * width].reshape(len(block), width)
            np.matmul(block, weights, out=projected)
            at = 0
            for layer, state, whole in zip(layers, states, found, strict=True):
                one = layer.directions[way]
                span = slice(way * one.units, (way + 1) * one.units)
                gates = layer.inputs[way].shape[1]
                out = whole[start : start + BLOCK, span]
                one.run(projected[::step, at : at + gates], state, out[::step])
                at += gates
    return found


def _softmax(scores: np.ndarray) -> np.ndarray:
    """Probabilities of the classes after the first: (frames, classes - 1)."""
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers[:, 1:] / powers.sum(axis=1, keepdims=True)
