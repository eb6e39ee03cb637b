"""Tempo accuracy on real activations: the GiantSteps tracks next to the checkout, if present."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from dropgrid.features import FRAME_RATE, Features
from dropgrid.rhythm import RhythmOptions, analyse

pytestmark = [pytest.mark.slow, pytest.mark.smoke]  # `make quick` does without

REFERENCE = Path(__file__).resolve().parents[4] / "shared" / "reference"
OCTAVES = (1, 2, 3, 1 / 2, 1 / 3)


def within(bpm, reference, ratios):
    return any(abs(bpm - reference * r) <= 0.04 * reference * r for r in ratios)


@pytest.fixture(scope="module")
def tempi():
    """(found, v1, v2) of every track."""
    if not REFERENCE.is_dir():
        pytest.skip(f"no reference data at {REFERENCE}")
    with (REFERENCE / "giantsteps_tempo.csv").open() as stream:
        rows = {row["track"]: row for row in csv.DictReader(stream)}
    found = []
    with np.load(REFERENCE / "giantsteps_activations_dev.npz") as archive:
        for track in archive.files:
            beats = archive[track].astype(np.float32)
            rhythm = analyse(Features(len(beats) / FRAME_RATE, beats), RhythmOptions())
            row = rows[track]
            found.append((rhythm, float(row["bpm_v1"]), float(row["bpm_v2"])))
    return found


def test_the_octave_is_right_nine_times_in_ten(tempi):
    judged = [(found.bpm, v2) for found, _, v2 in tempi if v2 > 0]
    assert np.mean([within(bpm, v2, (1,)) for bpm, v2 in judged]) >= 0.90
    assert np.mean([within(bpm, v2, OCTAVES) for bpm, v2 in judged]) >= 0.98


def test_the_tempo_is_exact_where_the_octave_is_right(tempi):
    near = [(found, v1) for found, v1, _ in tempi if within(found.bpm, v1, (1,))]
    assert np.mean([abs(found.bpm - v1) <= 0.05 for found, v1 in near]) >= 0.77
    assert np.median([abs(found.bpm_fitted - v1) for found, v1 in near]) <= 0.004


def test_a_tempo_and_octave_above_nine_tenths_are_right_95_times_in_100(tempi):
    sure = [
        (found.bpm, v2)
        for found, _, v2 in tempi
        if v2 > 0 and found.confidences.tempo * found.confidences.octave > 0.9
    ]
    assert len(sure) > 190
    assert np.mean([within(bpm, v2, (1,)) for bpm, v2 in sure]) >= 0.95


def test_steady_tracks_come_out_as_one_region(tempi):
    """All but those whose activation no steady grid explains: hardly a pulse, or a loose one."""
    assert sum(len(found.grid) > 1 for found, _, _ in tempi) <= 19


@pytest.fixture(scope="module")
def broken_beats():
    """(found, true beats) of every track of hardcore, jungle and drum and bass."""
    if not REFERENCE.is_dir():
        pytest.skip(f"no reference data at {REFERENCE}")
    found = []
    with np.load(REFERENCE / "beat_activations_dev.npz") as archive:
        for key in archive.files:
            if key.startswith("hjdb/") and key.endswith("/activation"):
                beats = archive[key].astype(np.float32) / 10000
                rhythm = analyse(Features(len(beats) / FRAME_RATE, beats), RhythmOptions())
                found.append((rhythm, archive[key.replace("activation", "beats")][:, 0]))
    return found


def on_the_beat(rhythm, truth):
    """True if the beats are nearer to the true ones than the half beats are."""
    beats = np.array(rhythm.beats)
    between = (beats[1:] + beats[:-1]) / 2
    on, off = (np.abs(times[:, None] - truth).min(axis=1) for times in (beats, between))
    return np.median(on) < np.median(off)


def test_nine_of_ten_broken_beats_are_not_half_a_beat_off(broken_beats):
    assert len(broken_beats) == 111
    assert np.mean([on_the_beat(*track) for track in broken_beats]) >= 0.9


def test_the_phase_confidence_of_broken_beats_is_calibrated(broken_beats):
    promised = np.array([rhythm.confidences.phase for rhythm, _ in broken_beats])
    kept = np.array([on_the_beat(*track) for track in broken_beats])
    sure = promised > 0.9
    assert sure.sum() > 60
    assert kept[sure].mean() >= 0.93
    assert kept.mean() == pytest.approx(promised.mean(), abs=0.05)
