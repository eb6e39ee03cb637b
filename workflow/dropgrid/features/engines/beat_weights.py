"""The trained networks: madmom's downbeat ensemble, read from its installed package.

The weights are licensed Creative Commons BY-NC-SA 4.0 and are not part of dropgrid. They are read
from madmom's package without importing it and without executing code from a pickle, and are stored
as one file of plain arrays. dropgrid-models contains that file and the `features` stage loads it.

Source: S. Böck, F. Krebs, G. Widmer, "Joint beat and downbeat tracking with recurrent neural
networks", ISMIR 2016; madmom.features.downbeats.RNNDownBeatProcessor of madmom 0.16.1.
"""

from __future__ import annotations

import hashlib
import io
import pickle
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from ...base.errors import ModelError
from ...base.files import write_atomically
from . import npz
from .model_files import HELP, find, ready_made
from .network_unpickler import NetworkUnpickler

NAME = "downbeats.npz"
BANDS = 314  # network inputs a frame: see dropgrid.features.engines.filterbank
MODELS = Path("models", "downbeats", "2016")
SHA256 = {
    "downbeats_blstm_1.pkl": "b02c4b8aa963069449422fd5cc55bd4077105fe268b0d83036b7d68b5520f38d",
    "downbeats_blstm_2.pkl": "6fa9d138ed84bed14ab5ef6f81f3a7e1a125ff8c571a255f6ce91ccf93390eee",
    "downbeats_blstm_3.pkl": "adf6a3e3bf345a9172e8252a511dae28622afe26ee653354c0d4c9e37de8f89a",
    "downbeats_blstm_4.pkl": "a4f9a09b1588ca74b0157251364650d3fe81e383019b5986941415e08b37fcde",
    "downbeats_blstm_5.pkl": "e40aea9b8221babaf14a9211a48dccc3ebcecdf8bcd6d62d60f0949445de9bb6",
    "downbeats_blstm_6.pkl": "89b6854c5d6b2381687731aedc9bce6c84894021d1c2eeb60d161cefe997d68c",
    "downbeats_blstm_7.pkl": "371a319a66d32bee6ab8d4a15f6ae9e4ee22ff97b4276736bab93d9a994c06c1",
    "downbeats_blstm_8.pkl": "a0d20e1922872a3e5b74df451d8b5701de6ca88d9f5739f313fb2991d7a84c77",
}
GATES = ("input_gate", "output_gate", "forget_gate", "cell")
PEEPHOLES = GATES[:3]


@dataclass(frozen=True)
class Layer:
    """A bidirectional LSTM layer; axis 0 is forward, backward.

    inputs: (2, 4 * units, inputs); recurrent: (2, 4 * units, units); bias: (2, 4 * units);
    peepholes: (2, 3 * units). Gates in the order input, output, forget, cell. All float32.
    """

    inputs: np.ndarray
    recurrent: np.ndarray
    bias: np.ndarray
    peepholes: np.ndarray


FIELDS = fields(Layer)


@dataclass(frozen=True)
class Weights:
    """One network: its recurrent layers, then a softmax layer (units, 3) with bias (3,)."""

    layers: tuple[Layer, ...]
    output: np.ndarray
    output_bias: np.ndarray


def prepare(path: Path) -> None:
    """Write the ensemble as one file, always the same bytes. Raises ModelError, OSError."""
    write_atomically(path, ready_made(NAME, lambda: to_bytes(read_weights(find_models()))))


def to_bytes(networks: list[Weights]) -> bytes:
    """The networks as an archive of arrays, which of_arrays understands."""
    named: dict[str, np.ndarray] = {}
    for n, network in enumerate(networks):
        for m, layer in enumerate(network.layers):
            named |= {f"{n}/{m}/{field.name}": getattr(layer, field.name) for field in FIELDS}
        named |= {f"{n}/output": network.output, f"{n}/output_bias": network.output_bias}
    return npz.packed(named)


def of_arrays(named: dict[str, np.ndarray], path: Path) -> list[Weights]:
    """The networks of such an archive. Raises ModelError, with the path, for any other archive."""
    try:
        counts = range(1 + max(int(name.split("/")[0]) for name in named))
        return [_of_arrays(named, f"{n}/") for n in counts]
    except (KeyError, ValueError) as error:
        raise ModelError(f"{path}: holds no networks for beats ({error})") from error


def _of_arrays(named: dict[str, np.ndarray], prefix: str) -> Weights:
    layers: list[Layer] = []
    while f"{prefix}{len(layers)}/inputs" in named:
        at = f"{prefix}{len(layers)}/"
        layers.append(Layer(**{field.name: named[at + field.name] for field in FIELDS}))
        _check(layers[-1])
    if not layers:
        raise KeyError("layers")
    return Weights(tuple(layers), named[f"{prefix}output"], named[f"{prefix}output_bias"])


def _check(layer: Layer) -> None:
    ways, gates, units = layer.recurrent.shape
    fits = (
        (ways, gates) == (2, 4 * units)
        and layer.inputs.shape[:2] == layer.bias.shape == (2, 4 * units)
        and layer.peepholes.shape == (2, 3 * units)
        and all(getattr(layer, field.name).dtype == np.float32 for field in FIELDS)
    )
    if not fits:
        raise ValueError("arrays of other shapes")


def find_models() -> Path:
    """The folder of the installed madmom's downbeat networks. Does not import madmom.

    Raises ModelError, with instructions to install them.
    """
    if models := find("madmom", MODELS):
        return models
    raise ModelError(f"madmom's trained networks are not installed; {HELP}")


def read_weights(folder: Path) -> list[Weights]:
    """The eight networks in the folder, as plain arrays.

    Raises ModelError for a missing, changed or unreadable file.
    """
    return [_read_network(folder / name, digest) for name, digest in SHA256.items()]


def _read_network(path: Path, sha256: str) -> Weights:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror}); {HELP}") from error
    if hashlib.sha256(data).hexdigest() != sha256:
        raise ModelError(f"{path}: is not the file that madmom 0.16.1 ships; {HELP}")
    try:
        *layers, output = _Unpickler(io.BytesIO(data), encoding="latin1").load().layers
        return Weights(
            layers=tuple(_layer(layer) for layer in layers),
            output=output.weights,
            output_bias=output.bias,
        )
    except (pickle.UnpicklingError, AttributeError, KeyError, ValueError) as error:
        raise ModelError(f"{path}: holds no network ({error})") from error


def _layer(layer: Any) -> Layer:
    directions = (layer.fwd_layer, layer.bwd_layer)

    def stack(gates: tuple[str, ...], array: str) -> np.ndarray:
        return np.stack(
            [
                np.concatenate([getattr(getattr(way, gate), array).T for gate in gates])
                for way in directions
            ]
        )

    return Layer(
        inputs=stack(GATES, "weights"),
        recurrent=stack(GATES, "recurrent_weights"),
        bias=stack(GATES, "bias"),
        peepholes=stack(PEEPHOLES, "peephole_weights"),
    )


class _Unpickler(NetworkUnpickler):
    """Unpickles arrays and madmom's recurrent networks, and nothing else."""

    PARTS = frozenset(
        {("madmom.ml.nn", "NeuralNetwork")}
        | {("madmom.ml.nn.layers", name) for name in
           ("BidirectionalLayer", "LSTMLayer", "Gate", "Cell", "FeedForwardLayer")}
        | {("madmom.ml.nn.activations", name) for name in ("sigmoid", "tanh", "softmax")}
    )  # fmt: skip
