"""Grids and cues that people set in Traktor, Mixxx and Serato, read as references."""

from __future__ import annotations

import os
import sqlite3
import struct
from pathlib import Path

import mutagen
import numpy as np
import pytest
import soundfile
from dropgrid.audio import serato
from dropgrid.audio.mp3 import LAGS
from dropgrid.audio.serato_file import FLAC, STAMP, read_serato, stamp
from dropgrid.base.errors import InvalidReference
from dropgrid.commands.main import main
from dropgrid.evaluation.score import EvaluationOptions, gather
from dropgrid.library import track_id
from dropgrid.references import checks, mixxx, sqlite_source, traktor
from dropgrid.references.annotation import Annotation
from dropgrid.references.collect import Rank
from dropgrid.references.matching import Tracks, match
from dropgrid.references.serato import read_file
from library_of_records import HOSTILE, PATHS, write_results
from tracks_to_correct import write_steady

NML = """<?xml version="1.0" encoding="UTF-8" standalone="no" ?>
<NML VERSION="20"><COLLECTION ENTRIES="1">
<ENTRY TITLE="a" LOCK="1"><LOCATION DIR="/:Users/:me/:" FILE="a.mp3" VOLUME="Disk"></LOCATION>
<INFO PLAYTIME="8" PLAYTIME_FLOAT="8.0" GENRE="House"></INFO><TEMPO BPM="120.000000"></TEMPO>
<CUE_V2 NAME="AutoGrid" TYPE="4" START="1250.000000" HOTCUE="-1"><GRID BPM="120.0"></GRID></CUE_V2>
<CUE_V2 NAME="AutoGrid" TYPE="4" START="5250.000000" HOTCUE="-1"><GRID BPM="60.0"></GRID></CUE_V2>
<CUE_V2 NAME="Intro" TYPE="0" START="0.000000" HOTCUE="0"></CUE_V2>
<CUE_V2 NAME="Drop 1" TYPE="0" START="5250.000000" HOTCUE="1"></CUE_V2>
</ENTRY></COLLECTION></NML>
"""


def nml(folder: Path, text: str = NML) -> Path:
    path = folder / "collection.nml"
    path.write_text(text)
    return path


def test_traktors_grid_goes_back_from_its_first_marker_and_on_from_each(tmp_path: Path) -> None:
    (found,) = traktor.read(nml(tmp_path))
    assert found.key == "/Users/me/a.mp3" and found.locked and found.player == "traktor"
    assert found.beats == (
        0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3.25, 3.75, 4.25, 4.75, 5.25, 6.25, 7.25,
    )  # fmt: skip
    assert found.downbeats == (1.25, 3.25, 5.25)
    assert [(s.start, s.end, s.label) for s in found.sections or ()] == [
        (0.0, 5.25, "intro"), (5.25, 8.0, "drop"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('START="5250.000000" HOTCUE="-1"', 'START="1.0" HOTCUE="-1"', r":6: .*not later than"),
        ('<GRID BPM="60.0">', '<GRID BPM="0">', r":6: .*not a tempo"),
        ('TYPE="0" START="0.000000"', 'TYPE="x" START="0"', r":7: .*TYPE: not a number"),
        ('PLAYTIME_FLOAT="8.0"', 'PLAYTIME_FLOAT="-1"', r":3: .*negative"),
    ],
)
def test_a_wrong_collection_is_refused_with_its_line(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    assert old in NML
    with pytest.raises(InvalidReference, match=message):
        traktor.read(nml(tmp_path, NML.replace(old, new)))


def varint(number: int) -> bytes:
    number %= 2**64
    out = b""
    while number >= 0x80:
        out, number = out + bytes([number & 0x7F | 0x80]), number >> 7
    return out + bytes([number])


def message(data: bytes, field: int = 1) -> bytes:
    return bytes([field << 3 | 2]) + varint(len(data)) + data


def beat_map(frames: list[int]) -> bytes:
    return b"".join(message(b"\x08" + varint(frame)) for frame in frames)


def beat_grid(bpm: float, first: int) -> bytes:
    tempo = message(b"\x09" + struct.pack("<d", bpm))
    return tempo + message(b"\x08" + varint(first), 2)


def database(folder: Path, *tracks: tuple) -> Path:
    """A database of Mixxx's schema, as far as it is read."""
    path = folder / "mixxxdb.sqlite"
    connection = sqlite3.connect(path)
    connection.executescript(
        "create table track_locations (id integer primary key, location text);"
        "create table library (id integer primary key, location integer, samplerate integer,"
        " duration float, bpm float, bpm_lock integer, genre text, key text, beats_version text,"
        " beats blob, mixxx_deleted integer default 0);"
        "create table cues (track_id integer, position integer, label text);"
    )
    for number, (location, version, beats, lock) in enumerate(tracks, start=1):
        connection.execute("insert into track_locations values (?, ?)", (number, location))
        connection.execute(
            "insert into library values (?, ?, 44100, 10.0, 120, ?, 'House', 'Am', ?, ?, 0)",
            (number, number, lock, version, beats),
        )
    connection.execute("insert into cues values (1, 0, 'Intro')")
    connection.execute("insert into cues values (1, ?, 'Drop 1')", (2 * 4 * 44100,))
    connection.commit()
    connection.close()
    return path


def test_mixxxs_beats_cues_and_lock_are_read(tmp_path: Path) -> None:
    frames = [-(2**63), -100, 11025, 33075, 55125]
    path = database(
        tmp_path, ("/m/a.flac", "BeatMap-1.0", beat_map(frames), 1),
        ("/m/b.flac", "BeatGrid-2.0", beat_grid(120.0, 44100 + 11025), 0),
        ("/m/c.flac", None, None, 0),
    )  # fmt: skip
    mapped, gridded, without = mixxx.read(path)
    assert mapped.beats == (0.25, 0.75, 1.25) and mapped.locked and not gridded.locked
    assert (mapped.bpm, mapped.genre, mapped.tonality) == (120.0, "House", 21)
    assert [(s.start, s.end, s.label) for s in mapped.sections or ()] == [
        (0.0, 4.0, "intro"), (4.0, 10.0, "drop"),
    ]  # fmt: skip
    np.testing.assert_allclose(gridded.beats or (), np.arange(0.25, 10, 0.5), atol=1e-9)
    assert without.beats is None and without.bpm == 120.0


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


GRID = serato.Grid(((0.25, 8), (4.25, 4)), (8.25, 60.0))
CUES = (
    serato.Cue(0, 0, "Intro", b"\x01\x02\x03"),
    serato.Cue(1, 4250, "Drop 1"),
    serato.Cue(2, 4250, "Drüp ☃ " * 20, end=8250),
)


def test_what_is_packed_as_seratos_is_unpacked_the_same() -> None:
    assert serato.unpack_grid(serato.pack_grid(GRID)) == GRID
    data = serato.pack_markers2(CUES, locked=True)
    assert len(data) >= 470 and data.endswith(b"\0")
    assert max(map(len, data.rstrip(b"\0")[2:].split(b"\n"))) == 72
    cues, locked = serato.unpack_markers2(data)
    assert locked and cues[:2] == list(CUES[:2])
    assert cues[2].end == 8250 and len(cues[2].name.encode()) <= 51
    assert "\N{REPLACEMENT CHARACTER}" not in cues[2].name
    assert serato.pack_autotags(125.376, -3.25) == b"\x01\x01125.38\0-3.250\x000.000\0"
    for size in range(600):
        name, back = serato.unwrap(serato.wrap("Serato X", bytes(range(1, 250)) * 3)[: 200 + size])
        assert name == "Serato X" and (bytes(range(1, 250)) * 3).startswith(back[:-2])


@pytest.mark.parametrize(
    "data",
    [b"", b"\1\0", b"\1\0\0\0\0\0", b"\1\0\xff\xff\xff\xff" + bytes(9),
     serato.pack_grid(serato.Grid(((2.0, 4),), (1.0, 60.0))),
     serato.pack_grid(serato.Grid(((1.0, 0),), (2.0, 60.0))),
     serato.pack_grid(serato.Grid((), (float("nan"), 60.0))),
     serato.pack_grid(serato.Grid(((0.0, 2**32 - 1),), (1.0, 60.0))),
     serato.pack_grid(serato.Grid((), (-1e30, 60.0))),
     serato.pack_grid(serato.Grid((), (1.0, float("inf")))),
     serato.pack_grid(GRID) + b"12"],
)  # fmt: skip
def test_a_broken_grid_is_none(data: bytes) -> None:
    with pytest.raises(ValueError):
        serato.unpack_grid(data)


def test_seratos_usual_grid_of_one_marker_is_read() -> None:
    grid = serato.unpack_grid(serato.pack_grid(serato.Grid((), (0.5, 120.0))))
    assert serato.beats_of(grid, 3.0) == [0.5, 1.0, 1.5, 2.0, 2.5, 3.0]


@pytest.mark.parametrize("markers", [(), ((-0.25, 4),)])
def test_a_marker_before_the_music_counts_and_beats_begin_at_0(markers: tuple) -> None:
    start = 1.75 if markers else -0.25
    grid = serato.unpack_grid(serato.pack_grid(serato.Grid(markers, (start, 120.0))))
    assert serato.beats_of(grid, 3.0) == [0.25, 0.75, 1.25, 1.75, 2.25, 2.75]


def song(path: Path) -> Path:
    soundfile.write(path, np.zeros((44100 * 10, 1)), 44100)
    return path


def test_seratos_tags_of_a_flac_are_read_and_ours_are_passed_over(tmp_path: Path) -> None:
    path = song(tmp_path / "a.flac")
    assert read_serato(path) is None and read_file(path, "a", 10.0) is None
    tags = {serato.GRID: serato.pack_grid(GRID), serato.MARKERS2: serato.pack_markers2(CUES, True)}
    file = mutagen.File(path)
    for name, data in tags.items():
        file[FLAC[name]] = serato.wrap(name, data)
    file.save()
    found = read_file(path, "a", 10.0)
    assert found is not None and found.locked and found.player == "serato" and found.bpm == 60.0
    np.testing.assert_allclose(
        found.beats or (), [*np.arange(0.25, 4.2, 0.5), *np.arange(4.25, 10, 1.0)], atol=1e-6
    )
    assert [s.label for s in found.sections or ()] == ["intro", "drop"]
    file[STAMP] = stamp(tags)
    file.save()
    assert read_file(path, "a", 10.0) is None
    moved = serato.Grid(((0.26, 8),), GRID.last)
    file[FLAC[serato.GRID]] = serato.wrap(serato.GRID, serato.pack_grid(moved))
    file.save()  # the user has moved the grid: it is the user's, the cues are not
    found = read_file(path, "a", 10.0)
    assert found is not None and found.beats and not found.sections


def test_times_of_an_mp3_are_moved_from_the_program_to_the_analysis(tmp_path: Path) -> None:
    annotation = Annotation("a.mp3", "x", "traktor", beats=(0.01, 1.0), player="traktor")
    decoder = {"name": "libsndfile", "info_frame": "lame", "sample_rate": 44100}
    ranked = [(Rank.of(0, annotation), annotation)]
    references, _, _ = match(ranked, Tracks({"a": "a.mp3"}), lambda track: decoder)
    assert references["a"].beats == (pytest.approx(1.0 - LAGS["traktor"]["lame"] / 44100),)
    references, _, _ = match(ranked, Tracks({"a": "a.mp3"}), lambda track: {})
    assert references["a"].beats == (0.01, 1.0)


def test_serato_is_a_word_in_the_list_of_references(tmp_path: Path) -> None:
    music = tmp_path / "music"
    music.mkdir()
    for name in PATHS:
        if name != HOSTILE:
            path = song(music / name)
    results = write_results(tmp_path / "results", music)
    path = music / PATHS[0]
    file = mutagen.File(path)
    beats = serato.pack_grid(serato.Grid(((0.25, 63),), (0.25 + 63 * 60 / 128, 128.0)))
    file[FLAC[serato.GRID]] = serato.wrap(serato.GRID, beats)
    file.save()
    found = gather(results, EvaluationOptions(references=("serato",)))
    (row,) = [row for row in found.rows.beats if row["system"] == "dropgrid"]
    assert row["reference"] == "serato" and row["f_measure"] > 0.99  # the grid goes on


def test_a_file_of_seratos_that_cannot_be_read_is_listed_and_the_others_go_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    music = tmp_path / "music"
    music.mkdir()
    songs = [song(music / f"{name}.flac") for name in ("broken", "good", "marked")]
    results = write_steady(tmp_path / "results", [p.name for p in songs], str(music)).folder
    beats = serato.pack_grid(serato.Grid((), (0.25, 60.0)))
    marks = serato.pack_markers2([serato.Cue(0, 500, "Drop")])
    tags = (
        {serato.GRID: beats + b"1234"},
        {serato.GRID: beats},
        {serato.GRID: b"\2" + beats[1:], serato.MARKERS2: marks},
    )
    for path, held in zip(songs, tags, strict=True):
        file = mutagen.File(path)
        for name, data in held.items():
            file[FLAC[name]] = serato.wrap(name, data)
        file.save()
    found = gather(results, EvaluationOptions(references=("serato",)))
    assert {row["path"] for row in found.rows.beats} == {"good.flac"}
    marked = read_file(songs[2], "a", 10.0)
    assert marked is not None and [s.label for s in marked.sections or ()] == ["drop"]
    refused = {item.key: item.reason for item in found.left_out}
    assert refused == {
        track_id("broken.flac"): "not readable: a beat grid of 1 markers has not 20 bytes",
        track_id("marked.flac"): "not readable: not a beat grid of Serato's version 1.0",
    }
    assert main(["correct", "--results", str(results), "--from", "serato", "--dry-run"]) == 0
    shown = capsys.readouterr()
    assert "good.flac: 60.00 BPM, not 120.00 BPM" in shown.out
    for path in (songs[0], songs[2]):
        assert f"{path.name}: " in shown.err


def changed(path: Path, script: str) -> Path:
    connection = sqlite3.connect(path)
    connection.executescript(script)
    connection.commit()
    connection.close()
    return path


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


def test_what_mixxx_does_not_know_of_a_track_is_left_open(tmp_path: Path) -> None:
    path = database(
        tmp_path,
        ("/m/b.flac", "BeatMap-9", beat_map([5]), 0),
        ("/m/a.flac", "BeatMap-1.0", beat_map([4410]), 0),
    )
    script = "update library set {}, samplerate = 1000"
    changed(path, script.format("bpm = 0, genre = '', key = null, duration = 0"))
    first, second = mixxx.read(path)  # in the order of the paths
    assert (first.key, second.key) == ("/m/a.flac", "/m/b.flac")
    assert first.beats == (4.41,) and second.beats is None
    assert {first.bpm, first.genre, first.tonality, first.duration, first.sections} == {None}
    changed(path, "update library set samplerate = 0")
    assert mixxx.read(path)[0].beats is None
    changed(path, "update library set mixxx_deleted = 1 where location = 1")
    assert [a.key for a in mixxx.read(path)] == ["/m/a.flac"]


def test_a_message_may_hold_fields_of_all_kinds(tmp_path: Path) -> None:
    others = b"\x10\x05" + b"\x19" + bytes(8) + b"\x25" + bytes(4) + b"\x2a\x02ab"
    blob = message(others + b"\x08" + varint(44100)) + message(b"") + message(b"\x08\x01", 2)
    path = database(
        tmp_path,
        (
            "/m/a.flac",
            "BeatMap-1.1",
            message(b"") + message(others + b"\x08" + varint(44100)) + message(b"\x08\x01", 2),
            0,
        ),
    )
    assert mixxx.read(path)[0].beats == (0.0, 1.0)
    path.unlink()
    path = database(tmp_path, ("/m/a.flac", "BeatMap-1.1", blob, 0))
    with pytest.raises(InvalidReference, match="not later than"):  # the second is at 0
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


def test_mixxxs_grid_without_a_first_beat_begins_at_0(tmp_path: Path) -> None:
    tempo = message(b"\x09" + struct.pack("<d", 60.0))
    path = database(
        tmp_path, ("/m/a.flac", "BeatGrid-2.0", tempo, 0),
        ("/m/b.flac", "BeatGrid-2.0", beat_grid(60.0, -22050), 0),
    )  # fmt: skip
    first, second = mixxx.read(path)
    assert first.beats == tuple(float(i) for i in range(10))
    assert second.beats == tuple(i + 0.5 for i in range(10))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('PLAYTIME_FLOAT="8.0"', "", {"duration": 8.0}),
        ('PLAYTIME="8" PLAYTIME_FLOAT="8.0"', "", {"duration": None, "beats": None}),
        ('PLAYTIME="8" PLAYTIME_FLOAT="8.0"', 'PLAYTIME="0"', {"duration": None}),
        ('LOCK="1"', 'LOCK="0"', {"locked": False}),
        ('GENRE="House"', 'GENRE="" KEY="8A"', {"genre": None, "tonality": 21}),
        ("</INFO>", '</INFO><MUSICAL_KEY VALUE="23"/>', {"tonality": 23}),
        ("</INFO>", '</INFO><INFO GENRE="Pop"/>', {"genre": "House"}),
        ('<TEMPO BPM="120.000000"></TEMPO>', "", {"bpm": None}),
        ('<GRID BPM="120.0"></GRID>', "", {"bpm": 120.0, "downbeats": (1.25, 3.25, 5.25)}),
        ('TYPE="4" START="1250.0', 'TYPE="5" START="1250.0', {"downbeats": (1.25, 5.25)}),
        ('START="0.000000"', 'START="-20"', {"bpm": 120.0}),
    ],
)  # fmt: skip
def test_what_traktor_tells_in_other_ways(tmp_path: Path, old, new, expected) -> None:
    assert old in NML
    (found,) = traktor.read(nml(tmp_path, NML.replace(old, new)))
    assert {name: getattr(found, name) for name in expected} == expected
    assert found.sections is None or found.sections[0].start == 0.0


@pytest.mark.parametrize("value", ["24", "-1", "1.5"])
def test_a_number_that_is_no_key_of_traktors_is_refused(tmp_path: Path, value: str) -> None:
    text = NML.replace("</INFO>", f'</INFO><MUSICAL_KEY VALUE="{value}"/>')
    with pytest.raises(InvalidReference, match="not a key, which are 0 to 23"):
        traktor.read(nml(tmp_path, text))


def test_a_marker_on_a_beat_of_its_own_grid_has_beats_back_to_0(tmp_path: Path) -> None:
    """1.2 s are three beats at 150 BPM, whatever is lost in dividing them."""
    text = NML.replace('START="1250.0', 'START="1200.0').replace('BPM="120.0"', 'BPM="150.0"')
    (found,) = traktor.read(nml(tmp_path, text))
    assert found.beats[:4] == pytest.approx((0.0, 0.4, 0.8, 1.2))


def test_an_entry_without_a_place_is_none(tmp_path: Path) -> None:
    assert traktor.read(nml(tmp_path, NML.replace("LOCATION", "PLACE"))) == []


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
