"""Sections, drops, key; and what a person confirmed stays when a later version differs."""

from __future__ import annotations

from dataclasses import replace

import pytest
from dropgrid.apply_corrections import apply, section_corrections
from dropgrid.apply_corrections.edits import edit
from dropgrid.apply_corrections.model import (
    NOTHING,
    Correction,
    InvalidCorrection,
    from_json,
    to_json,
)
from dropgrid.apply_corrections.section_edits import Answer
from dropgrid.records.model import StructureRecord
from tracks_to_correct import keyed, steady, structured, unasked

BAR = 2.0  # s at 120 BPM; bar lines at 0.5, 2.5 ...


def sections_after(*steps: dict) -> StructureRecord:
    correction = NOTHING
    for step in steps:
        now = apply.to_structure(structured(), correction, steady())
        correction = edit(correction, Answer(steady(), now, keyed()), step)
    return apply.to_structure(structured(), correction, steady())


def outline(record: StructureRecord) -> list[tuple[float, str]]:
    return [(section.start, section.label) for section in record.sections]


def test_a_boundary_that_is_dragged_lands_on_a_bar_line():
    record = sections_after({"op": "boundary", "from": 17, "to": 20.9})
    assert outline(record) == [(0.0, "intro"), (20.5, "drop"), (64.5, "outro")]
    assert record.drops == (20.5,)
    assert (record.sections[1].start_bar, record.sections[1].bars) == (11, 22)
    assert record.sections[0].end == record.sections[1].start
    assert record.source == "corrected"
    assert record.computed is not None and record.computed.drops == (16.5,)


def test_a_boundary_stays_between_its_neighbours():
    record = sections_after({"op": "boundary", "from": 17, "to": 100})
    assert outline(record)[1] == (62.5, "drop")


def test_a_section_gets_another_label_and_drops_follow():
    record = sections_after({"op": "label", "at": 20, "label": "breakdown"})
    assert outline(record)[1] == (16.5, "breakdown")
    assert record.drops == ()


def test_a_section_is_cut_in_two_and_joined_again():
    record = sections_after({"op": "split", "at": 40, "label": "breakdown"})
    assert outline(record)[2] == (40.5, "breakdown")
    record = sections_after(
        {"op": "split", "at": 40, "label": "breakdown"}, {"op": "join", "at": 41}
    )
    assert outline(record) == outline(structured())


def test_corrected_drops_combine_with_computed_sections():
    record = sections_after({"op": "drops", "drops": [16.6, 64.4]})
    assert record.drops == (16.5, 64.5)
    assert record.drop_confidences == (1.0, 1.0)
    assert record.sections == structured().sections


def test_corrected_sections_follow_the_grid_to_its_bars():
    correction = Correction(sections=from_json(
        {"sections": [{"start": 0, "label": "intro"}, {"start": 16.5, "label": "drop"}]}, ""
    ).sections)  # fmt: skip
    moved = apply.to_bpm(steady(), replace(correction, downbeat=0.8), unasked)
    record = apply.to_structure(structured(), correction, moved)
    assert outline(record)[1][0] == pytest.approx(16.8)
    assert record.sections[-1].end == structured().duration


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ({"op": "label", "at": 3, "label": "chorus"}, "label: none of intro"),
        ({"op": "split", "at": 16.4}, "a section already begins there"),
        ({"op": "sections", "sections": []}, "the first section does not start at 0"),
        ({"op": "sections", "sections": [{"start": 1, "label": "drop"}]}, "does not start at 0"),
        ({"op": "sections", "sections": [{"start": 0, "label": "drop", "x": 1}]}, "unknown field"),
        ({"op": "drops", "drops": [5, 3]}, "not in the order of time"),
        ({"op": "key", "key": "H sharp"}, "key: not a key"),
        ({"op": "reset", "what": ["all"]}, "reset: what: not a list of grid"),
    ],
)
def test_what_cannot_be_is_refused(step, message):
    with pytest.raises(InvalidCorrection, match=message):
        edit(NOTHING, Answer(steady(), structured(), keyed()), step)


def test_a_key_may_be_corrected_in_any_notation():
    correction = edit(NOTHING, Answer(steady(), None, keyed()), {"op": "key", "key": "9B"})
    record = apply.to_key(keyed(), correction)
    assert (record.key, record.camelot, record.open_key) == ("G major", "9B", "2d")
    assert (record.source, record.confidence) == ("corrected", 1.0)
    assert record.computed is not None and record.computed.key == "A minor"


def confirmed() -> Correction:
    correction = edit(NOTHING, Answer(steady(), structured(), keyed()), {"op": "confirm"})
    return from_json(to_json(correction), "")


def test_what_is_confirmed_changes_nothing_while_the_analysis_agrees():
    correction = confirmed()
    assert correction.confirmed is not None and len(correction.confirmed.answer) == 16
    assert section_corrections.answer_of(correction.confirmed) == correction.confirmed.answer
    assert apply.to_bpm(steady(), correction, unasked) == steady()
    assert apply.to_structure(structured(), correction, steady()) == structured()
    assert apply.to_key(keyed(), correction) == keyed()


def test_what_is_confirmed_stays_when_a_later_version_finds_another_answer():
    correction = confirmed()
    record = apply.to_bpm(steady(bpm=60.0), correction, unasked)
    assert (record.bpm, record.source) == (120.0, "corrected")
    assert record.beats[:4] == pytest.approx(steady().beats[:4])
    other = replace(structured(), sections=structured().sections[:1], drops=())
    assert outline(apply.to_structure(other, correction, steady())) == outline(structured())
    assert apply.to_key(replace(keyed(), key="C major"), correction).key == "A minor"


def test_an_edit_takes_the_confirmation_back_and_a_note_does_not():
    correction = confirmed()
    answer = Answer(steady(), structured(), keyed())
    assert edit(correction, answer, {"op": "one", "beats": 1}).confirmed is None
    assert (
        edit(correction, answer, {"op": "note", "note": "by hand"}).confirmed
        == correction.confirmed
    )
    assert edit(correction, answer, {"op": "unconfirm"}).is_empty


def test_resetting_a_part_leaves_the_others():
    correction = Correction(bpm=90.0, downbeat=0.1, key="A minor", note="x")
    answer = Answer(steady(), structured(), keyed())
    assert to_json(edit(correction, answer, {"op": "reset", "what": ["grid"]})) == {
        "key": "A minor",
        "note": "x",
    }
    assert edit(correction, answer, {"op": "reset"}).is_empty
