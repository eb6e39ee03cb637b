"""The database for VirtualDJ: of the documented elements alone, and the same beats and cues."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from defusedxml import ElementTree
from dropgrid.base.colours import SECTION_COLOURS_ON_DARK
from dropgrid.base.errors import ConfigError
from dropgrid.export import export
from dropgrid.export.options import ExportOptions
from dropgrid.records.store import write_record
from library_of_records import HOSTILE, PATHS, bpm_record, structure_record, write_results

NUMBER, WHOLE, TEXT = r"[0-9]+(\.[0-9]+)?", r"[0-9]+", r".*"
SCHEMA = {  # element -> its attributes, as VirtualDJ's wiki describes them
    "Song": {"FilePath": r".+", "FileSize": WHOLE},
    "Tags": dict.fromkeys(("Author", "Title", "Genre", "Album", "Year"), TEXT),
    "Infos": {"SongLength": NUMBER},
    "Scan": {"Version": "801", "Bpm": r"0\.[0-9]+|1\.[0-9]+", "Phase": r"0\.[0-9]+|1\.[0-9]+",
             "Key": r"[A-G][#b]?m?"},
    "Poi": {"Pos": NUMBER, "Type": "beatgrid|cue|loop", "Num": "[1-8]", "Name": TEXT,
            "Color": WHOLE, "Size": WHOLE, "Bpm": NUMBER},
}  # fmt: skip


@pytest.fixture(scope="module")
def songs(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    folder = tmp_path_factory.mktemp("virtualdj")
    export("virtualdj", write_results(folder / "results"), folder / "database.xml")
    root = ElementTree.parse(folder / "database.xml").getroot()
    assert root.tag == "VirtualDJ_Database"
    return list(root)


def test_it_is_made_of_what_is_described_and_nothing_else(songs: list[Any]) -> None:
    assert len(songs) == 3
    for song in songs:
        assert [child.tag for child in song][:3] == ["Tags", "Infos", "Scan"]
        for element in song.iter():
            for name, value in element.attrib.items():
                assert re.fullmatch(SCHEMA[element.tag][name], value), (element.tag, name, value)


def test_tempo_beats_cues_and_loops_come_back(songs: list[Any]) -> None:
    house = songs[0]
    record, structure = bpm_record(PATHS[0]), structure_record(PATHS[0])
    scan = house.find("Scan")
    assert 60 / float(scan.get("Bpm")) == pytest.approx(record.bpm, abs=1e-6)
    assert float(scan.get("Phase")) == record.beats[0] and scan.get("Key") == "Am"
    points = house.findall("Poi")
    grid = [
        (float(p.get("Pos")), float(p.get("Bpm"))) for p in points if p.get("Type") == "beatgrid"
    ]
    read = [start + (i - 1) * 60 / bpm for start, bpm in grid[:1] for i in range(32)]
    np.testing.assert_allclose(read, record.beats[:32], atol=1e-5)
    assert grid[1] == (record.grid[0].first_downbeat + 7 * 1.875, 128.0), "its last downbeat"
    assert grid[2] == (record.grid[1].first_downbeat, 128.5)
    cues = [p for p in points if p.get("Type") == "cue"]
    assert [(p.get("Num"), float(p.get("Pos"))) for p in cues] == [
        (str(i), max(s.start, record.downbeats[0]))
        for i, s in enumerate(structure.sections, start=1)
    ]
    assert int(cues[2].get("Color")) == 0xFF000000 + int(SECTION_COLOURS_ON_DARK["drop"][1:], 16)
    loops = [(p.get("Name"), p.get("Size")) for p in points if p.get("Type") == "loop"]
    assert loops == [("Intro loop", "8"), ("Outro loop", "4")]


def test_paths_are_those_of_their_system(songs: list[Any], tmp_path: Path) -> None:
    assert [song.get("FilePath") for song in songs] == [
        f"/music/{path}" for path in (*PATHS[:2], HOSTILE)
    ]
    record = bpm_record("a.flac")
    write_record(tmp_path / "bpm" / f"{record.track}.json", record)
    export("virtualdj", tmp_path, tmp_path / "d.xml", library="D:\\DJ Music")
    root = ElementTree.parse(tmp_path / "d.xml").getroot()
    assert root.find("Song").get("FilePath") == "D:\\DJ Music\\a.flac"


THEIRS = """<?xml version="1.0" encoding="UTF-8"?>
<VirtualDJ_Database Version="2023">
 <Song FilePath="/music/a house.flac" FileSize="1">
  <Tags Author="Mine" Flag="1" />
  <Infos SongLength="30" PlayCount="7" />
  <Comment>kept &amp; mine</Comment>
  <Scan Version="801" Bpm="0.5" Volume="0.9" Key="Cm" />
  <Poi Pos="0.1" Type="beatgrid" />
  <Poi Name="My cue" Pos="5.5" Num="3" />
  <Poi Pos="1.5" Type="automix" Point="realStart" />
 </Song>
 <Song FilePath="/elsewhere/x.mp3"><Poi Pos="9" Num="1"/></Song>
 <Video a="1"/>
</VirtualDJ_Database>
"""


def test_their_database_gets_our_grids_and_keeps_everything_else(tmp_path):
    results = write_results(tmp_path / "results")
    (tmp_path / "database.xml").write_text(THEIRS)
    options = ExportOptions(merge=str(tmp_path / "database.xml"))
    export("virtualdj", results, tmp_path / "merged.xml", options)
    assert (tmp_path / "database.xml").read_text() == THEIRS
    root = ElementTree.parse(tmp_path / "merged.xml").getroot()
    songs = {song.get("FilePath"): song for song in root.iter("Song")}
    assert len(songs) == 4 and root.get("Version") == "2023" and root.find("Video") is not None
    song = songs["/music/a house.flac"]
    assert song.find("Comment").text == "kept & mine" and song.find("Tags").get("Author") == "Mine"
    scan = song.find("Scan")
    assert (scan.get("Bpm"), scan.get("Volume"), scan.get("Key")) == ("0.468750000", "0.9", "Cm")
    points = [(p.get("Type", "cue"), p.get("Name"), p.get("Num")) for p in song.iter("Poi")]
    assert ("cue", "My cue", "3") in points and ("automix", None, None) in points
    assert sorted(num for _, _, num in points if num) == ["1", "2", "3", "4", "5", "6", "7"]
    anchors = [p.get("Pos") for p in song.iter("Poi") if p.get("Type") == "beatgrid"]
    assert anchors and "0.1" not in anchors
    assert songs["/elsewhere/x.mp3"].find("Poi").get("Pos") == "9"
    # the merged one is theirs from then on: merging again changes nothing
    options = ExportOptions(merge=str(tmp_path / "merged.xml"))
    export("virtualdj", results, tmp_path / "again.xml", options)
    assert (tmp_path / "again.xml").read_bytes() == (tmp_path / "merged.xml").read_bytes()


@pytest.mark.parametrize(
    "text",
    ["", "<VirtualDJ_Database", "<Other/>", "<VirtualDJ_Database>" + "<a>" * 5000 + "</a>" * 5000
     + "</VirtualDJ_Database>", "\0", "<VirtualDJ_Database>" + "<a>" * 100_000,
     '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><VirtualDJ_Database>&b;'
     "</VirtualDJ_Database>"],
)  # fmt: skip
def test_a_forged_database_is_refused_and_nothing_is_written(tmp_path, text):
    results = write_results(tmp_path / "results")
    (tmp_path / "database.xml").write_text(text)
    options = ExportOptions(merge=str(tmp_path / "database.xml"))
    with pytest.raises(ConfigError, match="--merge"):
        export("virtualdj", results, tmp_path / "merged.xml", options)
    assert not (tmp_path / "merged.xml").exists()
