"""The small formats line by line, names and comments, and the options behind the files."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from defusedxml import ElementTree
from dropgrid import export as exporting
from dropgrid.audio.dj_tags import DjTags
from dropgrid.base.errors import ConfigError
from dropgrid.export import (
    audacity,
    beats,
    comments,
    cues,
    export,
    formats,
    jams,
    lab,
    m3u8,
    serato_crates,
    target,
)
from dropgrid.export.anchors import Anchor, anchors, main_region
from dropgrid.export.options import ExportOptions
from dropgrid.export.rekordbox import extended_to_start
from dropgrid.library import track_id
from dropgrid.records.model import (
    BpmRecord,
    GridRegion,
    KeyRecord,
    Section,
    StructureRecord,
    TrackFailure,
)
from dropgrid.records.store import write_record
from dropgrid.records.track import Moment, Track
from library_of_records import PATHS, bpm_record, key_record, structure_record, write_results


def structure(*sections: tuple[float, float, str, int | None], **more: object) -> StructureRecord:
    made = tuple(
        Section(start, end, label, None, None, bars, 0.5)  # type: ignore[arg-type]
        for start, end, label, bars in sections
    )
    return StructureRecord("t", "t.flac", "ok", duration=9.0, sections=made, **more)  # type: ignore[arg-type]


def test_labels_of_audacity_and_lab_line_by_line() -> None:
    track = Track(
        None, None, structure((0.0, 4.5, "intro", None), (4.5, 9.0, "drop", 2), drops=(5.25,)),
        tracklist=(Moment(1.0, "One"), Moment(10.0, "Two")),
    )  # fmt: skip
    assert audacity.render_track(track)[".audacity.txt"].decode() == (
        "0.000000\t4.500000\tintro\n1.000000\t10.000000\tOne\n4.500000\t9.000000\tdrop (2 bars)\n"
        "5.250000\t5.250000\tDROP\n10.000000\t10.000000\tTwo\n"
    )
    assert lab.render_track(track)[".lab"] == b"0.000\t4.500\tintro\n4.500\t9.000\tdrop\n"


def test_beats_have_at_least_three_decimals() -> None:
    record = BpmRecord("t", "t", "ok", beats=(0.5, 1.123456, 2.0), downbeats=(1.123456,))
    assert beats.render_track(Track(None, record, None))[".beats"] == (
        b"0.500\t4\n1.123456\t1\n2.000\t2\n"
    )


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [(-0.0, 2, "0.00"), (1.5, 1, "1.5"), (1 / 3, 2, "0.333333"), (100, 2, "100.00"),
     (0.1234, 3, "0.1234"), (2.000001, 2, "2.000001")],
)  # fmt: skip
def test_numbers_keep_the_decimals_of_records(value: float, decimals: int, text: str) -> None:
    assert cues.number(value, decimals) == text


def test_jams_without_a_tempo_or_with_it_only() -> None:
    record = BpmRecord("t", "t.flac", "ok", duration=4.0, bpm=120.0, method="m")
    document = json.loads(jams.render_track(Track(None, record, None))[".jams"])
    (tempo,) = document["annotations"]
    assert tempo["namespace"] == "tempo" and tempo["data"] == [
        {"time": 0.0, "duration": 4.0, "value": 120.0, "confidence": 0.0}
    ]
    assert tempo["annotation_metadata"]["annotation_tools"].endswith(": m")
    assert document["file_metadata"]["title"] == "t", "the name of the file"
    without = json.loads(jams.render_track(Track(None, replace(record, bpm=None), None))[".jams"])
    assert without["annotations"] == [] and without["sandbox"]["dropgrid"]["drops"] == []
    mix = Track(None, record, structure((0.0, 9.0, "main", None), drops=(1.23456789,)),
                tracklist=(Moment(1.0, "One"), Moment(3.0, "Two")))  # fmt: skip
    document = json.loads(jams.render_track(mix)[".jams"])
    sections, parts = (a["data"] for a in document["annotations"][1:])
    assert [(o["time"], o["duration"], o["value"], o["confidence"]) for o in sections] == [
        (0.0, 9.0, "main", 0.5)
    ]
    assert [(o["time"], o["duration"], o["value"]) for o in parts] == [
        (1.0, 2.0, "One"), (3.0, 1.0, "Two")
    ]  # fmt: skip
    assert document["sandbox"]["dropgrid"]["drops"] == [1.234568]


def test_ranges_of_playlists_have_their_lower_edge_and_not_their_upper(tmp_path: Path) -> None:
    tempi = (119.99, 120.0, 127.99, 128.0, None)
    tracks = [
        Track(
            Path(f"/m/{i}.mp3"), BpmRecord(str(i), f"{i}.mp3", "ok", bpm=bpm, duration=9.6), None
        )
        for i, bpm in enumerate(tempi)
    ]
    options = ExportOptions(bpm_ranges=(120, 128, 140))
    written, files = m3u8.render(tracks, options)
    lists = {name: b"".join(data).decode().splitlines() for name, data in files.items()}
    assert written == 5 and {name: lines[3::2] for name, lines in lists.items()} == {
        "120-128.m3u8": ["/m/1.mp3", "/m/2.mp3"], "128-140.m3u8": ["/m/3.mp3"],
    }  # fmt: skip
    assert lists["128-140.m3u8"][:3] == ["#EXTM3U", "#DROPGRID", "#EXTINF:10,3"]
    written, files = m3u8.render(tracks, ExportOptions(by_key=True, bpm_ranges=(1, 2)))
    assert (written, list(files)) == (5, ["no key.m3u8"])
    unknown = Track(Path("/m/x\ny.mp3"), BpmRecord("x", "x\ny.mp3", "ok"), None)
    _, files = m3u8.render([unknown], ExportOptions(relative=True))
    assert b"".join(files[""]).splitlines()[2:] == ["#EXTINF:0,x\ufffdy".encode(), b"x%0Ay.mp3"]


def test_the_energy_of_a_comment_is_1_to_10() -> None:
    def energy(*values: float | None) -> str:
        sections = structure(*[(float(i), i + 1.0, "drop", None) for i in range(len(values))])
        made = tuple(replace(s, energy=e) for s, e in zip(sections.sections, values, strict=True))
        track = Track(None, None, replace(sections, sections=made))
        return comments.comment(track, DjTags("old"), "{energy}/{comment}")

    assert energy(0.3, 0.66) == "7/old" and energy(1.0) == "10/old"
    assert energy(0.01, None) == "1/old" and energy(None) == "/old"


def test_a_comment_has_keys_in_each_notation_and_times_over_an_hour() -> None:
    record = structure((0.0, 9.0, "drop", None), drops=(59.9, 3725.0), mix_in=0.0, mix_out=None)
    track = Track(None, None, record, key_record("a"))
    template = "{key} {camelot} {open_key} {bpm} {drops} in {mix_in} out {mix_out}"
    assert comments.comment(track, DjTags(), template) == "A minor 8A 1m 0:59 62:05 in 0:00 out"
    assert comments.comment(track, DjTags(" x \n y "), "{comment}") == "x y"


def test_titles_are_those_of_the_tags_or_the_names_of_files() -> None:
    record = BpmRecord("t", "a/b c.d.flac", "ok", tags={"title": "", "artist": "X\nY"})
    track = Track(None, record, None)
    assert (cues.title(track), cues.text_tag(track, "artist")) == ("b c.d", "X\ufffdY")
    assert cues.text_tag(Track(None, None, structure_record("a")), "artist") == ""


def test_bars_begin_at_each_downbeat_also_before_they_are_full() -> None:
    record = BpmRecord("t", "t", "ok", beats=(0, 1, 2, 3, 4), downbeats=(0, 2.0009))
    assert cues.bar_positions(record) == [(1, 1), (1, 2), (2, 1), (2, 2), (2, 3)]


def table(folder: Path, *statuses: str) -> Path:
    """Results with a bpm record of each status."""
    for number, status in enumerate(statuses):
        record = bpm_record(f"{number}.flac")
        if status == "error":
            failure = TrackFailure("decode", "DecodeError", "cut short")
            record = BpmRecord(record.track, record.path, "error", error=failure)
        write_record(folder / "bpm" / f"{record.track}.json", record)
    return folder


@pytest.mark.parametrize("statuses", [("ok",), ("error", "ok"), ("error",)])
def test_the_table_of_few_tracks_has_its_columns_and_its_analysed_tracks(
    tmp_path: Path, statuses: tuple[str, ...]
) -> None:
    results = write_results(tmp_path / "results")
    whole = pd.read_csv(results / "library.csv")
    kept = whole[whole.status.eq("error") | whole.path.eq(PATHS[0])]
    if statuses == ("ok",):
        kept = kept[kept.status.eq("ok")]
    elif statuses == ("error",):
        kept = kept[kept.status.eq("error")]
    scan = json.loads((results / "scan.json").read_text())
    (results / "scan.json").write_text(json.dumps(scan | {"tracks": sorted(kept.track)}))
    written, left_out = export("csv", results, tmp_path / "t.csv")
    found = pd.read_csv(tmp_path / "t.csv")
    assert written == len(found) == statuses.count("ok")
    assert left_out == Counter({"failed in the analysis": 1} if "error" in statuses else {})
    assert list(found.columns) == list(whole.columns)


def test_tracks_without_records_are_counted_once_each(tmp_path: Path) -> None:
    results = write_results(tmp_path / "results")
    for name in PATHS[:2]:
        (results / "structure" / f"{track_id(name)}.json").unlink()
    written, left_out = export("lab", results, tmp_path / "lab")
    assert written == 1 and sorted(left_out.values()) == [1, 2]
    assert left_out["failed in the analysis"] == 1


def test_progress_is_reported_now_and_then_and_unknown_starts_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = table(tmp_path / "results", "ok", "ok", "ok", "error", "ok")
    for number in (0, 1):
        record = bpm_record(f"{number}.flac")
        unknown = replace(record, decoder={"name": "x", "start_known": False})
        write_record(results / "bpm" / f"{record.track}.json", unknown)
    monkeypatch.setattr(exporting, "PROGRESS_STEP", 2)
    seen: list[int] = []
    lines: list[str] = []
    written, _ = export("beats", results, tmp_path / "b", on_progress=seen.append,
                        report=lines.append)  # fmt: skip
    assert (written, seen) == (4, [2, 4])
    (line,) = lines
    assert line.startswith("2 tracks do not declare where the music begins")
    write_record(results / "bpm" / f"{track_id('1.flac')}.json", bpm_record("1.flac"))
    lines.clear()
    export("beats", results, tmp_path / "b", report=lines.append)
    assert lines[0].startswith("1 track does not declare")


def test_a_confidence_at_the_limit_is_enough_and_an_unknown_one_is_none(tmp_path: Path) -> None:
    results = table(tmp_path / "results", "ok", "ok")
    record = replace(bpm_record("1.flac"), confidence=None)
    write_record(results / "bpm" / f"{record.track}.json", record)
    options = ExportOptions(min_confidence=0.97)
    assert export("beats", results, tmp_path / "b", options) == (
        1, Counter({"confidence below 0.97": 1})
    )  # fmt: skip
    assert export("beats", results, tmp_path / "b") == (2, Counter())


@pytest.mark.parametrize(
    ("values", "message"),
    [({"min_confidence": 1.01}, "min_confidence: 1.01 is not from 0 to 1"),
     ({"min_confidence": -0.1}, "not from 0 to 1"), ({"nml_version": 21}, "neither 19 nor 20"),
     ({"delay_profile": "winamp"}, "delay_profile: 'winamp' is none of libsndfile"),
     ({"key_notation": "x"}, "key_notation"), ({"engine_schema": "9"}, "engine_schema")],
)  # fmt: skip
def test_options_out_of_range_are_named(values: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ExportOptions(**values)  # type: ignore[arg-type]
    for valid in ({"min_confidence": 0.0}, {"min_confidence": 1.0}, {"nml_version": 20}):
        ExportOptions(**valid)  # type: ignore[arg-type]


def test_options_become_words_of_the_command() -> None:
    options = ExportOptions(
        min_confidence=0.5, bpm_ranges=(90, 127.5), by_key=True, nml_version=20, transcode=True,
        cues=({"at": "drop"},), comment="{bpm} {key}", playlists=("my set.m3u", "b.m3u"),
        set="s.json",
    )  # fmt: skip
    words = target("traktor", options)[1]
    assert "--nml-version 20" in words and "--by-key --" in words and "--transcode" not in words
    assert "--playlists 'my set.m3u' b.m3u" in words and "--bpm-ranges 90 127.5" in words
    assert target("usb", options)[1].count("--transcode") == 1


def test_formats_say_which_options_and_keys_they_have() -> None:
    keys = {name for name, form in formats().items() if getattr(form, "KEYS", False) is True}
    assert keys == {"engine", "rekordbox", "traktor", "usb", "virtualdj"}
    assert {n for n, f in formats().items() if getattr(f, "ALONE", False)} == {
        "engine", "serato", "usb"
    }  # fmt: skip
    assert {n for n, f in formats().items() if getattr(f, "UNSURE_KEYS", False)} == {"jams"}


REGIONS = (GridRegion(1.0, 120.0, 10, 1.5), GridRegion(8.0, 140.0, 64, 8.0),
           GridRegion(40.0, 139.9996, 65, None))  # fmt: skip


def test_the_main_region_has_the_tempo_of_the_record_and_most_beats() -> None:
    record = BpmRecord("t", "t", "ok", bpm=140.0, grid=REGIONS)
    assert main_region(record) == REGIONS[2]
    assert main_region(replace(record, bpm=121.0)) == REGIONS[0]
    assert main_region(replace(record, bpm=None)) == REGIONS[0]
    assert main_region(replace(record, grid=())) is None


def test_markers_lie_on_the_first_and_last_downbeat_of_a_region() -> None:
    record = BpmRecord("t", "t", "ok", bpm=140.0, grid=REGIONS)
    assert anchors(record) == [
        Anchor(1.5, 120.0), Anchor(5.5, 120.0),
        Anchor(8.0, 140.0), Anchor(pytest.approx(8.0 + 15 * 4 * 60 / 140), 140.0),  # type: ignore[arg-type]
        Anchor(40.0, 139.9996),
    ]  # fmt: skip
    assert anchors(record, REGIONS[1]) == [Anchor(8.0, 140.0)]
    three = replace(record, time_signature="3/4", grid=REGIONS[:2])
    assert [a.time for a in anchors(three)][:2] == [1.5, 4.5]
    short = (GridRegion(1.0, 120.0, 2, 2.5), GridRegion(8.0, 140.0, 64, 8.0))
    assert [a.time for a in anchors(replace(record, grid=short))] == [1.0, 8.0]


def test_the_first_region_is_extended_to_the_start() -> None:
    found = extended_to_start(GridRegion(2.25, 120.0, 8, 2.75))
    assert found == GridRegion(0.25, 120.0, 12, 2.75)
    assert extended_to_start(GridRegion(2.0, 120.0, 8, None)) == GridRegion(0.0, 120.0, 12, None)
    assert extended_to_start(GridRegion(0.25, 120.0, 8, None)).beats == 8


@pytest.mark.parametrize("name", ["rekordbox", "traktor", "virtualdj"])
def test_xml_is_indented_by_its_depth(tmp_path: Path, name: str) -> None:
    results = write_results(tmp_path / "results")
    export(name, results, tmp_path / "c.xml", ExportOptions(bpm_ranges=(80, 128, 140)))
    ElementTree.parse(tmp_path / "c.xml")
    depth = 0
    for line in (tmp_path / "c.xml").read_text().splitlines()[1:]:
        text = line.lstrip()
        depth -= text.startswith("</")
        assert len(line) - len(text) == 2 * depth, line
        assert text.count("<") <= 2, "an element to a line"
        closed = text.startswith("</") or text.endswith("/>") or "</" in text
        depth += not closed
    assert depth == 0


def test_a_crate_in_bytes() -> None:
    """As Serato writes it: a version, how it is sorted, its columns, then a record per track."""
    data = serato_crates.crate(["Music/Zoë.mp3"])
    assert data[:4] == b"vrsn" and data[8 : 8 + 56].decode("utf-16-be").startswith(
        "1.0/Serato ScratchLive Crate"
    )
    path = "Music/Zoë.mp3".encode("utf-16-be")
    size = len(path).to_bytes(4, "big")
    inner = (len(path) + 8).to_bytes(4, "big")
    assert data.endswith(b"otrk" + inner + b"ptrk" + size + path)
    sort = b"tvcn\0\0\0\x08" + "song".encode("utf-16-be") + b"brev\0\0\0\x01\0"
    assert b"osrt" + len(sort).to_bytes(4, "big") + sort in data
    width = b"tvcw\0\0\0\x02" + "0".encode("utf-16-be")
    name = b"tvcn\0\0\0\x06" + "bpm".encode("utf-16-be")
    assert b"ovct" + len(name + width).to_bytes(4, "big") + name + width in data
    assert data.count(b"ovct") == 7 and serato_crates.crate([]) == serato_crates.MARK


def test_no_tracks_are_a_file_without_tracks(tmp_path: Path) -> None:
    results = write_results(tmp_path / "results")
    options = ExportOptions(min_confidence=1.0)
    for name in ("rekordbox", "traktor", "virtualdj", "m3u8"):
        assert export(name, results, tmp_path / name, options)[0] == 0
    root = ElementTree.parse(tmp_path / "rekordbox").getroot()
    assert root.find("COLLECTION").get("Entries") == "0"
    assert root.find("PLAYLISTS/NODE").get("Count") == "0"
    assert (tmp_path / "m3u8").read_bytes() == b"#EXTM3U\n#DROPGRID\n"


def test_rekordbox_has_ten_memory_cues_and_no_facts_of_missing_files(
    tmp_path: Path,
) -> None:
    labels = ["intro", *["buildup", "drop", "breakdown"] * 5, "outro"]
    bars = [0.71875 + 1.875 * i for i in range(18)]
    sections = [(bars[i], bars[i + 1], label, 1) for i, label in enumerate(labels)]
    record = replace(bpm_record("a.m4a"), duration=33.0, beats=(), downbeats=tuple(bars),
                     tags={}, decoder={})  # fmt: skip
    key = KeyRecord(record.track, "a.m4a", "ok", duration=33.0, key="C major", confidence=0.9)
    made = structure(*sections)
    for kind, value in (("bpm", record), ("key", key),
                        ("structure", replace(made, track=record.track, path="a.m4a",
                                              duration=33.0))):  # fmt: skip
        write_record(tmp_path / kind / f"{record.track}.json", value)
    export("rekordbox", tmp_path, tmp_path / "c.xml", library=Path("/gone"))
    track = ElementTree.parse(tmp_path / "c.xml").find("COLLECTION/TRACK")
    marks = track.findall("POSITION_MARK")
    memory = [m for m in marks if m.get("Num") == "-1"]
    assert len(memory) == 10 and len(marks) - len(memory) == 8
    assert {name: track.get(name) for name in (
        "Kind", "Year", "TotalTime", "TrackNumber", "Rating", "Size", "DateAdded", "BitRate",
        "SampleRate", "Name", "Tonality", "Artist", "Comments",
    )} == {
        "Kind": "M4A File", "Year": "0", "TotalTime": "33", "TrackNumber": "0", "Rating": "0",
        "Size": None, "DateAdded": None, "BitRate": None, "SampleRate": None, "Name": "a",
        "Tonality": "C", "Artist": "", "Comments": "",
    }  # fmt: skip


def test_formats_without_an_audio_folder_ask_for_it(tmp_path: Path) -> None:
    results = table(tmp_path / "results", "ok")
    with pytest.raises(ConfigError, match="give --library"):
        export("m3u8", results, tmp_path / "a.m3u8")
    assert export("m3u8", results, tmp_path / "a.m3u8", library=Path("/m"))[0] == 1
