"""The compiled loops: the same bits as what stands in for them, on every kind of processor."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from dropgrid import native
from dropgrid.audio import channels
from dropgrid.features import loudness, spectra
from dropgrid.features.engines import lstm_kernel, lstm_llvm, matrix

compiler = (os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc").split()[0]
needs_loops = pytest.mark.skipif(
    native.compiled() is None and not shutil.which(compiler),
    reason="no C compiler was there to make the loops",
)
POSITIONS = ("FC", "FL FR", "FL FR FC", "FL FR FC LFE BL BR")


@pytest.fixture
def loops() -> Iterator[Any]:
    found = native.compiled()
    assert found, "the package was built without its loops: make setup"
    yield found
    found.use(found.kinds()[0])


def random(*shape: int) -> np.ndarray:
    return np.random.default_rng(len(shape)).normal(0, 0.6, shape).astype(np.float32)


@needs_loops
def test_the_recurrence_is_llvms_on_every_kind_of_vector(loops: Any) -> None:
    one = lstm_kernel.direction(random(100, 25), random(100), random(75))
    room = 5 * random(40 * 100 + lstm_kernel.SLACK)
    projected = room[: 40 * 100].reshape(40, 100)
    found = []
    for kernel in (lstm_llvm.kernel_of_llvm(25), *(loops.use(k) for k in loops.kinds())):
        lstm_kernel.kernel.cache_clear()
        out, state = np.zeros((41, 25), np.float32), one.begin()
        if kernel:
            kernel(projected.ctypes.data, one.constants.ctypes.data, one.recurrent.ctypes.data,
                   state.ctypes.data, out.ctypes.data, 40, 100, 25)  # fmt: skip
        else:
            one.run(projected[::-1][::-1], state, out[:40])
        found.append((out.tobytes(), state.tobytes()))
        assert not out[40].any(), "written behind the end"
    assert len(set(found)) == 1 and np.frombuffer(found[0][0], np.float32).any()


@needs_loops
@pytest.mark.parametrize("rows, terms, columns", [(1, 1, 1), (13, 50, 100), (29, 314, 200)])
def test_products_are_llvms_on_every_kind_of_vector(
    rows: int, terms: int, columns: int, loops: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what they should be; rows may overlap, and be added to what is there."""
    weights, signal = random(terms, columns), random(rows * 3 + terms)
    left = np.lib.stride_tricks.as_strided(signal, (rows, terms), (12, 4))
    right = matrix.Matrix(weights)
    found = []
    for kind in (None, *loops.kinds()):
        if kind:
            loops.use(kind)
        monkeypatch.setattr(matrix, "product", matrix.product if kind else matrix.product_of_llvm)
        out = np.full((rows + 1, right.width), np.nan, np.float32)
        right.multiply(left, out[:rows])
        right.multiply(left, out[:rows], add=True)
        assert np.isnan(out[rows]).all(), "written behind the end"
        found.append(out[:rows].tobytes())
        np.testing.assert_allclose(out[:rows, :columns], 2 * left @ weights, atol=1e-3)
        monkeypatch.undo()
    assert len(set(found)) == 1


@needs_loops
@pytest.mark.parametrize("size", [16, 32, 1024, 2048, 4096, 8192, 32768])
def test_a_transform_is_scipys_on_every_kind_of_vector(
    size: int, loops: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = random(37 * 441 + size)
    frames = np.lib.stride_tricks.as_strided(samples, (37, size), (441 * 4, 4))

    def transformed() -> bytes:
        magnitudes = np.empty((37, size // 3), np.float32)
        lowest = np.empty((37, 4), np.complex64)
        spectra.Transform(size)(frames, magnitudes, lowest)
        return magnitudes.tobytes() + lowest.tobytes()

    found = [(loops.use(kind), transformed())[1] for kind in loops.kinds()]
    monkeypatch.setattr(spectra, "compiled", lambda: None)
    assert {*found} == {transformed()}


@needs_loops
@pytest.mark.parametrize("samples", [1, 2, 3, 7, 16, 1001])
def test_samples_are_mixed_alike_on_every_kind_of_vector(
    samples: int, loops: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    block = 2 * random(samples, 2)
    half = np.float32(0.5 / 32768)
    block[0], block[-1] = (1.0, -1.0), (half, 3 * half)  # the ends, and what rounds to even
    found = [(loops.use(kind), channels.mix(block))[1] for kind in loops.kinds()]
    monkeypatch.setattr(channels, "compiled", lambda: None)
    for mixed in found:
        np.testing.assert_array_equal(mixed, channels.mix(block))


@needs_loops
@pytest.mark.parametrize("positions", POSITIONS)
def test_loudness_is_the_same_with_and_without(
    positions: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    signal = random(60001, len(positions.split()))
    signal[20000:40000] = 0  # what fades away in the filters

    def measured() -> dict[str, bytes]:
        meter = loudness.Meter(44100, positions.split())
        for start in range(0, len(signal), 13007):
            meter.add(signal[start : start + 13007])
        return {name: array.tobytes() for name, array in meter.arrays().items()}

    found = measured()
    monkeypatch.setattr(loudness, "compiled", lambda: None)
    assert found == measured()


@needs_loops
def test_counts_and_sizes_that_make_no_sense_are_refused(loops: Any) -> None:
    with pytest.raises(ValueError, match="33 units"):
        loops.lstm(0, 0, 0, 0, 0, 1, 1, 1, 33)
    with pytest.raises(ValueError, match="no transform of 1000"):
        loops.transform(0, 1, 1000, 1, 0, 0, 0, 1, 0, 0)
    with pytest.raises(ValueError, match="has no mmx"):
        loops.use("mmx")


@needs_loops
def test_loops_of_other_sources_are_left_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A checkout that moved on, and was not set up again."""
    from dropgrid.native import digest

    monkeypatch.setattr(digest, "SOURCES", "of another day")
    assert native.compiled.__wrapped__() is None
    assert capsys.readouterr().err.count("\n") == 1


def test_without_the_loops_one_line_says_so(tmp_path: Path) -> None:
    """And with neither them nor LLVM, how to get either."""
    package = Path(native.__file__).parents[1]
    ignored = shutil.ignore_patterns("*.so", "shipped", "__pycache__")
    shutil.copytree(package, tmp_path / "dropgrid", ignore=ignored)
    script = (
        "from dropgrid.features.engines import lstm_kernel\n"
        "from dropgrid.base.errors import ModelError\n"
        "lstm_kernel.kernel_of_llvm.__globals__['llvm'].has = lambda name: False\n"
        "try: lstm_kernel.kernel(25)\n"
        "except ModelError as error: print(error)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    environment.pop(native.WITHOUT, None)
    ended = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    assert ended.stderr.count("\n") == 1 and "without its compiled loops" in ended.stderr
    assert "pip install 'dropgrid[llvm]'" in ended.stdout


FEATURES = """
import hashlib, sys
from pathlib import Path
from dropgrid import rhythm
from dropgrid.features.extract import extract
from dropgrid.stages.networks import load_networks, prepare_key_network, prepare_network

folder = Path(sys.argv[1])
networks = folder / "network.npz", folder / "key.npz"
for prepare, path in zip((prepare_network, prepare_key_network), networks):
    path.exists() or prepare(path, "madmom")
found = extract(folder / "song.ogg", *load_networks(*networks))
digest = hashlib.sha256(found.activations.tobytes())
for name, array in sorted(found.descriptors.items()):
    digest.update(array.tobytes())
print(digest.hexdigest())
"""


@needs_loops
@pytest.mark.skipif(platform.machine() != "x86_64", reason="names of x86-64's kernels")
@pytest.mark.parametrize("kernel", ["Sandybridge", "Haswell", "Zen"])
def test_features_are_the_same_bytes_with_and_without(kernel: str, tmp_path: Path) -> None:
    """Whatever kernel OpenBLAS sums by: everything that later stages read of a song."""
    time = np.arange(8 * 44100) / 44100
    beat = np.sin(2 * np.pi * 55 * time) * np.exp(-((time * 2.1) % 1) * 9)
    soundfile.write(
        tmp_path / "song.ogg", 0.5 * beat[:, None] + 0.1 * random(len(time), 2), 44100,
        format="OGG", subtype="VORBIS",
    )  # fmt: skip
    found = [
        subprocess.run(
            [sys.executable, "-c", FEATURES, tmp_path], check=True, capture_output=True, text=True,
            env={**os.environ, "OPENBLAS_CORETYPE": kernel, "OPENBLAS_NUM_THREADS": "1",
                 native.WITHOUT: given},
        ).stdout
        for given in ("0", "1")
    ]  # fmt: skip
    assert found[0] == found[1] and len(found[0]) == 65
