"""The database for VirtualDJ: of the documented elements alone, and the same beats and cues."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from defusedxml import ElementTree
from dropgrid.base.colours import SECTION_COLOURS_ON_DARK
from dropgrid.export import export
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
