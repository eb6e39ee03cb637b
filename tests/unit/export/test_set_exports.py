"""A set in the exports: where its tracks come in and go out are cues, and it is a playlist."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import mido
import pytest
import rbox
from defusedxml import ElementTree
from dropgrid.commands.main import main
from dropgrid.export import engine, export
from dropgrid.export.options import ExportOptions
from dropgrid.library import track_id
from dropgrid.player_formats import engine_blobs
from dropgrid.records.set_file import Blend, SetTrack, set_bytes
from library_of_records import PATHS, write_results
from traktor_nml_utils import TraktorCollection

FIRST, SECOND = track_id(PATHS[1]), track_id(PATHS[0])


@pytest.fixture
def results(tmp_path: Path) -> Path:
    for path in PATHS:
        (tmp_path / "music" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "music" / path).write_bytes(b"song")
    tracks = [
        SetTrack(FIRST, PATHS[1], 0.0, None, Blend(9, 22.0, 28.0)),
        SetTrack(SECOND, PATHS[0], 22.0, Blend(3, 4.46875, 9.0), Blend(12, 20.5, 27.0)),
    ]
    (tmp_path / "my set.json").write_bytes(set_bytes(tracks, []))
    return write_results(tmp_path / "results", tmp_path / "music")


def options(results: Path, **more) -> ExportOptions:
    return ExportOptions(set=str(results.parent / "my set.json"), **more)


def test_every_program_gets_them(results, tmp_path):
    chosen = options(results)
    export("rekordbox", results, tmp_path / "c.xml", chosen)
    root = ElementTree.parse(tmp_path / "c.xml").getroot()
    marks = {
        track.get("TrackID"): {
            mark.get("Name"): float(mark.get("Start"))
            for mark in track.iter("POSITION_MARK")
            if mark.get("Num") != "-1"
        }
        for track in root.iter("TRACK")
        if track.get("TrackID")
    }
    assert marks["2"]["Set out"] == 22.0 and "Set in" not in marks["2"]
    assert (marks["1"]["Set in"], marks["1"]["Set out"]) == (4.46875, 20.5)
    assert "Buildup" not in marks["1"] and "Set in" not in marks["3"]  # the set's takes its place
    lists = {node.get("Name"): [t.get("Key") for t in node] for node in root.iter("NODE")}
    assert lists["my set"] == ["2", "1"]
    export("traktor", results, tmp_path / "c.nml", chosen)
    entry = TraktorCollection(tmp_path / "c.nml").nml.collection.entry[0]
    assert ("Set in", 4468.75) in [(cue.name, cue.start) for cue in entry.cue_v2]
    export("usb", results, tmp_path / "stick", chosen)
    found = [
        {cue.comment: cue.time for cue in rbox.Anlz.load(str(ext)).get_extended_hot_cues().cues}
        for ext in (tmp_path / "stick").rglob("*.EXT")
    ]
    assert any({"Set in": 4469, "Set out": 20500}.items() <= marks.items() for marks in found)
    export("engine", results, tmp_path / "drive", chosen)
    with closing(sqlite3.connect(tmp_path / "drive" / engine.DATABASE)) as database:
        rows = database.execute(
            "SELECT quickCues FROM PerformanceData ORDER BY trackId"
        ).fetchall()
        lists = [name for (name,) in database.execute("SELECT title FROM Playlist")]
    assert "Set in" in [cue.name for cue in engine_blobs.unpack_cues(rows[0][0])]
    assert "my set" in lists
    export("virtualdj", results, tmp_path / "v.xml", chosen)
    assert 'Name="Set out"' in (tmp_path / "v.xml").read_text()
    export("midi", results, tmp_path / "midi", chosen)
    (file,) = (tmp_path / "midi").glob(f"{SECOND}*")
    texts = [m.text for part in mido.MidiFile(file).tracks for m in part if m.type == "marker"]
    assert {"Set in", "Set out"} <= set(texts)


def test_templates_do_not_take_them_for_sections(results, tmp_path):
    export("virtualdj", results, tmp_path / "v.xml", options(results, cues=("intro", "outro")))
    assert "Set" not in (tmp_path / "v.xml").read_text()


@pytest.mark.parametrize(
    ("text", "message"),
    [("{}", "set.json"), (None, "no such file"), ("[", "set.json"),
     (json.dumps({"schema": "dropgrid/set", "schema_version": 1, "tracks": [{"track": "../x"}]}),
      "tracks[0]")],
)  # fmt: skip
def test_what_is_not_a_set_is_refused(results, tmp_path, capsys, text, message):
    if text is not None:
        (tmp_path / "set.json").write_text(text)
    words = ["export", "rekordbox", "--results", str(results), "--output", str(tmp_path / "c.xml")]
    assert main([*words, "--set", str(tmp_path / "set.json")]) == 2
    assert message in capsys.readouterr().err and not (tmp_path / "c.xml").exists()
