"""Rows that were read before: the same bytes, and only where the records are the same."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from dropgrid.records.model import ANALYSES
from dropgrid.results import table
from dropgrid.results.artefacts import path_of
from dropgrid.results.layout import Results
from dropgrid.results.ownership import claim
from dropgrid.results.table import FILES, rows_of_records, write_table
from dropgrid.run.summary import summarise, to_json, write_summary
from settled_files import let_time_pass
from synthetic_library import write_library

TRACKS = 8


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A library of records that were left alone long enough, two of them of failed tracks."""
    folder = tmp_path / "results"
    claim(folder, [])
    write_library(folder, TRACKS, Path("/music"), failing=4)
    let_time_pass(monkeypatch)
    return folder


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tracks whose records are read and checked."""
    tracks: list[str] = []
    usual = table._read_row

    def reading(results: Path, track: str, *more: object) -> object:
        tracks.append(track)
        return usual(results, track, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(table, "_read_row", reading)
    return tracks


def written(results: Path) -> list[bytes]:
    return [(results / name).read_bytes() for name in FILES if (results / name).exists()]


def without_cache(results: Path) -> list[bytes]:
    """What the table is when all records are read."""
    path_of("reading", results, any="rows").unlink(missing_ok=True)
    write_table(results, ANALYSES)
    return written(results)


def test_records_that_are_the_same_are_not_read_again(results: Path, read: list[str]) -> None:
    assert write_table(results, ANALYSES) == (TRACKS, 2)
    first = written(results)
    read.clear()
    assert write_table(results, ANALYSES) == (TRACKS, 2)
    assert written(results) == first and read == []
    assert rows_of_records(results, []) and read == []


def edited(path: Path) -> None:
    values = json.loads(path.read_bytes())
    path.write_text(json.dumps(values | {"camelot": "12A"}))


def damaged(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def with_a_wrong_field(path: Path) -> None:
    path.write_text(json.dumps(json.loads(path.read_bytes()) | {"duration": "long"}))


@pytest.mark.parametrize("change", [edited, damaged, with_a_wrong_field])
def test_a_record_that_changes_is_read_and_the_others_are_not(
    results: Path, read: list[str], change: Callable[[Path], None]
) -> None:
    write_table(results, ANALYSES)
    before = written(results)
    track = min(Results(results).recorded("key"))
    path = Results(results).record("key", track)
    times = path.stat()
    change(path)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    read.clear()
    write_table(results, ANALYSES)
    assert read == [track]
    now = written(results)
    assert now != before and now == without_cache(results)


def test_a_record_that_cannot_be_believed_is_looked_at_each_time(
    results: Path, read: list[str]
) -> None:
    track = min(Results(results).recorded("key"))
    damaged(Results(results).record("key", track))
    write_table(results, ANALYSES)
    read.clear()
    write_table(results, ANALYSES)
    assert read == [track]


def test_other_analyses_have_rows_of_their_own(results: Path) -> None:
    write_table(results, ANALYSES)
    write_table(results, ["bpm"])
    assert written(results) != without_cache(results)
    write_table(results, ["bpm"])
    write_table(results, ANALYSES)
    assert written(results) == without_cache(results)


def test_a_missing_record_is_missed_in_the_table_and_waits_in_the_summary(results: Path) -> None:
    write_table(results, ANALYSES)
    track = min(Results(results).recorded("structure"))
    Results(results).record("structure", track).unlink()
    with pytest.raises(table.MissingRecord):
        write_table(results, ANALYSES)
    summary = summarise(results)
    assert (summary.waiting, summary.tracks) == (1, TRACKS)


def test_the_summary_is_the_same_from_records_and_from_what_was_kept(
    results: Path, read: list[str]
) -> None:
    first = to_json(summarise(results))
    write_summary(results)
    read.clear()
    assert to_json(write_summary(results)) == first and read == []
    track = min(Results(results).recorded("bpm"))
    with_a_wrong_field(Results(results).record("bpm", track))
    changed = to_json(summarise(results))
    assert changed != first
    path_of("reading", results, any="rows").unlink()
    assert to_json(summarise(results)) == changed


def test_a_folder_that_cannot_be_written_has_no_cache_and_the_same_rows(
    results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = rows_of_records(results, [])
    assert not path_of("reading", results, any="rows").exists()  # whoever looks writes nothing
    monkeypatch.setenv("XDG_STATE_HOME", "/dev/null")
    write_table(results, ANALYSES)
    assert not path_of("reading", results, any="rows").exists()
    assert rows_of_records(results, []) == rows
