"""JAMS, beats, sections, labels, playlists and tables as files, read back by other programs."""

from __future__ import annotations

import dataclasses
import io
import json
from pathlib import Path

import jams
import mir_eval
import numpy as np
import pandas as pd
import pyarrow.parquet
import pytest
from dropgrid.export import export
from dropgrid.export.cues import bar_positions
from dropgrid.export.jams import render_track as render_jams
from dropgrid.export.options import ExportOptions
from dropgrid.records.model import BpmRecord, Phrase
from dropgrid.records.track import Track
from exported_library import BEATS, HOUSE, SECTIONS
from library_of_records import HOSTILE, PATHS, structure_record


def test_jams_has_the_key_of_every_stretch(results: Path, tmp_path: Path) -> None:
    export("jams", results, tmp_path)
    document = jams.load(str(tmp_path / f"{HOUSE}.jams"))
    (keys,) = document.search(namespace="key_mode")
    assert [(o.time, o.duration, o.value) for o in keys.data] == [
        (0.0, 20.8, "A:minor"), (20.8, pytest.approx(9.7), "C:major"),
    ]  # fmt: skip


def test_jams_is_valid_and_says_the_same(results: Path, tmp_path: Path) -> None:
    export("jams", results, tmp_path)
    document = jams.load(str(tmp_path / f"{HOUSE}.jams"), validate=True, strict=True)
    assert (document.file_metadata.title, document.file_metadata.duration) == (
        "Rock & <Roll>",
        30.5,
    )
    tempo = document.search(namespace="tempo")[0].data[0]
    assert (tempo.value, tempo.confidence, tempo.duration) == (128.0, 0.97, 30.5)
    times, positions = document.search(namespace="beat")[0].to_event_values()
    np.testing.assert_array_equal(times, BEATS)
    assert list(positions[:6]) == [4, 1, 2, 3, 4, 1]
    intervals, labels = document.search(namespace="segment_open")[0].to_interval_values()
    np.testing.assert_array_equal(intervals, [(s.start, s.end) for s in SECTIONS])
    assert labels == [s.label for s in SECTIONS]
    assert document.sandbox.dropgrid["drops"] == [8.21875, 19.46875]


def test_jams_has_sections_and_phrases_as_two_levels(tmp_path: Path) -> None:
    structure = structure_record(PATHS[0])
    phrases = (Phrase(0.0, 11.5, None, None, None, 1.0), Phrase(11.5, 30.5, 4, 9, 5, 0.8))
    with_phrases = Track(None, None, dataclasses.replace(structure, phrases=phrases))
    file = tmp_path / "x.jams"
    file.write_bytes(render_jams(with_phrases)[".jams"])
    document = jams.load(str(file), validate=True, strict=True)
    found = document.search(namespace="multi_segment")[0].data
    levels = [[o for o in found if o.value["level"] == level] for level in (0, 1)]
    assert [(o.time, o.value["label"]) for o in levels[0]] == [
        (section.start, section.label) for section in structure.sections
    ]
    assert [(o.time, o.duration, o.value["label"], o.confidence) for o in levels[1]] == [
        (0.0, 11.5, "intro", 1.0), (11.5, 19.0, "drop", 0.8)
    ]  # fmt: skip
    without = json.loads(render_jams(Track(None, None, structure))[".jams"])
    assert [one["namespace"] for one in without["annotations"]] == ["segment_open"]


def test_beats_are_read_by_mir_eval(results: Path, tmp_path: Path) -> None:
    export("beats", results, tmp_path)
    times, positions = mir_eval.io.load_labeled_events(str(tmp_path / f"{HOUSE}.beats"))
    np.testing.assert_array_equal(times, BEATS)
    assert positions[:6] == ["4", "1", "2", "3", "4", "1"]


def test_sections_are_read_by_mir_eval(results: Path, tmp_path: Path) -> None:
    export("lab", results, tmp_path)
    intervals, labels = mir_eval.io.load_labeled_intervals(str(tmp_path / f"{HOUSE}.lab"))
    np.testing.assert_array_equal(intervals, [(s.start, s.end) for s in SECTIONS])
    assert labels == [s.label for s in SECTIONS]


def test_audacity_labels_hold_sections_and_drops(results: Path, tmp_path: Path) -> None:
    export("audacity", results, tmp_path)
    text = (tmp_path / f"{HOUSE}.audacity.txt").read_text()
    frame = pd.read_csv(io.StringIO(text), sep="\t", names=["start", "end", "label"])
    regions, points = frame[frame.start < frame.end], frame[frame.start == frame.end]
    assert list(zip(regions.start, regions.end, strict=True)) == [
        (s.start, s.end) for s in SECTIONS
    ]
    assert list(regions.label) == [f"{s.label} (2 bars)" for s in SECTIONS]
    assert list(points.start) == [8.21875, 19.46875]


def test_sonic_visualiser_layers_hold_beats_and_sections(results: Path, tmp_path: Path) -> None:
    export("sonic-visualiser", results, tmp_path)
    beats = pd.read_csv(tmp_path / f"{HOUSE}.beats.csv", dtype={"LABEL": str})
    np.testing.assert_array_equal(beats.TIME, BEATS)
    assert list(beats.LABEL[:6]) == ["0.4", "1.1", "1.2", "1.3", "1.4", "2.1"]
    sections = pd.read_csv(tmp_path / f"{HOUSE}.sections.csv")
    np.testing.assert_array_equal(sections.TIME, [s.start for s in SECTIONS])
    np.testing.assert_allclose(sections.TIME + sections.DURATION, [s.end for s in SECTIONS])
    assert list(sections.LABEL) == [s.label for s in SECTIONS]
    assert list(sections.VALUE) == [1, 2, 4, 5, 4, 6]


def test_a_playlist_lists_the_library_in_order(results: Path, tmp_path: Path) -> None:
    export("m3u8", results, tmp_path / "all.m3u8")
    lines = (tmp_path / "all.m3u8").read_text(encoding="utf-8").splitlines()
    assert lines[:3] == ["#EXTM3U", "#DROPGRID", "#EXTINF:30,Zoë - Rock & <Roll>"]
    assert lines[3::2] == ["/music/a house.flac", "/music/half time.wav", f"/music/{HOSTILE}"]


def test_a_playlist_can_lie_at_the_librarys_root(results: Path, tmp_path: Path) -> None:
    export("m3u8", results, tmp_path / "all.m3u8", ExportOptions(relative=True))
    lines = (tmp_path / "all.m3u8").read_text(encoding="utf-8").splitlines()
    assert lines[3::2] == ["a house.flac", "half time.wav", HOSTILE]


def test_playlists_by_range_go_to_a_folder(results: Path, tmp_path: Path) -> None:
    export("m3u8", results, tmp_path, ExportOptions(bpm_ranges=(80, 128, 140.5)))
    lists = {path.name: path.read_text().count("#EXTINF") for path in tmp_path.iterdir()}
    assert lists == {"80-128.m3u8": 1, "128-140.5.m3u8": 2}


def test_the_table_is_read_by_pandas_and_arrow(results: Path, tmp_path: Path) -> None:
    export("csv", results, tmp_path / "t.csv")
    export("parquet", results, tmp_path / "t.parquet")
    text = pd.read_csv(tmp_path / "t.csv")
    arrow = pyarrow.parquet.read_table(tmp_path / "t.parquet").to_pandas()
    for frame in (text, arrow):
        assert list(frame.path) == ["a house.flac", "half time.wav", HOSTILE]
        assert list(frame.bpm) == [128.0, 87.5, 128.0]
        assert list(frame.drops) == ["8.219 19.469"] * 3


def test_positions_count_back_before_the_first_downbeat() -> None:
    record = BpmRecord(
        "t", "t", "ok", time_signature="3/4", beats=(0, 1, 2, 3, 4, 5, 6, 7), downbeats=(4, 7)
    )
    assert bar_positions(record) == [
        (0, 3), (0, 1), (0, 2), (0, 3), (1, 1), (1, 2), (1, 3), (2, 1),
    ]  # fmt: skip
    assert bar_positions(BpmRecord("t", "t", "ok", beats=(0.0, 1.0))) == []


def test_a_beat_without_downbeats_has_no_position(tmp_path: Path) -> None:
    from dropgrid.export.beats import render_track

    record = BpmRecord("t", "t", "ok", beats=(0.5, 1.0))
    (tmp_path / "t.beats").write_bytes(render_track(Track(None, record, None))[".beats"])
    np.testing.assert_array_equal(mir_eval.io.load_events(str(tmp_path / "t.beats")), [0.5, 1.0])
