"""The parts of pitch: frames, partials, tuning, sizes, and the key network's input."""

from __future__ import annotations

import numpy as np
import pytest
from dropgrid.features import pitch
from dropgrid.features.engines.filterbank import band_frequencies, filterbank
from dropgrid.features.pitch import FINE, PITCH_FRAME, RATE, Frames, Pitch, partials, tuning

BIN = RATE / PITCH_FRAME  # Hz


def spectra_of(*sines: tuple[float, float], frames: int = 4) -> np.ndarray:
    """Magnitudes of sines (Hz, amplitude) under NumPy's Hann window, the same in every frame."""
    t = np.arange(PITCH_FRAME) / RATE
    sound = sum(amplitude * np.sin(2 * np.pi * hz * t) for hz, amplitude in sines)
    magnitudes = np.abs(np.fft.rfft(sound * np.hanning(PITCH_FRAME)))[: pitch.TOP]
    return np.tile(magnitudes.astype(np.float32), (frames, 1))


@pytest.mark.parametrize("samples", [1, 99, 100, 101, 4000, 12345])
@pytest.mark.parametrize(("size", "hop"), [(64, 100), (512, 100)])
def test_frames_are_centred_a_hop_apart(samples: int, size: int, hop: int) -> None:
    signal = np.random.default_rng(samples).normal(size=samples).astype(np.float32)
    padded = np.concatenate([np.zeros(size // 2), signal, np.zeros(size)])
    expected = [padded[start : start + size] for start in range(0, samples, hop)]
    frames = Frames(size, hop)
    groups = [
        group for at in range(0, samples, 777) for group in frames.add(signal[at : at + 777])
    ]
    assert all(len(group) == pitch.BATCH for group in groups)
    found = np.concatenate([*groups, *frames.rest()])
    np.testing.assert_array_equal(found, np.array(expected, np.float32))


@pytest.mark.parametrize(
    ("hz", "place"),
    [(440.0, 90), (261.626, 0), (277.18, 10), (880 * 2 ** (30 / 1200), 93), (1046.5, 0)],
    ids=["A4", "C4", "C sharp", "A5, 30 cents sharp", "C6"],
)
def test_a_sine_is_at_its_place_in_the_octave(hz: float, place: int) -> None:
    pitches, _ = partials(spectra_of((hz, 0.5)))
    assert pitches.shape == (1, 2, FINE)
    assert pitches[0, 1].argmax() == place
    assert pitches[0, 1].sum() == pitches[0, 1, place]  # there is no other partial
    assert pitches[0, 1, place] == pytest.approx(4 * 0.5**0.3, rel=0.05)  # of four frames
    assert not pitches[0, 0].any()


@pytest.mark.parametrize(
    ("hz", "register"), [(63, None), (67, 0), (218, 0), (222, 1), (2095, 1), (2105, None)]
)
def test_registers_begin_and_end_at_their_frequencies(hz: float, register: int | None) -> None:
    pitches, _ = partials(spectra_of((hz, 1.0)))
    strong = [number for number in (0, 1) if pitches[0, number].any()]
    assert strong == ([] if register is None else [register])


def test_steps_are_of_four_frames_and_the_last_may_be_shorter() -> None:
    spectra = spectra_of((440.0, 1.0), frames=10)
    spectra[4:8] = 0
    pitches, tonality = partials(spectra)
    assert pitches[:, 1, 90] == pytest.approx([4, 0, 2], rel=0.05)
    assert (tonality[:, 1] > 0).tolist() == [True, False, True]


def test_tonality_is_the_share_of_power_in_partials() -> None:
    """A sine on a bin, of three bins' power, in a floor of as much power in all."""
    _, tonality = partials(spectra_of((440 * BIN, 1.0)))
    assert tonality[0, 1] == pytest.approx(1, abs=0.01)
    spectra = spectra_of((440 * BIN, 1.0))
    bins = np.arange(pitch.TOP) * BIN
    inside = np.count_nonzero((bins >= 220) & (bins < 2100))
    floor = PITCH_FRAME / 4 * np.sqrt(1.5 / inside)
    _, tonality = partials(np.maximum(spectra, floor).astype(np.float32))
    assert tonality[0, 1] == pytest.approx(0.5, abs=0.02)


def test_a_partial_rises_above_what_is_around_it() -> None:
    flat = np.full((4, pitch.TOP), PITCH_FRAME / 4, np.float32)
    flat[:, 700] *= 3.0
    assert not partials(flat)[0].any()
    flat[:, 700] *= 1.6
    assert partials(flat)[0].any()


def test_the_tuning_lies_between_two_places_where_both_are_as_strong() -> None:
    for places, cents in (((3, 4), 35), ((9, 0), -5), ((6, 7), -35)):
        pitches = np.zeros(FINE)
        for place in places:
            pitches[place + 10 * 4] = 5.0
        found, agreement = tuning(pitches)
        assert found == pytest.approx(cents)
        assert agreement == pytest.approx(1.0)
    assert tuning(np.zeros(FINE)) == (0.0, 0.0)
    assert tuning(np.ones(FINE))[1] == pytest.approx(0.3)


def smooth(number: int) -> bool:
    for factor in (2, 3, 5, 7, 11):
        while number % factor == 0:
            number //= factor
    return number == 1


@pytest.mark.parametrize("size", [7958.9, 8100.3, 8192.0, 8244.0, 8301.7, 8432.2])
def test_the_nearest_size_of_small_factors_is_chosen(size: float) -> None:
    even = [n for n in range(int(size) - 13, int(size) + 14) if n % 2 == 0]
    if near := [n for n in even if smooth(n) and abs(n - size) < 0.0014 * size]:
        assert pitch.fast_size(size) == min(near, key=lambda n: abs(n - size))
    found = pitch.fast_size(size)
    assert found % 2 == 0 and abs(found - size) < 0.0016 * size


def inputs_of(sound: np.ndarray) -> np.ndarray:
    """What the key network gets of a sound."""
    inputs: list[np.ndarray] = []

    def network(spectrum: np.ndarray) -> np.ndarray:
        inputs.append(spectrum.copy())
        return np.zeros((len(spectrum) // 8, 24), np.float32)

    kept = Pitch(network)
    for start in range(0, len(sound), 65536):
        kept.add(sound[start : start + 65536])
    kept.finish()
    kept.arrays()
    (whole,) = inputs
    return whole


def test_the_key_network_gets_logarithms_of_filtered_magnitudes() -> None:
    sound = (0.4 * np.sin(2 * np.pi * 440 * np.arange(12 * RATE) / RATE)).astype(np.float32)
    inputs = inputs_of(sound)
    bank = filterbank(8192, RATE, 24, lowest=65, highest=2100)
    assert inputs.shape == (60, bank.shape[1])
    frame = sound[30 * 8820 - 4096 : 30 * 8820 + 4096]
    magnitudes = np.abs(np.fft.rfft(frame * np.hanning(8192)))[: len(bank)]
    np.testing.assert_allclose(inputs[30], np.log10(1 + magnitudes @ bank), atol=2e-3)


def test_music_out_of_tune_reaches_the_key_network_in_tune() -> None:
    t = np.arange(12 * RATE) / RATE
    chord = (220.0, 277.18, 329.63, 440.0, 659.26)
    in_tune, sharp = (
        sum(0.1 * np.sin(2 * np.pi * hz * factor * t) for hz in chord).astype(np.float32)
        for factor in (1.0, 2 ** (40 / 1200))
    )
    expected, found = inputs_of(in_tune), inputs_of(sharp)
    assert np.abs(found[20:40] - expected[20:40]).mean() < 0.02


def test_the_key_network_follows_however_far_behind_the_pitches(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sound = np.random.default_rng(0).normal(0, 0.1, 12 * RATE).astype(np.float32)
    expected = inputs_of(sound)
    monkeypatch.setattr(pitch, "AHEAD", 3 * RATE)
    np.testing.assert_array_equal(inputs_of(sound), expected)


def test_bands_are_aligned_on_a4_from_the_lowest_on() -> None:
    np.testing.assert_allclose(band_frequencies(3, 110.0, 440.0), 110 * 2 ** (np.arange(6) / 3))
    np.testing.assert_allclose(band_frequencies(3, 111.0, 441.0), 110 * 2 ** (np.arange(1, 7) / 3))


def test_a_filterbank_is_of_triangles_of_unit_area_between_neighbouring_bands() -> None:
    bank = filterbank(8192, RATE, 12, lowest=200, highest=2000)
    np.testing.assert_allclose(bank.sum(axis=0), 1, atol=1e-6)
    assert len(bank) == int(2000 * 8192 / RATE)
    bands = band_frequencies(12, 200, 2000)
    assert bank.shape[1] == len(bands) - 2
    tops = bank.argmax(axis=0) * RATE / 8192
    np.testing.assert_allclose(tops, bands[1:-1], atol=RATE / 8192 / 2)
    for band in (0, 11, bank.shape[1] - 1):
        low, top, high = np.rint(bands[band : band + 3] * 8192 / RATE).astype(int)
        plain = np.interp(np.arange(len(bank)), [low, top, high], [0, 1, 0], left=0, right=0)
        np.testing.assert_allclose(bank[:, band], plain / plain.sum(), atol=1e-6)
