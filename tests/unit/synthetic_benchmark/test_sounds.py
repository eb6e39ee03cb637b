"""The notes of the benchmark have the pitch, the length and the edges that were asked for."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from dropgrid.synthetic_benchmark import sounds

RATE = 44100


def spectrum(sound: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(Hz, magnitude) of a note; of the mean of its channels."""
    mono = np.atleast_2d(sound).mean(axis=0)
    return np.fft.rfftfreq(8 * RATE, 1 / RATE), np.abs(np.fft.rfft(mono, 8 * RATE))


def loudest(sound: np.ndarray) -> float:
    hertz, magnitude = spectrum(sound)
    return float(hertz[np.argmax(magnitude)])


def generator() -> np.random.Generator:
    return np.random.default_rng(4)


def test_pitches_are_those_of_midi_with_a_at_440_hz() -> None:
    assert sounds.frequency(69, 0.0) == 440.0
    assert sounds.frequency(57, 0.0) == 220.0 and sounds.frequency(81, 0.0) == 880.0
    assert sounds.frequency(60, 0.0) == pytest.approx(261.6256, abs=1e-4)
    assert sounds.frequency(69, 100.0) == pytest.approx(sounds.frequency(70, 0.0))
    assert sounds.frequency(69, -50.0) < 440.0


@pytest.mark.parametrize(
    ("note", "seconds"),
    [
        (lambda hertz: sounds.bass(RATE, hertz, 0.5, 0.0), 0.5),
        (lambda hertz: sounds.bass(RATE, hertz, 0.5, 4.0), 0.5),
        (lambda hertz: sounds.stab(RATE, hertz, generator()), 0.3),
        (lambda hertz: sounds.pluck(RATE, hertz), 0.4),
        (lambda hertz: sounds.pad(RATE, hertz, 1.5, generator()), 1.5),
    ],
)
@pytest.mark.parametrize("hertz", [110.0, 261.6])
def test_a_note_has_its_pitch_and_length(
    note: Callable[[float], np.ndarray], seconds: float, hertz: float
) -> None:
    sound = note(hertz)
    assert loudest(sound) == pytest.approx(hertz, rel=0.01)
    assert sound.dtype == np.float32 and sound.shape[-1] == round(seconds * RATE)
    assert np.abs(sound[..., 0]).max() < 1e-3, "it begins without a click"
    assert 0.1 < np.abs(sound).max() < 4.0


@pytest.mark.parametrize(("vowel", "first", "second"), [(0, 730, 1090), (1, 300, 2300),
                                                        (2, 450, 800)])  # fmt: skip
def test_a_voice_sings_its_vowel(vowel: int, first: float, second: float) -> None:
    """Its loudest harmonic is the one at the first formant; the second formant stands out."""
    voice = sounds.voice(RATE, 110.0, vowel)
    hertz, magnitude = spectrum(voice)
    assert len(voice) == round(0.9 * RATE) and abs(loudest(voice) - first) < 62
    assert voice[0] == voice[-1] == 0.0 and 0.1 < np.abs(voice).max() < 4.0

    def level(centre: float) -> float:
        return float(magnitude[np.abs(hertz - centre) < 60].max())

    assert level(second) > 1.5 * level(second + 300 if vowel != 1 else second - 500)


def test_a_voice_swells_and_dies_away() -> None:
    """Within 30 ms at the start, 200 ms at the end; between them it is even."""
    voice = np.abs(sounds.voice(RATE, 110.0, 0))
    peaks = [voice[at : at + RATE // 50].max() for at in range(0, len(voice), RATE // 50)]
    middle = np.median(peaks[5:30])
    assert peaks[0] < 0.9 * middle and np.max(peaks[5:30]) < 1.3 * middle
    assert peaks[-6] == pytest.approx(0.5 * middle, rel=0.3) and peaks[-1] < 0.15 * middle


def test_a_wobbling_bass_opens_and_closes_and_another_only_closes() -> None:
    """Its high harmonics come and go with the wobble."""

    def brightness(bass: np.ndarray) -> list[float]:
        parts = np.split(bass[: RATE // 8 * 8], 8)  # of an eighth of a second
        return [float(np.abs(np.diff(part[RATE // 50 :], n=2)).mean()) for part in parts]

    fast = brightness(sounds.bass(RATE, 55.0, 1.01, 4.0))
    assert np.median(fast[::2]) == pytest.approx(np.median(fast[1::2]), rel=0.2)
    slow = brightness(sounds.bass(RATE, 55.0, 1.01, 1.0))
    assert slow[3] > 1.4 * slow[0] and slow[4] > 1.4 * slow[7]
    steady = brightness(sounds.bass(RATE, 55.0, 1.01, 0.0))
    assert slow[4] > 1.3 * steady[4] and steady[3:] == pytest.approx([steady[3]] * 5, rel=0.05)


def test_a_tom_falls_to_its_pitch() -> None:
    tom = sounds.tom(RATE, 45)
    assert len(tom) == round(0.35 * RATE) and tom.dtype == np.float32
    assert tom[0] > 0.9, "its stroke is its first sample"
    crossings = np.flatnonzero(np.diff(np.signbit(tom)))
    periods = 2 * np.diff(crossings) / RATE
    assert 1 / periods[0] > 1.3 * 110.0
    tail = tom.copy()
    tail[: round(0.15 * RATE)] = 0
    assert loudest(tail) == pytest.approx(110.0, rel=0.02)
    assert np.abs(tail).max() < 0.3


def test_edges_are_2_ms_at_the_start_and_5_ms_at_the_end() -> None:
    rise = sounds.attack(200, RATE)
    assert rise[0] == 0.0 and rise[44] == pytest.approx(0.5, abs=0.01) and (rise[89:] == 1).all()
    assert (sounds.attack(50, RATE) < 1).all()
    fall = sounds.faded(np.ones(1000), RATE)
    assert fall.dtype == np.float32 and (fall[:780] == 1).all() and fall[-1] == 0.0
    assert fall[-111] == pytest.approx(0.5, abs=0.01)
    assert sounds.faded(np.ones(10), RATE)[[0, -1]].tolist() == [1.0, 0.0]


def test_a_pad_swells_over_80_ms_and_ends_in_as_long() -> None:
    pad = np.abs(sounds.pad(RATE, 220.0, 1.0, generator()))
    assert pad.shape == (2, RATE)
    edge = round(0.08 * RATE)
    body = pad[:, edge:-edge].max()
    for side in (pad, pad[:, ::-1]):
        assert side[:, : edge // 4].max() < 0.3 * body
