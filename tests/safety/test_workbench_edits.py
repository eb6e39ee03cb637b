"""The workbench loses no edit: not to a restart, another program, or kill -9."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import threading
import time
from pathlib import Path

import pytest
from dropgrid.correcting.session import CorrectionSession
from dropgrid.report.workbench import state
from dropgrid.results.layout import Results
from open_workbench import Workbench, opened
from workbench_of_a_song import ONE, SONG, TRACK, stated


def test_an_edit_is_saved_at_once_and_the_records_follow(workbench, folder):
    results = Results(folder / "results")
    found = workbench.edit(TRACK, {"op": "half"})
    assert stated(folder)[SONG].bpm == 63.0
    assert found["bpm"]["bpm"] == 63.0 and found["row"]["bpm"] == 63.0
    row = workbench.settled(TRACK)
    assert row["state"]["job"] == "idle" and row["state"]["corrected"] == ["grid"]
    assert json.loads(results.record("bpm", TRACK).read_text())["bpm"] == 63.0
    sections = json.loads(results.record("structure", TRACK).read_text())["sections"]
    assert sections[-1]["end_bar"] < 15  # on the bars of the half tempo


def test_records_without_their_corrections_are_made_again_at_the_start(folder):
    """The files after an end during saving: with the correction, without the record."""
    results = Results(folder / "results")
    record, stated_there = results.record("bpm", TRACK), folder / "results" / "corrections.json"
    with opened(folder / "results") as workbench:
        workbench.edit(TRACK, {"op": "half"})
        workbench.settled(TRACK)
        half = stated_there.read_bytes()
        workbench.json(f"{ONE}/undo", {})
        workbench.settled(TRACK)
        without = stated_there.read_bytes()
    for said, bpm in ((half, 63.0), (without, 126.0)):
        stated_there.write_bytes(said)
        with opened(folder / "results") as workbench:
            deadline = time.monotonic() + 200
            while json.loads(record.read_text())["bpm"] != bpm:
                assert time.monotonic() < deadline
                time.sleep(0.05)


def test_undo_is_unlimited_after_a_restart_too(folder):
    before = (folder / "results" / "bpm" / f"{TRACK}.json").read_bytes()
    with opened(folder / "results") as workbench:
        for n in range(1, 6):
            found = workbench.edit(TRACK, {"op": "one", "beats": 1})
            assert found["row"]["state"]["undo"] == n
    with opened(folder / "results") as workbench:
        for _ in range(5):
            workbench.json(f"{ONE}/undo", {})
        status, _, body = workbench.ask(f"{ONE}/undo", {})
        assert (status, "nothing to undo" in json.loads(body)["error"]) == (409, True)
        workbench.settled(TRACK)
        assert (folder / "results" / "bpm" / f"{TRACK}.json").read_bytes() == before
        for _ in range(5):
            last = workbench.json(f"{ONE}/redo", {})
        assert last["row"]["state"] | {"job": ""} == {
            "corrected": ["grid"], "confirmed": False, "job": "", "undo": 5, "redo": 0,
        }  # fmt: skip
        workbench.settled(TRACK)


def test_two_pages_see_each_other_and_do_not_overwrite(workbench):
    first = workbench.json(ONE)
    seen = workbench.json("api/library")["revision"]
    workbench.edit(TRACK, {"op": "half"})
    changed = workbench.json(f"api/changes?since={seen}")
    assert [row["bpm"] for row in changed["tracks"]] == [63.0]
    body = {"edits": [{"op": "half"}], "revision": first["revision"]}
    status, _, data = workbench.ask(f"{ONE}/edit", body)
    assert (status, "changed meanwhile" in json.loads(data)["error"]) == (409, True)


def test_what_another_program_states_is_seen_and_kept(workbench, folder, dropgrid):
    seen = workbench.json("api/library")["revision"]
    done = dropgrid("correct", SONG, "--results", folder / "results", "--key", "Dm")
    assert done.returncode == 0, done.stderr
    rows = workbench.json(f"api/changes?since={seen}")["tracks"]
    assert [row["key"] for row in rows] == ["D minor"]
    workbench.edit(TRACK, {"op": "half"})
    assert (stated(folder)[SONG].key, stated(folder)[SONG].bpm) == ("D minor", 63.0)


def edit_for_ever(workbench: Workbench, path: Path) -> None:
    """Post notes one after the other, and write down each that was answered."""
    with path.open("a") as acknowledged:
        for n in range(10_000):
            try:
                workbench.edit(TRACK, {"op": "note", "note": f"number {n}"})
            except (OSError, AssertionError):
                return
            print(n, file=acknowledged, flush=True)


def test_kill_9_in_the_middle_of_saving_loses_nothing_that_was_answered(folder, tmp_path):
    for round_ in range(4):
        log = tmp_path / f"acknowledged-{round_}"
        log.touch()
        with opened(folder / "results") as workbench:
            writer = multiprocessing.Process(target=edit_for_ever, args=(workbench, log))
            writer.start()
            while len(log.read_text().split()) < 3 and writer.is_alive():
                time.sleep(0.01)
            time.sleep(0.007 * round_)
            os.kill(workbench.process.pid, signal.SIGKILL)
            writer.join(timeout=200)
        last = int(log.read_text().split()[-1])
        note = stated(folder)[SONG].note or ""
        assert int(note.removeprefix("number ")) in (last, last + 1)
    with opened(folder / "results") as workbench:
        assert workbench.json(f"{ONE}/undo", {})["row"]["state"]["undo"] > 0


def test_no_row_goes_back_to_what_it_was_before_an_edit(folder, monkeypatch):
    """The records of one edit are made while the next edit comes: the newer state is reported."""
    results = folder / "results"
    workbench = state.Workbench(CorrectionSession(Results(results), results / "corrections.json"))
    renewed, edited, made = threading.Event(), threading.Event(), workbench._row
    renewals = []

    def slow(*what):
        row = made(*what)
        if threading.current_thread() is workbench._threads[0]:  # which makes records again
            renewals.append(row)
            renewed.set()
            edited.wait(1)  # in vain where edits wait for the row, as they must
        return row

    def one(row: dict) -> float:
        return row["grid"][0][3] % (60 / row["bpm"])

    monkeypatch.setattr(workbench, "_row", slow)
    workbench.start()
    try:
        workbench.edit(TRACK, [{"op": "nudge", "ms": 5}])
        assert renewed.wait(200)
        shown = one(workbench.edit(TRACK, [{"op": "nudge", "ms": 40}])["row"])
        edited.set()
        since, over = -1, False
        while not over:
            over = len(renewals) == 2 or not workbench._threads[0].is_alive()
            since, rows = workbench.rows(since)
            assert [one(row) for row in rows] == pytest.approx([shown] * len(rows), abs=2e-3)
            time.sleep(0.01)
    finally:
        workbench.close()
    assert len(renewals) == 2
    assert [one(row) for row in workbench.rows()[1]] == pytest.approx([shown], abs=2e-3)
