"""An Engine library: what is in it, what stays of what others put there, what is refused."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import engine_database as read
import numpy as np
import pytest
from dropgrid.base.errors import ConfigError
from dropgrid.commands.main import main
from dropgrid.export import engine, export, stick_songs, usb
from dropgrid.export.options import ExportOptions
from dropgrid.library import track_id
from dropgrid.player_formats.engine_schema import SCHEMAS
from dropgrid.records.store import read_bpm
from library_of_records import PATHS, write_results

PLAYED = [PATHS[0], PATHS[1], PATHS[3]]


@pytest.fixture
def library(tmp_path: Path) -> tuple[Path, Path]:
    """(results, music): the songs are some bytes each."""
    music = tmp_path / "music"
    for path in PATHS:
        (music / path).parent.mkdir(parents=True, exist_ok=True)
        (music / path).write_bytes(path.encode() * 1000)
    return write_results(tmp_path / "results", music), music


def rows(drive: Path, query: str, *values: Any) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(drive / engine.DATABASE)) as database:
        found = database.execute(query, values).fetchall()
        database.commit()
        return found


def snapshot(drive: Path) -> dict[str, tuple[int, bytes]]:
    files = (path for path in drive.rglob("*") if path.is_file())
    return {str(f.relative_to(drive)): (f.stat().st_mtime_ns, f.read_bytes()) for f in files}


@pytest.mark.parametrize("version", SCHEMAS)
def test_a_library_holds_songs_grids_cues_and_loops(library, tmp_path, version):
    results, music = library
    drive = tmp_path / "drive"
    written, left_out = export("engine", results, drive, ExportOptions(engine_schema=version))
    assert written == 3 and dict(left_out) == {"failed in the analysis": 1}
    found = rows(
        drive,
        "SELECT path, bpmAnalyzed, key, title, artist, fileBytes, beatData, quickCues, loops "
        "FROM Track JOIN PerformanceData ON Track.id = trackId ORDER BY Track.id"
        if SCHEMAS[version].separate
        else "SELECT path, bpmAnalyzed, key, title, artist, fileBytes, beatData, quickCues, loops "
        "FROM Track ORDER BY id",
    )
    for path, row in zip(PLAYED, found, strict=True):
        song = drive / "Engine Library" / row[0]
        assert song.read_bytes() == (music / path).read_bytes() and row[5] == song.stat().st_size
        record = read_bpm(results / "bpm" / f"{track_id(path)}.json")
        assert row[1:5] == (record.bpm, 1, "Rock & <Roll>", "Zoë")
        beats = np.array(read.beats(row[6]))
        assert np.abs(beats[:, None] - np.array(record.beats)).min(axis=0).max() < 1e-3
        ones = np.array(read.downbeats(row[6]))
        assert np.abs(ones[:, None] - np.array(record.downbeats)).min(axis=0).max() < 1e-3
        pads = read.cues(row[7])
        assert pads[2][0] == "Drop 1" and abs(pads[2][1] / 44100 - 8.21875) < 1e-3
        assert read.loops(row[8])[0][0] == "Intro loop"
    assert rows(drive, "PRAGMA integrity_check") == [("ok",)]
    assert rows(drive, "PRAGMA foreign_key_check") == []


def test_playlists_follow_folders_tempi_and_keys(library, tmp_path):
    results, _ = library
    options = ExportOptions(bpm_ranges=(80, 100, 130), by_key=True)
    export("engine", results, tmp_path, options)
    paths = {path for (path,) in rows(tmp_path, "SELECT path FROM PlaylistPath")}
    inside = {"BPM;80-100 BPM;", "Key;8A;", "Folders;Ünï & co;", "All tracks;"}
    assert {f"dropgrid;{path}" for path in inside} <= paths
    assert lists(tmp_path)["All tracks"] == [1, 2, 3]


def lists(drive: Path) -> dict[str, list[int]]:
    """Tracks of each playlist, walked as players do, from the entity that no other links to."""
    found = {}
    for number, name in rows(drive, "SELECT id, title FROM Playlist"):
        after = {
            entity: (track, following)
            for entity, track, following in rows(
                drive,
                "SELECT id, trackId, nextEntityId FROM PlaylistEntity WHERE listId = ?",
                number,
            )
        }
        at = next(iter(after.keys() - {following for _, following in after.values()}), 0)
        order = []
        while at:
            order.append(after[at][0])
            at = after[at][1]
        assert len(order) == len(after)
        found[name] = order
    return found


def test_a_second_export_changes_nothing(library, tmp_path):
    results, _ = library
    drive = tmp_path / "drive"
    export("engine", results, drive)
    before = snapshot(drive)
    export("engine", results, drive)
    assert snapshot(drive) == before


def test_a_song_that_left_goes_and_numbers_of_others_stay(library, tmp_path):
    results, music = library
    drive = tmp_path / "drive"
    export("engine", results, drive)
    (music / PATHS[0]).unlink()
    written, left_out = export("engine", results, drive)
    assert written == 2 and left_out["the song is no longer there"] == 1
    assert rows(drive, "SELECT id FROM Track ORDER BY id") == [(2,), (3,)]
    assert lists(drive)["All tracks"] == [2, 3]
    assert not list((drive / "Contents").rglob("a house.flac"))
    (music / PATHS[0]).write_bytes(b"again")
    export("engine", results, drive)
    assert rows(drive, "SELECT id FROM Track ORDER BY id") == [(2,), (3,), (4,)]


def test_what_players_set_is_kept_and_reported(library, tmp_path, capsys):
    results, _ = library
    drive = tmp_path / "drive"
    export("engine", results, drive)
    rows(drive, "UPDATE PerformanceData SET quickCues = x'0000' WHERE trackId = 1")
    rows(drive, "UPDATE Track SET isPlayed = 1, timeLastPlayed = '2026' WHERE id = 2")
    rows(drive, "INSERT INTO Playlist (title, parentListId, isPersisted, nextListId) "
                "VALUES ('mine', 0, 1, 0)")  # fmt: skip
    for path in PATHS:
        record = results / "bpm" / f"{track_id(path)}.json"
        record.write_text(record.read_text().replace("Rock &", "Roll &"))
    words = ["export", "engine", "--results", str(results), "--output", str(drive)]
    assert main(words) == 0
    reported = capsys.readouterr().err
    assert "a house.flac: kept grid, cues or loops" in reported and "half time" not in reported
    assert rows(drive, "SELECT quickCues FROM PerformanceData WHERE trackId = 1") == [(b"\0\0",)]
    assert rows(drive, "SELECT title, isPlayed FROM Track WHERE id = 2") == [("Roll & <Roll>", 1)]
    assert "mine" in lists(drive)
    assert main([*words, "--replace"]) == 0
    assert read.cues(rows(drive, "SELECT quickCues FROM PerformanceData")[0][0])[0][0] == "Intro"
    assert (drive / "Engine Library/Database2/m.db.replaced-1").exists()


def test_a_library_that_engine_made_is_refused(library, tmp_path, capsys):
    results, _ = library
    database = tmp_path / "drive" / engine.DATABASE
    database.parent.mkdir(parents=True)
    database.write_bytes(b"theirs")
    words = ["export", "engine", "--results", str(results), "--output", str(tmp_path / "drive")]
    assert main(words) == 2
    assert "did not make" in capsys.readouterr().err and database.read_bytes() == b"theirs"
    assert not (tmp_path / "drive" / "Contents").exists()
    assert main([*words, "--replace"]) == 0 and database.read_bytes() != b"theirs"
    assert database.with_name("m.db.replaced-1").read_bytes() == b"theirs"


def test_a_database_that_is_open_is_refused(library, tmp_path):
    results, _ = library
    export("engine", results, tmp_path)
    (tmp_path / "Engine Library/Database2/m.db-journal").write_bytes(b"x")
    with pytest.raises(ConfigError, match="open in Engine DJ"):
        export("engine", results, tmp_path)


@pytest.mark.parametrize("damage", [b"", b"not a database" * 100, None])
def test_a_damaged_database_is_reported_and_not_changed(library, tmp_path, damage):
    results, _ = library
    export("engine", results, tmp_path)
    database = tmp_path / engine.DATABASE
    data = database.read_bytes()[:5000] if damage is None else damage
    database.write_bytes(data)
    with pytest.raises(ConfigError, match="cannot be read or written"):
        export("engine", results, tmp_path)
    assert database.read_bytes() == data
    assert not list(database.parent.glob(".*"))


def test_songs_that_lie_on_the_drive_are_not_copied(library, tmp_path):
    results, music = library
    export("engine", results, music)
    assert not (music / "Contents").exists()
    for (path,) in rows(music, "SELECT path FROM Track"):
        assert (music / "Engine Library" / path).is_file()


def test_one_copy_serves_both_kinds_of_players(library, tmp_path):
    results, _ = library
    drive = tmp_path / "drive"
    export("usb", results, drive)
    songs = {p: p.stat().st_ino for p in (drive / "Contents").rglob("*") if p.is_file()}
    export("engine", results, drive)
    assert {p: p.stat().st_ino for p in (drive / "Contents").rglob("*") if p.is_file()} == songs
    assert engine.verify(drive) == [] == usb.verify(drive)
    for path in PATHS:  # a library of nothing takes no song away from the other's players
        shutil.move(results / "bpm" / f"{track_id(path)}.json", tmp_path)
    scan = json.loads((results / "scan.json").read_text())
    (results / "scan.json").write_text(json.dumps(scan | {"tracks": []}))
    export("engine", results, drive)
    assert usb.verify(drive) == []


def test_a_file_of_the_users_is_never_overwritten(library, tmp_path):
    results, music = library
    for name in ("a house.flac", "half time.wav"):
        (tmp_path / "drive/Contents/Zoë").mkdir(parents=True, exist_ok=True)
        target = tmp_path / "drive/Contents/Zoë" / name
        target.write_bytes(b"mine" if name.startswith("a ") else (music / name).read_bytes())
    export("engine", results, tmp_path / "drive")
    assert (tmp_path / "drive/Contents/Zoë/a house.flac").read_bytes() == b"mine"
    for path in PATHS:
        (music / path).unlink()
    export("engine", results, tmp_path / "drive")
    left = {p.name for p in (tmp_path / "drive/Contents/Zoë").iterdir()}
    assert left == {"a house.flac", "half time.wav"}


def test_verify_tells_what_is_missing(library, tmp_path, capsys):
    results, music = library
    drive = music.parent  # so that one song lies on the drive, and is not copied
    words = ["export", "engine", "--verify", "--output", str(drive), "--results", str(results)]
    assert main(words) == 2
    export("engine", results, drive)
    assert main(words) == 0
    rows(drive, "UPDATE PerformanceData SET beatData = x'000000040102' WHERE trackId = 2")
    rows(drive, "DELETE FROM Track WHERE id = 3")
    (music / PATHS[0]).unlink()
    capsys.readouterr()
    assert main(words) == 1
    reported = capsys.readouterr().err
    assert f"{PATHS[0]}: missing" in reported and "lacks" in reported
    assert "half time.wav: cannot be inflated" in reported


def test_a_full_drive_is_reported_before_the_database_is_written(library, tmp_path, monkeypatch):
    usage = type("Usage", (), {"free": stick_songs.RESERVE + 100})()
    monkeypatch.setattr(stick_songs.shutil, "disk_usage", lambda path: usage)
    with pytest.raises(ConfigError, match="full"):
        export("engine", library[0], tmp_path / "drive")
    assert not (tmp_path / "drive" / engine.DATABASE).exists()


def test_another_program_reads_the_same(library, tmp_path):
    codecs = pytest.importorskip(
        "rb2engine.writer.blobs", reason="rb2engine is not installed: pip install rb2engine"
    )
    export("engine", library[0], tmp_path)
    for row in rows(tmp_path, "SELECT beatData, quickCues, loops, trackData, "
                              "overviewWaveFormData FROM PerformanceData"):  # fmt: skip
        grid = codecs.decode_beat_data(row[0]).adjusted_beat_grid.markers
        assert [(m.sample_offset, m.beat_number) for m in grid] == [
            marker[:2] for marker in read.grid(row[0])[2]
        ]
        assert codecs.decode_quick_cues(row[1]).cues[2].label == "Drop 1"
        assert codecs.decode_loops(row[2]).loops[0].label == "Intro loop"
        assert codecs.decode_track_data(row[3]).key == 1
        assert codecs.decode_overview_waveform(row[4]).num_points == 1024
