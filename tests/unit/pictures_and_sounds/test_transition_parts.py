"""The parts of a transition: reading a stretch, fading, exchanging the bass, writing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from dropgrid.pictures_and_sounds.transition_audio import (
    HEADROOM,
    Overlay,
    mixed,
    render,
    resampled,
    stretch,
)

RATE = 44100


def noise(seconds: float, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-0.4, 0.4, (round(seconds * RATE), 2))


def written(path: Path, sound: np.ndarray) -> Path:
    soundfile.write(path, sound, RATE, "FLOAT")
    return path


def overlay(lead: float = 0.5, gains: tuple[float, float] = (1.0, 1.0)) -> Overlay:
    """Eight beats at 120 BPM: from 1 s of the first track and 2 s of the second one."""
    beats = np.arange(9) * 0.5
    return Overlay(1.0 + beats, 2.0 + beats, lead, end=6, swap=3, gains=gains)


def test_a_stretch_has_the_samples_between_two_times_and_silence_after_the_end(
    tmp_path: Path,
) -> None:
    sound = noise(3.0)
    path = written(tmp_path / "a.wav", sound)
    for start, end in ((0.0, 0.25), (0.5, 2.5), (1.9, 3.0)):
        part = sound[round(start * RATE) : round(end * RATE)]
        np.testing.assert_allclose(stretch(path, start, end), part, atol=1e-4)  # 16 bits
    beyond = stretch(path, 2.5, 3.5)
    assert beyond.shape == (RATE, 2)
    np.testing.assert_allclose(beyond[: RATE // 2], sound[round(2.5 * RATE) :], atol=1e-4)
    assert (beyond[RATE // 2 :] == 0).all()
    assert (stretch(path, 4.0, 4.5) == 0).all()


def test_the_first_track_is_alone_before_and_the_second_one_after(tmp_path: Path) -> None:
    first = written(tmp_path / "a.wav", np.full((8 * RATE, 2), 0.5))
    second = written(tmp_path / "b.wav", np.full((8 * RATE, 2), -0.25))
    render(first, second, overlay(), tmp_path / "mix.wav")
    mix, rate = soundfile.read(tmp_path / "mix.wav")
    # From the lead (0.5 s of the first track) to the last beat of the overlay (5 s).
    assert (mix.shape, rate) == ((round(4.5 * RATE), 2), RATE)
    # A constant is bass: it changes hands from beat 3 to beat 4, at 2.5 s and 3 s of the first.
    before, after = mix[: round(1.99 * RATE)], mix[round(2.51 * RATE) :]
    np.testing.assert_allclose(before[1000:], HEADROOM * 0.5, atol=0.01)
    np.testing.assert_allclose(after[:-5000], HEADROOM * -0.25, atol=0.01)
    middle = mix[round(2.25 * RATE), 0]
    assert middle == pytest.approx(HEADROOM * 0.25 * np.cos(np.pi / 4), abs=0.01)


def test_each_track_has_its_gain_and_the_sum_is_clipped_at_full_scale() -> None:
    times = 0.5 + np.arange(round(4.5 * RATE)) / RATE
    size = round(4.5 * RATE)
    loud, silent = np.full((size, 2), 0.8, np.float32), np.zeros((size + RATE, 2), np.float32)
    mix = mixed(loud, silent, overlay(gains=(0.5, 1.0)), times)
    assert mix.dtype == np.float32
    assert mix[RATE, 0] == pytest.approx(HEADROOM * 0.5 * 0.8, abs=1e-3)
    late = mixed(0 * loud, np.full_like(silent, 0.8), overlay(gains=(1.0, 0.25)), times)
    assert late[round(3.5 * RATE), 0] == pytest.approx(HEADROOM * 0.25 * 0.8, abs=1e-3)
    over = mixed(4 * loud, silent, overlay(), times)
    assert over.max() == 1.0 and mixed(-4 * loud, silent, overlay(), times).min() == -1.0


def test_treble_fades_at_equal_power_over_the_whole_blend() -> None:
    """A tone of 2 kHz: of the first track until its end, of the second one from its start."""
    times = 0.5 + np.arange(round(4.5 * RATE)) / RATE
    tone = np.sin(2 * np.pi * 2000 * np.arange(len(times) + RATE) / RATE).astype(np.float32)
    tone = 0.5 * np.stack([tone, tone], axis=1)
    nothing = np.zeros_like(tone)

    def level(mix: np.ndarray, at: float) -> float:
        first = round((at - 0.5) * RATE)
        return float(np.abs(mix[first - 200 : first + 200, 0]).max()) / (0.5 * HEADROOM)

    fading_out = mixed(tone, nothing, overlay(), times)
    fading_in = mixed(nothing, tone, overlay(), times)
    for share in (0.1, 0.25, 0.5, 0.75, 0.9):  # of the blend, from 1 s to 4 s
        at = 1.0 + 3.0 * share
        assert level(fading_out, at) == pytest.approx(np.cos(share * np.pi / 2), abs=0.02)
        assert level(fading_in, at) == pytest.approx(np.sin(share * np.pi / 2), abs=0.02)
    assert level(fading_out, 0.8) == pytest.approx(1.0, abs=0.01)
    assert level(fading_in, 0.8) == 0.0 and level(fading_in, 4.5) == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize(("hertz", "early"), [(60.0, True), (600.0, False)])
def test_below_180_hz_the_second_track_waits_for_the_phrase(hertz: float, early: bool) -> None:
    times = 0.5 + np.arange(round(4.5 * RATE)) / RATE
    tone = np.sin(2 * np.pi * hertz * np.arange(len(times) + RATE) / RATE).astype(np.float32)
    tone = np.stack([tone, tone], axis=1)
    mix = mixed(tone, 0 * tone, overlay(), times)
    level = float(np.abs(mix[round(1.7 * RATE) : round(1.8 * RATE), 0]).max()) / HEADROOM
    blend = np.cos((1.25 / 3.0) * np.pi / 2)  # 2.25 s of the first track, 0.25 s before the swap
    assert level == pytest.approx(1.0 if early else blend, abs=0.06)


def test_a_cubic_passes_through_its_samples_and_holds_the_ends() -> None:
    sound = noise(0.01).astype(np.float32)
    whole = np.arange(1, len(sound) - 2).astype(float)
    np.testing.assert_allclose(resampled(sound, whole), sound[1:-2], atol=1e-6)
    line = np.arange(20, dtype=np.float32)[:, np.newaxis].repeat(2, 1)
    at = np.linspace(1.0, 17.0, 99)
    np.testing.assert_allclose(resampled(line, at)[:, 0], at, atol=1e-5)
    square = line**2
    np.testing.assert_allclose(resampled(square, at)[:, 0], at**2, atol=1e-3)
