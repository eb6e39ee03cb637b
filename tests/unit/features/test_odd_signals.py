"""Signals that are not what files hold as a rule are analysed, and the record says so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from dropgrid import demo_music
from dropgrid.features import Features
from dropgrid.features.extract import extract, integer_scale
from dropgrid.features.loudness import integrated

RATE = 44100


@pytest.fixture(scope="module")
def music() -> np.ndarray:
    """Twelve seconds, mono, float32."""
    sound = demo_music.render(demo_music.compose(5, None, "trance", 46.0))[: 12 * RATE].mean(
        axis=1
    )
    return (0.8 * sound / np.abs(sound).max()).astype(np.float32)


def features_of(
    folder: Path, sound: np.ndarray, subtype: str = "FLOAT", threads: int = 1
) -> Features:
    soundfile.write(folder / "sound.wav", sound, RATE, subtype=subtype)
    return extract(folder / "sound.wav", "open", threads=threads)


def lufs(features: Features) -> float:
    value = integrated(features.descriptors["loudness"])
    assert value is not None
    return value


@pytest.mark.parametrize("threads", [1, 4])
@pytest.mark.parametrize("residue", [0.0, 1e-3])
def test_channels_that_are_each_others_inverse_are_analysed_as_their_difference(
    tmp_path: Path, music: np.ndarray, residue: float, threads: int
) -> None:
    """residue: noise in the sum, as lossy encoders leave some."""
    noise = residue * np.random.default_rng(1).normal(size=len(music)).astype(np.float32)
    inverted = np.stack([music, -music + noise], axis=1)
    mono = features_of(tmp_path, np.stack([music, music], axis=1))
    found = features_of(tmp_path, inverted, threads=threads)
    assert "each other's inverse" in found.decoder["problem"]
    assert "problem" not in mono.decoder
    likeness = np.corrcoef(found.activations.ravel(), mono.activations.ravel())[0, 1]
    assert likeness > (0.99 if residue else 1 - 1e-9)
    assert lufs(found) == pytest.approx(lufs(mono), abs=0.1)


def test_music_whose_sum_is_weak_is_analysed_as_its_sum(tmp_path: Path, music: np.ndarray) -> None:
    found = features_of(tmp_path, np.stack([music, -0.9 * music], axis=1))
    assert "problem" not in found.decoder


@pytest.mark.parametrize("scale", [2**15, 2**23, 2**31])
def test_integers_stored_as_floats_are_divided_by_their_scale(
    tmp_path: Path, music: np.ndarray, scale: int
) -> None:
    right = features_of(tmp_path, music)
    found = features_of(tmp_path, (music * scale).astype(np.float32))
    assert found.decoder["problem"].endswith(f"they were divided by {scale}")
    np.testing.assert_array_equal(found.activations, right.activations)
    assert lufs(found) == lufs(right)


@pytest.mark.parametrize(
    ("peak", "scale"), [(0.9, None), (8, None), (255, None), (3000, 2**15), (40_000, 2**15),
                        (8e6, 2**23), (2e9, 2**31), (1e30, None)],
)  # fmt: skip
def test_the_scale_of_integers_is_known_by_their_peak(peak: float, scale: int | None) -> None:
    assert integer_scale(peak) == scale


def test_a_peak_far_above_full_scale_is_reported(tmp_path: Path, music: np.ndarray) -> None:
    assert "problem" not in features_of(tmp_path, 3 * music).decoder
    message = features_of(tmp_path, 30 * music).decoder["problem"]
    assert message == "its peak is 24 times full scale; what is above 1 was clipped"


def test_samples_that_are_not_numbers_are_reported(tmp_path: Path, music: np.ndarray) -> None:
    spoilt = music.copy()
    spoilt[: len(music) // 3] = np.nan
    message = features_of(tmp_path, spoilt).decoder["problem"]
    assert message == f"{len(music) // 3} samples (33 %) are no numbers; they became silence"
