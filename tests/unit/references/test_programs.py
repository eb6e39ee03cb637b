"""Grids and cues that people set in Traktor, Mixxx and Serato, read as references."""

from __future__ import annotations

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
from dropgrid.evaluation.score import EvaluationOptions, gather
from dropgrid.references import mixxx, traktor
from dropgrid.references.annotation import Annotation
from dropgrid.references.collect import Rank
from dropgrid.references.matching import Tracks, match
from dropgrid.references.serato import read_file
from library_of_records import HOSTILE, PATHS, write_results

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
    frames = [-100, 11025, 33075, 55125]
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


def test_a_database_that_never_answers_is_given_up(tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "a.sqlite"
    connection = sqlite3.connect(path)
    connection.executescript(
        "create view cues as with recursive n(track_id) as (select 1 union all select track_id"
        " from n) select track_id, 0 as position, 'x' as label from n where track_id = 2;"
    )
    connection.commit()
    monkeypatch.setattr(mixxx, "MAX_STEPS", 5_000_000)
    with pytest.raises(InvalidReference, match="interrupted"):
        mixxx.read(path)


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
    assert serato.unpack_autotags(serato.pack_autotags(125.376, -3.25)) == (125.38, -3.25)
    for size in range(600):
        name, back = serato.unwrap(serato.wrap("Serato X", bytes(range(1, 250)) * 3)[: 200 + size])
        assert name == "Serato X" and (bytes(range(1, 250)) * 3).startswith(back[:-2])


@pytest.mark.parametrize(
    "data",
    [b"", b"\1\0", b"\1\0\0\0\0\0", b"\1\0\xff\xff\xff\xff" + bytes(9),
     serato.pack_grid(serato.Grid(((2.0, 4),), (1.0, 60.0))),
     serato.pack_grid(serato.Grid(((1.0, 0),), (2.0, 60.0))),
     serato.pack_grid(serato.Grid((), (float("nan"), 60.0))),
     serato.pack_grid(serato.Grid((), (1.0, float("inf")))),
     serato.pack_grid(GRID) + b"12"],
)  # fmt: skip
def test_a_broken_grid_is_none(data: bytes) -> None:
    with pytest.raises(ValueError):
        serato.unpack_grid(data)


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
