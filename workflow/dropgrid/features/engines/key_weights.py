"""madmom's key network, read from its package and kept as one ONNX file.

Like the beat networks (`weights`) its weights are Creative Commons BY-NC-SA 4.0 and no part of
dropgrid: they are read from madmom's package without importing it and without running anything a
pickle might ask for.

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
from .installed import HELP, find, onnx_file
from .prepare import ONNX_OPSET

NAME = "key.onnx"
MODEL = Path("models", "key", "2018", "key_cnn.pkl")
SHA256 = "c58ba553be1048877662a663a2670c0051b3c2c66d109b6042ba722ed0bfc7a6"
BANDS = 105  # network inputs a frame: see dropgrid.features.pitch


@dataclass(frozen=True)
class Convolution:
    """A convolution with its batch normalisation folded in, and an ELU behind.

    weights: (outputs, inputs, height, width) of a correlation, time before frequency;
    bias: (outputs,); padding: zeros on every side; pooled: whether the largest of each 2 by 2
    values is what goes on.
    """

    weights: np.ndarray
    bias: np.ndarray
    padding: int
    pooled: bool = False


def prepare(path: Path) -> None:
    """Write the network as an ONNX file, always the same bytes. Raises ModelError, OSError."""
    write_atomically(path, onnx_file(NAME, lambda: to_onnx(read_network(find_model()))))


def find_model() -> Path:
    """The file of the installed madmom's key network. Does not import madmom.

    Raises ModelError, saying how to get it.
    """
    if model := find("madmom", MODEL):
        return model
    raise ModelError(f"madmom's key network is not installed; {HELP}")


def read_network(path: Path) -> list[Convolution]:
    """The network's layers as plain arrays. Raises ModelError: missing, changed, unreadable."""
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


def to_onnx(network: list[Convolution]) -> bytes:
    """One ONNX graph: "spectrum" (frames, BANDS) -> "scores" (frames // 8, 24).

    The scores are the last maps averaged over frequency alone: their mean over time is what the
    softmax of the network takes, and their means over stretches tell where the key changes.
    """
    from onnx import TensorProto, helper, numpy_helper

    nodes = [helper.make_node("Unsqueeze", ["spectrum", "batch_and_channel"], ["maps0"])]
    constants = {"batch_and_channel": np.array([0, 1], np.int64)}
    for n, layer in enumerate(network):
        constants |= {f"W{n}": layer.weights, f"B{n}": layer.bias}
        after = f"maps{n + 1}"
        raw = f"convolved{n}"
        nodes.append(
            helper.make_node("Conv", [f"maps{n}", f"W{n}", f"B{n}"], [raw],
                             pads=[layer.padding] * 4)
        )  # fmt: skip
        if layer.pooled:
            nodes += [
                helper.make_node("Elu", [raw], [f"elu{n}"]),
                helper.make_node("MaxPool", [f"elu{n}"], [after], kernel_shape=[2, 2],
                                 strides=[2, 2]),
            ]  # fmt: skip
        else:
            nodes.append(helper.make_node("Elu", [raw], [after]))
    last = f"maps{len(network)}"
    nodes += [
        helper.make_node("ReduceMean", [last], ["means"], axes=[3], keepdims=0),
        helper.make_node("Transpose", ["means"], ["steps"], perm=[0, 2, 1]),
        helper.make_node("Squeeze", ["steps", "batch"], ["scores"]),
    ]
    constants["batch"] = np.array([0], np.int64)
    graph = helper.make_graph(
        nodes,
        "key",
        [helper.make_tensor_value_info("spectrum", TensorProto.FLOAT, ["frames", BANDS])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["steps", 24])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    opset = helper.make_opsetid("", ONNX_OPSET)
    model = helper.make_model(graph, opset_imports=[opset], producer_name="dropgrid", ir_version=8)
    return model.SerializeToString(deterministic=True)


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


class _Part:
    """Stands for any of madmom's classes: its name, attributes, and no behaviour."""

    NAME = ""

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)


class _Unpickler(pickle.Unpickler):
    """Unpickles arrays and madmom's convolutional networks, and nothing else."""

    PARTS = frozenset(
        {("madmom.ml.nn", "NeuralNetwork")}
        | {("madmom.ml.nn.layers", name) for name in
           ("PadLayer", "ConvolutionalLayer", "BatchNormLayer", "MaxPoolLayer", "AverageLayer")}
        | {("madmom.ml.nn.activations", name) for name in ("linear", "elu")}
    )  # fmt: skip
    ARRAYS = frozenset({
        ("numpy.core.multiarray", "_reconstruct"), ("numpy", "ndarray"), ("numpy", "dtype"),
    })  # fmt: skip

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in self.PARTS:
            return type(name, (_Part,), {"NAME": name})
        if (module, name) in self.ARRAYS:
            return super().find_class(module.replace("numpy.core", "numpy._core"), name)
        raise pickle.UnpicklingError(f"asks for {module}.{name}")
