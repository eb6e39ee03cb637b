"""The trained networks as one ONNX file: dropgrid-models' own, or made of madmom's files."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ...base.files import write_atomically
from .installed import onnx_file
from .weights import Weights, find_models, read_weights

NAME = "downbeats.onnx"
BANDS = 314  # network inputs a frame: see dropgrid.features.engines.filterbank
ONNX_OPSET = 17


def prepare(path: Path) -> None:
    """Write the ensemble as one ONNX file, always the same bytes. Raises ModelError, OSError."""
    write_atomically(path, onnx_file(NAME, lambda: to_onnx(read_weights(find_models()))))


def to_onnx(networks: list[Weights]) -> bytes:
    """One ONNX graph: "features" (frames, BANDS) -> "activations" (frames, 2).

    The outputs are the networks' mean probability of a beat that is no downbeat, and of a
    downbeat.
    """
    from onnx import TensorProto, helper, numpy_helper

    nodes = [helper.make_node("Unsqueeze", ["features", "batch_axis"], ["input"])]
    constants = {
        "batch_axis": np.array([1], np.int64),
        "stacked": np.array([0, 1, -1], np.int64),
        "flat": np.array([0, -1], np.int64),
        "beat_starts": np.array([1], np.int64),
        "beat_ends": np.array([3], np.int64),
        "class_axis": np.array([1], np.int64),
    }
    for n, network in enumerate(networks):
        below = "input"
        for m, layer in enumerate(network.layers):
            name = f"net{n}_layer{m}"
            constants |= {
                f"{name}_W": layer.inputs,
                f"{name}_R": layer.recurrent,
                f"{name}_B": layer.bias,
                f"{name}_P": layer.peepholes,
            }
            parameters = [f"{name}_W", f"{name}_R", f"{name}_B", "", "", "", f"{name}_P"]
            nodes += [
                helper.make_node(
                    "LSTM",
                    [below, *parameters],
                    [f"{name}_states"],
                    direction="bidirectional",
                    hidden_size=layer.recurrent.shape[2],
                ),
                helper.make_node("Reshape", [f"{name}_states", "stacked"], [name]),
            ]
            below = name
        constants |= {f"net{n}_W": network.output, f"net{n}_B": network.output_bias}
        nodes += [
            helper.make_node("Reshape", [below, "flat"], [f"net{n}_hidden"]),
            helper.make_node(
                "Gemm", [f"net{n}_hidden", f"net{n}_W", f"net{n}_B"], [f"net{n}_scores"]
            ),
            helper.make_node("Softmax", [f"net{n}_scores"], [f"net{n}_classes"], axis=1),
        ]
    classes = [f"net{n}_classes" for n in range(len(networks))]
    nodes += [
        helper.make_node("Mean", classes, ["classes"]),
        helper.make_node(
            "Slice", ["classes", "beat_starts", "beat_ends", "class_axis"], ["activations"]
        ),
    ]
    graph = helper.make_graph(
        nodes,
        "downbeats",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["frames", BANDS])],
        [helper.make_tensor_value_info("activations", TensorProto.FLOAT, ["frames", 2])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    opset = helper.make_opsetid("", ONNX_OPSET)
    model = helper.make_model(graph, opset_imports=[opset], producer_name="dropgrid", ir_version=8)
    return model.SerializeToString(deterministic=True)
