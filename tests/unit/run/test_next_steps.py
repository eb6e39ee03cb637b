"""What a run says at its end: what to check, what was not made, what to open."""

from __future__ import annotations

from pathlib import Path

import pytest
from dropgrid.base import optional_packages
from dropgrid.results.table import COLUMNS
from dropgrid.results.to_check import tracks_to_check
from dropgrid.run.next_steps import next_steps, nothing_to_do, path_to_type


def table(results: Path, *rows: dict[str, str]) -> None:
    lines = [",".join(COLUMNS)]
    lines += [",".join(row.get(name, "") for name in COLUMNS) for row in rows]
    results.mkdir(exist_ok=True)
    (results / "library.csv").write_text("\n".join(lines) + "\n")


def test_doubtful_tracks_are_counted(tmp_path: Path) -> None:
    assert tracks_to_check(tmp_path / "nothing") == 0
    table(
        tmp_path,
        {"status": "ok", "bpm": "128", "confidence": "0.79"},
        {"status": "ok", "bpm": "128", "confidence": "0.81"},
        {"status": "ok", "confidence": "0.99", "problem": "audio: cut short"},
        {"status": "ok", "confidence": ""},  # no beats requested
        {"status": "error", "confidence": "0.1"},  # failed: listed elsewhere
    )
    assert tracks_to_check(tmp_path) == 2


def test_the_page_is_named_as_it_is_typed(tmp_path: Path) -> None:
    page = tmp_path / "results" / "report" / "index.html"
    assert path_to_type(page, str(tmp_path)) == "results/report/index.html"
    assert path_to_type(page, str(tmp_path / "elsewhere")) == str(page)
    assert path_to_type(page, "") == str(page)


def test_the_end_says_what_to_open_and_what_to_check(tmp_path: Path) -> None:
    results = tmp_path / "results"
    assert next_steps(results, {}) == ""
    table(results, {"status": "ok", "bpm": "128", "confidence": "0.2"})
    (results / "report").mkdir()
    (results / "report" / "index.html").touch()
    first, last = next_steps(results, {"PWD": str(tmp_path)}).splitlines()
    assert first.startswith("1 track to check")
    assert last == "open results/report/index.html in a browser, or type: dropgrid open"
    last = next_steps(results, {"PWD": "/elsewhere"}).splitlines()[-1]
    page = results / "report" / "index.html"
    assert last == f"open {page} in a browser, or type: dropgrid open --results {results}"


def test_a_run_with_nothing_to_do_says_so_and_what_failed_before(tmp_path: Path) -> None:
    results = tmp_path / "results"
    said = "dropgrid: nothing to do: everything is up to date"
    assert nothing_to_do(None) == nothing_to_do(results) == said
    (results / "report").mkdir(parents=True)
    (results / "report" / "index.html").touch()
    (results / "failures.csv").write_text("track,path,stage,type,message\n")
    here = {"PWD": str(tmp_path)}
    page = "open results/report/index.html in a browser, or type: dropgrid open"
    assert nothing_to_do(results, here).splitlines() == [said, page]
    with (results / "failures.csv").open("a") as stream:
        stream.write("a-00000000,a.mp3,decode,DecodeError,x\na-00000000,a.mp3,bpm,Odd,y\n")
    failed = "1 track failed in an earlier run, see results/failures.csv"
    assert nothing_to_do(results, here).splitlines() == [said, failed, page]
    (results / "failures.csv").write_bytes(b"track\n\xff\n")
    assert nothing_to_do(results, here).splitlines() == [said, page]


def test_what_an_installation_lacks_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table(tmp_path)
    (tmp_path / "evaluation").mkdir()
    monkeypatch.setattr(optional_packages.sys, "path", [])
    said = next_steps(tmp_path, {})
    assert "pip install 'dropgrid[parquet]'" in said
    assert "pip install 'dropgrid[pictures]'" in said
