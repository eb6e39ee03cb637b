"""`dropgrid next` and `dropgrid set` on a folder of results."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
from dropgrid.base.csv_tables import read_csv
from dropgrid.base.errors import ConfigError, RecordError
from dropgrid.commands.main import main
from dropgrid.library import track_id
from dropgrid.mixing.lists import Step
from dropgrid.mixing.set_files import WRITERS, PlayedSet, starts
from dropgrid.mixing.transition import Transition
from dropgrid.records.model import ANALYSES, Confidences, Section
from dropgrid.records.set_file import read_set
from dropgrid.records.store import write_record
from dropgrid.records.ticket import Ticket, ticket_json
from dropgrid.results.table import write_table
from dropgrid.settings.paths import SCHEMAS
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
    message = capsys.readouterr().out
    assert message.startswith("after A - one (128.00 BPM):")
    first = message.splitlines()[1]
    assert "A - four (128.50 BPM)" in first
    assert "leave at bar 12" in message and "enter at bar 1 " in message and "4 bars" in message
    assert "same key (8A)" in message and "tempo -0.4 %" in message
    assert "three" not in message  # 140 is too far from 128


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
    message = capsys.readouterr().out
    assert "2 transitions, 3 tracks to choose from" in message
    assert "score" in message and "key and tempo" in message and "chance" in message


@pytest.mark.parametrize("kind", [".m3u8", ".cue", ".csv", ".json"])
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
    elif kind == ".cue":
        sheet = output.read_text()
        assert sheet.startswith('REM dropgrid set\nTITLE "set"\nFILE "set.wav" WAVE\n  TRACK 01 ')
        assert sheet.count("INDEX 01 ") == sheet.count('PERFORMER "A"') == 4
        assert 'TITLE "two"' in sheet.partition("TRACK 02")[0]
    else:
        found = json.loads(output.read_text())
        assert found["schema"] == "dropgrid/set" and len(found["transitions"]) == 3
    again = output.read_bytes()
    assert main(words) == 0 and output.read_bytes() == again  # its own, without --force


def test_a_set_file_says_where_each_track_is_mixed(results, tmp_path):
    """Its times are those of the records; the cue sheet has the same starts."""
    sheet, output = tmp_path / "set.cue", tmp_path / "set.json"
    words = ["set", "--results", str(results), "--start", "two.flac"]
    assert main([*words, "--output", str(sheet), "--output", str(output)]) == 0
    values = json.loads(output.read_text())
    schema = json.loads((SCHEMAS / "set.schema.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(values)
    tracks = read_set(output)
    assert [track.path for track in tracks] == [t["path"] for t in values["tracks"]]
    assert tracks[0].mix_in is None and tracks[-1].mix_out is None and tracks[0].starts == 0
    for before, after, step in zip(tracks, tracks[1:], values["transitions"], strict=False):
        assert before.mix_out is not None and after.mix_in is not None
        out, into = before.mix_out, after.mix_in
        ones, others = (
            bpm_record(track.path, bpm=PATHS[track.path]).downbeats for track in (before, after)
        )
        assert out.start == pytest.approx(ones[out.bar - 1], abs=1e-5)
        assert into.start == pytest.approx(others[into.bar - 1], abs=1e-5)
        beats = 4 * max(1, step["bars"])
        assert out.end - out.start == pytest.approx(beats * 60 / PATHS[before.path], abs=1e-4)
        assert into.end - into.start == pytest.approx(beats * 60 / PATHS[after.path], abs=1e-4)
        # From one start to the next the first plays its blend at its neighbour's tempo.
        entered = before.mix_in.start if before.mix_in else 0.0
        alone = before.mix_in.end if before.mix_in else 0.0
        earlier = 0.0
        if before.mix_in:
            previous = tracks[tracks.index(before) - 1].mix_out
            assert previous is not None
            earlier = previous.end - previous.start
        assert after.starts - before.starts == pytest.approx(earlier + out.start - alone, abs=1e-4)
        assert entered <= alone <= out.start
    indices = [line.split()[-1] for line in sheet.read_text().splitlines() if "INDEX" in line]
    for index, track in zip(indices, tracks, strict=True):
        minutes, seconds, frames = map(int, index.split(":"))
        assert 60 * minutes + seconds + frames / 75 == pytest.approx(track.starts, abs=1 / 75)


def test_a_list_is_played_in_its_own_order(results, tmp_path, capsys):
    crate = tmp_path / "crate.m3u8"
    crate.write_text("three.flac\none.flac\nfour.flac\n")
    output = tmp_path / "set.json"
    words = ["set", "--results", str(results), "--output", str(output), "--tracks", str(crate)]
    assert main([*words, "--keep-order"]) == 0
    assert [t.path for t in read_set(output)] == ["three.flac", "one.flac", "four.flac"]
    assert "1 transition beyond 6 % of tempo" in capsys.readouterr().out


FORGED = {"track": "a-0123abcd", "path": "a.flac", "starts": 0.0}
STRETCH = {"bar": 1, "start": 1.0, "end": 2.0}


@pytest.mark.parametrize(
    ("tracks", "reason"),
    [
        (None, "tracks: not a list"),
        ([{**FORGED, "track": "../../etc"}], "tracks[0].track: not a track's id"),
        ([{**FORGED, "path": "/etc/passwd"}], "tracks[0].path: not a path below"),
        ([{**FORGED, "starts": "0"}], "tracks[0].starts: not a number"),
        ([{**FORGED, "surprise": 1}], "tracks[0].surprise: unknown field"),
        ([{**FORGED, "mix_in": {**STRETCH, "end": 0.5}}], "tracks[0].mix_in: not a stretch"),
        ([{**FORGED, "mix_out": {**STRETCH, "bar": 0}}], "tracks[0].mix_out: not a stretch"),
        ([{**FORGED, "mix_out": {**STRETCH, "start": -1}}], "tracks[0].mix_out.start: not from"),
        ([{**FORGED, "mix_out": [1, 2]}], "tracks[0].mix_out: not an object"),
    ],
)
def test_a_forged_set_file_is_refused_by_field(tmp_path, tracks, reason):
    file = tmp_path / "set.json"
    file.write_text(json.dumps({"schema": "dropgrid/set", "schema_version": 1, "tracks": tracks}))
    with pytest.raises(RecordError, match=re.escape(f"{file}: {reason}")):
        read_set(file)


def test_a_cue_sheet_has_99_tracks_and_no_line_of_a_title(library):
    rows = [{"title": 'a "quoted"\nTRACK 99 AUDIO', "artist": "x"} for _ in range(100)]
    found = library(*rows)
    steps = [Step(transition_of(found.ids[i], found.ids[i + 1]), 8.0, 10.0) for i in range(99)]
    played = PlayedSet(found, Path("none"), range(99), steps[:98])
    sheet = WRITERS[".cue"](played, 'my "set".cue').decode()
    assert sheet.count("\n  TRACK ") == 99 and "\nTRACK" not in sheet
    assert """TITLE "a 'quoted'\N{REPLACEMENT CHARACTER}TRACK 99 AUDIO\"""" in sheet
    assert sheet.splitlines()[1] == """TITLE "my 'set'\""""
    with pytest.raises(ConfigError, match="at most 99"):
        WRITERS[".cue"](PlayedSet(found, Path("none"), range(100), steps), "set.cue")


def transition_of(first: str, then: str) -> Transition:
    return Transition(first, then, 40, 100.0, 1, 2.0, 4, 0.0, 0.9, {}, ())


def test_the_time_of_a_set_is_what_is_heard():
    """100 s alone, then the second from 2 s: 8 s of the set for 8 s of it, 90 s alone."""
    steps = [Step(transition_of("a", "b"), 8.0, 10.0), Step(transition_of("b", "c"), 4.0, 10.0)]
    assert starts(steps, [200.0, 200.0, 60.0]) == [0.0, 100.0, 198.0, 252.0]
    assert starts([], [60.0]) == [0.0, 60.0]


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
        (["set", "--output", "set.csv", "--output", "set.doc"], "set.doc: ends with none"),
        (["set", "--output", "set.csv", "--keep-order"], "--tracks LIST"),
        (
            ["set", "--output", "set.csv", "--keep-order", "--tracks", "x", "--minutes", "9"],
            "--keep-order and --minutes",
        ),
        (
            ["set", "--output", "set.csv", "--start", "one.flac", "--end", "one.flac"],
            "--start and",
        ),
    ],
)
def test_wrong_requests_are_one_line(results, tmp_path, monkeypatch, capsys, words, reason):
    monkeypatch.chdir(tmp_path)
    assert main([*words, "--results", str(results)]) == 2
    message = capsys.readouterr().err
    assert reason in message and message.count("\n") == 1
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


def test_a_song_is_never_overwritten(results, tmp_path):
    song = tmp_path / "set.csv"
    song.write_text("mine")
    assert main(["set", "--results", str(results), "--output", str(song)]) == 2
    assert song.read_text() == "mine"
