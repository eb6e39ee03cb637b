"""Limits of corrections: what is still the same, what still snaps, what is certain."""

from __future__ import annotations

from dataclasses import replace

import pytest
from dropgrid.apply_corrections import apply, grid_corrections, section_corrections
from dropgrid.apply_corrections.edits import edit
from dropgrid.apply_corrections.model import NOTHING, Correction, from_json, to_json
from dropgrid.apply_corrections.section_edits import Answer
from dropgrid.records.model import Confidences
from dropgrid.records.store import as_written
from tracks_to_correct import steady, unasked


def corrected(record, *steps, before=NOTHING):
    correction = before
    for step in steps:
        correction = edit(correction, Answer(apply.to_bpm(record, correction, unasked)), step)
    correction = from_json(to_json(correction), "written and read")
    return correction, as_written(apply.to_bpm(record, correction, unasked))


@pytest.mark.parametrize(
    ("step", "downbeat"),
    [
        ({"op": "shift", "beats": -4}, 0.5),
        ({"op": "shift", "beats": -7}, 1.0),
        ({"op": "shift", "beats": -9}, 0.0),
        ({"op": "nudge", "ms": -600}, 1.9),
        ({"op": "one", "beats": -9}, 2.0),
    ],
)
def test_a_downbeat_that_moves_before_the_first_sample_is_that_of_a_later_bar(step, downbeat):
    correction, record = corrected(steady(), step)
    assert correction.downbeat == pytest.approx(downbeat)
    assert record.downbeats[0] == pytest.approx(downbeat)


@pytest.mark.parametrize(
    ("bpm", "beats", "expected_bpm"),
    [(120.05, 180, 120.05), (120.05, 20, 120.0), (120.3, 4, 120.3), (120.45, 4, 120.5)],
)
def test_anchors_snap_to_a_whole_tempo_only_within_the_precision_of_clicks(
    bpm, beats, expected_bpm
):
    true = steady(bpm=bpm)
    step = {"op": "anchors", "first": true.beats[0], "second": true.beats[beats], "one": True}
    assert corrected(steady(), step)[0].bpm == pytest.approx(expected_bpm, abs=1e-4)


def test_beats_are_the_same_up_to_35_ms():
    for apart, differs in ((0.034, None), (0.036, "beats"), (0.06, "beats")):
        assert section_corrections.disagreement(steady(), steady(first=0.5 + apart)) == differs


def test_a_corrected_tempo_is_certain_in_its_octave_too():
    found = replace(steady(), confidences=Confidences(0.9, 0.5, 0.8, 0.7), confidence=0.36)
    correction = Correction(bpm=120.0)
    record = grid_corrections.apply(steady(), correction, lambda bpm: found)
    assert record.confidences == Confidences(1.0, 1.0, 0.8, 0.7)
    assert record.confidence == pytest.approx(0.8)
