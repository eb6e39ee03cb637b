"""madmom's downbeat ensemble: eight networks of three bidirectional LSTM layers, and their mean.

Each network processes the sequence separately, so that memory holds only its own states. One
network runs in each thread; the results do not depend on the number of threads.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial, reduce
from pathlib import Path

import numpy as np

from ...native import compiled
from . import npz
from .beat_weights import Layer, Weights, of_arrays
from .front_end import LEAD, STRETCHES, Ensemble, with_rises
from .lstm_kernel import SLACK, Direction, direction, kernel, run
from .lstm_llvm import GATES
from .matrix import Matrix, aligned, product

BLOCK = 504  # frames that go through a product of matrices at once

# (weights, from frame, to frame, out): the frames' inputs times the weights.
Signal = Callable[[Matrix, int, int, np.ndarray], None]


@dataclass(frozen=True)
class _Layer:
    """A layer, forward and backward: its input weights (inputs, 4 * units), and the rest."""

    inputs: tuple[Matrix, Matrix]
    directions: tuple[Direction, Direction]


@dataclass(frozen=True)
class _Network:
    layers: tuple[_Layer, ...]
    output: Matrix
    bias: np.ndarray


def load(path: Path) -> Ensemble:
    """The ensemble that beat_weights.prepare wrote to path. Raises ModelError."""
    weights = of_arrays(npz.read(path), path)
    networks = list(map(_ready, weights))
    product()  # compiled here, before processes fork
    kernel(weights[0].layers[0].recurrent.shape[2])

    def activations(levels: np.ndarray, threads: int = 1) -> np.ndarray:
        """The mean probabilities (frames, 2) of a beat that is no downbeat, and of a downbeat, for
        levels (LEAD + frames, bands)."""
        if threads == 1:
            found = list(map(_classes, networks, [levels] * len(networks)))
        else:
            from concurrent.futures import ThreadPoolExecutor

            with ThreadPoolExecutor(min(threads, len(networks))) as pool:
                found = list(pool.map(_classes, networks, [levels] * len(networks)))
        total = np.zeros((len(levels) - LEAD, 2), np.float32)
        for classes in found:
            total += classes
        return total / np.float32(len(networks))

    return activations


def _ready(network: Weights) -> _Network:
    return _Network(
        layers=tuple(map(_ready_layer, network.layers)),
        output=Matrix(network.output),
        bias=network.output_bias.copy(),
    )


def _ready_layer(layer: Layer) -> _Layer:
    forward, backward = (
        (Matrix(inputs.T), direction(recurrent, bias, peepholes))
        for inputs, recurrent, bias, peepholes in zip(
            layer.inputs, layer.recurrent, layer.bias, layer.peepholes, strict=True
        )
    )
    return _Layer((forward[0], backward[0]), (forward[1], backward[1]))


def _classes(network: _Network, levels: np.ndarray) -> np.ndarray:
    """The output of one network for levels: (frames, 2), beats and downbeats."""
    frames = len(levels) - LEAD
    signal: Signal = partial(_inputs, levels)
    for layer in network.layers:
        states = _states(layer, frames, signal)
        signal = partial(_part, states)
    scores = aligned((frames, network.output.width))
    network.output.multiply(states, scores)
    return _softmax(scores[:, : len(network.bias)] + network.bias)


def _inputs(levels: np.ndarray, weights: Matrix, start: int, end: int, out: np.ndarray) -> None:
    some = levels[start : end + LEAD]
    if compiled():
        weights.multiply_risen(some, STRETCHES, out, LEAD)
    else:
        weights.multiply(with_rises(some), out)


def _part(states: np.ndarray, weights: Matrix, start: int, end: int, out: np.ndarray) -> None:
    weights.multiply(states[start:end], out)


def _states(layer: _Layer, frames: int, signal: Signal) -> np.ndarray:
    """The outputs of a layer, (frames, 2 * units), forward before backward. Both directions run
    together, forward from the start and backward from the end."""
    units = layer.directions[0].units
    found = np.empty((frames, 2 * units), np.float32)
    width = layer.inputs[0].width
    rooms = [aligned((min(BLOCK, frames) * width + SLACK,)) for _ in range(2)]
    states = [one.begin() for one in layer.directions]
    starts = range(0, frames, BLOCK)
    for places in zip(starts, reversed(starts), strict=True):
        chains = []
        for way, start in enumerate(places):
            end = min(start + BLOCK, frames)
            projected = rooms[way][: (end - start) * width].reshape(end - start, width)
            signal(layer.inputs[way], start, end, projected)
            out = found[start:end, way * units : (way + 1) * units]
            step = -1 if way else 1
            chains.append(
                layer.directions[way].through(
                    projected[::step, : GATES * units], states[way], out[::step]
                )
            )
        run(units, chains)
    return found


def _softmax(scores: np.ndarray) -> np.ndarray:
    """Probabilities of the classes after the first: (frames, classes - 1)."""
    # By column: reductions over rows of three would take most of the time here.
    powers = np.exp(scores - reduce(np.maximum, scores.T)[:, None])
    return powers[:, 1:] / reduce(np.add, powers.T)[:, None]
