"""Results of which a record is missing, after `retry` or an interrupt: what is there is shown."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from dropgrid.commands.main import main
from dropgrid.library import track_id
from dropgrid.results.layout import Results
from dropgrid.run.run_notes import note_references
from library_of_records import PATHS, write_results

HOUSE = track_id(PATHS[0])
KINDS = ("bpm", "structure", "key")


@pytest.fixture
def results(tmp_path: Path) -> Path:
    return write_results(tmp_path / "results")


def forget(results: Path, *kinds: str) -> None:
    for kind in kinds:
        (results / kind / f"{HOUSE}.json").unlink()


def make_table_stale(results: Path) -> None:
    """As if the run had been interrupted before it wrote the table of a new scan."""
    os.utime(results / "library.csv", ns=(1, 1))


@pytest.mark.parametrize("form", ["beats", "lab", "rekordbox", "m3u8", "csv", "parquet"])
@pytest.mark.parametrize("stale", [False, True])
def test_an_export_writes_what_is_there_and_counts_what_is_waiting(
    results, tmp_path, form, stale, capsys
):
    forget(results, *KINDS)
    if stale:
        make_table_stale(results)
    command = ["export", form, "--results", str(results), "--output", str(tmp_path / "out")]
    assert main(command) == 0
    said = capsys.readouterr()
    assert said.out.endswith(": 2 tracks\n")
    assert "1 track left out: waiting to be analysed" in said.err
    assert "1 track left out: failed in the analysis" in said.err


def test_a_track_with_some_records_is_exported_where_those_suffice(results, tmp_path, capsys):
    forget(results, "structure")
    for form, count in (("beats", 3), ("lab", 2)):
        command = ["export", form, "--results", str(results), "--output", str(tmp_path / form)]
        assert main(command) == 0
        assert capsys.readouterr().out.endswith(f": {count} tracks\n")


def test_a_table_that_is_out_of_date_is_made_from_the_records(results, tmp_path, capsys):
    whole = tmp_path / "whole.csv"
    arguments = ["export", "csv", "--results", str(results), "--output"]
    assert main([*arguments, str(whole)]) == 0
    (results / "library.csv").unlink()
    assert main([*arguments, str(tmp_path / "again.csv")]) == 0
    assert (tmp_path / "again.csv").read_bytes() == whole.read_bytes()


@pytest.mark.parametrize("stale", [False, True])
def test_the_list_shows_a_table_only_while_it_is_no_older_than_the_scan(results, stale, capsys):
    table = results / "library.csv"
    table.write_text(table.read_text().replace(PATHS[0], "as it was.wav"))
    scan = Results(results).scan
    os.utime(table, ns=(1, scan.stat().st_mtime_ns - stale))
    assert main(["list", "--results", str(results)]) == 0
    listed = capsys.readouterr().out
    assert ("as it was.wav" in listed, PATHS[0] in listed) == (not stale, stale)


@pytest.mark.parametrize("table", ["there", "stale", "gone"])
def test_the_list_shows_what_is_there(results, table, capsys):
    forget(results, *KINDS)
    if table == "stale":
        make_table_stale(results)
    if table == "gone":
        (results / "library.csv").unlink()
    assert main(["list", "--results", str(results)]) == 0
    said = capsys.readouterr().out
    assert "half time.wav" in said and "a house.flac" not in said
    assert "undecodable.flac: decode: cut short" in said
    assert "waiting to be analysed by the next run: 1" in said


def test_a_folder_without_records_is_reported(results, capsys):
    for kind in KINDS:
        for path in (results / kind).iterdir():
            path.unlink()
    assert main(["list", "--results", str(results)]) == 0
    assert "waiting to be analysed by the next run: 4" in capsys.readouterr().out


def test_the_page_keeps_the_references_of_the_run(results, tmp_path, monkeypatch):
    truth = {"a house.flac": {"bpm": 123.25}}
    (tmp_path / "truth.json").write_text(json.dumps(truth))
    monkeypatch.chdir(tmp_path)
    note_references(results, ["truth.json", "tags"])
    monkeypatch.chdir("/")
    page = results / "report" / "index.html"
    arguments = ["report", "--results", str(results), "--library", str(tmp_path)]
    assert main(arguments) == 0
    assert "123.25" in page.read_text()
    assert main([*arguments, "--references"]) == 0  # none at all, if requested
    assert "123.25" not in page.read_text()


def test_forged_references_are_refused(results, capsys):
    note_references(results, [])
    path = results / "options" / "references.json"
    path.write_text(path.read_text().replace("[]", '["../secret"]'))
    assert main(["report", "--results", str(results)]) == 2
    assert "references: not a list of absolute paths" in capsys.readouterr().err
