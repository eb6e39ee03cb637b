"""madmom's key network, read from its package and stored as one file of plain arrays.

Like those of the beat networks (`beat_weights`), its weights are licensed Creative Commons
BY-NC-SA 4.0 and are not part of dropgrid. They are read from madmom's package without importing it
and without executing code from a pickle.

Source: F. Korzeniowski, G. Widmer, "Genre-agnostic key classification with convolutional neural
networks", ISMIR 2018; madmom.features.key.CNNKeyRecognitionProcessor of madmom 0.16.1.
"""

from __future__ import annotations

import hashlib
import io
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...base.errors import ModelError
from ...base.files import write_atomically
from . import npz
from .model_files import HELP, find, ready_made
from .network_unpickler import NetworkUnpickler

NAME = "key.npz"
MODEL = Path("models", "key", "2018", "key_cnn.pkl")
SHA256 = "c58ba553be1048877662a663a2670c0051b3c2c66d109b6042ba722ed0bfc7a6"
CLASSES = 24
BANDS = 105  # network inputs a frame: see dropgrid.features.pitch


@dataclass(frozen=True)
class Convolution:
    """A convolution with folded-in batch normalisation, followed by an ELU.

    weights: (outputs, inputs, height, width) of a correlation, time before frequency; bias:
    (outputs,); padding: zeros on every side; pooled: whether 2 by 2 max pooling follows.
    """

    weights: np.ndarray
    bias: np.ndarray
    padding: int
    pooled: bool = False


def prepare(path: Path) -> None:
    """Write the network as a file, always the same bytes. Raises ModelError, OSError."""
    write_atomically(path, ready_made(NAME, lambda: to_bytes(read_network(find_model()))))


def find_model() -> Path:
    """The file of the installed madmom's key network. Does not import madmom.

    Raises ModelError, with instructions to install it.
    """
    if model := find("madmom", MODEL):
        return model
    raise ModelError(f"madmom's key network is not installed; {HELP}")


def read_network(path: Path) -> list[Convolution]:
    """The network's layers as plain arrays. Raises ModelError if missing, changed or
    unreadable."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror}); {HELP}") from error
    if hashlib.sha256(data).hexdigest() != SHA256:
        raise ModelError(f"{path}: is not the file that madmom 0.16.1 ships; {HELP}")
    try:
        return _convolutions(_Unpickler(io.BytesIO(data), encoding="latin1").load().layers)
    except (pickle.UnpicklingError, AttributeError, KeyError, ValueError) as error:
        raise ModelError(f"{path}: holds no key network ({error})") from error


def to_bytes(network: list[Convolution]) -> bytes:
    """The network as an archive of arrays, which of_arrays understands."""
    named: dict[str, np.ndarray] = {}
    for n, layer in enumerate(network):
        shape = np.array([layer.padding, layer.pooled])
        named |= {f"{n}/weights": layer.weights, f"{n}/bias": layer.bias, f"{n}/shape": shape}
    return npz.packed(named)


def of_arrays(named: dict[str, np.ndarray], path: Path) -> list[Convolution]:
    """The network of such an archive. Raises ModelError, with the path, for any other archive."""
    found: list[Convolution] = []
    channels = 1
    try:
        for n in range(len(named) // 3):
            weights, bias = named[f"{n}/weights"], named[f"{n}/bias"]
            padding, pooled = map(int, named[f"{n}/shape"])
            if weights.ndim != 4 or weights.shape[:2] != (len(bias), channels) or padding < 0:
                raise ValueError("arrays of other shapes")
            found.append(Convolution(weights, bias, padding, bool(pooled)))
            channels = len(bias)
        if channels != CLASSES:
            raise ValueError(f"{channels} classes, not {CLASSES}")
    except (KeyError, ValueError, TypeError) as error:
        raise ModelError(f"{path}: holds no key network ({error})") from error
    return found


def _convolutions(layers: list[Any]) -> list[Convolution]:
    """madmom's layers, one after another, as convolutions; ValueError for any other."""
    found: list[Convolution] = []
    padding = 0
    weights: np.ndarray | None = None
    for layer in layers:
        match layer.NAME:
            case "PadLayer":
                padding = int(layer.width)
            case "ConvolutionalLayer":
                # (inputs, outputs, ...), and a true convolution, whose kernels are flipped.
                weights = layer.weights.transpose(1, 0, 2, 3)[:, :, ::-1, ::-1]
            case "BatchNormLayer" if weights is not None:
                scale = layer.gamma * layer.inv_std
                folded = np.ascontiguousarray(weights * scale[:, None, None, None], np.float32)
                bias = (layer.beta - layer.mean * scale).astype(np.float32)
                found.append(Convolution(folded, bias, padding))
                weights, padding = None, 0
            case "MaxPoolLayer" if found and tuple(layer.size) == (2, 2):
                *_, last = found
                found[-1] = Convolution(last.weights, last.bias, last.padding, pooled=True)
            case "AverageLayer":
                pass
            case other:
                raise ValueError(f"an unexpected {other}")
    return found


class _Unpickler(NetworkUnpickler):
    """Unpickles arrays and madmom's convolutional networks, and nothing else."""

    PARTS = frozenset(
        {("madmom.ml.nn", "NeuralNetwork")}
        | {("madmom.ml.nn.layers", name) for name in
           ("PadLayer", "ConvolutionalLayer", "BatchNormLayer", "MaxPoolLayer", "AverageLayer")}
        | {("madmom.ml.nn.activations", name) for name in ("linear", "elu")}
    )  # fmt: skip
