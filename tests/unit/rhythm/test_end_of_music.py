"""The grid ends with the music, and never after the file."""

from __future__ import annotations

import numpy as np
import pytest
from dropgrid.features import FRAME_RATE, Features
from dropgrid.rhythm import RhythmOptions, analyse
from test_rhythm import bands_of, clicks, grid, peaks_at, played_by_hand


def followed_by(seconds, level, truth=None):
    """Features of 77 s of music, at 126 BPM or on beats, then so many seconds of a level in dB."""
    truth = grid(126.0, 0.35, 77) if truth is None else truth
    music = clicks(truth, 77, downbeats=truth[::4])
    frames = round(seconds * FRAME_RATE)
    bands = np.full((frames, 9), level, np.float16)
    activations = np.zeros((frames, 2), np.float32)
    whole = {"bands": np.concatenate([bands_of({0: (9, truth)}, 77), bands])}
    return Features(77 + seconds, np.concatenate([music.activations, activations]), whole)


@pytest.mark.parametrize("level", [-200, -90])
@pytest.mark.parametrize("minutes", [1, 10, 50])
def test_the_grid_ends_before_silence_however_long(minutes, level):
    features = followed_by(60 * minutes, level)
    for known in (None, 126.0):
        rhythm = analyse(features, RhythmOptions(), known_bpm=known)
        assert rhythm.bpm == 126.0
        assert 76 < rhythm.beats[-1] < 77.1


def test_the_grid_of_music_that_moves_ends_before_silence():
    truth = played_by_hand(lambda t: 118 + 4 * np.sin(t / 9), 77)
    rhythm = analyse(followed_by(3000, -200, truth), RhythmOptions())
    assert "deviation_ms" in rhythm.evidence
    assert 75 < rhythm.beats[-1] < 77.1


def test_a_tempo_that_is_found_again_in_silence_does_not_lengthen_the_grid():
    features = followed_by(600, -200)
    echo = peaks_at(grid(97.0, 84.0, 500), features.duration, 0.06).astype(np.float32)
    features.activations[:, 0] += echo
    rhythm = analyse(features, RhythmOptions())
    assert 76 < rhythm.beats[-1] < 77.1


@pytest.mark.parametrize("after_the_beat", [0.02, 0.1, 0.2])
def test_no_beat_falls_after_the_file_where_the_beat_has_moved_by_half(after_the_beat):
    truth = grid(128.0, 0.2, 200)
    halves = truth + 30 / 128
    duration = round(truth[-1] + after_the_beat, 2)
    beats = np.sort(np.concatenate([truth, halves]))
    ones = np.concatenate([truth[:240:4], halves[240::4]])
    features = clicks(beats, duration, downbeats=ones)
    rhythm = analyse(features, RhythmOptions(max_bpm=150))
    assert len(rhythm.grid) == 2
    assert rhythm.beats[-1] <= duration
