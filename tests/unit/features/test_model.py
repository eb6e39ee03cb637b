"""The trained networks: found, checked, read without running anything, written as ONNX."""

from __future__ import annotations

import os
import pickle
import sys
from pathlib import Path

import numpy as np
import pytest
from dropgrid import stages
from dropgrid.base.errors import ModelError
from dropgrid.features.engines import key_weights, prepare, weights
from dropgrid.settings.config import complete_config


@pytest.fixture(scope="module")
def networks() -> list[weights.Weights]:
    return weights.read_weights(weights.find_models())


def test_the_ensemble_is_eight_networks_of_three_bidirectional_layers(
    networks: list[weights.Weights],
) -> None:
    assert len(networks) == 8
    for network in networks:
        assert [layer.inputs.shape for layer in network.layers] == [
            (2, 100, prepare.BANDS), (2, 100, 50), (2, 100, 50),
        ]  # fmt: skip
        assert [layer.recurrent.shape for layer in network.layers] == [(2, 100, 25)] * 3
        assert [layer.peepholes.shape for layer in network.layers] == [(2, 75)] * 3
        assert network.output.shape == (50, 3)


def test_finding_and_reading_the_networks_does_not_import_madmom(
    networks: list[weights.Weights],
) -> None:
    import subprocess

    program = (
        "import sys; from dropgrid.features.engines import weights; "
        "weights.read_weights(weights.find_models()); "
        "sys.exit('madmom' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0


def test_the_file_prepared_is_the_same_every_time(tmp_path: Path) -> None:
    for name in ("one", "two"):
        prepare.prepare(tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_a_network_computes_what_its_equations_say(
    tmp_path: Path, networks: list[weights.Weights]
) -> None:
    from dropgrid.features.engines import network

    inputs = np.random.default_rng(0).uniform(0, 1, (50, prepare.BANDS)).astype(np.float32)
    prepare.prepare(tmp_path / "network.onnx")
    expected = np.mean([peephole_network(inputs, one) for one in networks], axis=0)
    got = network.load(tmp_path / "network.onnx")(inputs)
    np.testing.assert_allclose(got, expected[:, 1:], atol=1e-5)


def peephole_network(inputs: np.ndarray, network: weights.Weights) -> np.ndarray:
    """The network in double precision, one frame at a time, as madmom.ml.nn computes it."""
    signal = inputs.astype(float)
    for layer in network.layers:
        forward, backward = (lstm(signal[::step], layer, way) for way, step in ((0, 1), (1, -1)))
        signal = np.hstack([forward, backward[::-1]])
    scores = np.exp(signal @ network.output + network.output_bias)
    return scores / scores.sum(axis=1, keepdims=True)


def lstm(signal: np.ndarray, layer: weights.Layer, way: int) -> np.ndarray:
    def sigmoid(x: np.ndarray) -> np.ndarray:
        return 1 / (1 + np.exp(-x))

    peephole_in, peephole_out, peephole_forget = layer.peepholes[way].reshape(3, -1)
    state = output = np.zeros(25)
    outputs = []
    for frame in signal:
        gates = layer.inputs[way] @ frame + layer.bias[way, :100] + layer.recurrent[way] @ output
        to_in, to_out, to_forget, to_cell = gates.reshape(4, -1)
        kept = sigmoid(to_forget + peephole_forget * state) * state
        state = kept + sigmoid(to_in + peephole_in * state) * np.tanh(to_cell)
        output = sigmoid(to_out + peephole_out * state) * np.tanh(state)
        outputs.append(output)
    return np.array(outputs)


def test_a_changed_file_is_refused_by_its_hash(tmp_path: Path) -> None:
    source = weights.find_models()
    for name in weights.SHA256:
        (tmp_path / name).symlink_to(source / name)
    changed = tmp_path / "downbeats_blstm_3.pkl"
    data = bytearray(changed.read_bytes())
    data[5000] ^= 1
    changed.unlink()
    changed.write_bytes(data)
    with pytest.raises(ModelError, match=r"downbeats_blstm_3.pkl: is not the file that madmom"):
        weights.read_weights(tmp_path)
    changed.unlink()
    with pytest.raises(ModelError, match="cannot be read"):
        weights.read_weights(tmp_path)


def test_a_pickle_that_asks_for_anything_else_runs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import hashlib

    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(tmp_path / "broken in"),)

    data = pickle.dumps(Evil(), protocol=2)
    (tmp_path / "evil.pkl").write_bytes(data)
    monkeypatch.setattr(weights, "SHA256", {"evil.pkl": hashlib.sha256(data).hexdigest()})
    with pytest.raises(ModelError, match=r"evil.pkl: holds no network \(asks for posix.mkdir\)"):
        weights.read_weights(tmp_path)
    assert not (tmp_path / "broken in").exists()


def test_without_networks_the_error_says_how_to_get_them_and_what_does_without(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config = complete_config({})
    monkeypatch.setattr(sys, "path", [])
    for asked in (
        lambda: stages.check_networks(config),
        lambda: stages.prepare_network(tmp_path / "network.onnx", "madmom"),
        lambda: stages.prepare_key_network(tmp_path / "key.onnx", "madmom"),
    ):
        with pytest.raises(ModelError, match=r"pip install dropgrid-models .*method: open"):
            asked()
    assert list(tmp_path.iterdir()) == []  # no other method took its place


def test_the_method_that_does_without_says_so_where_librosa_is_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config = complete_config({"bpm": {"method": "librosa"}, "key": {"method": "profiles"}})
    stages.check_networks(config)
    monkeypatch.setattr(sys, "path", [])
    with pytest.raises(ModelError, match=r"pip install 'dropgrid\[librosa\]'"):
        stages.check_networks(config)
    with pytest.raises(ModelError, match="needs librosa, not installed"):
        stages.prepare_network(tmp_path / "network.onnx", "librosa")


def test_networks_that_come_ready_made_are_taken_as_they_are(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    package = tmp_path / "site" / "dropgrid_models"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    for name in (prepare.NAME, key_weights.NAME):
        (package / name).write_bytes(name.encode())
    monkeypatch.setattr(sys, "path", [str(tmp_path / "site")])
    stages.check_networks(complete_config({}))
    stages.prepare_network(tmp_path / "network.onnx", "madmom")
    stages.prepare_key_network(tmp_path / "key.onnx", "madmom")
    assert (tmp_path / "network.onnx").read_bytes() == prepare.NAME.encode()
    assert (tmp_path / "key.onnx").read_bytes() == key_weights.NAME.encode()


def test_a_file_that_is_no_network_is_refused_when_loaded(tmp_path: Path) -> None:
    from dropgrid.features.engines import network

    (tmp_path / "network.onnx").write_bytes(b"nonsense")
    with pytest.raises(ModelError, match="cannot be loaded"):
        network.load(tmp_path / "network.onnx")
