"""Sticks and collections read by pyrekordbox and rekordbox-parser, where these are installed.

They are no dependencies of the tests: pyrekordbox asks for a build of SQLCipher, rekordbox-parser
for Node. `pip install pyrekordbox`, and `npm install rekordbox-parser` with the variable
DROPGRID_NODE_MODULES naming its folder node_modules, make these tests run.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from dropgrid.export import export, usb
from dropgrid.export.options import ExportOptions
from dropgrid.library import track_id
from dropgrid.records.store import read_bpm
from library_of_records import PATHS, write_results

READ = """
const fs = require("fs"), {parsePdb, RekordboxPdb, tableRows} = require("rekordbox-parser");
const {PageType} = RekordboxPdb, db = parsePdb(fs.readFileSync(process.argv[1]));
const rows = kind => [...tableRows(db.tables.find(table => table.type === kind))];
const text = value => value.body.text;
console.log(JSON.stringify({
  tracks: rows(PageType.TRACKS).map(row => [text(row.title), text(row.filePath), row.tempo]),
  lists: rows(PageType.PLAYLIST_TREE).map(row => text(row.name)),
  keys: rows(PageType.KEYS).map(row => text(row.name)),
}));
"""


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("readers")
    for path in PATHS:
        (folder / "music" / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / "music" / path).write_bytes(b"song")
    return write_results(folder / "results", folder / "music")


def test_pyrekordbox_reads_grids_cues_and_phrases(results: Path, tmp_path: Path) -> None:
    pyrekordbox = pytest.importorskip("pyrekordbox", reason="pyrekordbox is not installed")
    export("usb", results, tmp_path)
    for dat in sorted(tmp_path.rglob("ANLZ0000.DAT")):
        read = pyrekordbox.AnlzFile.parse_file(dat)
        path = read.get("PPTH")
        name = next(p for p in PATHS if Path(p).suffix == Path(path).suffix)
        record = read_bpm(results / "bpm" / f"{track_id(name)}.json")
        numbers, _, times = read.get("PQTZ")
        lag = times[0] - record.beats[0]  # the player's sample 0 of an MP3
        assert np.abs(times - lag - record.beats).max() < 0.0011 and list(numbers[:3]) == [4, 1, 2]
        ext = pyrekordbox.AnlzFile.parse_file(dat.with_suffix(".EXT"))
        assert "PSSI" in ext.tag_types and "PWV5" in ext.tag_types


def test_pyrekordbox_reads_our_collection(results: Path, tmp_path: Path) -> None:
    pyrekordbox = pytest.importorskip("pyrekordbox", reason="pyrekordbox is not installed")
    options = ExportOptions(bpm_ranges=(80, 100, 130), comment="{camelot}")
    export("rekordbox", results, tmp_path / "c.xml", options)
    collection = pyrekordbox.RekordboxXml(tmp_path / "c.xml")
    tracks = list(collection.get_tracks())
    assert [(t.AverageBpm, t.Comments, t.Size) for t in tracks] == [
        (128.0, "8A", 4), (87.5, "8A", 4), (128.0, "8A", 4)
    ]  # fmt: skip
    assert [len(track.tempos) for track in tracks] == [2, 2, 2]
    assert collection.get_playlist("BPM", "80-100 BPM").get_tracks() == [2]
    assert collection.get_playlist("Folders", "Ünï & co").get_tracks() == [3]


def test_rekordbox_parser_reads_the_database(results: Path, tmp_path: Path) -> None:
    modules = os.environ.get("DROPGRID_NODE_MODULES")
    if not modules or shutil.which("node") is None:
        pytest.skip("rekordbox-parser is not installed: see the head of this file")
    export("usb", results, tmp_path, ExportOptions(bpm_ranges=(80, 100, 130)))
    answer = subprocess.run(
        ["node", "-e", READ, tmp_path / usb.DATABASE], capture_output=True, text=True,
        env=os.environ | {"NODE_PATH": modules}, check=True,
    )  # fmt: skip
    found = json.loads(answer.stdout)
    assert [tempo for _, _, tempo in found["tracks"]] == [12800, 8750, 12800]
    for _, path, _ in found["tracks"]:
        assert (tmp_path / path[1:]).is_file()
    assert {"All tracks", "Folders", "BPM", "80-100 BPM"} <= set(found["lists"])
    assert found["keys"] == ["Am"]
