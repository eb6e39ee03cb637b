"""The files of networks: an engine's name in their place, what is missing, and preloading."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from dropgrid import native
from dropgrid.base.errors import ModelError
from dropgrid.features.engines import llvm, model_files
from dropgrid.settings.config import complete_config
from dropgrid.stages import networks
from dropgrid.stages.preload import Preloader

ENGINE = """
import numpy as np

__version__ = "7"


def find(samples, rate):
    return np.zeros((len(samples) * 100 // rate, 2))
"""


@pytest.fixture
def engine(tmp_path: Path) -> str:
    (tmp_path / "own.py").write_text(ENGINE)
    return f"{tmp_path / 'own.py'}:find"


def test_an_engine_of_the_users_is_named_in_place_of_the_networks(
    engine: str, tmp_path: Path
) -> None:
    networks.prepare_network(tmp_path / "network.npz", engine)
    written = (tmp_path / "network.npz").read_bytes()
    name = networks.maker(engine)
    assert "find" in name
    assert written == b"none: engine " + f"{engine}\n{name}\n".encode()
    assert networks.load_networks(tmp_path / "network.npz", None) == (engine, None)
    with pytest.raises(ModelError):
        networks.maker(f"{tmp_path / 'none.py'}:find")
    with pytest.raises(ModelError, match="cannot be read"):
        networks.load_networks(tmp_path / "no such file", None)


@pytest.mark.parametrize(
    ("bpm", "key", "asked"),
    [
        ("open", "profiles", {"scipy"}),
        ("madmom", "profiles", {"scipy", "llvmlite"}),
        ("open", "madmom", {"scipy", "llvmlite"}),
    ],
)
def test_without_compiled_loops_networks_need_llvm_and_all_else_scipy(
    bpm: str, key: str, asked: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found: set[str] = set()

    def has(package: str) -> bool:
        found.add(package)
        return True

    monkeypatch.setattr(native, "compiled", lambda: None)
    monkeypatch.setattr(llvm, "has", has)
    networks.check_networks(complete_config({"bpm": {"method": bpm}, "key": {"method": key}}))
    assert found == asked


def test_a_configured_engine_is_checked(engine: str, tmp_path: Path) -> None:
    def config(method: str) -> Any:
        return complete_config({"bpm": {"method": "open"}, "key": {"method": "profiles"}}) | {
            "bpm": {"method": method}
        }

    networks.check_networks(config(engine))
    with pytest.raises(ModelError):
        networks.check_networks(config(f"{tmp_path / 'none.py'}:find"))


def test_networks_are_loaded_again_whenever_their_files_change(tmp_path: Path) -> None:
    beats, key = tmp_path / "network.npz", tmp_path / "key.npz"
    ready = Preloader(beats, key)
    assert ready(b"b") and not ready(b"b")
    assert not ready(b"f")  # there is nothing to load
    networks.prepare_network(beats, "open")
    networks.prepare_key_network(key, "profiles")
    assert not ready(b"s")  # a command that needs none
    assert ready(b"f") and not ready(b"f")
    assert networks.load_networks.cache_info().currsize == 1
    beats.write_bytes(b"no network")
    os.utime(beats, ns=(1, 1))
    assert ready(b"f") and not ready(b"f")  # the job will say what is wrong with it
    assert networks.load_networks.cache_info().currsize == 0


@pytest.mark.parametrize(
    ("bpm", "key", "missing"),
    [
        ("open", "profiles", None),
        ("madmom", "profiles", "trained networks are not installed"),
        ("open", "madmom", "trained networks are not installed"),
        ("librosa", "profiles", "librosa"),
    ],
)
def test_only_what_a_configuration_needs_has_to_be_installed(
    bpm: str, key: str, missing: str | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(model_files, "find", lambda *_: None)
    monkeypatch.setattr(model_files, "has", lambda package: False)
    config = complete_config({"bpm": {"method": bpm}, "key": {"method": key}})
    if missing is None:
        networks.check_networks(config)
        return
    with pytest.raises(ModelError, match=missing):
        networks.check_networks(config)
    if bpm == "librosa":
        with pytest.raises(ModelError, match=missing):
            networks.prepare_network(tmp_path / "network", bpm)
        assert not (tmp_path / "network").exists()


@pytest.mark.parametrize("method", ["madmom", "open", "librosa"])
def test_a_method_of_dropgrids_own_has_no_version_but_its_name(method: str) -> None:
    assert networks.maker(method) == method


def test_trained_networks_are_written_and_loaded(tmp_path: Path) -> None:
    beats, key = tmp_path / "network.npz", tmp_path / "key.npz"
    networks.prepare_network(beats, "madmom")
    networks.prepare_key_network(key, "madmom")
    ensemble, key_network = networks.load_networks(beats, key)
    assert not isinstance(ensemble, str) and key_network is not None
    without, none = networks.load_networks(beats, None)
    assert callable(without) and none is None
    networks.prepare_key_network(key, "profiles")
    networks.load_networks.cache_clear()
    assert networks.load_networks(beats, key)[1] is None
