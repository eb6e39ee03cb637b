"""The library table: what each column holds, which rows there are, and when it is out of date."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from dropgrid.base.csv_tables import read_csv
from dropgrid.base.errors import MissingRecord, RecordError
from dropgrid.library import track_id
from dropgrid.records.model import ANALYSES, Confidences, Section
from dropgrid.records.store import read_bpm, read_key, read_structure, write_record
from dropgrid.results import table
from dropgrid.results.layout import Results
from dropgrid.results.table import (
    RowReader,
    current_table,
    is_current,
    read_rows,
    read_table,
    rows_of_records,
    waiting_tracks,
    write_table,
)
from library_of_records import PATHS, structure_record, write_results

ONE, HALF, BROKEN, _ = (track_id(path) for path in PATHS)


@pytest.fixture
def results(tmp_path: Path) -> Path:
    return write_results(tmp_path / "results")


def row_of(results: Path, track: str, analyses: tuple[str, ...] = ANALYSES) -> dict:
    return RowReader(results, analyses).read(track)[0]


def test_a_row_holds_what_the_records_say(results: Path) -> None:
    files = Results(results)
    bpm, key = read_bpm(files.record("bpm", ONE)), read_key(files.record("key", ONE))
    bpm = replace(bpm, confidences=Confidences(0.9, 0.8, 0.7, 0.6), tag_bpm=64.0)
    write_record(files.record("bpm", ONE), bpm)
    sections = (
        Section(0.0, 8.0, "intro", 1, 5, 4, 0.9, energy=0.25),
        Section(8.0, 20.0, "drop", None, None, None, 0.9, energy=0.75),
        Section(20.0, 30.5, "outro", 13, 17, 4, 0.9),
    )
    structure = replace(structure_record(PATHS[0]), sections=sections, mix_in=4.0, mix_out=25.25)
    write_record(files.record("structure", ONE), structure)
    row = row_of(results, ONE)
    assert list(row) == list(table.COLUMNS)
    assert {name: row[name] for name in ("track", "path", "status", "error", "error_stage")} == {
        "track": ONE, "path": PATHS[0], "status": "ok", "error": None, "error_stage": None,
    }  # fmt: skip
    for name in ("bpm", "bpm_fitted", "confidence", "tag_bpm", "time_signature", "source",
                 "method", "duration"):  # fmt: skip
        assert row[name] == getattr(bpm, name), name
    parts = ("tempo", "octave", "phase", "downbeat")
    assert [row[f"confidence_{part}"] for part in parts] == [0.9, 0.8, 0.7, 0.6]
    assert (row["beats"], row["downbeats"]) == (64, 16)
    assert (row["first_beat"], row["first_downbeat"]) == (bpm.beats[0], bpm.downbeats[0])
    assert (row["tempo_regions"], row["problem"], row["title"]) == (2, None, "Rock & <Roll>")
    loudness = bpm.loudness
    assert loudness is not None
    assert [row[name] for name in ("loudness", "loudness_range", "sample_peak", "true_peak")] == [
        loudness.integrated, loudness.range, loudness.sample_peak, loudness.true_peak,
    ]  # fmt: skip
    assert (row["sections"], row["energy"]) == ("intro:4 drop:? outro:4", 0.75)
    assert row["drops"] == "8.219 19.469"
    assert (row["mix_in_bars"], row["mix_out_bars"]) == (2, 2)
    assert (row["key"], row["camelot"], row["open_key"]) == ("A minor", "8A", "1m")
    assert (row["key_confidence"], row["key_sure"], row["tag_key"]) == (0.95, True, "C major")
    assert row["tuning_cents"] == key.tuning_cents


def test_a_row_is_of_the_analyses_that_are_wanted(results: Path) -> None:
    row = row_of(results, ONE, ("bpm",))
    assert row["bpm"] == 128.0 and row["key"] is row["sections"] is row["energy"] is None
    row = row_of(results, ONE, ("key",))
    assert row["key"] == "A minor" and row["bpm"] is row["beats"] is None
    assert row["path"] == PATHS[0] and row["duration"] == 30.5
    (Results(results).record("key", ONE)).unlink()
    with pytest.raises(MissingRecord):
        row_of(results, ONE)


def test_a_track_without_a_key_is_neither_sure_nor_unsure(results: Path) -> None:
    path = Results(results).record("key", ONE)
    write_record(path, replace(read_key(path), key=None, camelot=None, open_key=None))
    assert row_of(results, ONE)["key_sure"] is None


def test_a_failure_is_reported_once_and_fills_no_column(results: Path) -> None:
    scan = json.loads((results / "scan.json").read_text())
    scan["problems"] = [{"path": "locked", "reason": "Permission denied"}]
    (results / "scan.json").write_text(json.dumps(scan))
    assert write_table(results, ANALYSES) == (4, 1)
    row = {row["track"]: row for row in read_table(results)}[BROKEN]
    assert (row["status"], row["error_stage"], row["error"]) == ("error", "decode", "cut short")
    assert not any(row[name] for name in ("bpm", "source", "beats", "sections", "key", "problem"))
    assert [list(row.values()) for row in read_csv(results / "failures.csv")] == [
        ["", "locked", "scan", "Unreadable", "Permission denied"],
        [BROKEN, PATHS[2], "decode", "DecodeError", "cut short"],
    ]  # fmt: skip


def test_a_damaged_record_is_a_failure_until_it_is_repaired(results: Path) -> None:
    for kind in ("bpm", "key"):
        path = Results(results).record(kind, HALF)
        whole = path.read_bytes()
        path.write_bytes(b"{")
        reader = RowReader(results, ANALYSES)
        row, failures = reader.read(HALF)
        assert row["status"] == "error" and [failure.stage for failure in failures] == [kind]
        assert reader.failures(HALF) == failures
        reader.save()
        path.write_bytes(whole)
        assert RowReader(results, ANALYSES).read(HALF)[0]["status"] == "ok"


def test_rows_from_the_cache_are_those_that_were_read(results: Path) -> None:
    first = RowReader(results, ANALYSES)
    read = {track: first.read(track) for track in (ONE, HALF, BROKEN)}
    first.save()
    again = RowReader(results, ANALYSES)
    for track, (row, failures) in read.items():
        assert again.read(track) == (row, failures)
        assert again.failures(track) == failures
    assert RowReader(results, ()).failures(BROKEN) == []
    path = Results(results).record("bpm", ONE)
    write_record(path, replace(read_bpm(path), bpm=90.0))
    os.utime(path, ns=(1, 1))
    assert RowReader(results, ANALYSES).read(ONE)[0]["bpm"] == 90.0
    assert RowReader(results, ("bpm",)).read(HALF)[0]["key"] is None


def test_a_table_older_than_the_scan_is_made_of_the_records(results: Path) -> None:
    files = Results(results)
    rows = read_table(results)
    os.utime(files.scan, ns=(5 * 10**18, 5 * 10**18))
    assert not is_current(results)
    waiting: list[str] = []
    assert current_table(results, waiting) == rows and waiting == []
    for kind in ANALYSES:
        files.record(kind, ONE).unlink()
    files.record("key", HALF).unlink()
    assert waiting_tracks(results) == [ONE]
    shown = current_table(results, waiting)
    assert waiting == [ONE] and [row["track"] for row in shown] == [r["track"] for r in rows[1:]]
    assert (shown[0]["bpm"], shown[0]["key"]) == ("87.5", "")
    assert [row["track"] for row in rows_of_records(results, [HALF])] == [
        row["track"] for row in rows[2:]
    ]


def test_a_table_as_old_as_the_scan_is_read(results: Path) -> None:
    files = Results(results)
    for path in (files.scan, files.table):
        os.utime(path, ns=(10**18, 10**18))
    assert is_current(results)
    for kind in ANALYSES:
        files.record(kind, ONE).unlink()
    assert ONE not in {row["track"] for row in current_table(results, [])}
    files.scan.unlink()
    assert not is_current(results)
    assert ONE in {row["track"] for row in current_table(results, [])}
    files.table.unlink()
    with pytest.raises(RecordError, match="run the workflow first"):
        current_table(results, [])


def test_without_pyarrow_a_parquet_file_that_is_no_longer_true_goes(results, monkeypatch) -> None:
    parquet = Results(results).parquet
    parquet.write_bytes(b"PAR1 old")
    monkeypatch.setattr(table, "has_parquet", lambda: False)
    write_table(results, ANALYSES)
    assert not parquet.exists()
    parquet.write_bytes(b"mine")
    write_table(results, ANALYSES)
    assert parquet.read_bytes() == b"mine"


def test_rows_come_in_the_order_of_the_scan(results: Path) -> None:
    assert [row["path"] for row, _ in read_rows(results, ANALYSES)] == list(PATHS)
    structure = read_structure(Results(results).record("structure", ONE))
    assert structure.sections[0].energy is None
    assert row_of(results, ONE)["energy"] is None
