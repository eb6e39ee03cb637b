"""Units, edges and lengths of the descriptors, memory limits, and waveforms to look at."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from dropgrid.features import Features, memory, store, waveform
from dropgrid.features.descriptors import Descriptors, Waveform
from dropgrid.features.engines import spectral_flux
from dropgrid.features.engines.front_end import Inputs
from dropgrid.features.extract import front_end
from dropgrid.features.spectra import Transform

RATE = 44100


def described(sound: np.ndarray) -> dict[str, np.ndarray]:
    descriptors = Descriptors(RATE)
    for _ in front_end([sound.astype(np.float32)], Inputs(RATE), descriptors):
        pass
    return descriptors.arrays()


def sine(hz: float, amplitude: float = 1.0, seconds: float = 0.5) -> np.ndarray:
    return amplitude * np.sin(2 * np.pi * hz * np.arange(int(seconds * RATE)) / RATE)


@pytest.mark.parametrize("amplitude", [1.0, 0.1])
@pytest.mark.parametrize(
    ("band", "hz"), enumerate([41, 91, 183, 371, 751, 1501, 3001, 6001, 12001])
)
def test_each_band_measures_a_sine_in_decibels_of_full_scale(
    band: int, hz: float, amplitude: float
) -> None:
    found = described(sine(hz, amplitude))["bands"][25]
    assert found[band] == pytest.approx(20 * np.log10(amplitude), abs=0.2)
    assert found.argmax() == band


@pytest.mark.parametrize("semitone", range(12))
def test_each_semitone_has_its_pitch_class(semitone: int) -> None:
    for octave in (0, 1, 2):
        chroma = described(sine(261.626 * 2 ** (octave + semitone / 12)))["chroma"][2]
        assert chroma.argmax() == semitone and chroma[semitone] == 1


def test_the_first_attack_is_the_level_at_each_400th_of_a_second() -> None:
    sound = np.zeros(RATE // 2)
    sound[9922:10143] = 0.5  # from 0.225 s to 0.230 s
    level = described(sound)["attack"][:, 0].astype(float)
    assert len(level) == 4 * 50
    assert np.flatnonzero(level).tolist() == [90, 91, 92]  # 0.225, 0.2275 and 0.23 s
    assert level[91] == pytest.approx(0.5, abs=1e-3)
    assert level[90] == pytest.approx(level[92], abs=0.01)
    assert level[90] == pytest.approx(0.5 * np.sqrt(0.5), abs=0.02)


@pytest.mark.parametrize(("hz", "share"), [(92, 1.0), (60, 0.73), (130, 0.62), (200, 0.0)])
def test_the_second_attack_is_the_amplitude_of_the_kicks_band(hz: float, share: float) -> None:
    kick = described(sine(hz, 0.8))["attack"][60:140, 1].astype(float)
    assert kick.mean() == pytest.approx(0.8 * share, abs=0.05)


def test_silence_has_the_floor_and_no_pitch() -> None:
    found = described(np.zeros(RATE // 2))
    assert (found["bands"] == -100).all()
    assert not found["chroma"].any() and not found["attack"].any()


@pytest.mark.parametrize("samples", [5, 441, 2000 * 441, 2000 * 441 + 1, 6001 * 441 - 3])
def test_the_picture_has_the_extremes_of_equal_parts(samples: int) -> None:
    sound = np.random.default_rng(samples).uniform(-1, 1, samples).astype(np.float32)
    collected = Waveform()
    for start in range(0, samples, 100_000):
        collected.add(sound[start : start + 100_000])
    peaks = collected.arrays()["peaks"]
    pieces = [sound[i : i + 441] for i in range(0, samples, 441)]
    columns = min(2000, len(pieces))
    assert peaks.shape == (columns, 2)
    edges = [i * len(pieces) // columns for i in range(columns + 1)]
    for column in {0, columns // 2, columns - 1}:
        part = np.concatenate(pieces[edges[column] : edges[column + 1]]).astype(np.float16)
        assert peaks[column].tolist() == [part.min(), part.max()]


@pytest.mark.parametrize("size", [600, 1024, 8100])
def test_spectra_are_numpys(size: int) -> None:
    frames = np.random.default_rng(size).normal(size=(70, size)).astype(np.float32)
    expected = np.abs(np.fft.rfft(frames * np.hanning(size)))
    found = Transform(size).magnitudes(frames, size // 2)
    np.testing.assert_allclose(found, expected[:, : size // 2], rtol=1e-3, atol=1e-3)


def test_what_is_loudest_around_is_symmetric_about_its_half_second() -> None:
    rises = np.zeros(2000, np.float32)
    rises[1013] = 1.0
    found = spectral_flux._loudness(rises)
    away = np.arange(500)
    np.testing.assert_allclose(found[1025 - away], found[1025 + away], atol=1e-9)
    assert found[1025] == found.max() == pytest.approx(1)
    reach = 2 * spectral_flux.AROUND * spectral_flux.BLOCK
    assert found[1025 - reach + 50] > 0 == found[1025 - reach - 50]
    np.testing.assert_allclose(spectral_flux._loudness(np.full(700, 0.3)), 0.3)


def test_limits_of_memory_hold_what_was_measured() -> None:
    """The megabytes of the docstrings, and a job of more threads or minutes gets more."""
    for minutes, megabytes in ((1, 125), (5, 152), (15, 217)):
        assert megabytes < memory.megabytes(minutes) < 2.5 * megabytes
    for minutes, megabytes in ((1, 160), (5, 185), (15, 292)):
        assert megabytes < memory.megabytes(minutes, threads=2) < 2.5 * megabytes
    assert memory.later_megabytes(420) >= 850
    assert memory.later_megabytes(420) < 1700
    for method in ("madmom", "open", "librosa"):
        one, two, four = (memory.megabytes(10, method, threads) for threads in (1, 2, 4))
        assert four - two == pytest.approx(2 * (two - one), abs=1) and two > one
        assert memory.megabytes(60, method) > memory.megabytes(20, method)
    # One sequence is at most 15 minutes long: what follows takes less a minute.
    of = memory.megabytes
    assert of(15) - of(5) > 4 * (of(115) - of(105)) > 0
    assert of(5, "librosa") - of(5) == memory.LIBROSA


def test_waveforms_have_a_column_for_each_part_of_the_time(tmp_path: Path) -> None:
    attack = np.zeros((400, 2), np.float16)
    attack[200:, 0], attack[300, 1] = 0.5, 0.25
    bands = np.full((100, 9), -100, np.float16)
    bands[:50, 3], bands[50:, 6], bands[75:, 8], bands[:, 2] = -20, -40, -60, 0
    features = Features(1.0, np.zeros((100, 2)), {"attack": attack, "bands": bands})
    store.save(tmp_path / "a.npz", features)
    for columns in (400, 100, 4):
        found = waveform.read_waveform(tmp_path / "a.npz", columns)
        assert found is not None and found.shape == (columns, 4)
        first, third = found[0], found[columns // 2]
        assert first == pytest.approx([0, 0, 0.1, 1e-5], rel=0.02)
        assert third[:1] == pytest.approx([0.5]) and third[2] == pytest.approx(0.01, rel=0.02)
        assert found[columns * 3 // 4] == pytest.approx([0.5, 0.25, 0.01, 1e-3], rel=0.02)
    loudness = waveform.read_loudness(tmp_path / "a.npz", 2)
    assert loudness is not None and loudness.tolist() == [[0], [0.5]]
    assert waveform.read_waveform(tmp_path / "none.npz", 4) is None


def test_columns_become_fewer_in_large_libraries_but_not_too_few() -> None:
    assert [waveform.columns_for(n) for n in (0, 1, 300, 1000, 10**6)] == [
        10_000, 10_000, 10_000, 3000, 400,
    ]  # fmt: skip


def test_a_miniature_is_of_means_and_a_quantised_waveform_of_bytes() -> None:
    values = np.repeat(np.arange(96.0), 5)
    np.testing.assert_allclose(waveform.miniature(values), np.arange(96))
    np.testing.assert_allclose(waveform.miniature(np.arange(2.0)), np.repeat([0, 1], 48))
    found = waveform.quantise(np.array([0, 0.25, 0.5]))
    assert found.dtype == np.uint8 and found.tolist() == [0, 128, 255]
    assert waveform.quantise(np.array([0, 0.25, 0.5]), 15).tolist() == [0, 8, 15]
    assert waveform.quantise(np.zeros(3)).tolist() == [0, 0, 0]
