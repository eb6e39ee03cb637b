"""What sticks hold in detail, playlists of all kinds, and merging with VirtualDJ's database."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement

import engine_database
import pytest
from dropgrid.audio.dj_tags import DjTags
from dropgrid.export import engine, export, stick_artwork, stick_facts, stick_songs, usb
from dropgrid.export.options import ExportOptions
from dropgrid.export.playlists import Playlist, Playlists
from dropgrid.export.stick_songs import Songs, copies, read_mark
from dropgrid.export.virtualdj_merge import MergedDatabase, read_database
from dropgrid.library import track_id
from dropgrid.player_formats import analysis_file as anlz
from dropgrid.records.model import BpmRecord, GridRegion, KeyRecord
from dropgrid.records.store import write_record
from dropgrid.records.track import Track
from library_of_records import PATHS, bpm_record, key_record, structure_record, write_results

HOUSE = PATHS[0]


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """Results whose songs are some bytes each."""
    for path in PATHS:
        (tmp_path / "music" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "music" / path).write_bytes(path.encode() * 1000)
    os.utime(tmp_path / "music" / HOUSE, (1_600_000_000, 1_600_000_000))
    return write_results(tmp_path / "results", tmp_path / "music")


def rows(drive: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(drive / engine.DATABASE)) as database:
        return database.execute(query).fetchall()


def test_engines_columns_are_those_that_players_show(library: Path, tmp_path: Path) -> None:
    export("engine", library, tmp_path / "drive")
    names = ("length", "bpm", "bpmAnalyzed", "year", "filename", "fileBytes", "album", "genre",
             "rating", "fileType", "isAnalyzed", "dateCreated", "isAvailable",
             "isMetadataImported", "isBeatGridLocked", "explicitLyrics", "streamingFlags",
             "playOrder", "bitrate")  # fmt: skip
    (house, half, *_) = rows(tmp_path / "drive", f"SELECT {', '.join(names)} FROM Track")
    size = len(HOUSE) * 1000
    assert dict(zip(names, house, strict=True)) == {
        "length": 30, "bpm": 128, "bpmAnalyzed": 128.0, "year": 2020, "filename": HOUSE,
        "fileBytes": size, "album": "", "genre": "", "rating": 0, "fileType": "flac",
        "isAnalyzed": 1, "dateCreated": 1_600_000_000, "isAvailable": 1, "isMetadataImported": 1,
        "isBeatGridLocked": 0, "explicitLyrics": 0, "streamingFlags": 0, "playOrder": None,
        "bitrate": round(8 * size / 30.5 / 1000),
    }  # fmt: skip
    assert half[1] == 88 and half[2] == 87.5


def test_engines_loops_and_cues_are_in_samples(library: Path, tmp_path: Path) -> None:
    record = replace(bpm_record(HOUSE), decoder={"name": "x", "sample_rate": 48000})
    write_record(library / "bpm" / f"{record.track}.json", record)
    export("engine", library, tmp_path / "drive")
    (row, *_) = rows(tmp_path / "drive", "SELECT beatData, loops, quickCues FROM PerformanceData")
    rate, samples, _ = engine_database.grid(row[0])  # type: ignore[arg-type]
    assert (rate, samples) == (48000, 30.5 * 48000)
    (intro, outro) = engine_database.loops(row[1])[:2]  # type: ignore[arg-type]
    first = record.downbeats[0]
    assert intro[0] == "Intro loop" and intro[1:] == pytest.approx(
        (first * 48000, (first + 2 * 1.875) * 48000), abs=1
    )
    assert outro[0] == "Outro loop" and outro[2] > outro[1] > intro[2]
    cues = engine_database.cues(row[2])  # type: ignore[arg-type]
    assert cues[2][:2] == ("Drop 1", pytest.approx(8.21875 * 48000))


def test_engines_overview_is_of_the_bands_or_empty(library: Path, tmp_path: Path) -> None:
    drive = engine.Drive(tmp_path, library, ExportOptions(), None)
    bands = drive._bands(Track(None, bpm_record(HOUSE), None))
    assert bands.shape == (engine.blobs.POINTS, 3) and not bands.any(), "no features are there"


def test_a_set_comes_before_the_users_playlists_and_keys_in_their_order(tmp_path: Path) -> None:
    from dropgrid.records.set_file import SetTrack, set_bytes

    names = [f"{n}.mp3" for n in "abcd"]
    (tmp_path / "my set.json").write_bytes(
        set_bytes([SetTrack(track_id(n), n, 0.0, None, None) for n in ("c.mp3", "a.mp3")], [])
    )
    (tmp_path / "one.m3u8").write_text("#EXTM3U\nb.mp3\na.mp3\nb.mp3\n")
    (tmp_path / "two.m3u8").write_text("#EXTM3U\nd.mp3\n")
    lists = Playlists(ExportOptions(
        by_key=True, bpm_ranges=(120.0, 128.0, 130.0), set=str(tmp_path / "my set.json"),
        playlists=(str(tmp_path / "one.m3u8"), str(tmp_path / "two.m3u8")),
    ))  # fmt: skip
    keys = ("10A", "2A", None, "2B")
    for name, bpm, camelot in zip(names, (120.0, 128.0, None, 130.0), keys, strict=True):
        record = BpmRecord(track_id(name), name, "ok", bpm=bpm)
        key = KeyRecord(record.track, name, "ok", camelot=camelot)
        lists.add(Track(None, record, None, key))
    assert lists.lists() == (
        Playlist("BPM", inside=(Playlist("120-128 BPM", (1,)), Playlist("128-130 BPM", (2,)))),
        Playlist("Key", inside=(Playlist("2A", (2,)), Playlist("2B", (4,)), Playlist("10A", (1,)),
                                Playlist("no key", (3,)))),
        Playlist("my set", (3, 1)), Playlist("one", (2, 1)), Playlist("two", (4,)),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("year", "found"), [("2020", 2020), ("2020-05-01", 2020), ("202", 0), ("", 0), ("20x0", 0),
                        ("²020", 0)],
)  # fmt: skip
def test_a_year_is_four_digits(tmp_path: Path, year: str, found: int) -> None:
    (tmp_path / "a.mp3").write_bytes(b"song")
    record = replace(bpm_record("a.mp3"), tags={"year": year}, duration=2.0)
    track = Track(tmp_path / "a.mp3", record, None, key_record("a.mp3"))
    facts = stick_facts.song_facts(track, 64_000, "{bpm}")
    assert (facts.year, facts.bitrate, facts.duration) == (found, 256, 2.0)
    assert (facts.comment, facts.key, facts.title) == ("128.00", 21, "a")
    unknown = replace(track, bpm=replace(record, duration=None))
    assert stick_facts.song_facts(unknown, 64_000, "").bitrate == 0


def test_the_bit_rate_is_that_of_the_file_unless_the_copy_is_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stick_facts, "read_dj_tags", lambda file: DjTags(bitrate=320))
    track = Track(tmp_path / "a.mp3", replace(bpm_record("a.mp3"), duration=2.0), None)
    assert stick_facts.song_facts(track, 64_000, "").bitrate == 320
    assert stick_facts.song_facts(track, 64_000, "", converted=True).bitrate == 256


def test_covers_lie_twenty_in_a_folder() -> None:
    assert list(stick_artwork._names(1)) == [
        "PIONEER/Artwork/00001/a1.jpg", "PIONEER/Artwork/00001/a1_m.jpg",
    ]  # fmt: skip
    assert next(stick_artwork._names(19)).startswith("PIONEER/Artwork/00001/")
    assert next(stick_artwork._names(20)).startswith("PIONEER/Artwork/00002/")
    found = {"a": 1, "b": 999_999, "c": 1_000_000, "d": 0, "e": True, "f": "1"}
    assert stick_artwork.numbers_of({"artwork": found}) == {"a": 1, "b": 999_999}
    assert stick_artwork.numbers_of({}) == stick_artwork.numbers_of({"artwork": [1]}) == {}


def test_numbered_names_begin_at_1_and_an_empty_name_has_none() -> None:
    names = usb.NumberedNames()
    assert [names.number(n) for n in ("a", "", "b", "a", None)] == [1, 0, 2, 1, 0]


def test_an_aiff_has_room_for_two_channels_of_24_bits_and_a_second() -> None:
    record = replace(bpm_record("a.flac"), duration=10.0, decoder={"sample_rate": 44100})
    assert usb.aiff_bytes(Track(None, record, None)) == 6 * 44100 * 11
    assert usb.aiff_bytes(Track(None, replace(record, decoder={}), None)) == 6 * 48000 * 11


def test_players_count_to_four_and_each_beat_has_the_tempo_of_its_region() -> None:
    times = tuple(0.5 * i for i in range(12))
    grid = (GridRegion(0.0, 120.0, 6, 0.0), GridRegion(3.0, 121.0, 6, 5.0))
    record = BpmRecord("t", "t", "ok", bpm=120.5, time_signature="5/4", beats=times,
                       downbeats=(0.0, 2.5, 5.0), grid=grid)  # fmt: skip
    found = usb.player_grid(Track(None, record, None))
    assert [beat.number for beat in found] == [1, 2, 3, 4, 4, 1, 2, 3, 4, 4, 1, 2]
    assert [beat.tempo for beat in found] == [120.0] * 6 + [121.0] * 6
    assert tuple(beat.time for beat in found) == times
    bare = replace(record, downbeats=(), grid=())
    found = usb.player_grid(Track(None, bare, None))
    assert {(beat.number, beat.tempo) for beat in found} == {(1, 120.5)}
    assert usb.player_grid(Track(None, replace(bare, bpm=None), None))[0].tempo == 0.0


def test_players_get_memory_cues_loops_and_pads() -> None:
    track = Track(None, bpm_record(HOUSE), structure_record(HOUSE))
    found = usb.player_cues(track, ExportOptions())
    loops = [cue for cue in found if cue.end is not None]
    assert [(cue.name, cue.pad, cue.colour) for cue in loops] == [
        ("Intro loop", None, (255, 140, 0)), ("Outro loop", None, (255, 140, 0)),
    ]  # fmt: skip
    assert all(cue.end > cue.time for cue in loops)  # type: ignore[operator]
    assert [cue.pad for cue in found if cue.pad is not None] == [0, 1, 2, 3, 4, 5]
    memory = [cue.name for cue in found if cue.pad is None and cue.end is None]
    assert memory == ["Intro", "Buildup", "Drop 1", "Breakdown", "Drop 2", "Outro"]
    assert len(memory) + len(loops) <= anlz.MAX_MEMORY


def test_a_phrase_begins_on_the_nearest_beat_counted_from_1() -> None:
    track = Track(None, bpm_record(HOUSE), structure_record(HOUSE))
    found = usb.phrase_starts(track)
    assert [phrase.beat for phrase in found][:3] == [1, 10, 18]
    assert usb.phrase_starts(replace(track, structure=None)) == []
    assert usb.phrase_starts(replace(track, bpm=replace(bpm_record(HOUSE), beats=()))) == []


def test_a_seek_index_is_of_400_parts_unless_frames_are_alike() -> None:
    even = [(100 + 417 * i + i // 2, 417 + i % 2) for i in range(1000)]
    assert usb._seek_places(even, 100) == ()
    frames, at = [], 100
    for number in range(800):
        length = 300 + 2 * (number % 2)
        frames.append((at, length))
        at += length
    places = usb._seek_places(frames, 100)
    assert len(places) == 400 and places[0] == 0 and places[1] == 602
    assert places[399] == frames[798][0] - 100


def test_playlists_of_a_stick_name_their_folder_before_their_contents(
    library: Path, tmp_path: Path
) -> None:
    stick = usb.Stick(tmp_path, library, ExportOptions(bpm_ranges=(120, 130)), {})
    for path in ("a.mp3", "b/c.mp3"):
        stick.playlists.add(Track(None, bpm_record(path), None))
    found = [(p.number, p.name, p.parent, p.is_folder, p.tracks) for p in stick._playlists()]
    assert found == [
        (1, "All tracks", 0, False, ()), (2, "Folders", 0, True, ()), (3, "b", 2, False, (2,)),
        (4, "BPM", 0, True, ()), (5, "120-130 BPM", 4, False, (1, 2)),
    ]  # fmt: skip


def test_the_folder_of_an_analysis_is_taken_once(library: Path, tmp_path: Path) -> None:
    stick = usb.Stick(tmp_path, library, ExportOptions(), {})
    first, second = stick._folder("/Contents/a.mp3"), stick._folder("/Contents/a.mp3")
    assert usb.ANALYSED.fullmatch(first) and usb.ANALYSED.fullmatch(second)
    assert int(second[-8:], 16) == int(first[-8:], 16) + 1
    assert first[-12:-9] == first[-3:], "the folder has the last digits of the code"


@pytest.mark.parametrize(
    ("name", "coding", "transcode", "suffix"),
    [("a.flac", "", False, None), ("a.flac", "", True, ".aiff"), ("a.mp3", "", True, None),
     ("a.m4a", "ALAC", True, ".aiff"), ("a.m4a", "aac", True, None), ("a.ogg", "", True, ".aiff"),
     ("a.m4a", "ALAC", False, None), ("a.AIFF", "", True, None)],
)  # fmt: skip
def test_only_what_old_players_cannot_play_is_converted(
    tmp_path: Path, name: str, coding: str, transcode: bool, suffix: str | None
) -> None:
    stick = usb.Stick(tmp_path, tmp_path, ExportOptions(transcode=transcode), {})
    record = replace(bpm_record(name), decoder={"format": coding})
    assert stick._converted(Track(Path(name), record, None)) == suffix


def test_a_converted_copy_does_not_take_the_name_of_a_users_file(tmp_path: Path) -> None:
    songs = Songs(tmp_path, "usb", {})
    (tmp_path / "Contents" / "Zoë").mkdir(parents=True)
    (tmp_path / "a.flac").write_bytes(b"song")
    for name in ("a.aiff", "a.flac"):
        (tmp_path / "Contents" / "Zoë" / name).write_bytes(b"song")
    track = Track(tmp_path / "a.flac", bpm_record("a.flac"), None)
    number = track.track[-8:]
    assert songs.place(track, ".aiff") == f"/Contents/Zoë/a {number}.aiff"
    assert songs.place(track) == "/Contents/Zoë/a.flac", "the same bytes are the same song"
    assert songs.place(track) == f"/Contents/Zoë/a {number}.flac"


def test_a_mark_of_another_kind_or_of_files_elsewhere_is_no_mark(tmp_path: Path) -> None:
    assert read_mark(tmp_path, "usb", False) is None
    mark = tmp_path / "PIONEER" / "dropgrid.json"
    mark.parent.mkdir()
    mark.write_text(json.dumps({"schema": "dropgrid/engine", "files": {}}))
    with pytest.raises(stick_songs.ConfigError, match="damaged; --replace writes"):
        read_mark(tmp_path, "usb", False)
    assert read_mark(tmp_path, "usb", True) is None
    files = {"/Contents/a/b.mp3": {"size": 1}, "/Contents/../b": {}, "/x/b": {}, "Contents/a": {},
             "/Contents/c": 3}  # fmt: skip
    assert copies({"files": files}) == {"/Contents/a/b.mp3": {"size": 1}} and copies(None) == {}


def song(path: str, *points: dict[str, str], scan: dict[str, str] | None = None) -> Element:
    made = Element("Song", FilePath=path)
    SubElement(made, "Tags")
    if scan is not None:
        SubElement(made, "Scan", scan)
    for point in points:
        SubElement(made, "Poi", point)
    return made


def grid(position: str) -> dict[str, str]:
    return {"Pos": position, "Type": "beatgrid"}


def cue(position: str, number: str = "") -> dict[str, str]:
    return {"Pos": position, "Type": "cue"} | ({"Num": number} if number else {})


LOOP = {"Pos": "7", "Type": "loop"}


def merged(existing: Element, exported: Element) -> list[tuple[str, ...]]:
    root = Element("VirtualDJ_Database")
    root.append(existing)
    MergedDatabase(root).add(exported)
    assert len(root) == 1
    return [(e.tag, *(e.get(n, "") for n in ("Type", "Pos", "Num", "Bpm", "Phase")))
            for e in existing if e.tag != "Tags"]  # fmt: skip


def test_a_song_without_a_grid_gets_one_before_its_other_points() -> None:
    scan = {"Bpm": "0.5", "Phase": "0.1", "Key": "Am"}
    exported = song("/a", grid("1"), grid("2"), cue("3", "1"), LOOP, scan=scan)
    assert merged(song("/a", cue("9", "2"), {"Pos": "8"}), exported) == [
        ("Poi", "beatgrid", "1", "", "", ""), ("Poi", "beatgrid", "2", "", "", ""),
        ("Poi", "cue", "9", "2", "", ""), ("Poi", "", "8", "", "", ""),
        ("Scan", "", "", "", "0.5", "0.1"), ("Poi", "cue", "3", "1", "", ""),
        ("Poi", "loop", "7", "", "", ""),
    ]  # fmt: skip
    bare = merged(song("/a"), song("/a", grid("1"), scan=scan))
    assert bare == [("Scan", "", "", "", "0.5", "0.1"), ("Poi", "beatgrid", "1", "", "", "")]


def test_a_grid_takes_the_place_of_theirs_and_their_loops_stay() -> None:
    exported = song("/a", grid("1"), grid("2"), LOOP, scan={"Bpm": "0.5", "Phase": "0.1"})
    theirs = song("/a", cue("4", "1"), grid("8"), grid("9"), LOOP | {"Pos": "5"},
                  scan={"Bpm": "0.6", "Phase": "0.3", "Key": "Cm"})  # fmt: skip
    assert merged(theirs, exported) == [
        ("Scan", "", "", "", "0.5", "0.1"), ("Poi", "cue", "4", "1", "", ""),
        ("Poi", "beatgrid", "1", "", "", ""), ("Poi", "beatgrid", "2", "", "", ""),
        ("Poi", "loop", "5", "", "", ""),
    ]  # fmt: skip
    assert theirs.find("Scan").get("Key") == "Cm"  # type: ignore[union-attr]


def test_a_song_without_a_tempo_keeps_their_grid() -> None:
    assert merged(song("/a", grid("8"), scan={"Bpm": "0.6"}), song("/a", grid("1"))) == [
        ("Scan", "", "", "", "0.6", ""), ("Poi", "beatgrid", "8", "", "", ""),
    ]  # fmt: skip


def test_cues_go_onto_free_pads_and_not_where_a_cue_is() -> None:
    theirs = song("/a", *(cue(f"{i}.5", str(i)) for i in range(1, 7)))
    exported = song("/a", cue("1.5", "1"), cue("20", "3"), cue("21", "8"), cue("22", "2"))
    added = merged(theirs, exported)[6:]
    assert added == [("Poi", "cue", "20", "7", "", ""), ("Poi", "cue", "21", "8", "", "")]


def test_paths_of_windows_are_compared_without_case_and_others_with_it() -> None:
    root = Element("VirtualDJ_Database")
    root.extend([song("D:\\A.mp3"), song("/A")])
    database = MergedDatabase(root)
    database.add(song("d:\\a.MP3"))
    assert len(root) == 2
    database.add(song("/a"))
    assert [s.get("FilePath") for s in root] == ["D:\\A.mp3", "/A", "/a"]


@pytest.mark.parametrize(("depth", "fits"), [(7, True), (8, False)])
def test_a_database_may_be_eight_levels_deep(tmp_path: Path, depth: int, fits: bool) -> None:
    text = "<a>" * depth + "</a>" * depth
    file = tmp_path / "d.xml"
    file.write_text(f"<VirtualDJ_Database>{text}</VirtualDJ_Database>")
    if fits:
        assert read_database(file).tag == "VirtualDJ_Database"
    else:
        with pytest.raises(stick_songs.ConfigError, match="not a database of VirtualDJ"):
            read_database(file)
