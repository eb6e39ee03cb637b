"""The rows of the workbench: edits, undo, jobs, and what other programs change."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from dropgrid.apply_corrections.section_edits import Answer
from dropgrid.base.errors import RecordError
from dropgrid.correcting.session import CorrectionSession
from dropgrid.library import track_id
from dropgrid.records.model import Alternative
from dropgrid.report.workbench import state
from dropgrid.report.workbench.state import Changed, NoSuchTrack, Workbench
from dropgrid.report.workbench.track_answers import alternatives
from library_of_records import PATHS, bpm_record
from workbench_requests import MINOR, ONE


def test_an_edit_is_seen_undone_and_seen_again(workbench: Workbench) -> None:
    before = workbench.revision
    seen = workbench.edit(ONE, [MINOR], before)
    assert seen["row"]["state"] | {"undo": 1, "redo": 0, "job": "running"} == seen["row"]["state"]
    assert seen["correction"]["key"] == seen["key"]["key"] == "D minor"
    assert workbench.rows(before) == (before + 1, [workbench._rows[ONE][1]])
    assert workbench.changes(before)[1][0]["id"] == ONE
    with pytest.raises(Changed):
        workbench.edit(ONE, [MINOR], before)
    seen = workbench.undo(ONE)
    assert (seen["correction"], seen["key"]["key"]) == (None, "A minor")
    assert workbench.undo(ONE, again=True)["correction"]["key"] == "D minor"
    with pytest.raises(NoSuchTrack):
        workbench.edit("none-00000000", [MINOR])


@pytest.mark.parametrize(
    ("fault", "shown"),
    [
        (None, None),
        (OSError(28, "No space left on device", "x"), "x: No space left on device"),
        (RecordError("the features are gone"), "the features are gone"),
        (KeyError("odd"), "KeyError: 'odd'"),
    ],
)
def test_the_jobs_of_edits_are_done_and_their_faults_are_shown(
    workbench, monkeypatch, fault, shown
) -> None:
    done = []

    def update(session: CorrectionSession, track: str) -> None:
        done.append(track)
        if fault is not None:
            raise fault

    monkeypatch.setattr(CorrectionSession, "update_records", update)
    workbench.edit(ONE, [MINOR])
    workbench._queue.put(None)
    workbench._work()
    state = workbench._rows[ONE][1]["state"]
    assert done == [ONE]
    assert (state["job"], state.get("message")) == ("failed" if fault else "idle", shown)


def test_a_track_is_idle_after_its_last_job(workbench: Workbench, monkeypatch) -> None:
    shown = []

    def update(session: CorrectionSession, track: str) -> None:
        shown.append(workbench._rows[track][1]["state"]["job"])

    monkeypatch.setattr(CorrectionSession, "update_records", update)
    workbench.edit(ONE, [MINOR])
    workbench.undo(ONE)
    workbench._queue.put(None)
    workbench._work()
    assert shown == ["running", "running"]
    assert workbench._rows[ONE][1]["state"]["job"] == "idle"


def test_what_another_program_changes_is_seen_and_nothing_else(workbench: Workbench) -> None:
    workbench._check_files()
    assert workbench.revision == 1
    other = CorrectionSession(workbench.session.results, workbench.session.file)
    other.edit(ONE, [MINOR])
    workbench._check_files()
    assert [row["id"] for row in workbench.rows(1)[1]] == [ONE]
    assert workbench._rows[ONE][1]["key"] == "D minor" and workbench._jobs == {ONE: None}
    now = workbench.revision
    workbench._check_files()
    assert workbench.revision == now


def test_who_waits_is_let_go_when_the_bench_is_dismissed(workbench: Workbench) -> None:
    workbench.dismiss()
    assert workbench.changes(workbench.revision) == (workbench.revision, [])
    workbench._follow()  # ends at once


def test_every_other_reading_has_its_edit() -> None:
    record = replace(
        bpm_record("a.flac"), grid=bpm_record("a.flac").grid[:1],
        alternatives=(
            Alternative(64.0, 0.2, "octave", None), Alternative(256.0, 0.1, "octave", None),
            Alternative(85.33, 0.1, "octave", None), Alternative(128.0, 0.1, "phase", 0.5),
            Alternative(128.0, 0.1, "downbeat", 1.0), Alternative(128.0, 0.1, "downbeat", -2.0),
        ),
    )  # fmt: skip
    found = [(other["edit"], other["label"]) for other in alternatives(Answer(record))]
    assert found == [
        ({"op": "half"}, "half tempo, 64.00"),
        ({"op": "double"}, "double tempo, 256.00"),
        ({"op": "bpm", "bpm": 85.33}, "85.33 BPM"),
        ({"op": "shift", "beats": 0.5}, "half a beat later"),
        ({"op": "one", "beats": 1.0}, "downbeat a beat later"),
        ({"op": "one", "beats": -2.0}, "downbeat 2 beats earlier"),
    ]
    assert alternatives(Answer(replace(record, source="corrected"))) == []
    assert alternatives(Answer(None)) == []


def test_a_row_tells_of_its_track_what_records_do_not(
    workbench: Workbench, tmp_path: Path
) -> None:
    song = Path(workbench.audio(ONE))
    song.parent.mkdir()
    song.write_bytes(b"fLaC")
    row = workbench._row(ONE)
    assert (row["audio"], row["file"]) == (f"api/tracks/{ONE}/audio", str(song))
    assert row["state"] == {
        "corrected": [], "confirmed": False, "job": "idle", "undo": 0, "redo": 0,
    }  # fmt: skip
    workbench.edit(ONE, [{"op": "note", "note": "loud"}])
    assert workbench._row(ONE)["state"]["note"] == "loud"
    song.unlink()
    assert "audio" not in workbench._row(ONE) and "file" not in workbench._row(ONE)
    assert workbench._row(track_id(PATHS[2]))["failure"] == ["decode", "DecodeError", "cut short"]


def test_a_library_that_moved_is_played_where_it_is(workbench: Workbench, tmp_path: Path) -> None:
    assert workbench.audio(ONE) == str(tmp_path / "music" / PATHS[0])
    assert Workbench(workbench.session, Path("/elsewhere")).audio(ONE) == f"/elsewhere/{PATHS[0]}"


def test_a_track_that_cannot_be_shown_says_why(workbench: Workbench, monkeypatch) -> None:
    def damaged(*_: object, **__: object) -> None:
        raise RecordError("damaged")

    monkeypatch.setattr(CorrectionSession, "read_state", damaged)
    row = workbench._row_or_fault(ONE)
    assert row["failure"] == ["scan", "RecordError", "damaged"]
    assert row["state"] == {"job": "idle"}
    with pytest.raises(NoSuchTrack, match="damaged"):
        workbench.track(ONE)
    monkeypatch.setattr(workbench, "_row", lambda track: {"bpm": float("nan")})
    assert workbench._row_or_fault(ONE)["failure"][1] == "ValueError"
    assert state.row_of_fault("t", OSError(5, "Input/output error", "x"))["failure"][2] == (
        "x: Input/output error"
    )


def test_duplicates_and_known_tempos_are_read_again_when_they_change(workbench: Workbench) -> None:
    results = workbench.session.results
    assert "refBpm" not in workbench._row(ONE)
    results.evaluation.mkdir()
    (results.evaluation / "bpm.csv").write_text(f"track,reference_bpm\n{ONE},64.0\n")
    assert workbench._row(ONE)["refBpm"] == 64.0
    (results.evaluation / "bpm.csv").unlink()
    assert "refBpm" not in workbench._row(ONE)


def test_rows_that_are_read_later_do_not_take_the_place_of_edits(workbench: Workbench) -> None:
    workbench.edit(ONE, [MINOR])
    two, now = track_id(PATHS[1]), workbench.revision
    workbench._rows[two], workbench._unread = (0, {}), 2
    workbench._publish({ONE: {"id": "old"}, two: {"id": "new"}})
    assert workbench.rows(now) == (now + 1, [{"id": "new"}]) and workbench.unread == 0
    assert workbench._rows[ONE][1]["key"] == "D minor"


def test_rows_are_reported_while_others_are_read(workbench: Workbench, monkeypatch) -> None:
    monkeypatch.setattr(state, "PUBLISH_INTERVAL", -1.0)
    before = workbench.revision
    workbench._read()
    assert workbench.revision == before + len(workbench.tracks) + 1  # the last time of none


def test_a_look_takes_a_twentieth_of_the_time_at_most(workbench: Workbench, monkeypatch) -> None:
    pauses: list[float] = []
    clock = iter([0.0, 0.001, 10.0, 11.0])
    monkeypatch.setattr(state.time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(workbench, "_check_files", lambda: None)

    def wait(pause: float) -> bool:
        pauses.append(pause)
        return len(pauses) == 3

    monkeypatch.setattr(workbench._closed, "wait", wait)
    workbench._watch()
    assert pauses == [state.POLL, state.POLL, 20.0]


def test_records_older_than_their_corrections_are_made_again_once(workbench: Workbench) -> None:
    CorrectionSession(workbench.session.results, workbench.session.file).edit(ONE, [MINOR])
    workbench._read()
    assert workbench._jobs == {ONE: None} and workbench._queue.qsize() == 1
    workbench._update_if_outdated(ONE)
    workbench._update_if_outdated(track_id(PATHS[2]))
    assert workbench._queue.qsize() == 1
