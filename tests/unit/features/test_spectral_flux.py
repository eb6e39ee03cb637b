"""The method `open`: activations from the rises of bands."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from dropgrid.audio.reader import SAMPLE_RATE
from dropgrid.demo_music import compose, render
from dropgrid.features import Features
from dropgrid.features.engines.front_end import Inputs
from dropgrid.features.engines.spectral_flux import _accents, activations_of_rises
from dropgrid.features.extract import extract
from dropgrid.features.spectra import Bank, Spectra, segments
from dropgrid.rhythm import RhythmOptions, analyse


def activations_of(sound: np.ndarray, chunk: int = 240) -> np.ndarray:
    inputs = Inputs(SAMPLE_RATE)
    spectra = Spectra([Bank(bank, bank[:, :0]) for bank in inputs.banks], 0)
    chunks = (inputs(spectra(segment)[1]) for segment in segments([sound], chunk))
    return activations_of_rises(chunks)


def clicks(times: np.ndarray, seconds: float) -> np.ndarray:
    sound = np.zeros(round(seconds * SAMPLE_RATE), np.float32)
    t = np.arange(4000) / SAMPLE_RATE
    stroke = np.exp(-t / 0.02) * np.sin(2 * np.pi * 200 * t)
    for start in np.round(times * SAMPLE_RATE).astype(int):
        sound[start : start + len(stroke)] += stroke[: len(sound) - start]
    return sound


def test_strokes_are_peaks_and_nothing_lies_between_them() -> None:
    times = np.arange(0.5, 19.5, 0.5)
    beat, downbeat = activations_of(clicks(times, 20.0)).T
    frames = np.rint(times * 100).astype(int)
    on = np.array([beat[frame - 3 : frame + 4].max() for frame in frames])
    off = np.array([beat[frame + 15 : frame + 36].max() for frame in frames])
    assert on.min() > 0.5 and off.max() < 0.05
    assert not downbeat.any()


def test_a_soft_passage_counts_like_a_loud_one() -> None:
    times = np.arange(0.5, 59.5, 0.5)
    sound = clicks(times, 60.0)
    sound[30 * SAMPLE_RATE :] *= 0.1
    beat = activations_of(sound)[:, 0]
    loud, soft = (np.quantile(beat[part], 0.99) for part in (slice(500, 2000), slice(4000, 5500)))
    assert soft == pytest.approx(loud, rel=0.1)


def test_a_tone_that_slides_is_not_a_rise() -> None:
    """Without the maximum over neighbouring bands a vibrato outweighs the strokes."""
    t = np.arange(20 * SAMPLE_RATE) / SAMPLE_RATE
    pitch = 600 * 2 ** (np.sin(2 * np.pi * 5 * t) / 12)
    slide = 0.5 * np.sin(2 * np.pi * np.cumsum(pitch) / SAMPLE_RATE)
    times = np.arange(0.5, 19.5, 0.5)
    beat = activations_of((slide + clicks(times, 20.0)).astype(np.float32))[:, 0]
    frames = np.rint(times * 100).astype(int)
    on = np.array([beat[frame - 3 : frame + 4].max() for frame in frames])
    off = np.array([beat[frame + 8 : frame + 43].max() for frame in frames])
    assert np.median(on) > 3 * np.median(off)


def test_chunks_of_any_size_give_the_same() -> None:
    sound = np.random.default_rng(0).uniform(-0.5, 0.5, 10 * SAMPLE_RATE).astype(np.float32)
    assert np.allclose(activations_of(sound, 240), activations_of(sound, 70), atol=1e-5)


@pytest.mark.slow
@pytest.mark.smoke
def test_the_end_of_a_day_is_heard_like_its_beginning() -> None:
    rises = np.tile(np.random.default_rng(0).uniform(0, 0.1, 2000).astype(np.float32), 4000)
    accents = _accents(rises).reshape(4000, 2000)
    assert np.abs(accents[-2] - accents[1]).max() < 1e-6 < accents[1].max()


@pytest.mark.parametrize(("style", "bpm"), [("house", 124.0), ("drum and bass", 174.0)])
def test_the_grid_of_a_song_is_found_without_the_networks(
    tmp_path: Path, style: str, bpm: float
) -> None:
    song = compose(3, bpm, style, duration=60.0)
    soundfile.write(tmp_path / "song.wav", render(song), SAMPLE_RATE)
    features = extract(tmp_path / "song.wav", "open")
    assert features.method == "open"
    found = analyse(features, RhythmOptions())
    assert found.bpm == bpm
    away = np.abs(np.array(found.downbeats)[:, None] - song.downbeats).min(axis=1)
    assert np.median(away) < 0.01


@pytest.mark.parametrize("seed", range(4))
def test_noise_has_no_tempo(seed: int) -> None:
    noise = np.random.default_rng(seed).standard_normal(20 * SAMPLE_RATE).astype(np.float32)
    activations = activations_of(0.1 * noise)
    assert not activations.any()
    assert analyse(Features(20.0, activations), RhythmOptions()).bpm is None


def test_strokes_in_loud_noise_are_still_heard() -> None:
    noise = np.random.default_rng(0).standard_normal(20 * SAMPLE_RATE).astype(np.float32)
    assert activations_of(0.02 * noise + clicks(np.arange(0.5, 19.5, 0.5), 20.0)).any()


@pytest.mark.parametrize("kind", ["noise", "chord"])
def test_long_sounds_without_strokes_silence_neither_the_music_nor_themselves(kind: str) -> None:
    times = np.arange(0.5, 19.5, 0.5)
    t = np.arange(60 * SAMPLE_RATE) / SAMPLE_RATE
    noise = np.random.default_rng(0).standard_normal(len(t))
    tones = sum(np.sin(2 * np.pi * hz * t) for hz in (110.0, 138.6, 164.8))
    after = (0.1 * (noise if kind == "noise" else tones)).astype(np.float32)
    beat = activations_of(np.concatenate([clicks(times, 20.0), after]))[:, 0]
    frames = np.rint(times * 100).astype(int)
    assert min(beat[frame - 3 : frame + 4].max() for frame in frames[:-8]) > 0.3
    assert not beat[2600:].any()
