"""The rhythm of synthetic tracks whose tempo and beats are known."""

from __future__ import annotations

import numpy as np
import pytest
from dropgrid.features import FRAME_RATE, Features
from dropgrid.rhythm import RhythmOptions, analyse

OPTIONS = RhythmOptions()


def clicks(times, duration, downbeats=(), noise=0.0, seed=1):
    """Features whose activations peak, 30 ms wide, at times; downbeats in the second column."""
    frames = np.arange(int(duration * FRAME_RATE)) / FRAME_RATE
    random = np.random.default_rng(seed)
    columns = []
    for moments in (np.setdiff1d(times, downbeats), np.asarray(downbeats)):
        column = noise * random.random(len(frames)) ** 4
        for moment in moments:
            column += 0.8 * np.exp(-0.5 * ((frames - moment) / 0.015) ** 2)
        columns.append(column)
    return Features(duration, np.stack(columns, axis=1).astype(np.float32))


def grid(bpm, first, duration):
    return np.arange(first, duration - 0.01, 60.0 / bpm)


@pytest.mark.parametrize("bpm", [87.0, 96.0, 120.5, 128.0, 140.0, 174.0])
def test_a_steady_tempo_is_found_exactly_and_its_beats_within_5_ms(bpm):
    truth = grid(bpm, 0.31, 120)
    rhythm = analyse(clicks(truth, 120, noise=0.05), RhythmOptions(preferred_bpm=bpm))
    assert rhythm.bpm == bpm
    assert len(rhythm.grid) == 1
    beats = np.array(rhythm.beats)
    assert len(beats) == len(truth)
    assert np.abs(beats - truth - 0.0025).max() < 0.005


def test_a_tempo_between_the_whole_ones_stays_where_it_is():
    rhythm = analyse(clicks(grid(127.83, 0.2, 180), 180), OPTIONS)
    assert rhythm.bpm == rhythm.bpm_fitted == pytest.approx(127.83, abs=0.005)


def test_a_break_of_a_minute_without_beats_is_bridged_by_one_grid():
    truth = grid(126.0, 0.1, 240)
    played = truth[(truth < 90) | (truth > 150)]
    rhythm = analyse(clicks(played, 240, noise=0.02), OPTIONS)
    assert rhythm.bpm == 126.0
    assert len(rhythm.grid) == 1
    assert len(rhythm.beats) == len(truth)


def test_two_tempi_of_a_mix_become_two_regions():
    one, two = grid(124.0, 0.0, 120), grid(138.0, 120.2, 240)
    rhythm = analyse(clicks(np.concatenate([one, two]), 240), OPTIONS)
    assert [region.bpm for region in rhythm.grid] == [124.0, 138.0]
    assert rhythm.grid[1].start == pytest.approx(120, abs=4)


def test_every_fourth_beat_is_the_one():
    truth = grid(128.0, 0.4, 60)
    rhythm = analyse(clicks(truth, 60, downbeats=truth[2::4]), OPTIONS)
    assert rhythm.time_signature == "4/4"
    assert np.abs(np.array(rhythm.downbeats) - truth[2::4]).max() < 0.01


def test_a_waltz_has_three_beats_a_bar():
    truth = grid(150.0, 0.4, 60)
    rhythm = analyse(clicks(truth, 60, downbeats=truth[1::3]), OPTIONS)
    assert rhythm.time_signature == "3/4"
    assert np.abs(np.array(rhythm.downbeats) - truth[1::3]).max() < 0.01


@pytest.mark.parametrize("frames", [0, 1, 50, 250])
def test_silence_of_any_length_has_no_tempo(frames):
    rhythm = analyse(Features(frames / 100, np.zeros((frames, 2), np.float32)), OPTIONS)
    assert rhythm.bpm is None
    assert rhythm.confidence == 0.0
    assert rhythm.beats == rhythm.downbeats == rhythm.grid == ()


def test_noise_without_a_pulse_gives_little_confidence():
    values = np.random.default_rng(3).random((18000, 2)).astype(np.float32) ** 6
    assert analyse(Features(180.0, values), OPTIONS).confidence < 0.3


def test_the_same_features_give_the_same_rhythm():
    features = clicks(grid(133.0, 0.2, 60), 60, noise=0.2)
    assert analyse(features, OPTIONS) == analyse(features, OPTIONS)
