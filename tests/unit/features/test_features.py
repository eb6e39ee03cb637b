"""Features: framing, spectra, descriptors, windows, and the file they are kept in."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from dropgrid.base.errors import RecordError, UnusableAudio
from dropgrid.features import Features, memory, store
from dropgrid.features.engines import beat_ensemble as networks
from dropgrid.features.engines import beat_weights, front_end
from dropgrid.features.extract import extract
from dropgrid.features.spectra import CHUNK, HOP, LONGEST, segments
from dropgrid.records.model import TrackFailure

RATE = 44100


@pytest.fixture(scope="module")
def ensemble(tmp_path_factory: pytest.TempPathFactory) -> front_end.Ensemble:
    path = tmp_path_factory.mktemp("model") / "network.npz"
    beat_weights.prepare(path)
    return networks.load(path)


def features_of(signal: np.ndarray, folder: Path, ensemble: front_end.Ensemble | str) -> Features:
    path = folder / "signal.wav"
    soundfile.write(path, signal, RATE)
    return extract(path, ensemble)


def sine(frequency: float, seconds: float = 3.0) -> np.ndarray:
    return np.sin(2 * np.pi * frequency * np.arange(int(seconds * RATE)) / RATE)


def kicks(times: np.ndarray, seconds: float) -> np.ndarray:
    """Bursts of 55 Hz that begin at the given times and fade with a time constant of 60 ms."""
    signal = np.zeros(int(seconds * RATE))
    burst = np.arange(RATE // 5) / RATE
    for time in times:
        start = int(time * RATE)
        part = signal[start : start + len(burst)]
        part += (0.8 * np.sin(2 * np.pi * 55 * burst) * np.exp(-burst / 0.06))[: len(part)]
    return signal


@pytest.mark.parametrize("samples", [1, 440, 441, 442, 441 * CHUNK, 441 * CHUNK + 1, 300_000])
def test_frames_are_centred_on_every_441st_sample_whatever_the_blocks(samples: int) -> None:
    signal = np.random.default_rng(samples).normal(size=samples).astype(np.float32)
    padded = np.concatenate([np.zeros(LONGEST // 2), signal, np.zeros(LONGEST)])
    expected = [padded[start : start + LONGEST] for start in range(0, samples, HOP)]
    for block in (1000, 65536):
        blocks = (signal[i : i + block] for i in range(0, samples, block))
        frames = [
            segment[start : start + LONGEST]
            for segment in segments(blocks)
            for start in range(0, len(segment) - LONGEST + 1, HOP)
        ]
        np.testing.assert_array_equal(frames, np.array(expected, np.float32))


def test_a_long_track_is_cut_into_windows_and_put_together_in_order() -> None:
    """And what stands before a window's first frame, which its rises are measured from."""
    lead = front_end.LEAD
    frames = np.arange(-lead, 1000, dtype=np.float32)[:, None].repeat(3, axis=1)
    windows: list[tuple[int, int]] = []

    def remember(inputs: np.ndarray) -> np.ndarray:
        windows.append((int(inputs[lead, 0]), int(inputs[-1, 0]) + 1))
        np.testing.assert_array_equal(np.diff(inputs[:, 0]), 1)
        return inputs[lead:, :2].copy()

    chunks = [frames[i : i + 70] for i in range(0, 1000 + lead, 70)]
    values, whole = front_end.activations(chunks, remember, 3, whole=400, window=300, margin=50)
    np.testing.assert_array_equal(values, frames[lead:, :2])
    assert not whole
    assert windows == [(0, 300), (200, 500), (400, 700), (600, 1000)]

    windows.clear()
    values, whole = front_end.activations(chunks, remember, 3, whole=1000, window=300, margin=50)
    np.testing.assert_array_equal(values, frames[lead:, :2])
    assert whole
    assert windows == [(0, 1000)]


def test_everything_framed_has_the_length_of_the_track(
    tmp_path: Path, ensemble: front_end.Ensemble
) -> None:
    features = features_of(0.5 * sine(440, 3.004), tmp_path, ensemble)
    assert features.duration == pytest.approx(3.004, abs=1e-4)
    assert features.activations.shape == (301, 2)
    shapes = {name: array.shape for name, array in features.descriptors.items()}
    assert shapes == {
        "bands": (301, 9), "attack": (1204, 2), "chroma": (31, 12), "peaks": (301, 2),
        "pitches": (2, 2, 120), "tonality": (2, 2), "loudness": (30,), "peak": (2,),
    }  # fmt: skip


def test_a_sine_is_in_its_band_and_its_pitch_class(
    tmp_path: Path, ensemble: front_end.Ensemble
) -> None:
    found = features_of(sine(1760), tmp_path, ensemble).descriptors
    bands = found["bands"][150]
    assert bands[5] == pytest.approx(0, abs=0.1)  # dB in 1 to 2 kHz, at full scale
    assert np.delete(bands, 5).max() < -60
    assert found["chroma"][15].argmax() == 9  # A
    assert np.delete(found["chroma"][15], 9).max() < 0.1
    assert found["attack"][600, 0] == pytest.approx(np.sqrt(0.5), abs=0.03)
    assert found["attack"][600, 1] < 1e-3


def test_the_attack_envelopes_rise_where_a_kick_begins(
    tmp_path: Path, ensemble: front_end.Ensemble
) -> None:
    times = np.array([0.5137, 1.0274, 1.5411, 2.0548])
    found = features_of(kicks(times, 3.0), tmp_path, ensemble).descriptors
    attack = found["attack"].astype(float)
    for time in times:
        before, after = int((time - 0.025) * 400), int((time + 0.025) * 400)
        full, low = attack[before:after].T
        risen = before + np.flatnonzero(full > 0.2 * full.max())[0]
        assert risen / 400 == pytest.approx(time, abs=0.0035)
        half = before + np.flatnonzero(low > 0.5 * low.max())[0]
        assert half / 400 == pytest.approx(time, abs=0.008)


def test_peaks_show_the_waveform(tmp_path: Path, ensemble: front_end.Ensemble) -> None:
    left = 0.5 * sine(300)
    stereo = np.stack([left, np.where(np.arange(len(left)) < RATE, left, 0)], axis=1)
    found = features_of(stereo, tmp_path, ensemble).descriptors
    assert found["peaks"][10] == pytest.approx([-0.5, 0.5], abs=0.01)
    assert found["peaks"][200] == pytest.approx([-0.25, 0.25], abs=0.01)


def test_what_cannot_be_analysed_is_refused(tmp_path: Path, ensemble: front_end.Ensemble) -> None:
    with pytest.raises(UnusableAudio, match="silent throughout"):
        features_of(np.zeros(3 * RATE), tmp_path, ensemble)
    with pytest.raises(UnusableAudio, match=r"0\.10 s long"):
        features_of(sine(440, 0.1), tmp_path, ensemble)


@pytest.mark.slow
@pytest.mark.smoke
def test_without_networks_the_pulse_of_the_onsets_stands_in(tmp_path: Path) -> None:
    times = np.arange(0.25, 20, 0.5)
    features = features_of(kicks(times, 20.0), tmp_path, "librosa")
    assert features.method == "librosa"
    beat = features.activations[:, 0]
    frames = np.rint(times[4:-4] * 100).astype(int)
    on = np.array([beat[frame - 3 : frame + 4].max() for frame in frames])
    off = np.array([beat[frame + 15 : frame + 36].max() for frame in frames])
    assert on.min() > 0.3 > 5 * off.max()
    assert not features.activations[:, 1].any()
    assert features.descriptors["bands"].shape == (2000, 9)


def test_the_file_gives_back_what_was_put_in_and_always_the_same_bytes(
    tmp_path: Path, ensemble: front_end.Ensemble
) -> None:
    features = features_of(kicks(np.array([0.5, 1.0, 1.5]), 2.0), tmp_path, ensemble)
    again = extract(tmp_path / "signal.wav", ensemble)
    for name, value in (("one", features), ("two", again)):
        store.save(tmp_path / name, value)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    loaded = store.load(tmp_path / "one")
    assert isinstance(loaded, Features)
    assert (loaded.duration, loaded.method) == (features.duration, "madmom")
    assert loaded.decoder == features.decoder
    np.testing.assert_array_equal(loaded.activations, features.activations)
    for name, array in features.descriptors.items():
        np.testing.assert_array_equal(loaded.descriptors[name], array)


def test_the_file_of_a_failed_track_says_why(tmp_path: Path) -> None:
    failure = TrackFailure("decode", "DecodeError", "cut short")
    store.save(tmp_path / "failed.npz", failure)
    assert store.load(tmp_path / "failed.npz") == failure


def test_a_damaged_file_is_a_record_error(tmp_path: Path) -> None:
    store.save(tmp_path / "cut.npz", TrackFailure("decode", "DecodeError", "x"))
    data = (tmp_path / "cut.npz").read_bytes()
    for damaged in (b"", data[: len(data) // 2], b"\0" * len(data)):
        (tmp_path / "cut.npz").write_bytes(damaged)
        with pytest.raises(RecordError, match=r"cut.npz: cannot be read"):
            store.load(tmp_path / "cut.npz")
    with pytest.raises(RecordError):
        store.load(tmp_path / "missing.npz")


def test_extraction_imports_no_heavy_library() -> None:
    program = (
        "import sys, numpy as np; from dropgrid.features import extract, spectra; "
        "one = spectra.Bank(np.ones((9, 2), np.float32), np.ones((9, 1), np.float32)); "
        "spectra.Spectra([one] * 3, 10)(np.zeros(4096, np.float32)); "
        "heavy = {'scipy', 'librosa', 'av', 'madmom', 'pandas', 'llvmlite'}; "
        "sys.exit(bool(heavy & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0


def test_zeros_before_the_music_are_part_of_it(
    tmp_path: Path, ensemble: front_end.Ensemble
) -> None:
    sound = np.random.default_rng(0).uniform(-1, 1, 3 * RATE)
    soundfile.write(tmp_path / "late.wav", np.concatenate([np.zeros(5 * RATE), sound]), RATE)
    bands = extract(tmp_path / "late.wav", ensemble).descriptors["bands"]
    assert len(bands) == 800
    assert (bands[:490] == -100).all() and (bands[510:] > -100).all()


@pytest.mark.parametrize("method", ["madmom", "open"])
def test_features_are_the_same_on_any_number_of_threads(
    method: str, tmp_path: Path, ensemble: front_end.Ensemble
) -> None:
    signal = np.random.default_rng(0).normal(0, 0.1, 12 * RATE) + kicks(np.arange(24) / 2, 12)
    soundfile.write(tmp_path / "a.wav", np.clip(signal, -1, 1), RATE)
    engine = ensemble if method == "madmom" else method
    alone = extract(tmp_path / "a.wav", engine)
    for threads in (2, 3, 4, 9):
        store.save(tmp_path / "alone.npz", alone)
        store.save(tmp_path / "shared.npz", extract(tmp_path / "a.wav", engine, threads=threads))
        assert (tmp_path / "alone.npz").read_bytes() == (tmp_path / "shared.npz").read_bytes()
    soundfile.write(tmp_path / "silence.wav", np.zeros(2 * RATE), RATE)
    with pytest.raises(UnusableAudio, match="silent throughout"):
        extract(tmp_path / "silence.wav", engine, threads=4)


def test_the_memory_a_track_is_given_suffices(tmp_path: Path) -> None:
    soundfile.write(
        tmp_path / "noise.flac", np.random.default_rng(0).uniform(-1, 1, 90 * RATE), RATE
    )
    beat_weights.prepare(tmp_path / "network.npz")
    program = (
        "import resource, sys; from pathlib import Path\n"
        f"limit = {memory.megabytes(1.5)} * 2**20\n"
        "resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))\n"
        "from dropgrid.features import extract\n"
        "from dropgrid.features.engines import beat_ensemble\n"
        "extract.extract(Path(sys.argv[1]), beat_ensemble.load(Path(sys.argv[2])))"
    )
    files = [str(tmp_path / "noise.flac"), str(tmp_path / "network.npz")]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    assert subprocess.run([sys.executable, "-c", program, *files], env=environment).returncode == 0
    assert memory.megabytes(5) <= 400
    assert memory.megabytes(120) <= 1000
    assert memory.later_megabytes(5) <= 300


def test_the_length_a_file_can_have_follows_from_its_size() -> None:
    assert memory.minutes("a.wav", 50 * 2**20) == 5
    assert memory.minutes("a.FLAC", 20 * 2**20) == 5
    assert memory.minutes("a.mp3", 5 * 2**20) == 5  # 128 kbit/s; at 320 half as long
    assert memory.minutes("gone.mp3", -1) == 0
