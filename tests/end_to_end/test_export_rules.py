"""Exports as people make them: as targets of the workflow, after the analysis."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import jams
import mir_eval
import numpy as np
import pyarrow.parquet
import pytest
from defusedxml import ElementTree
from dropgrid.api import load_library
from dropgrid.audio.serato_file import read_serato

pytestmark = pytest.mark.slow


def test_the_workflow_makes_every_export_and_only_when_asked(songs, snakemake, tmp_path):
    shutil.copytree(songs, tmp_path / "my #1 music & more")
    (tmp_path / "my #1 music & more" / "broken.mp3").write_text("no audio")
    cues = ["first_downbeat", {"at": "first_downbeat + 4 bars", "name": "it's {x} $HOME"}]
    mine = {"library": "my #1 music & more", "export": {"cues": cues}}
    (tmp_path / "mine.yaml").write_text(json.dumps(mine))
    chosen = ["--configfile", str(tmp_path / "mine.yaml"), "--cores", "2"]
    done = snakemake(tmp_path, *chosen, "table")
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "results" / "exports"
    assert not folder.exists()

    done = snakemake(tmp_path, *chosen, "exports")
    assert done.returncode == 0, done.stderr
    names = {path.name for path in folder.iterdir()}
    assert names == {
        "rekordbox.xml", "jams", "beats", "lab", "audacity", "sonic-visualiser",
        "library.m3u8", "library.csv", "library.parquet", "traktor.nml", "virtualdj.xml", "midi",
        "reaper", "serato-crates",
    }  # fmt: skip
    tracks = [track for track in load_library(tmp_path / "results") if track.ok]
    assert len(tracks) == 3
    collection = ElementTree.parse(folder / "rekordbox.xml").findall("COLLECTION/TRACK")
    for track, element in zip(tracks, collection, strict=True):
        assert "/my%20%231%20music%20%26%20more/" in element.get("Location")
        assert float(element.get("AverageBpm")) == track.bpm.bpm
        pads = {m.get("Num"): m for m in element.findall("POSITION_MARK") if m.get("Num") != "-1"}
        assert set(pads) == {"0", "1"}
        assert float(pads["0"].get("Start")) == track.bpm.downbeats[0]
        assert float(pads["1"].get("Start")) == track.bpm.downbeats[4]
        assert pads["1"].get("Name") == "it's {x} $HOME"
        document = jams.load(str(folder / "jams" / f"{track.track}.jams"), validate=True)
        times = document.search(namespace="beat")[0].to_event_values()[0]
        np.testing.assert_array_equal(times, track.bpm.beats)
        times, _ = mir_eval.io.load_labeled_events(str(folder / "beats" / f"{track.track}.beats"))
        np.testing.assert_array_equal(times, track.bpm.beats)
        lab = folder / "lab" / f"{track.track}.lab"
        intervals, labels = mir_eval.io.load_labeled_intervals(str(lab))
        assert labels == [section.label for section in track.structure.sections]
        assert intervals[-1, 1] == track.bpm.duration
    table = pyarrow.parquet.read_table(folder / "library.parquet")
    assert table["path"].to_pylist() == [track.path for track in tracks]
    log = tmp_path / "results" / "logs" / "export-rekordbox.log"
    assert "1 track left out: failed in the analysis" in log.read_text()

    again = snakemake(tmp_path, *chosen, "exports")
    assert "Nothing to be done" in again.stdout + again.stderr


def test_export_options_come_from_the_configuration(songs, snakemake, tmp_path):
    (tmp_path / "mine.yaml").write_text(
        json.dumps({"library": str(songs), "export": {"bpm_ranges": [100, 150, 200]}})
    )
    chosen = ["--configfile", str(tmp_path / "mine.yaml"), "--cores", "2"]
    done = snakemake(tmp_path, *chosen, "export_m3u8", "export_rekordbox")
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "results" / "exports"
    lists = {
        path.name: path.read_text().count("#EXTINF") for path in folder.glob("playlists/*.m3u8")
    }
    assert lists == {"100-150.m3u8": 2, "150-200.m3u8": 1}
    nodes = ElementTree.parse(folder / "rekordbox.xml").findall(
        "PLAYLISTS/NODE/NODE[@Name='BPM']/NODE"
    )
    assert [node.get("Entries") for node in nodes] == ["2", "1"]


def test_copies_for_serato_are_made_when_asked_for_by_name(songs, snakemake, tmp_path):
    done = snakemake(tmp_path, "--cores", "2", "export_serato", library=str(songs))
    assert done.returncode == 0, done.stderr
    copies = tmp_path / "results" / "exports" / "serato"
    fit = [t for t in load_library(tmp_path / "results") if not t.path.endswith(".ogg")]
    assert fit and {p.name for p in copies.rglob("*.*") if p.name[0] != "."} == {
        Path(t.path).name for t in fit
    }
    for track in fit:
        found = read_serato(copies / track.path)
        assert found is not None and found.grid is not None and found.own
