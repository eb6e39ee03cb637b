"""The trained networks: found, checked, read without running anything, written as plain arrays."""

from __future__ import annotations

import os
import pickle
import sys
from pathlib import Path

import numpy as np
import pytest
from dropgrid import native
from dropgrid.base.errors import ModelError
from dropgrid.features.engines import (
    beat_ensemble,
    beat_weights,
    front_end,
    key_network,
    key_weights,
    llvm,
    lstm_kernel,
    lstm_llvm,
)
from dropgrid.settings.config import complete_config
from dropgrid.stages.networks import check_networks, prepare_key_network, prepare_network


@pytest.fixture(scope="module")
def models() -> Path:
    """The folder of madmom's own networks, which `make setup-compare` installs."""
    try:
        return beat_weights.find_models()
    except ModelError:
        pytest.skip("madmom is not installed here: make setup-compare")


@pytest.fixture(scope="module")
def networks(models: Path) -> list[beat_weights.Weights]:
    return beat_weights.read_weights(models)


def test_the_ensemble_is_eight_networks_of_three_bidirectional_layers(
    networks: list[beat_weights.Weights],
) -> None:
    assert len(networks) == 8
    for network in networks:
        assert [layer.inputs.shape for layer in network.layers] == [
            (2, 100, beat_weights.BANDS), (2, 100, 50), (2, 100, 50),
        ]  # fmt: skip
        assert [layer.recurrent.shape for layer in network.layers] == [(2, 100, 25)] * 3
        assert [layer.peepholes.shape for layer in network.layers] == [(2, 75)] * 3
        assert network.output.shape == (50, 3)


def test_finding_and_reading_the_networks_does_not_import_madmom(
    networks: list[beat_weights.Weights],
) -> None:
    import subprocess

    program = (
        "import sys; from dropgrid.features.engines import beat_weights; "
        "beat_weights.read_weights(beat_weights.find_models()); "
        "sys.exit('madmom' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0


def test_the_file_prepared_is_the_same_every_time(tmp_path: Path) -> None:
    for name in ("one", "two"):
        beat_weights.prepare(tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_a_network_computes_what_its_equations_say(
    tmp_path: Path, networks: list[beat_weights.Weights], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In blocks that do not divide the sequence; no number depends on the count of threads."""
    levels = np.random.default_rng(0).uniform(0, 2, (150 + front_end.LEAD, sum(front_end.BANDS)))
    levels = levels.astype(np.float32)
    inputs = front_end.with_rises(levels)
    assert inputs.shape == (150, beat_weights.BANDS)
    beat_weights.prepare(tmp_path / "network.npz")
    expected = np.mean([peephole_network(inputs, one) for one in networks], axis=0)
    monkeypatch.setattr(beat_ensemble, "BLOCK", 64)
    mean = beat_ensemble.load(tmp_path / "network.npz")
    got = mean(levels)
    np.testing.assert_allclose(got, expected[:, 1:], atol=1e-6)
    for threads in (2, 3, 16):
        np.testing.assert_array_equal(mean(levels, threads), got)


@pytest.mark.slow
@pytest.mark.smoke
def test_every_processor_gives_the_same_bits(
    networks: list[beat_weights.Weights], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By LLVM: the newest level of this one, the one before, one without fused additions, and
    its own."""
    layer = networks[0].layers[1]
    one = lstm_kernel.direction(layer.recurrent[0], layer.bias[0], layer.peepholes[0])
    random = np.random.default_rng(0)
    room = random.normal(0, 3, 40 * 100 + lstm_kernel.SLACK).astype(np.float32)
    projected = room[: 40 * 100].reshape(40, 100)
    found = []
    for levels in (llvm.LEVELS, {"avx2": "x86-64-v3"}, {"sse2": "x86-64"}, {}):
        monkeypatch.setattr(llvm, "LEVELS", levels)
        out = np.zeros((40, 25), np.float32)
        kernel = lstm_llvm.kernel_of_llvm(25)
        kernel(*one.through(projected, one.begin(), out))
        found.append(out.tobytes())
    assert len(set(found)) == 1 and found[0] != bytes(len(found[0]))


def peephole_network(inputs: np.ndarray, network: beat_weights.Weights) -> np.ndarray:
    """The network in double precision, one frame at a time, as madmom.ml.nn computes it."""
    signal = inputs.astype(float)
    for layer in network.layers:
        forward, backward = (lstm(signal[::step], layer, way) for way, step in ((0, 1), (1, -1)))
        signal = np.hstack([forward, backward[::-1]])
    scores = np.exp(signal @ network.output + network.output_bias)
    return scores / scores.sum(axis=1, keepdims=True)


def lstm(signal: np.ndarray, layer: beat_weights.Layer, way: int) -> np.ndarray:
    def sigmoid(x: np.ndarray) -> np.ndarray:
        return 1 / (1 + np.exp(-x))

    peephole_in, peephole_out, peephole_forget = layer.peepholes[way].reshape(3, -1)
    state = output = np.zeros(25)
    outputs = []
    for frame in signal:
        gates = layer.inputs[way] @ frame + layer.bias[way] + layer.recurrent[way] @ output
        to_in, to_out, to_forget, to_cell = gates.reshape(4, -1)
        kept = sigmoid(to_forget + peephole_forget * state) * state
        state = kept + sigmoid(to_in + peephole_in * state) * np.tanh(to_cell)
        output = sigmoid(to_out + peephole_out * state) * np.tanh(state)
        outputs.append(output)
    return np.array(outputs)


def test_a_changed_file_is_refused_by_its_hash(tmp_path: Path, models: Path) -> None:
    for name in beat_weights.SHA256:
        (tmp_path / name).symlink_to(models / name)
    changed = tmp_path / "downbeats_blstm_3.pkl"
    data = bytearray(changed.read_bytes())
    data[5000] ^= 1
    changed.unlink()
    changed.write_bytes(data)
    with pytest.raises(ModelError, match=r"downbeats_blstm_3.pkl: is not the file that madmom"):
        beat_weights.read_weights(tmp_path)
    changed.unlink()
    with pytest.raises(ModelError, match="cannot be read"):
        beat_weights.read_weights(tmp_path)


def test_a_pickle_that_asks_for_anything_else_runs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import hashlib

    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(tmp_path / "broken in"),)

    data = pickle.dumps(Evil(), protocol=2)
    (tmp_path / "evil.pkl").write_bytes(data)
    monkeypatch.setattr(beat_weights, "SHA256", {"evil.pkl": hashlib.sha256(data).hexdigest()})
    with pytest.raises(ModelError, match=r"evil.pkl: holds no network \(asks for posix.mkdir\)"):
        beat_weights.read_weights(tmp_path)
    assert not (tmp_path / "broken in").exists()


def test_without_networks_the_error_says_how_to_get_them_and_what_does_without(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config = complete_config({})
    monkeypatch.setattr(sys, "path", [])
    for asked in (
        lambda: check_networks(config),
        lambda: prepare_network(tmp_path / "network.npz", "madmom"),
        lambda: prepare_key_network(tmp_path / "key.npz", "madmom"),
    ):
        with pytest.raises(ModelError, match=r"pip install dropgrid-models .*method: open"):
            asked()
    assert list(tmp_path.iterdir()) == []  # no other method took its place


def test_the_method_that_does_without_says_so_where_librosa_is_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config = complete_config({"bpm": {"method": "librosa"}, "key": {"method": "profiles"}})
    check_networks(config)
    monkeypatch.setattr(sys, "path", [])
    with pytest.raises(ModelError, match=r"pip install 'dropgrid\[librosa\]'"):
        check_networks(config)
    with pytest.raises(ModelError, match="needs librosa, not installed"):
        prepare_network(tmp_path / "network.npz", "librosa")


def test_without_compiled_loops_the_error_says_what_stands_in_for_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    free = complete_config({"bpm": {"method": "open"}, "key": {"method": "profiles"}})
    check_networks(free)
    monkeypatch.setattr(native, "compiled", lambda: None)
    check_networks(complete_config({}))  # this environment has LLVM and scipy
    monkeypatch.setattr(llvm, "has", lambda package: package != "scipy")
    for config in (free, complete_config({})):
        with pytest.raises(ModelError, match=r"LLVM and scipy .*pip install 'dropgrid\[llvm\]'"):
            check_networks(config)


def test_ready_made_networks_are_used_as_they_are(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    package = tmp_path / "site" / "dropgrid_models"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    for name in (beat_weights.NAME, key_weights.NAME):
        (package / name).write_bytes(name.encode())
    monkeypatch.setattr(sys, "path", [str(tmp_path / "site")])
    check_networks(complete_config({}))
    prepare_network(tmp_path / "network.npz", "madmom")
    prepare_key_network(tmp_path / "key.npz", "madmom")
    assert (tmp_path / "network.npz").read_bytes() == beat_weights.NAME.encode()
    assert (tmp_path / "key.npz").read_bytes() == key_weights.NAME.encode()


def test_a_file_that_is_not_a_network_is_refused_when_loaded(tmp_path: Path) -> None:
    (tmp_path / "network.npz").write_bytes(b"nonsense")
    with pytest.raises(ModelError, match="cannot be loaded"):
        beat_ensemble.load(tmp_path / "network.npz")


def test_a_network_of_another_kind_is_refused_by_name(tmp_path: Path) -> None:
    beat_weights.prepare(tmp_path / "beats.npz")
    key_weights.prepare(tmp_path / "key.npz")
    with pytest.raises(ModelError, match=r"key.npz: holds no networks for beats"):
        beat_ensemble.load(tmp_path / "key.npz")
    with pytest.raises(ModelError, match=r"beats.npz: holds no key network"):
        key_network.load(tmp_path / "beats.npz")
    with np.load(tmp_path / "beats.npz") as archive:
        named = dict(archive)
    for name, changed in (
        ("3/1/recurrent", named["3/1/recurrent"][:, :, :20]),
        ("0/0/bias", named["0/0/bias"].astype(np.float64)),
        ("7/2/peepholes", named["7/2/peepholes"][:1]),
    ):
        (tmp_path / "changed.npz").write_bytes(b"")
        np.savez(tmp_path / "changed.npz", **{**named, name: changed})
        with pytest.raises(ModelError, match=r"changed.npz: .* \(arrays of other shapes\)"):
            beat_ensemble.load(tmp_path / "changed.npz")
    np.savez(tmp_path / "empty.npz", **{"0/output": named["0/output"]})
    with pytest.raises(ModelError, match=r"empty.npz: holds no networks for beats"):
        beat_ensemble.load(tmp_path / "empty.npz")
