"""Engine's database: its tables are those that Engine made, its fields come back as written."""

from __future__ import annotations

import random
import re
import sqlite3
import struct
import zlib
from pathlib import Path
from typing import Any

import engine_database as read
import numpy as np
import pytest
from dropgrid.key import notation
from dropgrid.player_formats import engine_blobs as blobs
from dropgrid.player_formats import engine_grid
from dropgrid.player_formats.engine_schema import SCHEMAS, statements

ENGINE = Path(__file__).resolve().parents[4] / "shared" / "players" / "engine"
MADE = {
    "3.0.1": "2.20.3", "3.1.1": "2.21.0", "3.3.0": "2.21.0", "4.0.1": "2.21.2", "4.1.0": "3.0.0",
    "4.2.1": "3.0.0", "4.3.4": "3.0.1", "4.5.0": "3.0.2", "5.0.0": "3.0.2",
}  # fmt: skip


def facts(database: sqlite3.Connection) -> dict[tuple[str, str], Any]:
    """Tables by columns, keys and constraints, triggers and indices by what they do, views by
    their columns."""
    found: dict[tuple[str, str], Any] = {}
    query = "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'"
    for kind, name, table, sql in database.execute(query):
        if kind == "table":
            indices = [
                (unique, origin, tuple(database.execute(f"PRAGMA index_info({index})")))
                for _, index, unique, origin, _ in database.execute(f"PRAGMA index_list({name})")
            ]
            found[kind, name] = (
                database.execute(f"PRAGMA table_info({name})").fetchall(),
                database.execute(f"PRAGMA foreign_key_list({name})").fetchall(),
                sorted(indices, key=str),
            )
        elif kind == "view":
            found[kind, name] = [
                c[0] for c in database.execute(f"SELECT * FROM {name}").description
            ]
        else:
            found[kind, name] = table, re.sub(r"\s+", "", sql).lower()
    return found


def made(sql: str) -> sqlite3.Connection:
    database = sqlite3.connect(":memory:")
    database.executescript(sql)
    return database


@pytest.mark.skipif(not ENGINE.exists(), reason="no players' databases beside the checkout")
@pytest.mark.parametrize(("program", "version"), MADE.items())
def test_tables_are_those_that_engine_makes(program, version):
    theirs = made((ENGINE / f"desktop-{program}.sql").read_text())
    assert facts(made(statements(version))) == facts(theirs)
    numbers = theirs.execute(
        "SELECT schemaVersionMajor, schemaVersionMinor, schemaVersionPatch FROM Information"
    ).fetchone()
    assert ".".join(map(str, numbers)) == version


@pytest.mark.skipif(not ENGINE.exists(), reason="no players' databases beside the checkout")
@pytest.mark.parametrize(("program", "version"), MADE.items())
def test_views_say_what_engines_say(program, version):
    answers = []
    for sql in ((ENGINE / f"desktop-{program}.sql").read_text(), statements(version)):
        database = made(sql)
        for title, parent in (("a", 0), ("b", 0), ("c", 1), ("d", 3), ("e", 1)):
            database.execute(
                "INSERT INTO Playlist (title, parentListId, isPersisted, nextListId) "
                "VALUES (?, ?, 1, 0)", (title, parent),
            )  # fmt: skip
        views = ("PlaylistPath", "PlaylistAllParent", "PlaylistAllChildren", "ChangeLog")
        answers.append([sorted(database.execute(f"SELECT * FROM {view}")) for view in views])
    assert answers[0] == answers[1] and answers[0][0]


@pytest.mark.parametrize("version", SCHEMAS)
def test_performance_data_is_written_through_triggers_in_every_version(version):
    database = made(statements(version))
    database.execute("INSERT INTO Information (uuid) VALUES ('x')")
    database.execute("INSERT INTO Track (path) VALUES ('a')")
    assert database.execute("SELECT originTrackId, originDatabaseUuid FROM Track").fetchall() == [
        (1, "x")
    ]
    database.execute("UPDATE PerformanceData SET beatData = x'01', loops = x'02'")
    assert database.execute("SELECT trackId, beatData, loops FROM PerformanceData").fetchall() == [
        (1, b"\1", b"\2")
    ]


BEATS = [0.25 + i * 60 / 128 for i in range(400)]


def packed(beats: list[float], downbeats: list[float], duration: float) -> bytes:
    marks = engine_grid.markers(beats, downbeats, duration, 44100.0)
    return blobs.pack_grid(44100.0, round(duration * 44100), marks)


def test_a_steady_grid_has_two_markers_from_before_0_to_after_the_end():
    rate, samples, markers = read.grid(packed(BEATS, BEATS[2::4], 190.0))
    assert (rate, samples, len(markers)) == (44100.0, 8379000.0, 2)
    assert markers[0][1] == -4 and markers[0][0] <= 0 and markers[1][0] > samples
    found = np.array(read.beats(packed(BEATS, BEATS[2::4], 190.0)))
    assert np.abs(found[:, None] - np.array(BEATS)).min(axis=0).max() < 1e-9
    ones = np.array(read.downbeats(packed(BEATS, BEATS[2::4], 190.0)))
    assert np.abs(ones[:, None] - np.array(BEATS[2::4])).min(axis=0).max() < 1e-9


@pytest.mark.parametrize("first", [0.0, 0.1, 2.0, 61.0])
@pytest.mark.parametrize("pause", [0.0, 0.2, 0.47, 1.3, 9.0])
@pytest.mark.parametrize("cut", [40, 41, 43])
def test_beats_and_bars_are_kept_before_and_after_a_pause(first, pause, cut):
    period = 60 / 140
    before = [first + i * period for i in range(cut)]
    behind = [before[-1] + period + pause + i * period for i in range(64)]
    ones = before[1::4] + behind[::4]
    blob = packed(before + behind, ones, behind[-1] + 0.3)
    for wanted, found in ((before + behind, read.beats(blob)), (ones, read.downbeats(blob))):
        assert np.abs(np.array(found)[:, None] - np.array(wanted)).min(axis=0).max() < 6e-4


def test_a_moving_tempo_is_followed_within_a_millisecond():
    steps = 60 / (120 + 10 * np.sin(np.arange(800) / 40))
    beats = (0.3 + np.concatenate([[0.0], np.cumsum(steps)])).tolist()
    found = np.array(read.beats(packed(beats, beats[::4], beats[-1] + 1)))
    assert np.abs(found[:, None] - np.array(beats)).min(axis=0).max() < 1e-3


@pytest.mark.parametrize("beats", [[], [1.0]])
def test_without_beats_there_is_no_grid(beats):
    assert read.grid(packed(beats, [], 10.0))[2] == []


def test_cues_and_loops_come_back():
    cues = [
        blobs.EngineCue(0, 11.5, "Intro", (1, 2, 3)),
        blobs.EngineCue(7, 9e6, "Dröp ☾", (4, 5, 6)),
    ]
    held = [blobs.EngineLoop(1.0, 99.5, "Loop", (7, 8, 9))]
    pads = read.cues(blobs.pack_cues(cues, 11.5))
    assert pads[0] == ("Intro", 11.5, (255, 1, 2, 3)) and pads[7] == (
        "Dröp ☾",
        9e6,
        (255, 4, 5, 6),
    )
    assert pads[1] == ("", -1.0, (0, 0, 0, 0))
    assert read.loops(blobs.pack_loops(held)) == [("Loop", 1.0, 99.5)]
    assert blobs.unpack_cues(blobs.pack_cues(cues, 11.5)) == cues
    assert blobs.unpack_loops(blobs.pack_loops(held)) == held


def test_long_names_are_cut_between_letters():
    cue = blobs.EngineCue(0, 1.0, "é" * 200, (0, 0, 0))
    assert read.cues(blobs.pack_cues([cue], 0.0))[0][0] == "é" * 127


def test_an_overview_has_its_length_and_its_peaks():
    bands = np.arange(blobs.POINTS * 3).reshape(-1, 3).astype(np.uint8)
    data = read.inflated(blobs.pack_overview(bands, 44100 * 60, 44100.0))
    assert struct.unpack_from(">qqd", data) == (1024, 1024, 44100 * 60 // 420 * 420 / 1024)
    assert data[24:-3] == bands.tobytes() and data[-3:] == bands.max(axis=0).tobytes()


@pytest.mark.parametrize(
    ("name", "number"), [("C major", 0), ("A minor", 1), ("G major", 2), ("F# minor", 7),
                         ("Db minor", 9), ("F# major", 12), ("F major", 22), ("D minor", 23)],
)  # fmt: skip
def test_keys_have_engines_numbers(name, number):
    assert blobs.key_number(notation.parse(name)) == number


def test_no_two_keys_share_a_number():
    assert sorted(map(blobs.key_number, range(24))) == list(range(24))


def test_a_grid_comes_back():
    marks = engine_grid.markers(BEATS, BEATS[2::4], 190.0, 44100.0)
    rate, found = blobs.unpack_grid(blobs.pack_grid(44100.0, 8379000, marks))
    assert (rate, found) == (44100.0, marks)
    times = engine_grid.beats(found, rate, 190.0, 1000)
    assert np.abs(np.array(times)[:, None] - np.array(BEATS)).min(axis=0).max() < 1e-9


READERS = (blobs.unpack_grid, blobs.unpack_cues, blobs.unpack_loops)


def test_forged_fields_raise_one_error_and_take_no_memory():
    """A million bytes of nothing, counts beyond all bounds, and 3,000 mutated fields."""
    bomb = struct.pack(">I", 2**31 - 1) + zlib.compress(bytes(10**7))
    small = struct.pack(">I", 10) + zlib.compress(bytes(10**7))
    counts = [blobs._deflated(struct.pack(">ddBq", 44100, 1, 1, n)) for n in (-1, 2**62, 7)]
    counts += [blobs._deflated(struct.pack(">q", n)) for n in (-1, 2**62)]
    for forged in (bomb, small, b"\0", b"\0\0\0\4abcd", *counts):
        for reader in READERS[:2]:
            with pytest.raises(ValueError):
                reader(forged)
    for count in (-1, 2**62, 8):
        with pytest.raises(ValueError):
            blobs.unpack_loops(struct.pack("<q", count))
    chance = random.Random(7)
    marks = engine_grid.markers(BEATS, BEATS[2::4], 190.0, 44100.0)
    cue = blobs.EngineCue(0, 1.0, "x", (0, 0, 0))
    whole = (
        blobs.pack_grid(44100.0, 8379000, marks), blobs.pack_cues([cue], 0.0),
        blobs.pack_loops([blobs.EngineLoop(1.0, 2.0, "y", (0, 0, 0))]),
    )  # fmt: skip
    for _ in range(1000):
        for reader, blob in zip(READERS, whole, strict=True):
            data = bytearray(blob if reader is blobs.unpack_loops else read.inflated(blob))
            for _ in range(chance.randint(1, 4)):
                data[chance.randrange(len(data))] = chance.randrange(256)
            data = data[: chance.randint(0, len(data))] if chance.random() < 0.3 else data
            forged = bytes(data) if reader is blobs.unpack_loops else blobs._deflated(bytes(data))
            try:
                found = reader(forged)
                if reader is blobs.unpack_grid:
                    engine_grid.beats(found[1], found[0], 190.0, 10_000)
            except ValueError:
                pass
