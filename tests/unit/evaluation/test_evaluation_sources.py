"""Where references come from: tags, the scan, our own exports, real songs, hostile names."""

from __future__ import annotations

import csv
import json
import shutil
from itertools import pairwise
from pathlib import Path

import pytest
from dropgrid.commands.main import main
from dropgrid.library import track_id
from dropgrid.records.model import BpmRecord, ComputedRhythm, Section, StructureRecord
from dropgrid.records.store import write_record
from dropgrid.records.ticket import Ticket, ticket_json
from library_of_records import write_results
from library_to_evaluate import document, evaluate, write_library, write_track


@pytest.fixture
def results(tmp_path: Path) -> Path:
    return write_library(tmp_path / "results")


def test_tags_are_references_by_default_and_are_not_compared_with_themselves(
    tmp_path: Path,
) -> None:
    results = tmp_path / "results"
    write_track(results, "a.flac", 128.0, tag_bpm=128.0, source="metadata", bpm_computed=126.0)
    write_track(results, "b.flac", 128.0, tag_bpm=127.0)
    assert evaluate(results) == 0
    found = document(results, "bpm")["systems"]
    assert found["dropgrid"]["mae"]["value"] == 1.5
    assert set(found) == {"dropgrid", "median_interval"}


def octave_low(results: Path, path: str, bpm: float) -> str:
    """A track whose tag of half the tempo decided the octave; the audio says bpm."""
    beats = tuple(60 / bpm * i for i in range(int(64 * bpm / 60)))
    alone = ComputedRhythm(
        bpm=bpm, bpm_fitted=bpm, bpm_interval=None, confidence=0.9, confidences=None,
        source="computed", time_signature="4/4", beats=beats, downbeats=beats[::4], grid=(),
    )  # fmt: skip
    return write_track(results, path, bpm / 2, tag_bpm=bpm / 2, bpm_computed=bpm, untagged=alone)


def test_a_tag_that_decided_the_octave_scores_nothing_for_itself(tmp_path: Path) -> None:
    results = tmp_path / "results"
    track = octave_low(results, "a.flac", 174.0)
    write_track(results, "b.flac", 128.0, tag_bpm=128.0, bpm_computed=128.0)
    assert evaluate(results) == 0
    found = document(results, "bpm")
    assert found["systems"]["dropgrid"]["accuracy1"]["value"] == 0.5, "1.000 by the tag itself"
    assert found["decided_by_tag"] == [track]
    assert set(found["systems"]) == {"dropgrid", "median_interval"}
    summary = (results / "evaluation" / "summary.md").read_text()
    assert f"Of 1 track a BPM tag decided the octave or the tempo ({track})" in summary
    rows = list(csv.DictReader((results / "evaluation" / "bpm.csv").open(newline="")))
    both = [(r["estimated_bpm"], r["recorded_bpm"]) for r in rows if r["system"] == "dropgrid"]
    assert both == [("174.0", "87.0"), ("128.0", "128.0")]


def test_both_answers_are_scored_against_other_references(tmp_path: Path) -> None:
    results = tmp_path / "results"
    octave_low(results, "a.flac", 174.0)
    beats = [60 / 87 * i for i in range(90)]
    reference = [{"path": "a.flac", "bpm": 87.0, "beats": beats}]
    (tmp_path / "r.json").write_text(json.dumps(reference))
    assert evaluate(results, "--references", tmp_path / "r.json") == 0
    tempo = document(results, "bpm")["systems"]
    assert tempo["dropgrid"]["accuracy1"]["value"] == 0.0
    assert tempo["with_tag"]["accuracy1"]["value"] == 1.0
    assert tempo["tag"]["accuracy1"]["value"] == 1.0
    scored = document(results, "beats")["systems"]
    assert scored["with_tag"]["f_measure"]["value"] == pytest.approx(1.0, abs=0.02)
    assert scored["dropgrid"]["f_measure"]["value"] == pytest.approx(2 / 3, abs=0.02)


def test_the_scan_says_which_tracks_are_of_the_library_and_where_it_lies(
    results: Path, tmp_path: Path
) -> None:
    ticket = Ticket(track_id("a.flac"), "a.flac", "/music/a.flac", 1, 1)
    (results / "tracks").mkdir()
    (results / "tracks" / f"{ticket.track}.json").write_bytes(ticket_json(ticket))
    scan = {"schema": "dropgrid/scan", "root": "/music", "tracks": [ticket.track], "problems": []}
    (results / "scan.json").write_text(json.dumps(scan))
    (tmp_path / "r.csv").write_text("path,bpm\n/music/a.flac,120\nb.flac,120\n")
    assert evaluate(results, "--references", tmp_path / "r.csv") == 0
    found = document(results, "bpm")["library"]
    assert found["tracks"] == 1 and found["references_found_by"]["path"] == 1
    assert found["references_left_out"] == {"unknown": 1}


@pytest.mark.parametrize("formats", [("jams",), ("beats", "lab")])
def test_what_we_export_is_read_back_as_a_reference_without_loss(
    tmp_path: Path, formats: tuple[str, ...]
) -> None:
    results = tmp_path / "results"
    write_results(results)
    folders = [tmp_path / name for name in formats]
    for folder in folders:
        assert (
            main(["export", folder.name, "--results", str(results), "--output", str(folder)]) == 0
        )
    assert evaluate(results, "--references", *folders) == 0
    found = document(results, "beats")
    assert found["tracks"] == 3
    assert found["systems"]["dropgrid"]["cmlc"]["value"] == 1.0
    assert found["downbeats"]["systems"]["dropgrid"]["cmlc"]["value"] == 1.0
    assert abs(found["systems"]["dropgrid"]["phase_error"]["value"]) < 0.001
    found = document(results, "structure")
    assert found["systems"]["dropgrid"]["hit_0.5_trimmed_f"]["value"] == 1.0
    assert found["label_accuracy"]["value"] == 1.0


def test_truth_of_real_songs_is_matched_by_name_and_scores_boundaries_only(
    shared: Path, tmp_path: Path
) -> None:
    truth = json.loads((shared / "music" / "DirtyLove.json").read_text())
    results = tmp_path / "results"
    track = track_id("DirtyLove.ogg")
    beats, ends = tuple(truth["beats"]), (0.0, *truth["boundaries"], truth["duration"])
    rhythm = BpmRecord(track, "DirtyLove.ogg", "ok", duration=truth["duration"], bpm=177.0,
                       beats=beats, downbeats=tuple(truth["downbeats"]))  # fmt: skip
    sections = tuple(Section(a, b, "drop", None, None, None, 1.0)
                     for a, b in pairwise(ends))  # fmt: skip
    write_record(results / "bpm" / f"{track}.json", rhythm)
    write_record(
        results / "structure" / f"{track}.json",
        StructureRecord(track, "DirtyLove.ogg", "ok", truth["duration"], sections=sections),
    )
    folder = tmp_path / "truth"
    folder.mkdir()
    shutil.copy(shared / "music" / "DirtyLove.json", folder)
    assert evaluate(results, "--references", folder) == 0
    assert document(results, "bpm")["systems"]["dropgrid"]["mae"]["value"] == 0.0
    found = document(results, "beats")
    assert found["systems"]["dropgrid"]["f_measure"]["value"] == 1.0
    assert found["downbeats"]["systems"]["dropgrid"]["cmlt"]["value"] == 1.0
    found = document(results, "structure")
    assert found["systems"]["dropgrid"]["hit_0.5_trimmed_f"]["value"] == 1.0
    assert found["labels"] == {} and found["confusion"]["seconds"] == []
    assert "pairwise_f" not in found["systems"]["dropgrid"]


@pytest.mark.usefixtures("pictures")
def test_hostile_names_and_genres_and_very_long_tracks_do_not_stop_an_evaluation(
    tmp_path: Path,
) -> None:
    results = tmp_path / "results"
    path, genre = "caf\udce9 | x\u2028.flac", "R$B $_{\n|, \u6771\u4eac"
    track = write_track(results, path, 120.0, tags={"genre": genre}, tag_bpm=0.001)
    long = write_track(results, "long.flac", 120.0, beats=(1.0, 2.0, 40_000.0))
    (tmp_path / "r.json").write_text(
        json.dumps([{"track": name, "bpm": 120, "beats": [1.0, 2.0]} for name in (track, long)])
    )
    assert evaluate(results, "--references", tmp_path / "r.json", "tags") == 0
    with (results / "evaluation" / "bpm.csv").open(newline="", encoding="utf-8") as stream:
        rows = {row["track"]: row for row in csv.DictReader(stream)}
    assert rows[track]["path"] == "caf\\udce9 | x\u2028.flac" and rows[track]["genre"] == genre
    assert document(results, "beats")["systems"]["dropgrid"]["f_measure"]["tracks"] == 2
    table = (results / "evaluation" / "summary.md").read_text()
    assert "| R$B $_{ \\|, \u6771\u4eac | 1 |" in table
    assert (results / "evaluation" / "bpm_genres.svg").exists()
