"""The collection for Traktor, read by traktor-nml-utils and by our own reader of references."""

from __future__ import annotations

import dataclasses
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dropgrid.audio.mp3 import LAGS
from dropgrid.export import export
from dropgrid.export.options import ExportOptions
from dropgrid.export.places import volume_and_folders
from dropgrid.library import track_id
from dropgrid.records.model import GridRegion
from dropgrid.records.store import write_record
from dropgrid.references import traktor as references
from library_of_records import HOSTILE, PATHS, bpm_record, write_results

traktor_nml_utils = pytest.importorskip("traktor_nml_utils")


def collection(results: Path, output: Path, library: Any = None, **options: Any) -> Any:
    """The NML as traktor-nml-utils reads it; what it does not know is an error."""
    export("traktor", results, output, ExportOptions(**options), library)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", ResourceWarning)  # its own file, left open
        return traktor_nml_utils.TraktorCollection(output).nml


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_results(tmp_path_factory.mktemp("results"))


def test_every_track_is_there_with_its_tempo_key_and_place(results: Path, tmp_path: Path) -> None:
    nml = collection(results, tmp_path / "c.nml")
    assert nml.version == 19 and nml.collection.entries == len(nml.collection.entry) == 3
    house, half, hostile = nml.collection.entry
    assert (house.title, house.artist) == ("Rock & <Roll>", "Zoë")
    assert (house.location.dir, house.location.file) == ("/:music/:", PATHS[0])
    assert hostile.location.dir + hostile.location.file == "/:music/:" + HOSTILE.replace("/", "/:")
    assert (house.tempo.bpm, half.tempo.bpm) == (128.0, 87.5)
    assert house.musical_key.value_attribute == 21 and house.info.key == "Am"
    assert (house.info.playtime, house.info.playtime_float) == (30, 30.5)


def test_grid_cues_and_loops_are_those_of_the_records(results: Path, tmp_path: Path) -> None:
    (house, *_) = collection(results, tmp_path / "c.nml").collection.entry
    record = bpm_record(PATHS[0])
    (grid,) = [cue for cue in house.cue_v2 if cue.type == 4]
    assert (grid.start, grid.grid.bpm, grid.hotcue) == (1000 * record.downbeats[0], 128.0, -1)
    cues = [(c.name, c.start, c.hotcue) for c in house.cue_v2 if c.type == 0]
    assert cues == [
        ("Intro", 718.75, 0), ("Buildup", 4468.75, 1), ("Drop 1", 8218.75, 2),
        ("Breakdown", 15718.75, 3), ("Drop 2", 19468.75, 4), ("Outro", 26968.75, 5),
    ]  # fmt: skip
    loops = [
        (c.name, c.start / 1000, (c.start + c.len) / 1000) for c in house.cue_v2 if c.type == 5
    ]
    assert [name for name, _, _ in loops] == ["Intro loop", "Outro loop"]
    for _, start, end in loops:
        assert min(abs(np.subtract(record.downbeats, start))) < 1e-5
        assert min(abs(np.subtract(record.downbeats, end))) < 1e-5


def test_version_20_has_a_marker_for_each_tempo(results: Path, tmp_path: Path) -> None:
    nml = collection(results, tmp_path / "c.nml", nml_version=20)
    assert nml.version == 20
    grids = [(c.start, c.grid.bpm) for c in nml.collection.entry[0].cue_v2 if c.type == 4]
    record = bpm_record(PATHS[0])
    assert grids == [
        (718.75, 128.0), (pytest.approx(718.75 + 7 * 1875), 128.0),  # its last downbeat
        (1000 * record.grid[1].first_downbeat, 128.5),
    ]  # fmt: skip


def test_version_19_has_the_tempo_and_the_downbeats_of_the_music_not_of_its_beatless_intro(
    tmp_path: Path,
) -> None:
    record = bpm_record("a.mp3")
    grid = (GridRegion(0.75, 126.94, 10, 0.75), *record.grid)
    record = dataclasses.replace(record, grid=grid)
    write_record(tmp_path / "bpm" / f"{record.track}.json", record)
    (entry,) = collection(tmp_path, tmp_path / "c.nml", Path("/music")).collection.entry
    (marker,) = [cue for cue in entry.cue_v2 if cue.type == 4]
    assert (entry.tempo.bpm, marker.grid.bpm) == (128.0, 128.0)
    assert marker.start == 1000 * record.grid[1].first_downbeat


def test_playlists_name_their_tracks_as_the_collection_does(results: Path, tmp_path: Path) -> None:
    nml = collection(results, tmp_path / "c.nml", bpm_ranges=(80, 128, 140))
    root = nml.playlists.node
    assert root.name == "$ROOT" and [n.name for n in root.subnodes.node] == ["Folders", "BPM"]
    root = root.subnodes.node[1]
    entries = nml.collection.entry
    keys = [e.location.volume + e.location.dir + e.location.file for e in entries]
    found = {n.name: [e.primarykey.key for e in n.playlist.entry] for n in root.subnodes.node}
    assert found == {"80-128 BPM": [keys[1]], "128-140 BPM": [keys[0], keys[2]]}


def test_the_beats_come_back_through_the_reader_of_references(tmp_path: Path) -> None:
    record = dataclasses.replace(
        bpm_record("a.mp3", bpm=127.963),
        decoder={"name": "libsndfile", "sample_rate": 44100, "info_frame": "lame"},
    )
    one = GridRegion(record.beats[0], 127.963, 64, record.beats[1])
    record = dataclasses.replace(record, grid=(one,))
    write_record(tmp_path / "bpm" / f"{record.track}.json", record)
    export("traktor", tmp_path, tmp_path / "c.nml", library=Path("/music"))
    (read,) = references.read(tmp_path / "c.nml")
    shift = LAGS["traktor"]["lame"] / 44100
    np.testing.assert_allclose(read.beats[:64], np.add(record.beats, shift), atol=1e-5)
    back = read.in_time_of(record.decoder)
    np.testing.assert_allclose(back.beats[:64], record.beats, atol=1e-5)
    np.testing.assert_allclose(back.downbeats[:16], record.downbeats, atol=1e-5)


@pytest.mark.parametrize(
    ("library", "place"),
    [
        ("C:\\Users\\DJ\\Music", ("C:", ["Users", "DJ", "Music"], "a.mp3")),
        ("/Volumes/USB Stick", ("USB Stick", [], "a.mp3")),
        ("/Users/me/Music", ("Macintosh HD", ["Users", "me", "Music"], "a.mp3")),
    ],
)
def test_paths_of_windows_and_macos_name_their_volume(
    tmp_path: Path, library: str, place: tuple
) -> None:
    record = bpm_record("a.mp3")
    write_record(tmp_path / "bpm" / f"{record.track}.json", record)
    (entry,) = collection(tmp_path, tmp_path / "c.nml", library).collection.entry
    location = entry.location
    assert (location.volume, location.dir.split("/:")[1:-1], location.file) == place
    export("rekordbox", tmp_path, tmp_path / "c.xml", library=library)
    uri = "/" + library.replace("\\", "/").replace(" ", "%20").lstrip("/") + "/a.mp3"
    assert f'Location="file://localhost{uri}"' in (tmp_path / "c.xml").read_text()


def test_a_name_that_xml_cannot_hold_does_not_break_the_collection(tmp_path: Path) -> None:
    import os

    path = os.fsdecode(b"bad \xff\x07 \xf0\x9f\x91\xa9\xe2\x80\x8d.mp3")
    record = dataclasses.replace(bpm_record("a.mp3"), track=track_id("a"), path=path)
    write_record(tmp_path / "bpm" / f"{record.track}.json", record)
    (entry,) = collection(tmp_path, tmp_path / "c.nml", "/m").collection.entry
    assert entry.location.file == "bad \ufffd\ufffd \U0001f469\u200d.mp3"


def test_a_path_is_parted_as_its_system_has_it() -> None:
    assert volume_and_folders(Path("/a.mp3")) == ("Macintosh HD", [], "a.mp3")
