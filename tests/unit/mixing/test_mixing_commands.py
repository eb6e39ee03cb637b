"""`dropgrid next` and `dropgrid set` on a folder of results."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from dropgrid.base.csv_tables import read_csv
from dropgrid.commands.main import main
from dropgrid.library import track_id
from dropgrid.records.model import ANALYSES, Confidences, Section
from dropgrid.records.store import write_record
from dropgrid.records.ticket import Ticket, ticket_json
from dropgrid.results.table import write_table
from library_of_records import bpm_record, key_record, structure_record

PATHS = {"one.flac": 128.0, "two.flac": 127.0, "three.flac": 140.0, "four.flac": 128.5}


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Four tracks of 15 bars: intro 4, drop 7, outro 4, each with its own tempo."""
    folder = tmp_path / "results"
    for number, (path, bpm) in enumerate(PATHS.items()):
        track = track_id(path)
        rhythm = replace(
            bpm_record(path, bpm=bpm),
            tags={"title": path[:-5], "artist": "A"},
            confidences=Confidences(1.0, 1.0, 1.0, 0.95),
        )
        ones = rhythm.downbeats
        edges = (0.0, ones[4], ones[11], 30.5)
        starts = (1, 5, 12, 16)
        sections = tuple(
            Section(edges[i], edges[i + 1], label, starts[i], starts[i + 1],
                    starts[i + 1] - starts[i], 0.9, energy=(0.2, 0.5, 0.4, 0.2)[number])
            for i, label in enumerate(("intro", "drop", "outro"))
        )  # fmt: skip
        structure = replace(
            structure_record(path), sections=sections, drops=(ones[4],), drop_confidences=(0.9,)
        )
        for kind, record in zip(ANALYSES, (rhythm, structure, key_record(path)), strict=True):
            write_record(folder / kind / f"{track}.json", record)
        ticket = folder / "tracks" / f"{track}.json"
        ticket.parent.mkdir(exist_ok=True)
        ticket.write_bytes(ticket_json(Ticket(track, path, f"/music/{path}", 1, 1)))
    scan = {"schema": "dropgrid/scan", "root": "/music", "problems": []}
    (folder / "scan.json").write_text(json.dumps({**scan, "tracks": [*map(track_id, PATHS)]}))
    write_table(folder, ANALYSES)
    return folder


def test_next_says_where_to_leave_and_where_to_enter(results, capsys):
    assert main(["next", "one.flac", "--results", str(results)]) == 0
    said = capsys.readouterr().out
    assert said.startswith("after A - one (128.00 BPM):")
    first = said.splitlines()[1]
    assert "A - four (128.50 BPM)" in first
    assert "leave at bar 12" in said and "enter at bar 1 " in said and "4 bars" in said
    assert "same key (8A)" in said and "tempo -0.4 %" in said
    assert "three" not in said  # 140 is too far from 128


def test_next_as_json_gives_downbeats_of_both(results, capsys):
    assert main(["next", "one.flac", "--results", str(results), "--json"]) == 0
    step = json.loads(capsys.readouterr().out)[0]
    ones = bpm_record("one.flac", bpm=128.0).downbeats
    assert step["leave"] == {"bar": 12, "seconds": ones[11]}
    assert step["enter"]["seconds"] == bpm_record("four.flac", bpm=128.5).downbeats[0]
    assert set(step["terms"]) == {"tempo", "key", "sections", "energy", "loudness", "certainty"}
    assert 0 < step["score"] < 1


def test_what_was_really_played_is_ranked(results, tmp_path, capsys):
    played = tmp_path / "played.m3u8"
    played.write_text("#EXTM3U\none.flac\nfour.flac\ntwo.flac\n")
    assert main(["next", "--evaluate", str(played), "--results", str(results)]) == 0
    said = capsys.readouterr().out
    assert "2 transitions, 3 tracks to choose from" in said
    assert "score" in said and "key and tempo" in said and "chance" in said


@pytest.mark.parametrize("kind", [".m3u8", ".csv", ".json"])
def test_a_set_is_written_whole(results, tmp_path, capsys, kind):
    output = tmp_path / f"set{kind}"
    words = ["set", "--results", str(results), "--output", str(output), "--start", "two.flac"]
    assert main(words) == 0
    assert "4 tracks, 2 minutes" in capsys.readouterr().out
    if kind == ".m3u8":
        lines = [x for x in output.read_text().splitlines() if not x.startswith("#")]
        assert lines[0] == "/music/two.flac" and sorted(lines) == sorted(
            f"/music/{path}" for path in PATHS
        )
    elif kind == ".csv":
        rows = read_csv(output)
        assert rows[0]["path"] == "two.flac" and rows[0]["leave_bar"] == "12"
        assert rows[-1]["leave_bar"] == "" and rows[1]["enter_bar"] == "1"
    else:
        found = json.loads(output.read_text())
        assert found["schema"] == "dropgrid/set" and len(found["transitions"]) == 3
    again = output.read_bytes()
    assert main([*words, "--force"]) == 0 and output.read_bytes() == again


def test_a_set_of_some_minutes_takes_the_tracks_that_mix(results, tmp_path):
    output = tmp_path / "set.csv"
    words = ["set", "--results", str(results), "--output", str(output), "--minutes", "1.6"]
    assert main(words) == 0
    assert {row["path"] for row in read_csv(output)} == {"one.flac", "two.flac", "four.flac"}


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["next"], "name one TRACK"),
        (["next", "nobody.flac"], "nobody.flac"),
        (["next", "one.flac", "--number", "0"], "--number"),
        (["set", "--output", "set.txt"], "ends with none of"),
        (["set", "--output", "set.csv", "--minutes", "0"], "--minutes"),
        (
            ["set", "--output", "set.csv", "--start", "one.flac", "--end", "one.flac"],
            "--start and",
        ),
    ],
)
def test_wrong_requests_are_one_line(results, tmp_path, monkeypatch, capsys, words, reason):
    monkeypatch.chdir(tmp_path)
    assert main([*words, "--results", str(results)]) == 2
    said = capsys.readouterr().err
    assert reason in said and said.count("\n") == 1
    assert not list(tmp_path.glob("set.*"))


@pytest.mark.parametrize(
    ("name", "data"),
    [("list.m3u8", b"\xff\xfe"), ("list.csv", b"name\none.flac\n"), ("list.m3u8", b"gone.flac\n")],
)
def test_a_list_that_cannot_be_read_is_named(results, tmp_path, capsys, name, data):
    (tmp_path / name).write_bytes(data)
    words = ["set", "--tracks", str(tmp_path / name), "--output", str(tmp_path / "set.csv")]
    assert main([*words, "--results", str(results)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_song_is_never_written_over(results, tmp_path):
    song = tmp_path / "set.csv"
    song.write_text("mine")
    assert main(["set", "--results", str(results), "--output", str(song)]) == 2
    assert song.read_text() == "mine"
