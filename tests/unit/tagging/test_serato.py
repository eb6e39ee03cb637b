"""Serato's tags: written, read back by other software, and kept if they are the user's."""

from __future__ import annotations

import dataclasses
import struct
from pathlib import Path
from typing import Any

import mutagen
import numpy as np
import pytest
from audio_containers import decoded, write_audio
from dropgrid.audio import serato
from dropgrid.audio.mp3 import lead
from dropgrid.audio.serato_file import STAMP, read_serato
from dropgrid.audio.serato_track import cues_of, grid_of, tags_of
from dropgrid.records.model import BpmRecord, GridRegion
from dropgrid.records.time_shift import shifted
from dropgrid.records.track import Track
from dropgrid.tagging.change import apply
from dropgrid.tagging.plan import Change, TagOptions, plan
from library_of_records import bpm_record, structure_record
from mutagen.id3 import GEOB, ID3
from mutagen.mp4 import MP4FreeForm
from test_tagging import all_tags, put_back, tag_by_hand

CONTAINERS = ("mp3", "aiff", "wav", "flac", "m4a")
SERATO = TagOptions(serato=True)
REPLACE = TagOptions(serato=True, replace=True)
THEIRS = {
    serato.GRID: serato.pack_grid(serato.Grid(((0.1, 8),), (4.1, 120.0))),
    serato.MARKERS2: serato.pack_markers2([serato.Cue(0, 1000, "mine", b"\x01\x02\x03")], True),
}
OLD_CUES = struct.pack(">2sI", b"\2\5", 14) + (b"\0" + bytes(21)) * 14 + bytes(4)
OLD_EMPTY = struct.pack(">2sI", b"\2\5", 14) + b"\x7f" * 22 * 14 + bytes(4)


def track_of(path: Path, **changes: Any) -> Track:
    decoder = {"name": "libsndfile", "sample_rate": 44100}
    if path.suffix == ".mp3":
        decoder["info_frame"] = "lame"
    record = dataclasses.replace(bpm_record(path.name), decoder=decoder, **changes)
    return Track(path, record, structure_record(path.name))


def planned(path: Path, options: TagOptions = SERATO, told: list[str] | None = None) -> Change:
    heard = [] if told is None else told
    change = plan(track_of(path), options, path.parent, heard.append)
    assert isinstance(change, Change), change
    return change


def put(path: Path, tags: dict[str, bytes]) -> None:
    """Write Serato's tags into a file by hand, as Serato does."""
    file = mutagen.File(path)
    if file.tags is None:
        file.add_tags()
    for name, data in tags.items():
        if isinstance(file.tags, ID3):
            file.tags.add(GEOB(0, mime="application/octet-stream", desc=name, data=data))
        elif path.suffix == ".m4a":
            keys = {serato.GRID: "beatgrid", serato.MARKERS2: "markersv2"}
            value = MP4FreeForm(serato.wrap(name, data).encode())
            file.tags[f"----:com.serato.dj:{keys[name]}"] = [value]
        else:
            keys = {serato.GRID: "SERATO_BEATGRID", serato.MARKERS2: "SERATO_MARKERS_V2"}
            file.tags[keys[name]] = serato.wrap(name, data)
    file.save()


@pytest.fixture(params=CONTAINERS)
def song(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return write_audio(tmp_path / f"My song #1 & ü.{request.param}")


@pytest.mark.parametrize("by_hand", [False, True], ids=["untagged", "tagged"])
def test_they_are_written_and_restored_and_audio_stays(song: Path, by_hand: bool) -> None:
    if by_hand:
        tag_by_hand(song)
    audio, tags = decoded(song), all_tags(song)
    change = planned(song)
    apply(change)
    assert decoded(song) == audio
    found, track = read_serato(song), track_of(song)
    assert found is not None and found.grid is not None and not found.locked
    assert found.own == set(tags_of(track))
    beats = serato.beats_of(found.grid, 29.9)
    shift = lead(track.bpm.decoder, "serato")
    ours = [region.start + i * 60 / region.bpm for region in track.bpm.grid for i in range(32)]
    np.testing.assert_allclose(beats, np.array(ours) + shift, atol=1e-4)
    names = [cue.name for cue in found.cues if cue.end is None]
    assert names == ["Intro", "Buildup", "Drop 1", "Breakdown", "Drop 2", "Outro"]
    assert isinstance(plan(track_of(song), SERATO, song.parent), str), "nothing is left to write"
    put_back(change)
    assert decoded(song) == audio and all_tags(song) == tags


def test_a_users_own_grid_and_cues_are_kept_unless_they_are_to_be_replaced(song: Path) -> None:
    put(song, THEIRS)
    before = all_tags(song)
    told: list[str] = []
    change = planned(song, told=told)
    assert len(told) == 2 and all("--replace" in text for text in told)
    apply(change)
    found = read_serato(song)
    assert found is not None and found.grid == serato.unpack_grid(THEIRS[serato.GRID])
    assert [cue.name for cue in found.cues] == ["mine"] and found.locked
    put_back(change)
    assert all_tags(song) == before

    change = planned(song, REPLACE)
    apply(change)
    found = read_serato(song)
    assert found is not None and {serato.GRID, serato.MARKERS2} <= found.own
    put_back(change)
    assert all_tags(song) == before


def test_own_tags_are_renewed_unless_they_were_changed_since(song: Path) -> None:
    apply(planned(song))
    moved = track_of(song)
    assert moved.structure is not None
    moved = dataclasses.replace(
        moved, structure=dataclasses.replace(moved.structure, drops=(8.0, 12.0, 19.46875))
    )
    change = plan(moved, SERATO, song.parent)
    assert isinstance(change, Change)
    apply(change)
    found = read_serato(song)
    assert found is not None and "Drop 3" in [cue.name for cue in found.cues]
    put(song, THEIRS)
    told: list[str] = []
    change = plan(track_of(song), SERATO, song.parent, told.append)
    assert isinstance(change, Change) and len(told) == 2
    assert [STAMP in key for key in change.new] == [True], "no more than the stamp, cut down"


@pytest.mark.parametrize("suffix", ["ogg", "opus", "wma"])
def test_a_format_without_serato_tags_is_reported(tmp_path: Path, suffix: str) -> None:
    told: list[str] = []
    change = planned(write_audio(tmp_path / f"a.{suffix}"), told=told)
    assert told == ["Serato has no tags in files of this format"]
    assert not any("serato" in key.lower() for key in change.new)


def test_older_cues_go_with_the_new_ones_and_come_back(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "a.mp3")
    put(path, {serato.MARKERS: OLD_EMPTY})
    before = all_tags(path)
    change = planned(path)
    assert change.new[f"GEOB:{serato.MARKERS}"] is None
    apply(change)
    assert f"GEOB:{serato.MARKERS}" not in all_tags(path)
    put_back(change)
    assert all_tags(path) == before
    put(path, {serato.MARKERS: OLD_CUES})
    assert f"GEOB:{serato.MARKERS2}" not in planned(path).new, "its older cues are the user's"


def test_the_bytes_are_those_that_are_described() -> None:
    grid = serato.pack_grid(serato.Grid(((0.5, 4),), (2.5, 120.0)))
    assert grid.hex() == "0100000000023f000000000000044020000042f0000000"
    data = serato.pack_markers2([serato.Cue(1, 1000, "Drop 1", b"\xff\x55\x85")])
    body = serato._bytes_of(data[2:].rstrip(b"\0"))
    color = b"COLOR\0" + bytes([0, 0, 0, 4]) + b"\0\xff\xff\xff"
    cue = b"CUE\0" + bytes([0, 0, 0, 19, 0, 1]) + b"\0\0\x03\xe8\0\xff\x55\x85\0\0Drop 1\0"
    assert body == b"\1\1" + color + cue + b"BPMLOCK\0" + bytes([0, 0, 0, 1, 0]) + b"\0"
    assert serato.pack_autotags(115, -3.257) == b"\1\x01115.00\0-3.257\x000.000\0"


@pytest.mark.parametrize("suffix", ["mp3", "aiff"])
def test_serato_tools_reads_the_same(tmp_path: Path, suffix: str) -> None:
    beatgrid = pytest.importorskip("serato_tools.track_beatgrid")
    cues_v2 = pytest.importorskip("serato_tools.track_cues_v2")
    autotags = pytest.importorskip("serato_tools.track_autotags")
    path = write_audio(tmp_path / f"a.{suffix}")
    apply(planned(path))
    track = track_of(path)
    seconds = lead(track.bpm.decoder, "serato")
    *markers, last, footer = beatgrid.TrackBeatgrid(str(path)).entries
    ours = grid_of(track.bpm)
    assert ours is not None and footer.unknown == 0
    for found, (start, beats) in zip(markers, ours.markers, strict=True):
        assert found.position == pytest.approx(start + seconds, abs=1e-5)
        assert found.beats_till_next_marker == beats
    assert (last.position, last.bpm) == (pytest.approx(ours.last[0] + seconds, abs=1e-5), 128.5)
    entries = cues_v2.TrackCuesV2(str(path)).entries
    found_cues = [entry for entry in entries if entry.NAME == "CUE"]
    moved = tags_of(shifted(track, seconds))
    expected = serato.unpack_markers2(moved[serato.MARKERS2])[0]
    assert [(e.index, e.position, e.name, e.color) for e in found_cues] == [
        (cue.pad, cue.time, cue.name, cue.rgb) for cue in expected if cue.end is None
    ]
    assert [(e.startposition, e.endposition) for e in entries if e.NAME == "LOOP"] == [
        (cue.time, cue.end) for cue in expected if cue.end is not None
    ]
    assert autotags.TrackAutotags(str(path)).bpm == pytest.approx(128.0)


def test_a_grid_of_two_tempi_counts_the_beats_between_them() -> None:
    record = BpmRecord(
        "t", "t", "ok",
        grid=(GridRegion(1.0, 120.0, 9, 1.5), GridRegion(7.0, 60.0, 4, 7.0)),
    )  # fmt: skip
    grid = grid_of(record)
    assert grid is not None
    # first beat, first downbeat, last beat at 5 s, a hole of two seconds, which is two beats
    assert grid.markers == ((1.0, 1), (1.5, 7), (5.0, 2), (7.0, 3)) and grid.last == (10.0, 60.0)
    assert grid_of(dataclasses.replace(record, grid=())) is None
    assert grid_of(dataclasses.replace(record, grid=(GridRegion(1.0, 120.0, 1, None),))) is None


def test_more_cues_than_pads_and_long_names_find_room() -> None:
    record = structure_record("a.flac")
    track = Track(None, bpm_record("a.flac"), record)
    many = dataclasses.replace(record, drops=tuple(8.3 + i for i in range(11)))
    cues = cues_of(dataclasses.replace(track, structure=many))
    pads = [cue for cue in cues if cue.end is None]
    assert [cue.pad for cue in pads] == list(range(8))
    names = [cue.name for cue in pads]
    assert (names[0], names[-1]) == ("Intro", "Outro")
    assert all(name.startswith("Drop") for name in names[1:-1])


def test_the_command_writes_shows_and_keeps(tmp_path: Path, capsys) -> None:
    from dropgrid.commands.main import main
    from library_of_records import PATHS, write_results

    music = tmp_path / "music"
    music.mkdir()
    results = write_results(tmp_path / "results", music)
    for name in PATHS[:2]:
        write_audio(music / name)
    put(music / PATHS[0], THEIRS)
    command = ["tag", "write", "--results", str(results), "--serato", "--bpm-format", "decimal"]
    assert main([*command, "--dry-run"]) == 1  # the third song is not there
    plain_text = capsys.readouterr()
    assert "2 files would be changed" in plain_text.out and "SERATO_AUTOGAIN" in plain_text.out
    assert all(len(line) < 1200 for line in plain_text.out.splitlines())
    assert (
        "in 1 file: Serato's grid in the file is kept; --replace writes over it" in plain_text.err
    )
    assert main(command) == 1
    assert str(mutagen.File(music / PATHS[1]).tags["TBPM"]) == "87.5"
    assert f"TXXX:{STAMP}" in mutagen.File(music / PATHS[1]).tags
    assert main(["tag", "restore", "--results", str(results)]) == 0
    assert mutagen.File(music / PATHS[1]).tags is None or not mutagen.File(music / PATHS[1]).tags
