"""What a user corrected or confirmed judges the analysis, not what was put in its place."""

from __future__ import annotations

from pathlib import Path

import pytest
from dropgrid.commands.main import main
from dropgrid.correcting.session import CorrectionSession
from dropgrid.evaluation.score import EvaluationOptions, gather
from dropgrid.library import track_id
from dropgrid.records.store import read_bpm, write_record
from dropgrid.results.layout import Results
from dropgrid.run.summary import describe, summarise
from tracks_to_correct import write_steady

PATHS = ("half.flac", "one.flac", "right.flac", "unseen.flac")


@pytest.fixture
def results(tmp_path) -> Results:
    """Four tracks: two corrected, one confirmed, one unchecked."""
    files = write_steady(tmp_path / "results", PATHS)
    arguments = ["correct", "--results", str(files.folder)]
    assert main([*arguments, "half.flac", "--half"]) == 0
    assert main([*arguments, "one.flac", "--one", "1"]) == 0
    assert main([*arguments, "right.flac", "--confirm"]) == 0
    return files


def write_corrected(files: Results) -> None:
    """The records as the next run makes them."""
    session = CorrectionSession(files, files.corrections_file)
    for path in PATHS:
        state = session.read_state(track_id(path))
        record = session.accepted_answer(state, session.correction_of(state)[1]).bpm
        assert record is not None
        write_record(files.record("bpm", track_id(path)), record)


def scores(folder: Path) -> dict[str, tuple[float, float, float]]:
    """Of each track whether tempo, beats and downbeats are found, by the analysis itself."""
    rows = gather(folder, EvaluationOptions(("corrections",))).rows
    bpm = {r["path"]: r["accuracy1"] for r in rows.bpm if r["system"] == "dropgrid"}
    beats, downbeats = (
        {r["path"]: r["f_measure"] for r in table if r["system"] == "dropgrid"}
        for table in (rows.beats, rows.downbeats)
    )
    return {path: (bpm[path], beats[path], downbeats[path]) for path in bpm}


@pytest.mark.slow
@pytest.mark.smoke
def test_the_analysis_is_scored_before_and_after_its_answers_are_replaced(results):
    before = scores(results.folder)
    write_corrected(results)
    assert read_bpm(results.record("bpm", track_id("half.flac"))).bpm == 60.0
    assert scores(results.folder) == before
    assert before.keys() == {"half.flac", "one.flac", "right.flac"}
    assert before["right.flac"] == (1.0, 1.0, 1.0)
    assert before["one.flac"][:2] == (1.0, 1.0) and before["one.flac"][2] == 0.0
    assert before["half.flac"][0] == 0.0


def test_the_summary_says_how_many_grids_were_right(results):
    write_corrected(results)
    summary = summarise(results.folder)
    assert (summary.checked, summary.right) == (3, 1)
    assert "you checked 3 tracks; the computed grid was right on 1" in describe(
        summary, results.folder
    )


def test_without_corrections_the_summary_does_not_mention_them(tmp_path):
    files = write_steady(tmp_path / "results", PATHS)
    assert "checked" not in describe(summarise(files.folder), files.folder)
