"""One table of what lies in a folder of results: whoever has to know a file reads it there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from dropgrid.records.identity import SCHEMA as IDENTITY
from dropgrid.results import artefacts, crash_cleanup, prune
from dropgrid.results.artefacts import ARTEFACTS, Artefact, path_of
from dropgrid.results.output_guard import is_own_output
from dropgrid.results.ownership import MARK, check_claim, claim
from dropgrid.results.scan_store import SCAN_SCHEMA
from dropgrid.run.dry_run import shadow_of

TRACK = "song-0a1b2c3d"
NAMES = {"track": TRACK, "batch": "00000", "origin": "0" * 40 + "-" + "0" * 40, "task": "bpm",
         "any": "other"}  # fmt: skip


def test_no_two_artefacts_share_a_path_and_each_knows_its_own_names() -> None:
    paths = [artefact.path for artefact in ARTEFACTS.values()]
    assert len(set(paths)) == len(paths)
    for artefact in ARTEFACTS.values():
        path = artefact.at(Path("R"), **NAMES)
        assert artefact.name.fullmatch(path.name), path
        assert path.parent.name == "exports" or not artefact.name.fullmatch(f"{path.name}.bak")


def test_the_table_says_what_the_modules_write() -> None:
    assert ARTEFACTS["mark"].path == MARK
    assert ARTEFACTS["identity"].schema == IDENTITY
    assert ARTEFACTS["scan"].schema == SCAN_SCHEMA


@pytest.fixture
def new_output(monkeypatch: pytest.MonkeyPatch) -> Iterator[Artefact]:
    """A new output of every track: one line in the table."""
    line = Artefact("mood/{track}.json", "dropgrid/mood", renamed=True, of_track=True,
                    dry_run="folder")  # fmt: skip
    monkeypatch.setitem(ARTEFACTS, "mood", line)
    monkeypatch.setattr(crash_cleanup, "OWNED", artefacts.renamed())
    yield line


def test_a_new_output_is_one_line(new_output: Artefact, tmp_path: Path) -> None:
    music, results = tmp_path / "music", tmp_path / "results"
    music.mkdir()
    claim(results, [str(music)])
    path = path_of("mood", results, track=TRACK)
    assert path == results / "mood" / f"{TRACK}.json"
    path.parent.mkdir()
    whole = b'{\n  "schema": "dropgrid/mood"\n}\n'
    path.write_bytes(whole)
    assert is_own_output(path)  # may be written over
    assert crash_cleanup.remove_broken_files(results) == []
    assert (shadow_of(results) / "mood" / path.name).read_bytes() == whole  # in a dry run
    scan = b'{\n  "schema": "dropgrid/scan",\n  "schema_version": 1,\n  "tracks": [],\n' \
        b'  "root": "/music",\n  "problems": []\n}\n'  # fmt: skip
    path_of("scan", results).write_bytes(scan)
    (left,) = prune.left_over(results)  # its track has left the library
    assert (left.path, left.track) == (path, TRACK)
    assert prune.remove([left]) == len(whole) and not path.exists()
    path.write_bytes(whole[:-3])  # as a crash leaves it
    assert crash_cleanup.remove_broken_files(results) == [path]
    os.rmdir(path.parent)
    path.parent.symlink_to(music)
    with pytest.raises(Exception, match="mood: is a link"):
        check_claim(results, [str(music)])
