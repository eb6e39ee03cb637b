"""The libraries of players as references: Pioneer sticks and Engine's database."""

from __future__ import annotations

import json
import sqlite3
import struct
from pathlib import Path
from typing import Any

import pytest
from dropgrid.base.errors import InvalidReference
from dropgrid.player_formats import analysis_file as anlz
from dropgrid.player_formats import engine_blobs as blobs
from dropgrid.player_formats.device_reader import DeviceTrack
from dropgrid.references import engine_database, player_stick
from dropgrid.references.annotation import Annotation, CueOrLoop

WHERE = "/PIONEER/USBANLZ/P001/0001/ANLZ0000.DAT"
BEATS = [anlz.Beat(1 + (i + 3) % 4, 120.0, 0.25 + 0.5 * i) for i in range(8)]  # from beat 4 on
CUES = [
    anlz.PlayerCue(0.25, "Intro", (1, 2, 3)),
    anlz.PlayerCue(2.25, "Drop 1", (1, 2, 3), 2),
    anlz.PlayerCue(1.0, "Vocal", (1, 2, 3), end=1.5),
]


def analysis(*tags: bytes) -> bytes:
    return b"PMAI" + struct.pack(">I", 28) + bytes(20) + b"".join(tags)


def stick(folder: Path, beats: list[anlz.Beat] = BEATS) -> Path:
    """A stick with the grid and the cues of a track; its database is left to the test."""
    dat = folder / WHERE[1:]
    dat.parent.mkdir(parents=True, exist_ok=True)
    dat.write_bytes(analysis(anlz.grid_tag(beats)))
    marks = [anlz.named_cues_tag(CUES, kind) for kind in (anlz.HOT, anlz.MEMORY)]
    dat.with_suffix(".EXT").write_bytes(analysis(*marks))
    (folder / "PIONEER/rekordbox").mkdir(exist_ok=True)
    (folder / "PIONEER/rekordbox/export.pdb").touch()
    return folder / "PIONEER/rekordbox/export.pdb"


@pytest.fixture
def of_stick(monkeypatch: pytest.MonkeyPatch):
    """The annotation that a stick whose database has one track gives."""

    def read(database: Path, **facts: Any) -> Annotation:
        track = DeviceTrack(**({"path": "/Contents/a.mp3", "analysis": WHERE, "bpm": 120.0,
                                "duration": 4.0} | facts))  # fmt: skip
        monkeypatch.setattr(player_stick, "tracks", lambda data: [track])
        (found,) = player_stick.read(database)
        return found

    return read


def test_a_sticks_grid_cues_and_loops_are_read(tmp_path: Path, of_stick) -> None:
    found = of_stick(stick(tmp_path))
    assert (found.key, found.format, found.player) == ("/Contents/a.mp3", "usb", "rekordbox")
    assert (found.bpm, found.duration) == (120.0, 4.0)
    assert found.beats == tuple(beat.time for beat in BEATS)
    assert found.downbeats == (0.75, 2.75)
    assert [(s.start, s.end, s.label) for s in found.sections or ()] == [
        (0.25, 2.25, "intro"), (2.25, 4.0, "drop"),
    ]  # fmt: skip
    assert set(found.cues_and_loops or ()) == {
        CueOrLoop(0.25, "Intro"), CueOrLoop(2.25, "Drop 1", 2), CueOrLoop(1.0, "Vocal", None, 1.5),
    }  # fmt: skip


def test_a_sticks_length_is_in_whole_seconds(tmp_path: Path, of_stick) -> None:
    """The grid may go on for less than a second behind it, and no further."""
    found = of_stick(stick(tmp_path), duration=3.0)
    assert found.duration == 3.75 and found.beats[-1] == 3.75
    found = of_stick(stick(tmp_path), duration=2.0)
    assert found.duration == 3.0 and found.beats[-1] == 2.75
    found = of_stick(stick(tmp_path), duration=0.0, bpm=None)
    assert (found.duration, found.beats, found.sections, found.bpm) == (None, None, None, None)
    assert found.cues_and_loops


@pytest.mark.parametrize("where", ["", "/PIONEER/../a.DAT", "/elsewhere/a.DAT", "/PIONEER/b.DAT"])
def test_nothing_is_read_beside_the_folder_of_analyses(tmp_path: Path, of_stick, where) -> None:
    database = stick(tmp_path)
    (tmp_path / "a.DAT").write_bytes(b"x")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/a.DAT").write_bytes(b"x")
    found = of_stick(database, analysis=where)
    assert found.beats is found.cues_and_loops is None and found.bpm == 120.0


def test_a_broken_analysis_is_named(tmp_path: Path, of_stick) -> None:
    database = stick(tmp_path)
    (tmp_path / WHERE[1:]).write_bytes(b"x" * 40)
    with pytest.raises(InvalidReference, match=r"Contents/a\.mp3: .*ANLZ0000\.DAT: cannot be"):
        of_stick(database)
    (tmp_path / WHERE[1:]).unlink()
    found = of_stick(database)
    assert found.beats is None and len(found.cues_and_loops) == 3


def test_a_database_that_is_cut_short_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidReference, match=r"export\.pdb: cannot be read: cut short"):
        player_stick.read(stick(tmp_path))


def test_a_mark_tells_which_song_a_copy_is(tmp_path: Path, of_stick) -> None:
    database = stick(tmp_path)
    mark = tmp_path / "PIONEER/dropgrid.json"
    facts = {"/Contents/a.mp3": {"source": "music/A.mp3"}}
    for known, key in (
        ({"files": facts}, "music/A.mp3"),
        ({"tracks": facts, "files": {}}, "music/A.mp3"),
        ({"files": {"/Contents/a.mp3": {"source": 1}}}, "/Contents/a.mp3"),
        ({"files": {"/Contents/a.mp3": "x"}}, "/Contents/a.mp3"),
        ([], "/Contents/a.mp3"),
    ):
        mark.write_text(json.dumps(known))
        assert of_stick(database).key == key


RATE = 44100.0
MARKERS = [blobs.Marker(-1.5 * RATE, -4), blobs.Marker(10.5 * RATE, 20)]  # 0.5 s apart
COLOUR = (1, 2, 3)
PADS = [
    blobs.EngineCue(0, 0.0, "Intro", COLOUR), blobs.EngineCue(3, 4 * RATE, "Drop", COLOUR),
]  # fmt: skip


def engine(folder: Path, old: bool = False, **values: Any) -> Path:
    """Engine's database of one track; old: as it was until 2.21."""
    row = {
        "path": "../music/a.flac", "length": 10, "bpmAnalyzed": 120.0, "bpm": 119,
        "genre": "House", "beatData": blobs.pack_grid(RATE, 441000, MARKERS),
        "quickCues": blobs.pack_cues(PADS, 0.0),
        "loops": blobs.pack_loops([blobs.EngineLoop(RATE, 2 * RATE, "Loop 1", COLOUR)]),
        **values,
    }  # fmt: skip
    path = folder / "Database2" / "m.db"
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    connection = sqlite3.connect(path)
    own = ("path", "length", "bpmAnalyzed", "bpm", "genre")
    rest = ("beatData", "quickCues", "loops")
    if old:
        connection.execute(f"create table Track (id, {', '.join(own + rest)})")
        places = ", ".join("?" * 8)
        connection.execute(
            f"insert into Track values (1, {places})", [row[name] for name in own + rest]
        )
    else:
        connection.execute(f"create table Track (id, {', '.join(own)})")
        connection.execute(f"create table PerformanceData (trackId, {', '.join(rest)})")
        connection.execute(
            "insert into Track values (1, ?, ?, ?, ?, ?)", [row[name] for name in own]
        )
        connection.execute(
            "insert into PerformanceData values (1, ?, ?, ?)", [row[name] for name in rest]
        )
    connection.commit()
    connection.close()
    return path


@pytest.mark.parametrize("old", [False, True])
def test_engines_grid_cues_and_loops_are_read(tmp_path: Path, old: bool) -> None:
    (found,) = engine_database.read(engine(tmp_path, old))
    assert (found.key, found.format, found.player) == ("../music/a.flac", "engine", None)
    assert (found.bpm, found.genre, found.duration) == (120.0, "House", 10.0)
    assert found.beats == tuple(0.5 * i for i in range(21))
    assert found.downbeats == (0.5, 2.5, 4.5, 6.5, 8.5)
    assert [(s.start, s.end, s.label) for s in found.sections or ()] == [
        (0.0, 4.0, "intro"), (4.0, 10.0, "drop"),
    ]  # fmt: skip
    assert found.cues_and_loops == (
        CueOrLoop(0.0, "Intro", 0), CueOrLoop(4.0, "Drop", 3), CueOrLoop(1.0, "Loop 1", None, 2.0),
    )  # fmt: skip


def test_what_engine_has_not_analysed_is_left_open(tmp_path: Path) -> None:
    nothing = dict.fromkeys(("beatData", "quickCues", "loops", "genre", "bpmAnalyzed", "bpm"))
    (found,) = engine_database.read(engine(tmp_path, length=0, **nothing))
    assert {
        found.bpm,
        found.beats,
        found.sections,
        found.cues_and_loops,
        found.genre,
        found.duration,
    } == {None}
    (found,) = engine_database.read(engine(tmp_path, bpmAnalyzed=None))
    assert found.bpm == 119.0
    (found,) = engine_database.read(engine(tmp_path, length=None))
    assert found.beats is found.sections is None and len(found.cues_and_loops) == 3
    assert engine_database.read(engine(tmp_path, path=None)) == []


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"path": 7}, "7: not a path"),
        ({"beatData": "text"}, "grid or cues cannot be read .no binary field"),
        ({"quickCues": b"\0\0\0\1x"}, "grid or cues cannot be read"),
        ({"length": -3}, "length: a negative time"),
        ({"bpmAnalyzed": 5000}, "bpm: not a tempo"),
        ({"quickCues": blobs.pack_cues([blobs.EngineCue(0, 9e9, "x", COLOUR)], 0.0)},
         "cue: beyond 30000 s"),
    ],
)  # fmt: skip
def test_engine_fields_that_cannot_be_true_are_named(tmp_path: Path, values, reason) -> None:
    with pytest.raises(InvalidReference, match=reason):
        engine_database.read(engine(tmp_path, **values))


def test_an_engine_library_names_the_songs_it_was_made_of(tmp_path: Path) -> None:
    path = engine(tmp_path)
    (tmp_path / "dropgrid.json").write_text(
        json.dumps({"files": {"../music/a.flac": {"source": "b.flac"}}})
    )
    assert engine_database.read(path)[0].key == "b.flac"
