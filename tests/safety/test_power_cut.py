"""After a power cut between two calls, old files and everything reported as saved are there."""

from __future__ import annotations

import errno
import os
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
from dropgrid.apply_corrections import document
from dropgrid.apply_corrections.model import Correction
from dropgrid.base.files import write_atomically
from dropgrid.commands.main import main
from dropgrid.correcting.session import CorrectionSession
from dropgrid.export import engine, export, format_of, usb
from dropgrid.library import track_id
from dropgrid.player_formats import analysis_reader, device_reader
from dropgrid.records.store import read_bpm, write_record
from dropgrid.references import engine_database
from dropgrid.tagging import backup as backup_module
from dropgrid.tagging import in_place
from dropgrid.tagging.backup import read_backup
from library_of_records import PATHS, write_results
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


def test_what_was_reported_as_saved_is_saved(tmp_path: Path) -> None:
    """Edits and undo: at any moment the old or the new corrections, at the end the new ones."""
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
            said = replace(allowed[-1], downbeat=0.5 + number)
            allowed.append(said)
            session.set_correction(TRACK, said)
            allowed[:] = [said]
            disk.cut()
        allowed.append(replace(said, downbeat=1.5))
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
            test_what_was_reported_as_saved_is_saved(tmp_path)
        else:
            linked = module is in_place
            test_no_song_changes_that_the_backup_does_not_know(
                tmp_path, linked, "a.flac", monkeypatch
            )


@pytest.mark.parametrize("kind", ["usb", "engine"])
def test_a_stick_that_is_pulled_out_shows_whole_tracks(tmp_path: Path, kind: str) -> None:
    """At any moment each track of its database, the old or the new one, has its song, and on a
    stick for CDJs its own grid; then the same command again makes all right."""
    music, stick = tmp_path / "music", tmp_path / "top"
    for path in PATHS:
        (music / path).parent.mkdir(parents=True, exist_ok=True)
        (music / path).write_bytes(path.encode() * 50)
    results = write_results(tmp_path / "results", music)
    stick.mkdir()
    seen: set[int] = set()

    def check() -> None:
        seen.add(whole_tracks(stick, kind))

    with Disk(stick, check).on():
        export(kind, results, stick)
    assert seen == {0, 3}
    (music / PATHS[0]).unlink()  # the first: the numbers of all others change
    (music / PATHS[1]).write_bytes(b"better")
    seen.clear()
    with Disk(stick, check).on():
        export(kind, results, stick)
    assert seen == {2, 3}
    assert format_of(kind).verify(stick) == []


def whole_tracks(stick: Path, kind: str) -> int:
    """How many tracks a stick shows; an assertion fails for one that is not whole."""
    if kind == "engine":
        if not (stick / engine.DATABASE).exists():
            return 0
        found = engine_database.read(stick / engine.DATABASE)
        with closing(sqlite3.connect(stick / engine.DATABASE)) as database:
            paths = [path for (path,) in database.execute("SELECT path FROM Track")]
        for path in paths:
            assert (stick / "Engine Library" / path).resolve().is_file(), path
        return len(found)
    if not (stick / usb.DATABASE).exists():
        return 0
    tracks = device_reader.tracks((stick / usb.DATABASE).read_bytes())
    for track in tracks:
        assert (stick / track.path[1:]).is_file(), track.path
        grid = (stick / track.analysis[1:]).read_bytes()
        assert track.path.encode("utf-16-be") in grid, track.path
        assert analysis_reader.grid(grid)
    return len(tracks)


@pytest.mark.parametrize("kind", ["usb", "engine"])
def test_a_stick_that_cannot_be_written_is_named(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A read-only stick, and one that is full behind the check of its free space."""
    (tmp_path / "music").mkdir()
    for path in PATHS:
        (tmp_path / "music" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "music" / path).write_bytes(b"song")
    results = write_results(tmp_path / "results", tmp_path / "music")
    for code in (errno.EROFS, errno.ENOSPC, errno.EIO):

        def fail(*arguments: object, code: int = code) -> None:
            raise OSError(code, os.strerror(code))

        with monkeypatch.context() as patch:
            patch.setattr("dropgrid.export.stick_songs.os.replace", fail)
            words = ["export", kind, "--results", str(results), "--output", str(tmp_path / "s")]
            assert main(words) == 2
        assert os.strerror(code) in capsys.readouterr().err
    assert not list((tmp_path / "s").rglob("*.dropgrid"))
    assert main(words) == 0
