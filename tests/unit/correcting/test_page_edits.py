"""Edits of a page without a server: Python alone knows what they do, and nothing is lost."""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from dropgrid.apply_corrections import document, section_corrections
from dropgrid.apply_corrections.edits import EDITS
from dropgrid.apply_corrections.model import (
    NOTHING,
    Correction,
    InvalidCorrection,
    from_json,
    to_json,
)
from dropgrid.apply_corrections.per_track import slice_bytes, slice_path
from dropgrid.correcting import session as session_module
from dropgrid.correcting.page_edits import apply_page_edits
from dropgrid.correcting.publish import write_slices
from dropgrid.correcting.session import CorrectionSession
from dropgrid.library import track_id
from dropgrid.records.model import GridRegion
from dropgrid.records.store import read_key, write_record
from dropgrid.results.ownership import write_owned
from dropgrid.settings.paths import SCHEMAS
from tracks_to_correct import keyed, steady, structured, two_pieces, write_steady

PATH = "a.flac"
TRACK = track_id(PATH)
STEPS: dict[str, list[dict[str, Any]]] = {  # all that the page can do
    "half": [{"op": "half"}], "double": [{"op": "double"}],
    "shift": [{"op": "shift", "beats": 0.5}], "nudge": [{"op": "nudge", "ms": -10}],
    "one": [{"op": "one", "beats": -1}], "at": [{"op": "at", "time": 12.345678}],
    "beat_at": [{"op": "beat_at", "time": 12.3}],
    "anchors": [{"op": "anchors", "first": 2.5, "second": 90.6, "one": False}],
    "tap": [{"op": "tap", "times": [0, 1.0, 2.0, 3.0, 4.01]}],
    "beats_per_bar": [{"op": "beats_per_bar", "beats": 3}],
    "split": [{"op": "split", "at": 40.1}], "join": [{"op": "join", "at": 64.0}],
    "boundary": [{"op": "boundary", "from": 16.5, "to": 21}],
    "label": [{"op": "label", "at": 20, "label": "breakdown"}],
    "key": [{"op": "key", "key": "F minor"}], "confirm": [{"op": "confirm"}],
    "unconfirm": [{"op": "confirm"}, {"op": "unconfirm"}],
    "reset": [{"op": "half"}, {"op": "reset"}],
    "several": [{"op": "shift", "beats": 0.5}, {"op": "split", "at": 40}, {"op": "confirm"}],
}  # fmt: skip


def desk_of(folder: Path, bpm: Any = None) -> CorrectionSession:
    results = write_steady(folder / "results", [PATH])
    for kind, record in (("bpm", bpm or steady()), ("structure", structured()), ("key", keyed())):
        write_record(results.record(kind, TRACK), replace(record, track=TRACK, path=PATH))
    return CorrectionSession(results, folder / "mine.json")


def shown(session: CorrectionSession) -> dict[str, Any]:
    """What a page of these results shows, as its script writes it down."""
    state = session.read_state(TRACK)
    assert state.bpm and state.structure and state.key
    return {
        "grid": [
            {"start": g.start, "bpm": g.bpm}
            | ({} if g.first_downbeat is None else {"one": g.first_downbeat})
            for g in state.bpm.grid
        ],
        "sections": [
            {"start": round(s.start, 3), "label": s.label} for s in state.structure.sections
        ],
        "drops": [round(time, 3) for time in state.structure.drops],
        "key": state.key.key,
    }


def put(session: CorrectionSession, *steps: dict[str, Any], **stated: Any) -> None:
    """Write the file that a page downloads."""
    edits = {"answer": shown(session), "steps": [[step] for step in steps]}
    values = {
        "schema": "dropgrid/corrections", "schema_version": 1,
        "tracks": {PATH: {**stated, "edits": edits}},
    }  # fmt: skip
    schema = json.loads((SCHEMAS / "corrections.schema.json").read_bytes())
    jsonschema.validate(values, schema)
    session.file.write_text(json.dumps(values))


def stated(session: CorrectionSession) -> Correction:
    return document.read(session.file).tracks.get(PATH, Correction())


@pytest.mark.parametrize("name", STEPS)
def test_the_page_s_edits_come_to_what_the_same_edits_do_here(tmp_path, name):
    page, here = desk_of(tmp_path / "page"), desk_of(tmp_path / "here")
    put(page, *STEPS[name])
    assert apply_page_edits(page) == [f"{page.file}: the page's edits of 1 track were applied"]
    for step in STEPS[name]:
        here.edit(TRACK, [step])
    assert stated(page) == stated(here) and stated(page).edits is None
    assert len(page.steps(TRACK)[0]) == (0 if stated(page).is_empty else len(STEPS[name]))


def test_the_page_can_do_nothing_that_is_not_known_here():
    static = files("dropgrid.report") / "static"
    text = "".join(file.read_text() for file in static.iterdir() if file.name.endswith(".js"))
    ops = set(re.findall(r'op: "(\w+)"', text)) | set(
        re.findall(r'\? "(\w+)" : "\w+", beats', text)
    )
    assert ops and ops <= EDITS.keys()
    assert ops - {"bpm"} <= STEPS.keys()


def test_confirming_keeps_the_drops(tmp_path):
    session = desk_of(tmp_path)
    put(session, {"op": "confirm"})
    apply_page_edits(session)
    said = stated(session)
    assert said.confirmed is not None and said.confirmed.drops == (16.5,)
    _, answer = session.answer(session.read_state(TRACK), said)
    assert answer.structure.drops == (16.5,) and answer.structure.source == "computed"


def test_a_file_that_says_nothing_of_drops_deletes_none():
    """As pages of 0.2.0 before this change wrote them."""
    sections = [{"start": s.start, "label": s.label} for s in structured().sections]
    said = from_json({"confirmed": {"grid": [], "sections": sections}}, "x")
    assert said.confirmed is not None and said.confirmed.drops is None
    assert section_corrections.with_confirmed_sections(said, structured(), steady()) == said
    again = from_json(to_json(said), "x")
    assert again == said
    none = section_corrections.confirmed_answer(
        steady(), replace(structured(), drops=(), drop_confidences=()), None
    )
    kept = from_json(to_json(Correction(confirmed=none)), "x").confirmed
    assert kept == none and kept.drops == ()  # that there are none was confirmed


def test_no_downbeat_is_invented_for_a_piece_without_one(tmp_path):
    bpm = replace(two_pieces(), downbeats=two_pieces().downbeats[:5])
    grid = (bpm.grid[0], replace(bpm.grid[1], first_downbeat=None))
    session = desk_of(tmp_path, replace(bpm, grid=grid))
    put(session, {"op": "nudge", "ms": 5})
    apply_page_edits(session)
    assert [entry.downbeat is None for entry in stated(session).grid] == [False, True]


def test_edits_are_about_the_answer_that_was_shown(tmp_path):
    session = desk_of(tmp_path)
    put(session, {"op": "half"})
    faster = replace(steady(), grid=(GridRegion(0.5, 125.0, 240, 0.5),), track=TRACK, path=PATH)
    write_record(session.results.record("bpm", TRACK), faster)
    (line,) = apply_page_edits(session)
    assert f"{PATH}: the page showed another answer" in line
    assert stated(session).edits is not None and stated(session).parts == ()
    put(session, {"op": "key", "key": "Am"})  # which no grid matters to
    apply_page_edits(session)
    assert stated(session).key == "A minor"


def test_the_same_file_may_be_put_in_place_again(tmp_path):
    """Its edits are about the analysis' own answer, which is kept with the corrected one."""
    session = desk_of(tmp_path)
    put(session, {"op": "shift", "beats": 0.5})
    data = session.file.read_bytes()
    apply_page_edits(session)
    once = stated(session)
    state = session.read_state(TRACK)
    write_record(session.results.record("bpm", TRACK), session.answer(state, once)[1].bpm)
    values = json.loads(data)
    values["tracks"][PATH] |= to_json(once)
    session.file.write_text(json.dumps(values))
    apply_page_edits(session)
    assert stated(session) == once


def test_edits_on_top_of_earlier_corrections(tmp_path):
    session = desk_of(tmp_path)
    put(session, {"op": "half"}, key="F minor", note="by ear", mood="warm")
    apply_page_edits(session)
    said = stated(session)
    assert (said.bpm, said.key, said.note) == (60.0, "F minor", "by ear")
    assert said.unknown == {"mood": "warm"}


def test_a_reset_on_the_page_removes_the_corrections(tmp_path):
    session = desk_of(tmp_path)
    put(session, {"op": "reset"}, key="F minor")
    apply_page_edits(session)
    assert stated(session).is_empty


def test_edits_wait_for_the_analysis_and_are_found_under_another_name(tmp_path):
    session = desk_of(tmp_path)
    put(session, {"op": "half"}, fingerprint="1-ab")
    values = json.loads(session.file.read_bytes())
    values["tracks"] = {"old.flac": values["tracks"][PATH]}
    session.file.write_text(json.dumps(values))
    assert "wait until they are analysed" in apply_page_edits(session)[0]
    state = replace(steady(), track=TRACK, path=PATH, fingerprint="1-ab")
    write_record(session.results.record("bpm", TRACK), state)
    assert "of 1 track were applied" in apply_page_edits(session)[0]
    assert list(document.read(session.file).tracks) == [PATH] and stated(session).bpm == 60


def test_the_tracks_whose_edits_wait_are_counted(tmp_path):
    session = desk_of(tmp_path)
    put(session, {"op": "half"})
    values = json.loads(session.file.read_bytes())
    for path in ("b.flac", "c.flac"):
        values["tracks"][path] = values["tracks"][PATH]
    session.file.write_text(json.dumps(values))
    applied, waiting = apply_page_edits(session)
    assert "the page's edits of 1 track were applied" in applied
    assert "the page's edits of 2 tracks wait until they are analysed" in waiting
    assert apply_page_edits(session) == [waiting]


CONFIRM, HALF = [{"op": "confirm"}], [{"op": "half"}]
LABEL = [{"op": "label", "at": 20, "label": "breakdown"}]


@pytest.mark.parametrize(
    ("steps", "answer", "taken"),
    [
        (CONFIRM, {"key": "F minor"}, False), (CONFIRM, {"drops": [16.6]}, False),
        (CONFIRM, {"drops": [16.5005]}, True), (HALF, {"key": "F minor", "drops": []}, True),
        (HALF, {"sections": []}, True), (LABEL, {"sections": []}, False),
        (LABEL, {"key": "F minor", "drops": []}, True),
        (HALF, {"grid": []}, False), (HALF, {"grid": [{"start": 0.5, "bpm": 120.0}]}, False),
        (HALF, {"grid": [{"start": 0.5, "bpm": 120.004, "one": 0.5}]}, True),
        (HALF, {"grid": [{"start": 0.5, "bpm": 120.006, "one": 0.5}]}, False),
        (HALF, {"grid": [{"start": 0.6, "bpm": 120.0, "one": 0.5}]}, False),
        (HALF, {"grid": [{"start": 0.5, "bpm": 120.0, "one": 1.0}]}, False),
    ],
)  # fmt: skip
def test_an_edit_applies_only_to_the_answer_that_was_shown(tmp_path, steps, answer, taken):
    session = desk_of(tmp_path)
    put(session, *steps)
    values = json.loads(session.file.read_bytes())
    values["tracks"][PATH]["edits"]["answer"] |= answer
    session.file.write_text(json.dumps(values))
    (line,) = apply_page_edits(session)
    assert ("were applied" in line) == taken and ("showed another answer" in line) != taken


def test_a_step_may_be_several_edits_and_each_step_is_undone_alone(tmp_path):
    session = desk_of(tmp_path)
    put(session)
    values = json.loads(session.file.read_bytes())
    values["tracks"][PATH]["edits"]["steps"] = [
        [{"op": "half"}, {"op": "half"}], [{"op": "key", "key": "Dm"}],
    ]  # fmt: skip
    session.file.write_text(json.dumps(values))
    apply_page_edits(session)
    assert (stated(session).bpm, stated(session).key) == (30.0, "D minor")
    session.undo(TRACK)
    assert (stated(session).bpm, stated(session).key) == (30.0, None)
    session.undo(TRACK)
    assert stated(session).is_empty


def test_records_are_made_of_the_analyses_that_there_are(tmp_path, monkeypatch):
    session = desk_of(tmp_path)
    state = session.read_state(TRACK)
    for made, kind in (("make_structure_record", "structure"), ("make_key_record", "key")):
        monkeypatch.setattr(session_module, made, lambda *_, kind=kind: kind)
    monkeypatch.setattr(CorrectionSession, "options", lambda *_: {})
    for kinds in (["bpm"], ["bpm", "key"], ["bpm", "structure"], ["bpm", "structure", "key"]):
        monkeypatch.setattr(type(session.results), "kinds", lambda *_, kinds=kinds: kinds)
        found = session._records(state, None, state.bpm, Correction())
        assert [kind for kind, _ in found] == kinds


def test_features_are_looked_into_only_for_a_fingerprint_that_is_not_noted(tmp_path, monkeypatch):
    session = desk_of(tmp_path)
    looked = []
    monkeypatch.setattr(CorrectionSession, "features", lambda _, track: looked.append(track))
    monkeypatch.setattr(session_module.fingerprints, "fingerprint", lambda features: "1-cd")
    assert session.read_state(TRACK, with_fingerprint=False).fingerprint is None and not looked
    assert session.read_state(TRACK).fingerprint == "1-cd" and looked == [TRACK]
    noted = replace(steady(), track=TRACK, path=PATH, fingerprint="1-ab")
    write_record(session.results.record("bpm", TRACK), noted)
    assert session.read_state(TRACK).fingerprint == "1-ab" and looked == [TRACK]


def test_an_impossible_edit_is_reported_and_the_others_are_made(tmp_path):
    session = desk_of(tmp_path)
    put(session, {"op": "at", "time": 1e5})
    (line,) = apply_page_edits(session)
    assert line.startswith(f"{session.file}: {PATH}: at: time: after the end of the music")
    assert stated(session).edits is not None


@pytest.mark.parametrize(
    ("edits", "said"),
    [
        ([], "without answer and steps"),
        ({"steps": 3}, "without answer and steps"),
        ({"steps": [3]}, "lists of edits"),
        ({"steps": [[3]]}, "an edit is not an object"),
        ({"steps": [[{"op": []}]]}, "an edit is not an object"),
        ({"steps": [], "answer": 3}, "not an object"),
        ({"steps": [], "answer": {"grid": 3}}, "grid"),
    ],
)
def test_what_is_not_a_list_of_edits_is_refused(edits, said):
    with pytest.raises(InvalidCorrection, match=said):
        from_json({"edits": edits}, "x")


def test_records_of_which_some_are_still_to_be_made_are_not_current(tmp_path):
    """While the records follow an edit, the rhythm is there before the sections are."""
    session = desk_of(tmp_path)
    session.edit(TRACK, [{"op": "shift", "beats": 0.5}])
    write_slices(
        document.read(session.file), [session.read_state(TRACK).ticket], session.results.folder,
        session.results.folder, session.file,
    )  # fmt: skip
    stated_at = slice_path(session.results.corrections, TRACK).stat().st_mtime_ns
    for kind, later in (("bpm", 1), ("structure", -1), ("key", 1)):
        at = stated_at + later * 10**9
        os.utime(session.results.record(kind, TRACK), ns=(at, at))
    state = session.read_state(TRACK)
    assert not session.is_current(state, session.correction_of(state)[1])
    at = stated_at + 10**9
    os.utime(session.results.record("structure", TRACK), ns=(at, at))
    state = session.read_state(TRACK)
    assert session.is_current(state, session.correction_of(state)[1])


def test_records_that_were_updated_after_reading_are_not_current(tmp_path):
    """Else the workbench answers an edit with the grid before it."""
    session = desk_of(tmp_path)
    state = session.read_state(TRACK)
    session.edit(TRACK, [{"op": "shift", "beats": 0.5}])
    correction = session.correction_of(state)[1]
    write_owned(
        slice_path(session.results.corrections, TRACK), slice_bytes(TRACK, correction)
    )  # fmt: skip
    for kind in ("bpm", "structure", "key"):
        session.results.record(kind, TRACK).touch()
    assert not session.is_current(state, correction)
    assert session.is_current(session.read_state(TRACK), correction)


def test_records_that_are_updated_during_reading_are_not_current(tmp_path, monkeypatch):
    session = desk_of(tmp_path)

    def read_before_an_update(path, track):
        record = read_key(path, track)
        write_owned(slice_path(session.results.corrections, TRACK), slice_bytes(TRACK, NOTHING))
        return record

    assert session.is_current(session.read_state(TRACK), NOTHING)
    monkeypatch.setattr("dropgrid.correcting.session.read_key", read_before_an_update)
    assert not session.is_current(session.read_state(TRACK), NOTHING)


def test_a_track_with_corrections_of_a_renamed_file_is_confirmed_with_them(tmp_path):
    session = desk_of(tmp_path)
    state = replace(steady(), track=TRACK, path=PATH, fingerprint="1-ab")
    write_record(session.results.record("bpm", TRACK), state)
    old = Correction(fingerprint="1-ab", downbeat=1.0)
    _, answer = session.answer(session.read_state(TRACK), old)
    write_record(session.results.record("bpm", TRACK), answer.bpm)
    put(session, {"op": "confirm"}, fingerprint="1-ab")
    values = json.loads(session.file.read_bytes())
    values["tracks"]["old.flac"] = to_json(old)
    session.file.write_text(json.dumps(values))
    assert apply_page_edits(session) == [
        f"{session.file}: the page's edits of 1 track were applied"
    ]
    assert list(document.read(session.file).tracks) == [PATH]
    assert stated(session).downbeat == 1.0 and stated(session).confirmed is not None
