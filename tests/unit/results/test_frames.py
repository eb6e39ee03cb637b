"""A folder of results as pandas tables: the same values as the records, with types."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from dropgrid.api import beats_frame, library_frame, load_library, sections_frame
from dropgrid.results.table import COLUMNS
from library_of_records import write_results


@pytest.fixture
def results(tmp_path: Path) -> Path:
    write_results(tmp_path)
    return tmp_path


def test_a_row_per_track_is_what_the_parquet_file_holds(results: Path) -> None:
    frame = library_frame(results)
    assert list(frame.columns) == list(COLUMNS)
    assert frame["bpm"].dtype == "float64" and frame["beats"].dtype == "Int64"
    written = pd.read_parquet(results / "library.parquet")
    assert list(frame["track"]) == list(written["track"])
    pd.testing.assert_series_equal(frame["bpm"], written["bpm"], check_dtype=False)
    assert frame["status"].eq("error").any(), "failed tracks are rows too"


def test_a_row_per_beat_counts_bars_as_the_record_does(results: Path) -> None:
    frame = beats_frame(results)
    for track in load_library(results):
        rows = frame[frame["track"] == track.track]
        beats = track.bpm.beats if track.bpm and track.bpm.downbeats else ()
        assert list(rows["time"]) == list(beats)
        if len(beats):
            ones = rows[rows["beat"] == 1]
            downbeats = list(track.bpm.downbeats)
            assert list(ones["time"])[-len(downbeats) :] == downbeats
            assert list(rows[rows["time"] == downbeats[0]]["bar"]) == [1]
            steps = rows["bar"].diff().dropna()
            assert set(steps) <= {0, 1}
            assert rows["beat"].between(1, 4).all()


def test_beats_before_the_first_downbeat_lie_in_bar_0(tmp_path: Path) -> None:
    from dataclasses import replace

    from dropgrid.records.store import write_record

    write_results(tmp_path)
    track = next(t for t in load_library(tmp_path) if t.bpm and t.bpm.downbeats)
    bpm = replace(track.bpm, downbeats=track.bpm.beats[2::4])
    write_record(tmp_path / "bpm" / f"{track.track}.json", bpm)
    rows = beats_frame(tmp_path).query("track == @track.track")
    assert list(rows["bar"])[:4] == [0, 0, 1, 1]
    assert list(rows["beat"])[:4] == [3, 4, 1, 2]


def test_a_row_per_section(results: Path) -> None:
    frame = sections_frame(results)
    sections = [s for t in load_library(results) if t.structure for s in t.structure.sections]
    assert list(frame["label"]) == [s.label for s in sections]
    assert list(frame["start"]) == [s.start for s in sections]
