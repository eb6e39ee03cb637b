"""Forged and damaged files of players' sticks: a clear error or an answer, no hang, no memory.

Item D of the table in README.md beside this file: a user who plugs in a stranger's stick and runs
`dropgrid correct --from` reads three kinds of files that anyone may have written.
"""

from __future__ import annotations

import random
import sqlite3
import struct
import tracemalloc
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import pytest
from dropgrid.base.errors import InvalidReference
from dropgrid.export import engine, export, usb
from dropgrid.player_formats import analysis_file, analysis_reader, device_reader
from dropgrid.player_formats.database import PAGE
from dropgrid.references import engine_database, player_stick
from dropgrid.references.collect import read_sources
from library_of_records import PATHS, write_results

MUTANTS = 1500
ROOM = 40 * 2**20  # bytes that reading any of these small files may take
PLAYERS = Path(__file__).resolve().parents[3] / "shared" / "players"


@pytest.fixture(scope="module")
def stick(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stick with both kinds of databases."""
    folder = tmp_path_factory.mktemp("players")
    for path in PATHS:
        song = folder / "music" / path
        song.parent.mkdir(parents=True, exist_ok=True)
        song.write_bytes(b"song")
    results = write_results(folder / "results", folder / "music")
    for kind in ("usb", "engine"):
        export(kind, results, folder / "stick")
    return folder / "stick"


def mutated(data: bytes, chance: random.Random) -> bytes:
    """Some bytes changed, often those that count and point; sometimes cut short."""
    forged = bytearray(data)
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(forged))
        value = chance.choice((0, 1, 0x7F, 0xFF, chance.randrange(256)))
        forged[at : at + chance.choice((1, 2, 4))] = bytes([value]) * chance.choice((1, 2, 4))
    return bytes(forged[: chance.randrange(len(forged))] if chance.random() < 0.2 else forged)


def read_all(read: Callable[[bytes], object], data: bytes, seed: int) -> int:
    """How many mutants were refused; anything but a ValueError ends the test."""
    chance, refused = random.Random(seed), 0
    tracemalloc.start()
    for _ in range(MUTANTS):
        try:
            read(mutated(data, chance))
        except ValueError:
            refused += 1
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < ROOM
    return refused


def test_databases_of_sticks(stick: Path) -> None:
    data = (stick / usb.DATABASE).read_bytes()
    # The pages of tracks, and the first one, are what is read: forge those.
    heads = (data[at : at + 28] for at in range(PAGE, len(data), PAGE))
    kinds = [(struct.unpack_from("<I", head, 8)[0], head[0x1B] & 0x40) for head in heads]
    track_page = kinds.index((device_reader.TRACKS, 0)) + 1
    small = bytearray(data[: (track_page + 1) * PAGE])
    assert len(device_reader.tracks(bytes(small))) == 3
    assert read_all(device_reader.tracks, bytes(small), 1) > MUTANTS / 20


def test_grids_and_cues_of_sticks(stick: Path) -> None:
    dat = next(stick.rglob("ANLZ0000.DAT")).read_bytes()
    ext = next(stick.rglob("ANLZ0000.EXT")).read_bytes()
    start = dat.index(b"PQTZ")
    small = dat[:28] + dat[start : start + 24 + 8 * 64]
    assert len(analysis_reader.grid(small)) == 64
    assert read_all(analysis_reader.grid, small, 2) > 100
    first, last = ext.index(b"PCO2"), ext.index(b"PQT2")
    small = ext[:28] + ext[first:last]
    assert analysis_reader.cues(small)
    assert read_all(analysis_reader.cues, small, 3) > 100


def test_exact_grids_of_sticks(stick: Path) -> None:
    dat = next(stick.rglob("ANLZ0000.DAT"))
    ext = dat.with_suffix(".EXT").read_bytes()
    first, last = ext.index(b"PQT2"), ext.index(b"PWV5")
    small, whole = ext[:28] + ext[first:last], dat.read_bytes()
    plain = analysis_reader.grid(whole)
    exact = analysis_reader.grid(whole, small)
    assert len(exact) == len(plain) and exact != plain
    read_all(lambda data: analysis_reader.grid(whole, data), small, 9)
    cut = bytearray(small)
    struct.pack_into(">I", cut, 28 + 8, 56 + 2)  # room for one beat, and a count of all
    with pytest.raises(ValueError, match="than its length allows"):
        analysis_reader.grid(whole, bytes(cut[: 28 + 58]))


@pytest.mark.skipif(not PLAYERS.exists(), reason="no players' exports beside the checkout")
def test_mutants_of_what_rekordbox_wrote() -> None:
    data = (PLAYERS / "rekordbox-pdb" / "two-demo-tracks.pdb").read_bytes()
    assert len(device_reader.tracks(data)) == 2
    read_all(device_reader.tracks, data[: 6 * PAGE], 4)
    song = PLAYERS / "rekordbox-export/PIONEER/USBANLZ/P016/0000875E"
    assert len(analysis_reader.grid((song / "ANLZ0000.DAT").read_bytes())) == 368
    read_all(analysis_reader.grid, (song / "ANLZ0000.DAT").read_bytes()[:6000], 5)


@pytest.mark.parametrize(
    "data",
    [b"", b"\0" * 4096, struct.pack("<7I", 0, 4096, 2**31, 0, 0, 0, 0) + b"\0" * 5000,
     struct.pack("<7I4I", 0, 512, 1, 0, 0, 0, 0, 0, 0, 1, 2**32 - 1) + b"\0" * 5000],
)  # fmt: skip
def test_no_database_at_all(data: bytes) -> None:
    with pytest.raises(ValueError):
        device_reader.tracks(data)


def test_pages_in_a_cycle_end(stick: Path) -> None:
    data = bytearray((stick / usb.DATABASE).read_bytes())
    struct.pack_into("<I", data, 28 + 12, 2**31)  # the last page of the tracks is never met
    for number in range(1, len(data) // PAGE):
        if struct.unpack_from("<I", data, number * PAGE + 8)[0] == 0:
            struct.pack_into("<I", data, number * PAGE + 12, 1)  # and all lead to the first
    with pytest.raises(ValueError, match="cycle"):
        device_reader.tracks(bytes(data))


def test_a_path_that_leaves_the_stick_is_not_followed(stick: Path, tmp_path: Path) -> None:
    assert device_reader.tracks((stick / usb.DATABASE).read_bytes())
    for where in ("/PIONEER/../../secret/ANLZ0000.DAT", "/etc/passwd", "", "../x"):
        track = device_reader.DeviceTrack("/Contents/a.mp3", where, 120.0, 10.0)
        secret = tmp_path / "secret"
        secret.mkdir(exist_ok=True)
        (secret / "ANLZ0000.DAT").write_bytes(b"PMAI")  # reading it would raise
        root = tmp_path / "stick"
        place = player_stick.Place(root)
        assert player_stick._analysis(root, track, place) == ([], [])


def test_a_grid_of_too_many_beats_is_refused() -> None:
    beat = analysis_file.Beat(1, 120.0, 1.0)
    tag = bytearray(analysis_file.grid_tag([beat]))
    struct.pack_into(">I", tag, 20, 2**32 - 1)
    with pytest.raises(ValueError, match="more beats"):
        analysis_reader.grid(b"PMAI" + struct.pack(">I", 8) + bytes(tag))


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("UPDATE PerformanceData SET beatData = zeroblob(3000000)", "cannot be inflated"),
        ("UPDATE PerformanceData SET beatData = 'text'", "no binary field"),
        ("UPDATE PerformanceData SET quickCues = x'7fffffff00'", "bytes in a field"),
        ("UPDATE Track SET path = x'00' WHERE id = 2", "not a path"),
        ("UPDATE Track SET length = 9e999", "not a finite number"),
        ("UPDATE Track SET bpmAnalyzed = 'fast'", "not a number"),
        ("DROP TABLE PerformanceData", "no such table"),
        ("DROP TABLE PerformanceData; CREATE VIEW PerformanceData AS SELECT id AS trackId, "
         "zeroblob(900000000) AS beatData, NULL AS quickCues FROM Track", "not a plain table"),
    ],
)  # fmt: skip
def test_databases_of_engine(stick: Path, tmp_path: Path, script: str, message: str) -> None:
    path = tmp_path / "m.db"
    path.write_bytes((stick / engine.DATABASE).read_bytes())
    assert len(engine_database.read(path)) == 3
    with closing(sqlite3.connect(path)) as database:
        database.executescript(script)
    with pytest.raises(InvalidReference, match=message):
        engine_database.read(path)


def test_damaged_databases_of_engine(stick: Path, tmp_path: Path) -> None:
    data, chance = (stick / engine.DATABASE).read_bytes(), random.Random(6)
    path = tmp_path / "m.db"
    for _ in range(150):
        path.write_bytes(mutated(data, chance))
        with suppress(InvalidReference):
            engine_database.read(path)


def test_a_folder_that_is_a_stick_is_read_by_its_databases_alone(stick: Path) -> None:
    (stick / "notes.txt").write_text("no reference at all\n")
    found = read_sources([str(stick)])
    assert {annotation.format for _, annotation in found} == {"usb", "engine"}
    assert len(found) == 6
