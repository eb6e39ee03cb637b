"""Tempo accuracy on real activations: the GiantSteps tracks beside the checkout, if there."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from dropgrid.features import FRAME_RATE, Features
from dropgrid.rhythm import RhythmOptions, analyse

REFERENCE = Path(__file__).resolve().parents[3] / "shared" / "reference"
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
    assert sum(len(found.grid) > 1 for found, _, _ in tempi) <= 12
