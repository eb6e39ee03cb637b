"""The power may fail between any two calls: what was there, or what was said to be saved, is."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
from dropgrid.base.files import write_atomically
from dropgrid.commands.main import main
from dropgrid.correcting.session import CorrectionSession
from dropgrid.corrections import document
from dropgrid.corrections.model import Correction
from dropgrid.library import track_id
from dropgrid.records.store import read_bpm, write_record
from dropgrid.tagging import backup as backup_module
from dropgrid.tagging import in_place
from dropgrid.tagging.backup import read_backup
from power_cut import Disk
from test_tag_writing import library, song
from tracks_to_correct import steady, write_steady

PATH = "a.flac"
TRACK = track_id(PATH)


def test_the_disk_loses_what_is_not_synchronised(tmp_path: Path) -> None:
    """The layer itself: a rename without fsync is found torn, or not at all."""
    top = tmp_path / "top"
    top.mkdir()
    (top / "a").write_bytes(b"old")
    seen = set()
    disk = Disk(top, lambda: seen.add((top / "a").read_bytes()))
    with disk.on():
        write_atomically(top / "a", b"newest", durable=False)
    assert seen == {b"old", b"new"}  # half of the new bytes
    assert (top / "a").read_bytes() == b"newest"


def test_what_was_said_to_be_saved_is_saved(tmp_path: Path) -> None:
    """Edits and undo: at any moment the statements of before or after, and then those of after."""
    top = tmp_path / "top"
    results = write_steady(top / "results", [PATH])
    session = CorrectionSession(results, top / "mine.json")
    session.edit(TRACK, [{"op": "half"}])
    allowed: list[Correction] = [document.read(session.file).tracks[PATH]]

    def check() -> None:
        said = document.read(session.file).tracks.get(PATH, Correction())
        assert said in allowed, said
        session.steps(TRACK)
        for step in session.steps(TRACK)[0]:
            assert isinstance(step, Correction)

    disk = Disk(top, check)
    with disk.on():
        for number in range(3):
            said = replace(allowed[-1], one=0.5 + number)
            allowed.append(said)
            session.set_correction(TRACK, said)
            allowed[:] = [said]
            disk.cut()
        allowed.append(replace(said, one=1.5))
        session.undo(TRACK)
        allowed[:] = allowed[1:]
        disk.cut()
        assert session.steps(TRACK)[1]
    assert disk.cuts > 20


def test_a_record_is_the_old_or_the_new_one(tmp_path: Path) -> None:
    top = tmp_path / "top"
    results = write_steady(top / "results", [PATH])
    path = results.record("bpm", TRACK)

    def check() -> None:
        assert read_bpm(path).bpm in (120.0, 124.0)

    disk = Disk(top, check)
    with disk.on():
        write_record(path, replace(steady(124.0), track=TRACK, path=PATH))
    assert read_bpm(path).bpm == 124 and disk.cuts


@pytest.mark.parametrize("name", ["a.flac", "a.mp3"])
@pytest.mark.parametrize("linked", [False, True])
def test_no_song_changes_that_the_backup_does_not_know(
    tmp_path: Path, linked: bool, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The song is old or new, finished by the next command if need be; new ones are known."""
    top = tmp_path / "top"
    path = song(top, name)
    if linked:
        os.link(path, tmp_path / "other")
    results = library(top)
    backup = results / "tag-backup.json"
    old = path.read_bytes()
    found: list[bytes] = []
    monkeypatch.setattr(in_place, "_is_running", lambda process: False)
    arguments = ["--results", str(results), *(["--in-place"] if linked else [])]

    def check() -> None:
        entries = read_backup(backup) if backup.exists() else {}
        in_place.finish_interrupted(path.parent, entries.values())
        data = path.read_bytes()
        found.append(data)
        assert data == old or str(path) in entries

    disk = Disk(top, check)
    with disk.on():
        assert main(["tag", "write", *arguments]) == 0
        new = path.read_bytes()
        disk.cut()
    assert new != old and {*found} <= {old, new} and found[-1] == new
    found.clear()
    disk = Disk(top, lambda: found.append(_mended(path, backup)))
    with disk.on():
        assert main(["tag", "restore", *arguments]) == 0
        again = path.read_bytes()
    assert {*found} <= {new, again}


def _mended(path: Path, backup: Path) -> bytes:
    entries = read_backup(backup) if backup.exists() else {}
    in_place.finish_interrupted(path.parent, entries.values())
    return path.read_bytes()


@pytest.mark.parametrize("module", [document, backup_module, in_place])
def test_a_synchronisation_that_is_left_out_is_found(
    tmp_path: Path, module: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What these tests can see: each folder that is not synchronised does harm in one of them."""
    monkeypatch.setattr(module, "sync_folder", lambda folder: None)
    with pytest.raises((AssertionError, FileNotFoundError)):
        if module is document:
            test_what_was_said_to_be_saved_is_saved(tmp_path)
        else:
            linked = module is in_place
            test_no_song_changes_that_the_backup_does_not_know(
                tmp_path, linked, "a.flac", monkeypatch
            )
