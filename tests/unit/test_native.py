"""The compiled loops: the same bits as what stands in for them, on every kind of processor."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from dropgrid import native
from dropgrid.audio import channels
from dropgrid.features import loudness, pitch, spectra
from dropgrid.features.engines import front_end, lstm_kernel, lstm_llvm, matrix
from dropgrid.rhythm import bar_pointer, downbeat_tracking

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
    """Of one chain, and of two at once, of which one is longer and backwards."""
    ones = [lstm_kernel.direction(random(100, 25), random(100), random(75)) for _ in range(2)]
    rooms = [5 * random(40 * 100 + lstm_kernel.SLACK), 3 * random(31 * 100 + lstm_kernel.SLACK)]
    projected = [room[: len(room) // 100 * 100].reshape(-1, 100) for room in rooms]

    def gone_through(run: Callable[[list[lstm_kernel.Chain]], None], together: int) -> bytes:
        outs = [np.zeros((41, 25), np.float32) for _ in ones]
        states = [one.begin() for one in ones]
        chains = [
            ones[0].through(projected[0], states[0], outs[0][:40]),
            ones[1].through(projected[1][::-1], states[1], outs[1][:31][::-1]),
        ]
        for at in range(0, 2, together):
            run(chains[at : at + together])
        assert not outs[0][40].any() and not outs[1][31:].any(), "written behind the end"
        return b"".join(array.tobytes() for array in (*outs, *states))

    llvms = lstm_llvm.kernel_of_llvm(25)
    found = [gone_through(lambda chains: llvms(*chains[0]), 1)]
    for kind in loops.kinds():
        loops.use(kind)
        lstm_kernel.kernel.cache_clear()
        found += [gone_through(lstm_kernel.kernel(25), together) for together in (1, 2)]
    assert len(set(found)) == 1 and np.frombuffer(found[0], np.float32).any()


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
@pytest.mark.parametrize("rows", [1, 12, 29])
def test_rises_are_made_within_a_product_on_every_kind_of_vector(rows: int, loops: Any) -> None:
    levels = random(rows + front_end.LEAD, sum(front_end.BANDS))
    weights = matrix.Matrix(random(2 * levels.shape[1], 100))
    expected = np.zeros((rows, weights.width), np.float32)
    weights.multiply(front_end.with_rises(levels), expected)
    for kind in loops.kinds():
        loops.use(kind)
        out = np.full((rows + 1, weights.width), np.nan, np.float32)
        weights.multiply_risen(levels, front_end.STRETCHES, out[:rows], front_end.LEAD)
        np.testing.assert_array_equal(out[:rows], expected)
        assert np.isnan(out[rows]).all(), "written behind the end"


@needs_loops
@pytest.mark.parametrize("size", [16, 32, 1024, 2048, 4096, 8192, 32768])
def test_a_transform_is_scipys_on_every_kind_of_vector(
    size: int, loops: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And so are weighted sums of magnitudes and of powers, each from its first bin on."""
    samples = random(37 * 441 + size)
    frames = np.lib.stride_tricks.as_strided(samples, (37, size), (441 * 4, 4))
    amplitudes, powers = (
        np.zeros((size // 3, 19), np.float32),
        np.zeros((size // 2, 2), np.float32),
    )
    for column in range(17):
        amplitudes[column % 3 : size // 4 + column, column] = random(size)[: size // 4][0]
    powers[1:5, 0], powers[size // 2 - 1, 1] = (1.0, 0.0, 0.5, 2.0), 1.0
    bank = spectra.Bank(amplitudes, powers)

    def transformed() -> bytes:
        transform = spectra.Transform(size)
        found = (transform.magnitudes(frames, size // 3), *transform.sums(frames, bank, 4))
        return b"".join(array.tobytes() for array in found)

    found = [(loops.use(kind), transformed())[1] for kind in loops.kinds()]
    monkeypatch.setattr(spectra, "compiled", lambda: None)
    assert {*found} == {transformed()}
    sums, _ = spectra.Transform(size).sums(frames, bank)
    expected = np.abs(np.fft.rfft(frames * spectra.hann(size).astype(float)))
    together = expected[:, : len(amplitudes)] @ amplitudes, expected[:, :-1] ** 2 @ powers
    np.testing.assert_allclose(sums, np.hstack(together), rtol=1e-4, atol=1e-3)


@needs_loops
@pytest.mark.parametrize("samples", [1, 2, 3, 7, 16, 1001])
def test_samples_are_mixed_alike_on_every_kind_of_vector(
    samples: int, loops: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    block = 2 * random(samples, 2)
    half = np.float32(0.5 / 32768)
    block[0], block[-1] = (1.0, -1.0), (half, 3 * half)  # the ends, and what rounds to even
    planes = np.ascontiguousarray(block.T).T  # a channel behind the other
    blocks = (block, planes, np.zeros((samples, 3), np.float32)[:, ::2] + block)
    found = [(loops.use(kind), channels.mix(b))[1] for kind in loops.kinds() for b in blocks]
    monkeypatch.setattr(channels, "compiled", lambda: None)
    for mixed in found:
        np.testing.assert_array_equal(mixed, channels.mix(block))


@needs_loops
@pytest.mark.parametrize("count", [1, 15, 16, 17, 1000])
def test_samples_are_packed_alike_on_every_kind_of_vector(
    count: int, loops: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = np.rint(8000 * random(count)).astype(np.float32) / np.float32(32768)
    whole[0] = -1.0
    blocks = [whole]
    for odd in (1.0, -1.0001, 0.5 / 32768, np.nan, np.inf, -np.inf):
        blocks.append(whole.copy())
        blocks[-1][-1] = odd
    found = [(loops.use(kind), pitch.packed(b))[1] for kind in loops.kinds() for b in blocks]
    monkeypatch.setattr(pitch, "compiled", lambda: None)
    for packed, block in zip(found, blocks * len(loops.kinds()), strict=True):
        assert packed.dtype == pitch.packed(block).dtype
        np.testing.assert_array_equal(packed, pitch.packed(block))
        np.testing.assert_array_equal(pitch.unpacked(packed), block)
    assert [packed.dtype == np.int16 for packed in found[: len(blocks)]] == [True] + [False] * 6


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
            block = signal[start : start + 13007]
            meter.add(block if start % 2 else np.ascontiguousarray(block.T).T)
        return {name: array.tobytes() for name, array in meter.arrays().items()}

    found = measured()
    monkeypatch.setattr(loudness, "compiled", lambda: None)
    assert found == measured()


@needs_loops
@pytest.mark.parametrize("rows, tempi", [(0, 3), (1, 1), (7, 2), (33, 256)])
def test_the_nearest_of_paths_is_numpys(
    rows: int, tempi: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of equal ones too, and of paths that there are none of."""
    places = bar_pointer.STIFFNESS * np.log(np.arange(20, 20 + tempi))
    ended = 30 * random(rows, tempi).astype(np.float64)
    ended[ended < -20] = -np.inf
    ended[::3] = np.rint(ended[::3] / 30) * 2 - places  # which are as good from both sides
    ended[5:6] = -np.inf
    found = bar_pointer._nearest(ended, places)
    monkeypatch.setattr(bar_pointer, "compiled", lambda: None)
    for one, other in zip(found, bar_pointer._nearest(ended, places), strict=True):
        np.testing.assert_array_equal(one, other)
    assert found[1].dtype == np.uint8 and found[0].shape == ended.shape


@needs_loops
@pytest.mark.parametrize("count, places", [(1, 2), (2, 8), (301, 8), (90, 14), (64, 7)])
def test_the_best_downbeat_positions_are_numpys(
    count: int, places: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    score = 3 * random(count, places).astype(np.float64)
    score[::4] = np.rint(score[::4])  # equal ones
    costs = np.abs(random(count, 2)).astype(np.float64) * 2
    positions = downbeat_tracking._best_positions(score, costs)
    monkeypatch.setattr(downbeat_tracking, "compiled", lambda: None)
    np.testing.assert_array_equal(positions, downbeat_tracking._best_positions(score, costs))
    assert count < 60 or len(set(positions)) > 2


@needs_loops
def test_an_address_is_where_an_arrays_numbers_begin(loops: Any) -> None:
    array = random(5, 4)
    array.flags.writeable = False
    for some in (array, array[::-1, 1:3], array[:0], np.zeros(0), array.T.astype(np.float16)):
        assert native.address(some) == some.__array_interface__["data"][0]
    with pytest.raises(TypeError):
        loops.address(None)


@needs_loops
def test_counts_and_sizes_that_make_no_sense_are_refused(loops: Any) -> None:
    with pytest.raises(ValueError, match="33 units"):
        loops.lstm(0, 1, 33)
    with pytest.raises(ValueError, match="3 chains"):
        loops.lstm(0, 3, 25)
    with pytest.raises(ValueError, match="513 terms"):
        loops.multiply(0, 0, 0, 1, 513, 1, 1, 1, 0, 1, 1)
    with pytest.raises(ValueError, match="no transform of 1000"):
        loops.transform(0, 1, 1000, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0)
    with pytest.raises(ValueError, match="257 tempi"):
        loops.nearest(0, 0, 1, 257, 0, 0)
    with pytest.raises(ValueError, match="0 half beats, 8 places"):
        loops.way(0, 0, 0, 8, 0)
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


@pytest.mark.slow
@pytest.mark.smoke
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
