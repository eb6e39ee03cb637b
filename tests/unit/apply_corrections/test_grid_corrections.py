"""Corrections of tempo, beats and bars are absolute; the computed answer is kept with them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from dropgrid.apply_corrections import apply, grid_corrections, section_corrections
from dropgrid.apply_corrections.edits import edit
from dropgrid.apply_corrections.model import (
    NOTHING,
    Correction,
    GridEntry,
    InvalidCorrection,
    from_json,
    to_json,
)
from dropgrid.apply_corrections.section_edits import Answer
from dropgrid.records.model import BpmRecord
from dropgrid.records.store import as_computed, as_written
from tracks_to_correct import steady, two_pieces, unasked


def corrected(record: BpmRecord, *steps: dict, before: Correction = NOTHING) -> tuple:
    """The correction after these edits, and the corrected record."""
    said = before
    for step in steps:
        said = edit(said, Answer(apply.to_bpm(record, said, unasked)), step)
    said = from_json(to_json(said), "written and read")
    return said, as_written(apply.to_bpm(record, said, unasked))


@pytest.mark.parametrize("record", [steady(), steady(first=0.0), two_pieces(), two_pieces(4.0)])
def test_a_correction_equal_to_the_grid_gives_the_same_beats(record):
    same = grid_corrections.lay_grid(record, grid_corrections.entries_of(record))
    assert same.beats == pytest.approx(record.beats, abs=1e-6)
    assert same.downbeats == pytest.approx(record.downbeats, abs=1e-6)
    assert [g.beats for g in same.grid] == [g.beats for g in record.grid]


def test_half_the_tempo_keeps_the_first_downbeat_and_every_second_beat():
    said, record = corrected(steady(), {"op": "half"})
    assert (said.bpm, said.downbeat) == (60.0, 0.5)
    assert (record.bpm, record.source) == (60.0, "corrected")
    assert record.beats == pytest.approx(steady().beats[::2])
    assert record.downbeats == pytest.approx(steady().beats[::8])


def test_twice_the_tempo_fills_the_gaps():
    _, record = corrected(steady(), {"op": "double"})
    assert record.bpm == 240.0
    assert np.allclose(np.diff(record.beats), 0.25)
    assert set(steady().beats) <= set(record.beats)


def test_the_computed_answer_is_kept_with_the_corrected_answer():
    _, record = corrected(steady(), {"op": "half"})
    assert record.computed is not None
    assert record.computed.bpm == 120.0
    assert record.computed.confidence == 0.504
    assert record.computed.beats == pytest.approx(steady().beats)
    assert as_computed(record) == as_written(steady())


def test_half_a_beat_later_is_saved_as_an_absolute_time():
    said, record = corrected(steady(), {"op": "shift", "beats": 0.5})
    assert to_json(said) == {"one": 0.75}
    assert record.beats[:3] == pytest.approx((0.75, 1.25, 1.75))
    assert record.downbeats[0] == pytest.approx(0.75)
    assert record.bpm == 120.0


def test_the_downbeat_moves_and_the_beats_stay():
    said, record = corrected(steady(), {"op": "one", "beats": -1})
    assert said.downbeat == pytest.approx(2.0)  # a bar later than where no beat is yet
    assert record.beats == pytest.approx(steady().beats)
    assert record.downbeats == pytest.approx(steady().beats[3::4])


def test_nudging_keeps_the_number_of_beats():
    for ms in (-10, 10):
        _, record = corrected(steady(), {"op": "nudge", "ms": ms})
        assert record.beats == pytest.approx([b + ms / 1000 for b in steady().beats])


def test_a_grid_that_begins_with_the_music_may_be_nudged_before_it():
    _, record = corrected(steady(first=0.004), {"op": "nudge", "ms": -10})
    assert record.beats[:2] == pytest.approx((0.0, 0.494))
    assert record.downbeats[:2] == pytest.approx((0.0, 1.994))


def test_corrections_hold_when_the_analysis_changes():
    said, _ = corrected(steady(one=0), {"op": "one", "beats": 1})
    later = as_written(
        apply.to_bpm(steady(one=2), said, unasked)
    )  # a version that finds another one
    assert later.downbeats[0] == pytest.approx(1.0)
    said, _ = corrected(steady(), {"op": "half"})
    later = as_written(apply.to_bpm(steady(bpm=60.0, first=0.5), said, unasked))
    assert later.bpm == 60.0
    assert later.downbeats[0] == pytest.approx(0.5)


def test_a_downbeat_is_set_at_a_time():
    said, record = corrected(steady(), {"op": "at", "time": 33.377})
    assert to_json(said) == {"one": 33.377}
    assert min(abs(np.asarray(record.downbeats) - 33.377)) < 1e-6
    assert np.allclose(np.diff(record.beats), 0.5)


def test_two_anchors_give_tempo_and_phase():
    true = steady(bpm=120.5, first=0.3)
    first, last = true.beats[8] + 0.002, true.beats[60] - 0.003  # as a person clicks
    said, record = corrected(
        steady(), {"op": "anchors", "first": first, "second": last, "one": True}
    )
    assert said.bpm == 120.5  # a whole tempo within what clicks can tell
    assert np.abs(np.asarray(record.beats[:190]) - np.asarray(true.beats[:190])).max() < 0.004
    assert min(abs(np.asarray(record.downbeats) - first)) < 1e-6


def test_three_beats_a_bar():
    _, record = corrected(steady(), {"op": "beats_per_bar", "beats": 3})
    assert record.time_signature == "3/4"
    assert record.downbeats == pytest.approx(steady().beats[::3])


def test_taps_near_an_octave_of_the_tempo_mean_it():
    taps = [10 + i * 1.01 for i in range(8)]
    said, _ = corrected(steady(), {"op": "tap", "times": taps})
    assert said.bpm == 60.0
    taps = [10 + i * 60 / 99.6 for i in range(8)]
    assert edit(NOTHING, Answer(steady()), {"op": "tap", "times": taps}).bpm == 100.0


def test_a_tempo_alone_leaves_the_beats_to_the_analysis():
    asked = []

    def analysis(bpm: float) -> BpmRecord:
        asked.append(bpm)
        return steady(bpm=bpm, first=0.2, one=1)

    said = edit(Correction(downbeat=0.5), Answer(steady()), {"op": "bpm", "bpm": 100})
    assert to_json(said) == {"bpm": 100.0}  # the one of another tempo says nothing
    record = apply.to_bpm(steady(), said, analysis)
    assert asked == [100.0]
    assert record.beats[0] == pytest.approx(0.2)
    assert record.confidences is not None
    assert (record.confidences.tempo, record.confidences.phase) == (1.0, 0.7)


def test_a_more_exact_tempo_keeps_the_downbeat():
    said = edit(Correction(downbeat=0.5), Answer(steady()), {"op": "bpm", "bpm": 120.5})
    assert to_json(said) == {"bpm": 120.5, "one": 0.5}


def test_corrected_parts_are_certain_and_nothing_else():
    _, record = corrected(steady(), {"op": "shift", "beats": 1})
    assert record.confidences is not None
    assert (record.confidences.tempo, record.confidences.octave) == (0.9, 0.8)
    assert (record.confidences.phase, record.confidences.downbeat) == (1.0, 1.0)
    assert record.confidence == pytest.approx(0.72)
    _, record = corrected(steady(), {"op": "half"})
    assert record.confidence == 1.0


def test_a_tag_that_is_not_spoken_of_stays_the_tempo():
    tagged = replace(steady(), bpm=60.0, tag_bpm=60.0, source="metadata")
    _, record = corrected(tagged, {"op": "one", "beats": 1})
    assert (record.bpm, record.source) == (60.0, "corrected")
    assert record.computed is not None and record.computed.source == "metadata"


def test_grid_entries_move_together_and_are_saved_as_a_grid():
    said, record = corrected(two_pieces(4.0), {"op": "half"}, {"op": "shift", "beats": 0.5})
    assert said.bpm is None and len(said.grid) == 2
    assert [entry.bpm for entry in said.grid] == [60.0, 70.0]
    assert not [b for b in record.beats if 60.6 < b < 63.9]  # the pause stays one
    late = [b for b in record.beats if b > 64]
    assert np.allclose(np.diff(late), 60 / 70)


def test_a_corrected_downbeat_decides_for_its_grid_entry():
    _, record = corrected(two_pieces(), {"op": "at", "time": 80.1})
    early = [b for b in record.beats if b < 59.4]
    assert early == pytest.approx([b for b in two_pieces().beats if b < 59.4])
    assert min(abs(np.asarray(record.downbeats) - 80.1)) < 1e-6


def test_a_whole_grid_replaces_whatever_was_found():
    grid = [{"start": 0.1, "bpm": 100, "one": 0.7}, {"start": 60, "bpm": 90, "one": 60}]
    said, record = corrected(steady(), {"op": "grid", "grid": grid})
    assert said.grid[1] == GridEntry(60.0, 90.0, 60.0, 4)
    assert record.beats[0] == pytest.approx(0.1)
    assert record.downbeats[0] == pytest.approx(0.7)
    assert 60.0 in record.downbeats


def test_a_track_without_beats_gets_the_corrected_beats():
    silent = replace(
        steady(), bpm=None, bpm_fitted=None, beats=(), downbeats=(), grid=(), confidences=None,
        confidence=0.0,
    )  # fmt: skip
    with pytest.raises(InvalidCorrection, match="shift: the track has no beats"):
        edit(NOTHING, Answer(silent), {"op": "shift", "beats": 1})
    record = apply.to_bpm(silent, Correction(bpm=120.0, downbeat=1.0), unasked)
    assert (record.beats[0], record.confidence) == (0.0, 1.0)
    assert len(record.beats) == 241


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ({"op": "bpm", "bpm": 9000}, "bpm: not a tempo from 20 to 400: 9000"),
        ({"op": "bpm"}, "bpm: not a tempo"),
        ({"op": "shift", "beats": 0.3}, "shift: beats: not whole or half beats: 0.3"),
        ({"op": "shift", "beats": "x"}, "shift: beats: not a number of beats: 'x'"),
        ({"op": "one", "beats": 0.5}, "one: beats: not whole beats"),
        ({"op": "at", "time": 1000}, "at: time: after the end of the music"),
        ({"op": "at", "time": float("nan")}, "at: time: not a time"),
        ({"op": "anchors", "first": 1, "second": 1.1}, "less than a beat apart"),
        ({"op": "beats_per_bar", "beats": 6}, "beats_per_bar: none of 3, 4, 5 and 7: 6"),
        ({"op": "tap", "times": [1, 2]}, "tap: times: not a list of 4 to 1000"),
        ({"op": "fly"}, "op: none of half, double"),
        ({"op": ["half"]}, "op: none of half"),
        ({}, "op: none of half"),
    ],
)
def test_an_edit_that_cannot_be_is_refused_in_a_line(step, message):
    with pytest.raises(InvalidCorrection) as caught:
        edit(NOTHING, Answer(steady()), step)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_tempo_cannot_be_halved_out_of_range():
    said = Correction(bpm=30.0, downbeat=0.5)
    record = apply.to_bpm(steady(), said, unasked)
    with pytest.raises(InvalidCorrection, match="not a tempo from 20 to 400: 15"):
        edit(said, Answer(record), {"op": "half"})


def test_relative_corrections_written_by_hand_refer_to_the_computed_answer():
    said = Correction(octave="half", downbeat_beats=1, nudge_ms=-100)
    record = as_written(apply.to_bpm(steady(), said, unasked))
    assert record.bpm == 60.0
    assert record.downbeats[0] == pytest.approx(1.4)


def test_grids_differ_by_ear():
    true = steady()
    within_hearing = steady(first=0.52)  # 20 ms: the same to the ear
    assert section_corrections.disagreement(true, within_hearing) is None
    assert section_corrections.disagreement(true, steady(first=0.75)) == "beats"
    assert section_corrections.disagreement(true, steady(one=1)) == "downbeat"
    assert section_corrections.disagreement(true, steady(bpm=60.0)) == "tempo"
    assert section_corrections.disagreement(true, steady(bpm=121.0)) == "tempo"
