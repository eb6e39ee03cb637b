"""A stick for players: what is on it, what stays, what is refused."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import av
import device_database as read
import numpy as np
import pytest
import rbox
import soundfile
from dropgrid.audio.mp3 import info_frame
from dropgrid.base.errors import ConfigError
from dropgrid.commands.main import main
from dropgrid.export import export, stick_songs, usb
from dropgrid.export.options import ExportOptions
from dropgrid.library import track_id
from dropgrid.player_formats import analysis_file as anlz
from dropgrid.player_formats.database import ENTRIES, TRACKS, TREE
from dropgrid.records.model import Phrase
from dropgrid.records.store import read_bpm
from dropgrid.records.track import Track
from library_of_records import PATHS, bpm_record, structure_record, write_results

# Of the builder's four tracks one failed; the three others are a FLAC, a WAV and an MP3.
PLAYED = [PATHS[0], PATHS[1], PATHS[3]]


@pytest.fixture
def library(tmp_path: Path) -> tuple[Path, Path]:
    """(results, music): the songs are some bytes each."""
    music = tmp_path / "music"
    for path in PATHS:
        (music / path).parent.mkdir(parents=True, exist_ok=True)
        (music / path).write_bytes(path.encode() * 1000)
    return write_results(tmp_path / "results", music), music


def snapshot(stick: Path) -> dict[str, tuple[int, bytes]]:
    return {
        str(path.relative_to(stick)): (path.stat().st_mtime_ns, path.read_bytes())
        for path in stick.rglob("*")
        if path.is_file()
    }


def test_a_stick_holds_songs_files_and_a_database_that_fit(library, tmp_path):
    results, music = library
    stick = tmp_path / "stick"
    written, left_out = export("usb", results, stick, ExportOptions(bpm_ranges=(80, 100, 130)))
    assert written == 3 and dict(left_out) == {"failed in the analysis": 1}
    data = (stick / usb.DATABASE).read_bytes()
    tracks = [read.track(row) for row in read.rows(data, TRACKS)]
    assert [t["tempo"] for t in tracks] == [128.0, 87.5, 128.0]
    for path, track in zip(PLAYED, tracks, strict=True):
        song = stick / str(track["file_path"])[1:]
        assert song.read_bytes() == (music / path).read_bytes()
        assert track["file_size"] == song.stat().st_size
        dat = rbox.Anlz.load(str(stick / str(track["analyze_path"])[1:]))
        assert dat.get_path() == track["file_path"]
        bands = rbox.Anlz.load(str(stick / str(track["analyze_path"])[1:-3]) + "2EX")
        assert bands.get_path() == track["file_path"]
        record = read_bpm(results / "bpm" / f"{track_id(path)}.json")
        times = np.array([beat.time for beat in dat.get_beat_grid().beats]) / 1000
        lag = times[0] - record.beats[0]  # the player's sample 0 of an MP3
        assert abs(lag) <= 0.06 and np.abs(times - lag - record.beats).max() <= 0.0011
        assert {beat.tempo for beat in dat.get_beat_grid().beats} == {
            round(100 * region.bpm) for region in record.grid
        }
    names = [read.text(row, 20) for row in read.rows(data, TREE)]
    assert names[:1] == ["All tracks"] and {"BPM", "80-100 BPM", "100-130 BPM"} <= set(names)
    assert len(list(read.rows(data, ENTRIES))) >= 6


def test_players_get_the_phrases_with_the_labels_of_their_sections(library):
    bpm, structure = bpm_record(PATHS[0]), structure_record(PATHS[0])
    starts = sorted({section.start for section in structure.sections} | {11.96875, 23.21875})
    phrases = tuple(
        Phrase(start, end, None, None, None, 0.9)
        for start, end in pairwise([*starts, structure.duration])
    )
    track = Track(None, bpm, replace(structure, phrases=phrases))
    found = usb.phrase_starts(track)
    labels = "intro buildup drop drop breakdown drop drop outro".split()
    assert [phrase.label for phrase in found] == labels
    assert [bpm.beats[phrase.beat - 1] for phrase in found] == pytest.approx(starts, abs=0.3)
    # Records of structure version 3 have no phrases: their passages are sent.
    old = usb.phrase_starts(Track(None, bpm, structure))
    assert [phrase.label for phrase in old] == [section.label for section in structure.sections]


def mp3(folder: Path, mode: str) -> Track:
    """A song of six seconds, quiet and loud in turn, at one bit rate or at many."""
    time = np.arange(6 * 44100) / 44100
    noise = np.random.default_rng(1).normal(size=len(time)) * (time % 2 > 1)
    file = folder / f"{mode}.mp3"
    soundfile.write(
        file, 0.2 * noise, 44100, format="MP3", bitrate_mode=mode, compression_level=0.5
    )
    return Track(file, bpm_record(PATHS[3]), None)


def test_players_find_any_moment_of_a_vbr_file_by_its_index(tmp_path):
    """By FFmpeg's own account of where each packet lies and when it sounds."""
    track = mp3(tmp_path, "VARIABLE")
    index = usb.seek_index(track)
    with av.open(str(track.file)) as container:
        packets = [packet for packet in container.demux() if packet.size]
    begin = info_frame(track.file).begin
    assert {packet.size for packet in packets} > {packets[0].size}
    assert index.samples == 1152 * len(packets) and len(index.places) == 400
    lies = {packet.pos - begin: number for number, packet in enumerate(packets)}
    for part, place in enumerate(index.places):
        assert lies[place] == part * len(packets) // 400


def test_a_file_of_one_bit_rate_needs_no_index_and_no_other_format_has_one(tmp_path):
    index = usb.seek_index(mp3(tmp_path, "CONSTANT"))
    assert index.places == () and index.samples > 6 * 44100
    (tmp_path / "torn.mp3").write_bytes(b"ID3" + bytes(50))
    track = Track(tmp_path / "torn.mp3", bpm_record(PATHS[3]), None)
    assert usb.seek_index(track) == anlz.SeekIndex()
    for name in ("gone.mp3", "song.flac"):
        assert usb.seek_index(replace(track, file=tmp_path / name)) == anlz.SeekIndex()


def test_a_second_export_changes_nothing(library, tmp_path):
    results, _ = library
    stick = tmp_path / "stick"
    export("usb", results, stick)
    before = snapshot(stick)
    export("usb", results, stick)
    assert snapshot(stick) == before


def test_a_song_that_left_the_library_leaves_the_stick_and_a_users_file_stays(library, tmp_path):
    results, music = library
    stick = tmp_path / "stick"
    export("usb", results, stick)
    mine = stick / "Contents" / "mine.txt"
    mine.write_text("mine")
    (music / PATHS[0]).unlink()
    written, left_out = export("usb", results, stick)
    assert written == 2 and left_out["the song is no longer there"] == 1
    songs = {p.name for p in (stick / "Contents").rglob("*.*") if p.is_file()}
    assert "a house.flac" not in songs and mine.read_text() == "mine"


def test_a_changed_song_is_copied_again(library, tmp_path):
    results, music = library
    stick = tmp_path / "stick"
    export("usb", results, stick)
    (music / PATHS[1]).write_bytes(b"better")
    export("usb", results, stick)
    assert any(p.read_bytes() == b"better" for p in (stick / "Contents").rglob("*.wav"))


def test_a_stick_that_rekordbox_wrote_is_refused(library, tmp_path, capsys):
    results, _ = library
    database = tmp_path / "stick" / usb.DATABASE
    database.parent.mkdir(parents=True)
    database.write_bytes(b"theirs")
    words = ["export", "usb", "--results", str(results), "--output", str(tmp_path / "stick")]
    assert main(words) == 2
    assert "did not make" in capsys.readouterr().err and database.read_bytes() == b"theirs"
    assert not (tmp_path / "stick" / "Contents").exists()
    assert main([*words, "--force"]) == 0 and database.read_bytes() != b"theirs"


@pytest.mark.parametrize(
    "mark", [b"{", b"[]", b'{"schema": "dropgrid/usb"}', b'{"schema": "dropgrid/usb", "files": 3}']
)
def test_a_damaged_mark_is_named(library, tmp_path, mark):
    results, _ = library
    stick = tmp_path / "stick"
    export("usb", results, stick)
    (stick / usb.MARK).write_bytes(mark)
    with pytest.raises(ConfigError, match="damaged"):
        export("usb", results, stick)


def test_a_forged_mark_removes_nothing_elsewhere(library, tmp_path):
    results, _ = library
    stick = tmp_path / "stick"
    export("usb", results, stick)
    victim = tmp_path / "victim"
    victim.write_bytes(b"12345")
    mark = json.loads((stick / usb.MARK).read_bytes())
    for path in ("/Contents/../../victim", "/../victim", "victim", str(victim)):
        mark["files"][path] = {"size": 5, "mtime_ns": 1}
    (stick / usb.MARK).write_text(json.dumps(mark))
    export("usb", results, stick)
    assert victim.read_bytes() == b"12345"


@pytest.mark.parametrize("name", ["Contents", "PIONEER"])
def test_a_link_on_the_stick_is_refused(library, tmp_path, name):
    results, _ = library
    (tmp_path / "stick").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "stick" / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigError, match="a link"):
        export("usb", results, tmp_path / "stick")
    assert not list((tmp_path / "elsewhere").iterdir())


def test_a_full_stick_is_reported_before_a_song_is_partly_copied(library, tmp_path, monkeypatch):
    results, _ = library
    free = stick_songs.RESERVE + 100
    monkeypatch.setattr(
        stick_songs.shutil, "disk_usage", lambda path: type("Usage", (), {"free": free})()
    )
    with pytest.raises(ConfigError, match="full"):
        export("usb", results, tmp_path / "stick")
    assert not list((tmp_path / "stick").rglob("*.dropgrid"))
    assert not (tmp_path / "stick" / usb.DATABASE).exists()


def test_verify_tells_what_is_missing(library, tmp_path, capsys):
    results, _ = library
    stick = tmp_path / "stick"
    words = ["export", "usb", "--verify", "--output", str(stick), "--results", str(results)]
    assert main(words) == 2  # there is none yet
    export("usb", results, stick)
    assert main(words) == 0
    song = next((stick / "Contents").rglob("*.wav"))
    song.write_bytes(b"short")
    assert main(words) == 1
    assert f"{song.name}: another size" in capsys.readouterr().err


def test_a_stick_without_songs_that_players_play_is_an_export_too(library, tmp_path, capsys):
    results, music = library
    for path in PATHS:
        (music / path).unlink()
    stick = tmp_path / "stick"
    export("usb", results, stick)
    words = ["export", "usb", "--verify", "--output", str(stick), "--results", str(results)]
    assert main(words) == 0
    assert "all files are there" in capsys.readouterr().out


def test_two_songs_of_one_name_are_two_files(library, tmp_path):
    songs = stick_songs.Songs(tmp_path, "usb", {})
    from dropgrid.records.track import Track
    from library_of_records import bpm_record

    places = {songs.place(Track(None, bpm_record(p), None)) for p in ("a/x.mp3", "b/x.mp3")}
    places.add(songs.place(Track(None, bpm_record("c/X.mp3"), None)))
    assert len({place.casefold() for place in places}) == 3


@pytest.mark.parametrize(
    ("name", "safe"),
    [('a<b>:"c"/d|e?*', "a_b___c__d_e__"), ("con", "_con"), ("LPT1.x", "_LPT1.x"), (" .. ", "_"),
     ("x" * 300, "x" * 100), ("é", "é"), (os.fsdecode(b"\xff"), "?")],
)  # fmt: skip
def test_names_fit_every_file_system(name, safe):
    assert stick_songs.safe_name(name) == safe
