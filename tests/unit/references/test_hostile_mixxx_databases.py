"""Databases of Mixxx that are damaged, or cost more than their size: refused with a reason."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest
from dropgrid.base.errors import InvalidReference
from dropgrid.references import checks, mixxx, sqlite_source, traktor
from mixxx_database import beat_grid, beat_map, changed, database, message
from traktor_collection import nml


def test_a_database_that_is_none_or_lies_is_refused(tmp_path: Path) -> None:
    text = tmp_path / "a.sqlite"
    text.write_text("not a database")
    with pytest.raises(InvalidReference, match="not a database of Mixxx"):
        mixxx.read(text)
    other = tmp_path / "b.sqlite"
    connection = sqlite3.connect(other)
    connection.execute("create table songs (name)")
    connection.commit()
    with pytest.raises(InvalidReference, match="no such table: cues"):
        mixxx.read(other)
    broken = database(tmp_path, ("/m/a.flac", "BeatMap-1.0", b"\x0a\xff", 1))
    with pytest.raises(InvalidReference, match=r"/m/a\.flac.*beats that cannot be read"):
        mixxx.read(broken)


ENDLESS = (
    "create view {0} as with recursive n(id) as (select 1 union all select id from n)"
    " select id, id as location, 44100 as samplerate, 9.0 as duration, 120 as bpm,"
    " 0 as bpm_lock, '' as genre, '' as key, '' as beats_version, null as beats,"
    " 0 as mixxx_deleted, id as track_id, 0 as position, 'x' as label from n;"
)

BOMB = (
    "drop table library; create table library (id, location, samplerate, duration, bpm, bpm_lock,"
    " genre, key, beats_version, beats as (zeroblob(900000000)), mixxx_deleted default 0);"
    "insert into library (id, location) values (1, 1);"
)


@pytest.mark.parametrize(
    ("script", "message"),
    [
        *((f"drop table {t}; {ENDLESS.format(t)}", f"{t} is not a plain") for t in mixxx.TABLES),
        (BOMB, "library is not a plain table"),
        ("drop table cues; create virtual table cues using fts5(track_id, position, label)",
         "cues is not a plain table"),
        ("update cues set position = 'eleven'", "its position is a text: 'eleven'"),
        ("update cues set position = x'00'", "not a number"),
        ("update cues set position = 9e999", "not a finite number"),
        ("update track_locations set location = x'0102'", "not a path"),
        ("update library set beats = zeroblob(9000000)", "too big"),
        # Many tracks share one long path: of each a copy would be read.
        ("update track_locations set location = hex(zeroblob(20000));"
         + "insert into library (location, samplerate) select 1, 44100 from library;" * 8,
         "hold more than the file does"),
        ("drop table track_locations; create table track_locations (id, location);"
         "insert into track_locations values (1, '');"
         + "insert into track_locations select * from track_locations;" * 7
         + "insert into library (location, samplerate) select 1, 44100 from library;" * 7,
         "too many rows"),
    ],
)  # fmt: skip
def test_a_database_that_is_a_program_or_a_bomb_is_refused(
    tmp_path: Path, script: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_source, "MAX_ROWS", 10_000)
    path = changed(database(tmp_path, ("/m/a.flac", None, None, 0)), script)
    with pytest.raises(InvalidReference, match=message):
        mixxx.read(path)


def test_a_database_that_never_answers_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = "insert into cues select track_id, -1, label from cues;" * 17
    path = changed(database(tmp_path, ("/m/a.flac", None, None, 0)), many)
    assert len(mixxx.read(path)) == 1
    monkeypatch.setattr(sqlite_source, "STEPS", 0)
    monkeypatch.setattr(sqlite_source, "STEPS_PER_BYTE", 0)
    with pytest.raises(InvalidReference, match="takes longer than its size can ask for"):
        mixxx.read(path)


def test_beats_are_bounded_for_a_file_as_a_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hundred bytes that say 1000 BPM for eight hours are half a million beats."""
    monkeypatch.setattr(checks, "MAX_BEATS", 30)
    tracks = [(f"/m/{i}.flac", "BeatGrid-2.0", beat_grid(120.0, 0), 0) for i in range(2)]
    with pytest.raises(InvalidReference, match="more than 30 beats in all its tracks"):
        mixxx.read(database(tmp_path, *tracks))
    with pytest.raises(InvalidReference, match="more than 5 beats in all its tracks"):
        monkeypatch.setattr(checks, "MAX_BEATS", 5)
        traktor.read(nml(tmp_path))


@pytest.mark.parametrize(
    ("rate", "message"),
    [(999, "not a rate of samples"), (1_000_001, "not a rate"), ("x", "number")],
)
def test_a_rate_of_samples_that_cannot_be_is_refused(tmp_path: Path, rate, message) -> None:
    path = database(tmp_path, ("/m/a.flac", None, None, 0))
    changed(path, f"update library set samplerate = {rate!r}")
    with pytest.raises(InvalidReference, match=f"samplerate: .*{message}"):
        mixxx.read(path)


@pytest.mark.parametrize(
    ("version", "blob", "message"),
    [
        ("BeatMap-1.0", b"\x08\x05", "a number in place of a message"),
        ("BeatMap-1.0", message(b"\x0a\x00"), "not a number"),
        ("BeatMap-1.0", message(b"\x08"), "a number is cut short"),
        ("BeatMap-1.0", message(b"\x08" + b"\xff" * 11), "a number without end"),
        ("BeatMap-1.0", b"\x0b", "not a whole message"),
        ("BeatMap-1.0", b"\x0a\x05abc", "not a whole message"),
        ("BeatGrid-2.0", message(b"\x08\x01", 2), "beats that cannot be read"),
        ("BeatGrid-2.0", beat_grid(0.5, 0), "not a tempo"),
        ("BeatGrid-2.0", message(message(b"1234567")), "beats that cannot be read"),
    ],
)  # fmt: skip
def test_broken_beats_of_mixxx_are_named(tmp_path: Path, version, blob, message) -> None:
    path = database(tmp_path, ("/m/a.flac", version, blob, 0))
    with pytest.raises(InvalidReference, match=f"/m/a.flac.beats: .*{message}"):
        mixxx.read(path)


def test_the_bytes_of_a_tracks_beats_are_bounded(tmp_path: Path, monkeypatch) -> None:
    blob = beat_map([4410])
    path = database(tmp_path, ("/m/a.flac", "BeatMap-1.0", blob, 0))
    monkeypatch.setattr(mixxx, "MAX_BEATS", len(blob))
    assert mixxx.read(path)[0].beats == (0.1,)
    monkeypatch.setattr(mixxx, "MAX_BEATS", len(blob) - 1)
    with pytest.raises(InvalidReference, match=f"{len(blob)} bytes are too many"):
        mixxx.read(path)


def test_a_database_that_is_too_large_or_a_pipe_is_refused(tmp_path: Path, monkeypatch) -> None:
    path = database(tmp_path, ("/m/a.flac", None, None, 0))
    monkeypatch.setattr(sqlite_source, "MAX_FILE", path.stat().st_size)
    assert len(mixxx.read(path)) == 1
    monkeypatch.setattr(sqlite_source, "MAX_FILE", path.stat().st_size - 1)
    with pytest.raises(InvalidReference, match="MiB is too much for a library of Mixxx"):
        mixxx.read(path)
    os.mkfifo(tmp_path / "b.sqlite")
    with pytest.raises(InvalidReference, match="not a file but a pipe"):
        mixxx.read(tmp_path / "b.sqlite")
    with pytest.raises(InvalidReference, match="cannot be read"):
        mixxx.read(tmp_path / "none.sqlite")
