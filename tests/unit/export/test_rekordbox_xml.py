"""The XML of rekordbox: grids, cues, loops, playlists, locations."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from urllib.parse import unquote_to_bytes, urlsplit

import numpy as np
import pytest
from defusedxml import ElementTree
from dropgrid.base.colours import SECTION_COLOURS_ON_DARK
from dropgrid.base.errors import ConfigError
from dropgrid.export import export
from dropgrid.export.playlists import Playlist, tree
from dropgrid.export.rekordbox import location
from dropgrid.records.model import GridRegion
from dropgrid.records.store import write_record
from dropgrid.references import rekordbox
from exported_library import SECTIONS, tree_of
from library_of_records import HOSTILE, PATHS, bpm_record


def test_rekordbox_has_the_grid_of_every_region(results: Path, tmp_path: Path) -> None:
    root = tree_of(results, tmp_path / "collection.xml")
    assert (root.tag, root.get("Version")) == ("DJ_PLAYLISTS", "1.0.0")
    tracks = root.findall("COLLECTION/TRACK")
    assert root.find("COLLECTION").get("Entries") == str(len(tracks)) == "3"
    house = tracks[0]
    assert house.get("Name") == "Rock & <Roll>" and house.get("Artist") == "Zoë"
    assert (house.get("TotalTime"), house.get("Year"), house.get("Kind")) == (
        "30", "2020", "FLAC File",
    )  # fmt: skip
    assert float(house.get("AverageBpm")) == 128.0
    grid = [
        (float(t.get("Inizio")), float(t.get("Bpm")), t.get("Metro"), t.get("Battito"))
        for t in house.findall("TEMPO")
    ]
    assert grid == [(0.25, 128.0, "4/4", "4"), (15.25, 128.5, "4/4", "4")]


@pytest.mark.parametrize(
    ("notation", "text"), [("musical", "Am"), ("camelot", "8A"), ("openkey", "1m")]
)
def test_rekordbox_gets_the_key(results: Path, tmp_path: Path, notation: str, text: str) -> None:
    root = tree_of(results, tmp_path / "collection.xml", key_notation=notation)
    assert {t.get("Tonality") for t in root.findall("COLLECTION/TRACK")} == {text}


def test_rekordbox_cues_are_named_coloured_and_on_pads(results: Path, tmp_path: Path) -> None:
    house = tree_of(results, tmp_path / "collection.xml").find("COLLECTION/TRACK")
    marks = [mark for mark in house.findall("POSITION_MARK") if mark.get("Type") == "0"]
    memory = [(m.get("Name"), float(m.get("Start"))) for m in marks if m.get("Num") == "-1"]
    first = bpm_record("a house.flac").downbeats[0]
    starts = [max(first, section.start) for section in SECTIONS]
    names = ["Intro", "Buildup", "Drop 1", "Breakdown", "Drop 2", "Outro"]
    assert memory == list(zip(names, starts, strict=True))
    hot = [m for m in marks if m.get("Num") != "-1"]
    assert [m.get("Num") for m in hot] == list("012345")
    assert [float(m.get("Start")) for m in hot] == starts
    drop = [int(hot[2].get(colour)) for colour in ("Red", "Green", "Blue")]
    assert "#{:02x}{:02x}{:02x}".format(*drop) == SECTION_COLOURS_ON_DARK["drop"]


def test_rekordbox_has_loops_of_whole_bars_on_intro_and_outro(
    results: Path, tmp_path: Path
) -> None:
    house = tree_of(results, tmp_path / "collection.xml").find("COLLECTION/TRACK")
    loops = [mark for mark in house.findall("POSITION_MARK") if mark.get("Type") == "4"]
    assert [(m.get("Name"), m.get("Num")) for m in loops] == [
        ("Intro loop", "-1"), ("Outro loop", "-1"),
    ]  # fmt: skip
    downbeats = bpm_record("a house.flac").downbeats
    for mark in loops:
        start, end = float(mark.get("Start")), float(mark.get("End"))
        assert start in downbeats and end in downbeats
    assert float(loops[0].get("Start")) == downbeats[0]
    assert float(loops[1].get("Start")) == next(t for t in downbeats if t >= 26.9)


@pytest.mark.parametrize(("first_downbeat", "battito"), [(0.25, 1), (0.71875, 4), (1.65625, 2)])
def test_battito_is_the_beat_of_the_bar_a_region_begins_with(
    first_downbeat: float, battito: int
) -> None:
    from dropgrid.export.rekordbox import beat_in_bar

    assert beat_in_bar(GridRegion(0.25, 128.0, 8, first_downbeat), 4) == battito


def test_rekordbox_has_beats_before_the_first_one(tmp_path: Path) -> None:
    record = bpm_record("a.flac", first=20.25)
    grid = (GridRegion(20.25, 128.0, 64, record.beats[1]),)
    record = dataclasses.replace(record, grid=grid, duration=52.0)
    write_record(tmp_path / "bpm" / f"{record.track}.json", record)
    export("rekordbox", tmp_path, tmp_path / "c.xml", library=Path("/music"))
    (tempo,) = ElementTree.parse(tmp_path / "c.xml").findall("COLLECTION/TRACK/TEMPO")
    start, period = float(tempo.get("Inizio")), 60 / 128
    assert 0 <= start < period and (20.25 - start) / period == pytest.approx(43, abs=1e-4)
    assert tempo.get("Battito") == "1"  # the first downbeat is 44 beats later
    (read,) = rekordbox.read(tmp_path / "c.xml")
    np.testing.assert_allclose([b for b in read.beats if b > 20.2][:64], record.beats, atol=1e-5)
    ones = [one for one in read.downbeats if one > 20.2]
    np.testing.assert_allclose(ones[:16], record.downbeats, atol=1e-5)


def test_every_path_survives_in_a_location(results: Path, tmp_path: Path) -> None:
    root = tree_of(results, tmp_path / "collection.xml")
    locations = [track.get("Location") for track in root.findall("COLLECTION/TRACK")]
    for path, uri in zip([PATHS[0], PATHS[1], HOSTILE], locations, strict=True):
        parts = urlsplit(uri)
        assert (parts.scheme, parts.netloc, parts.query, parts.fragment) == (
            "file",
            "localhost",
            "",
            "",
        )
        assert os.fsdecode(unquote_to_bytes(parts.path)) == f"/music/{path}"
    assert location(Path(os.fsdecode(b"/m/\xff\n.wav"))) == "file://localhost/m/%FF%0A.wav"


def tree_of_lists(node: ElementTree.Element) -> dict[str, object]:
    """A folder's playlists by name: the keys of their tracks, or what is inside."""
    assert node.get("Count") == str(len(node.findall("NODE")))
    found: dict[str, object] = {}
    for inner in node.findall("NODE"):
        keys = [track.get("Key") for track in inner.findall("TRACK")]
        assert inner.get("Type") == "0" or inner.get("Entries") == str(len(keys))
        found[inner.get("Name")] = tree_of_lists(inner) if inner.get("Type") == "0" else keys
    return found


def test_playlists_follow_folders_bpm_ranges_keys_and_own_lists(
    results: Path, tmp_path: Path
) -> None:
    mine = tmp_path / "My set.m3u8"
    mine.write_text(f"#EXTM3U\n/elsewhere/{HOSTILE}\na house.flac\nnot here.mp3\n")
    root = tree_of(
        results, tmp_path / "collection.xml", bpm_ranges=(80, 128, 140), by_key=True,
        playlists=(str(mine),),
    )  # fmt: skip
    top = root.find("PLAYLISTS/NODE")
    assert top.get("Name") == "ROOT"
    assert tree_of_lists(top) == {
        "Folders": {"Ünï & co": ["3"]},
        "BPM": {"80-128 BPM": ["2"], "128-140 BPM": ["1", "3"]},
        "Key": {"8A": ["1", "2", "3"]},
        "My set": ["3", "1"],
    }


def test_a_playlist_that_is_not_there_is_named(results: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"--playlists .*gone\.m3u8: No such file"):
        tree_of(results, tmp_path / "c.xml", playlists=(str(tmp_path / "gone.m3u8"),))


def test_folders_inside_folders_are_lists_inside_lists() -> None:
    lists = tree({"a": [1], "a/b": [2], "a/b/c": [3], "d/e": [4]})
    assert [(entry.name, entry.tracks, len(entry.inside)) for entry in lists] == [
        ("a", (1,), 1), ("d", (), 1)
    ]  # fmt: skip
    assert lists[0].inside[0].inside[0] == Playlist("c", (3,))


def test_a_rekordbox_grid_is_read_as_the_beats_it_was_fitted_to(tmp_path: Path) -> None:
    from dropgrid.references import jams as jams_references
    from dropgrid.references import rekordbox as rekordbox_references

    record = bpm_record("a.flac", bpm=127.963)
    record = dataclasses.replace(record, grid=(GridRegion(0.25, 127.963, 64, record.beats[1]),))
    write_record(tmp_path / "bpm" / f"{record.track}.json", record)
    export("rekordbox", tmp_path, tmp_path / "c.xml", library=Path("/music"))
    (read,) = rekordbox_references.read(tmp_path / "c.xml")
    np.testing.assert_allclose(read.beats[:64], record.beats, atol=1e-5)
    np.testing.assert_allclose(read.downbeats[:16], record.downbeats, atol=1e-5)
    export("jams", tmp_path, tmp_path)
    (read,) = jams_references.read(tmp_path / f"{record.track}.jams")
    assert (read.beats, read.downbeats) == (record.beats, record.downbeats)
