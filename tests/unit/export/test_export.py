"""Every export, read back by software that is not ours, says the same numbers."""

from __future__ import annotations

import dataclasses
import io
import json
import os
import shlex
from pathlib import Path
from urllib.parse import unquote_to_bytes, urlsplit

import jams
import mir_eval
import numpy as np
import pandas as pd
import pyarrow.parquet
import pytest
from defusedxml import ElementTree
from dropgrid.audio.mp3 import LAGS
from dropgrid.base.colours import SECTION_COLOURS_ON_DARK
from dropgrid.base.errors import ConfigError, RecordError
from dropgrid.commands.main import main
from dropgrid.export import export, formats, target
from dropgrid.export.cues import bar_positions
from dropgrid.export.jams import render_track as render_jams
from dropgrid.export.options import ExportOptions
from dropgrid.export.playlists import Playlist, tree
from dropgrid.export.rekordbox import location
from dropgrid.library import track_id
from dropgrid.records.cue_points import cues, pads
from dropgrid.records.cue_template import template
from dropgrid.records.model import BpmRecord, GridRegion, Phrase, Section, StructureRecord
from dropgrid.records.store import read_key, write_record
from dropgrid.records.track import Track
from dropgrid.references import rekordbox
from dropgrid.settings.config import load_config
from dropgrid.settings.paths import SCHEMAS
from library_of_records import HOSTILE, PATHS, bpm_record, structure_record, write_results

HOUSE = track_id("a house.flac")
BEATS = np.array(bpm_record("a house.flac").beats)
SECTIONS = structure_record("a house.flac").sections
FORMATS = [name for name, form in formats().items() if not hasattr(form, "ALONE")]  # no copies
PER_TRACK = ("jams", "beats", "lab", "audacity", "sonic-visualiser")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_results(tmp_path_factory.mktemp("results"))


def tree_of(results: Path, output: Path, **options: object) -> ElementTree:
    export("rekordbox", results, output, ExportOptions(**options))  # type: ignore[arg-type]
    return ElementTree.parse(output).getroot()


@pytest.mark.parametrize("name", FORMATS)
def test_failed_tracks_are_left_out_and_counted(results: Path, tmp_path: Path, name: str) -> None:
    written, left_out = export(name, results, tmp_path / "out")
    assert (written, dict(left_out)) == (3, {"failed in the analysis": 1})
    if name in PER_TRACK:
        stems = {path.name.split(".")[0] for path in (tmp_path / "out").iterdir()}
        assert stems == {track_id(path) for path in PATHS} - {track_id("undecodable.flac")}


@pytest.mark.parametrize("name", FORMATS)
def test_the_same_records_give_the_same_bytes(results: Path, tmp_path: Path, name: str) -> None:
    def contents(output: Path) -> dict[str, bytes]:
        export(name, results, output)
        files = output.rglob("*") if output.is_dir() else [output]
        return {str(f.relative_to(output)): f.read_bytes() for f in files if f.is_file()}

    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    assert not list(tmp_path.rglob("*.tmp"))


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
def test_rekordbox_is_told_the_key(
    results: Path, tmp_path: Path, notation: str, text: str
) -> None:
    root = tree_of(results, tmp_path / "collection.xml", key_notation=notation)
    assert {t.get("Tonality") for t in root.findall("COLLECTION/TRACK")} == {text}


def test_an_unsure_key_is_handed_on_by_no_format_and_is_listed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One rule everywhere: a key below key.min_confidence is nobody's."""
    results = write_results(tmp_path / "results")
    path = results / "key" / f"{HOUSE}.json"
    write_record(path, dataclasses.replace(read_key(path), confidence=0.21, sure=False))
    for name in ("rekordbox", "traktor", "virtualdj", "m3u8"):
        output, more = tmp_path / name, ["--by-key"] if name == "m3u8" else []
        command = ["export", name, "--results", str(results), "--output", str(output), *more]
        assert main(command) == 0
        assert "a house.flac: key left out, unsure: 8A? (0.21)" in capsys.readouterr().err
        texts = [f.read_text() for f in ([output] if output.is_file() else output.iterdir())]
        keys = "".join(texts).count({"rekordbox": "Tonality=", "traktor": "MUSICAL_KEY ",
                                     "virtualdj": "Key="}.get(name, "#EXTINF"))  # fmt: skip
        assert keys == (3 if name == "m3u8" else 2)
    assert {f.name for f in (tmp_path / "m3u8").iterdir()} == {"8A.m3u8", "no key.m3u8"}
    export("jams", results, tmp_path / "jams")
    (keys,) = jams.load(str(tmp_path / "jams" / f"{HOUSE}.jams")).search(namespace="key_mode")
    assert keys.data[0].confidence == 0.97, "with its confidence, which JAMS has a word for"


def test_playlists_by_key_hold_the_tracks_of_each(results: Path, tmp_path: Path) -> None:
    export("m3u8", results, tmp_path / "lists", ExportOptions(by_key=True))
    (playlist,) = (tmp_path / "lists").iterdir()
    assert playlist.name == "8A.m3u8"
    assert playlist.read_text().count("#EXTINF") == 3


def test_jams_has_the_key_of_every_stretch(results: Path, tmp_path: Path) -> None:
    export("jams", results, tmp_path)
    document = jams.load(str(tmp_path / f"{HOUSE}.jams"))
    (keys,) = document.search(namespace="key_mode")
    assert [(o.time, o.duration, o.value) for o in keys.data] == [
        (0.0, 20.8, "A:minor"), (20.8, pytest.approx(9.7), "C:major"),
    ]  # fmt: skip


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


def test_a_drop_of_many_sections_is_one_drop() -> None:
    labels = ["intro", "drop", "drop", "drop", "breakdown", "drop", "drop", "outro", "outro"]
    sections = tuple(
        Section(float(i), float(i + 1), label, None, None, None, 1.0)  # type: ignore[arg-type]
        for i, label in enumerate(labels)
    )
    record = StructureRecord("t", "t", "ok", sections=sections, drops=(1.0, 5.0))
    assert [(c.time, c.name) for c in cues(Track(None, None, record))] == [
        (0.0, "Intro"), (1.0, "Drop 1"), (4.0, "Breakdown"), (5.0, "Drop 2"), (7.0, "Outro"),
    ]  # fmt: skip


def test_a_track_with_many_sections_keeps_its_drops_on_the_eight_pads() -> None:
    labels = ["intro", *["breakdown", "buildup", "drop"] * 5]
    sections = tuple(
        Section(float(i), float(i + 1), label, None, None, None, 1.0)  # type: ignore[arg-type]
        for i, label in enumerate(labels)
    )
    track = Track(None, None, StructureRecord("t", "t", "ok", sections=sections))
    chosen = [cue for _, cue in pads(track)]
    assert [cue.time for cue in chosen] == [0, 1, 3, 4, 6, 9, 12, 15]
    assert [cue.name for cue in chosen if cue.label == "drop"] == [
        f"Drop {i}" for i in range(1, 6)
    ]


def many_sections(bars: int = 8) -> Track:
    """Thirty sections of eight bars at 120 BPM, of them ten drops, and an outro."""
    labels = ["intro", *["breakdown", "buildup", "drop"] * 10, "outro"]
    length = 2.0 * bars
    sections = tuple(
        Section(i * length, (i + 1) * length, label, None, None, None, 1.0)  # type: ignore[arg-type]
        for i, label in enumerate(labels)
    )
    beats = tuple(0.5 * i for i in range(int(len(labels) * length * 2)))
    bpm = BpmRecord(
        track_id("many.flac"), "many.flac", "ok", duration=len(labels) * length, bpm=120.0,
        beats=beats, downbeats=beats[::4], time_signature="4/4",
        grid=(GridRegion(0.0, 120.0, len(beats), 0.0),),
    )  # fmt: skip
    record = StructureRecord(bpm.track, bpm.path, "ok", duration=bpm.duration, sections=sections)
    return Track(Path("/music/many.flac"), bpm, record)


def test_where_to_mix_in_and_out_keeps_its_pad_and_its_memory_cue(tmp_path: Path) -> None:
    track = many_sections()
    names = [cue.name for _, cue in pads(track)]
    assert names == ["Intro", *[f"Drop {i}" for i in range(1, 7)], "Outro"]
    write_record(tmp_path / "bpm" / f"{track.track}.json", track.bpm)
    write_record(tmp_path / "structure" / f"{track.track}.json", track.structure)
    export("rekordbox", tmp_path, tmp_path / "c.xml", library=Path("/music"))
    marks = ElementTree.parse(tmp_path / "c.xml").findall("COLLECTION/TRACK/POSITION_MARK")
    memory = [m.get("Name") for m in marks if m.get("Num") == "-1"]
    drops = [f"Drop {i}" for i in range(1, 7)]
    assert memory == ["Intro", *drops, "Outro", "Intro loop", "Outro loop"], "ten, as it keeps"


def test_a_mix_out_inside_the_outro_is_a_cue() -> None:
    track = many_sections()
    out = track.structure.duration - 8.0
    track = dataclasses.replace(track, structure=dataclasses.replace(track.structure, mix_out=out))
    assert (out, "Mix out") in [(cue.time, cue.name) for _, cue in pads(track)]


OWN = (
    "first_downbeat",
    {"at": "drop_1 - 4 bars", "name": "Get ready", "colour": "#00FF7f"},
    "drop",
    "empty",
    {"at": "last_drop"},
    "drop_11",
    "mix_out + 3 beats",
    "intro - 1 bar",
)


def test_a_template_says_what_is_on_which_pad() -> None:
    track = many_sections()
    found = {pad: (cue.time, cue.name, cue.colour) for pad, cue in pads(track, template(OWN))}
    drop, outro = SECTION_COLOURS_ON_DARK["drop"], SECTION_COLOURS_ON_DARK["outro"]
    assert found == {
        0: (0.0, "Intro", SECTION_COLOURS_ON_DARK["intro"]),
        1: (40.0, "Get ready", "#00ff7f"),
        2: (48.0, "Drop 1", drop),
        4: (480.0, "Drop 10", drop),
        6: (497.5, "Outro + 3 beats", outro),
    }
    for preset in ("drops", "mixing"):
        wanted = template(preset)
        assert wanted is not None and len(wanted) == 8
        assert {pad for pad, _ in pads(track, wanted)} >= {0, 1 if preset == "drops" else 2, 7}


@pytest.mark.parametrize(
    ("cues", "message"),
    [
        ("standart", r"no preset 'standart' \(did you mean standard\?\); known: standard, drops"),
        ([], "0 entries; from 1 to 8"),
        (["drop"] * 9, "9 entries; from 1 to 8"),
        (["drop_1", "dorp_2"], r"cues\[2\].at: 'dorp_2' is not a moment \(did you mean drop\?\)"),
        (["drop_0"], r"cues\[1\].at: 'drop_0' is not a moment"),
        (["drop_1 - 16"], "is not a moment"),
        (["mix_out_2"], "there is only one mix_out"),
        (["drop_1 - 1001 bars"], "at most 1000 bars or beats"),
        ([3], "3 is neither a moment nor a mapping"),
        ([{"name": "x"}], r"cues\[1\].at: None is not a moment"),
        ([{"at": "drop", "color": "#ffffff"}], r"no 'color' \(did you mean colour\?\)"),
        ([{"at": "drop", "colour": "red"}], r"cues\[1\].colour: 'red' is not a colour"),
        ([{"at": "drop", "name": "x" * 41}], "not a text of 1 to 40 letters"),
        ([{"at": "empty", "name": "x"}], "an empty pad has no name"),
    ],
)
def test_a_wrong_template_is_named_with_its_entry(cues: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        template(cues)  # type: ignore[arg-type]


def test_a_template_is_given_by_name_by_list_and_by_file(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["export", "rekordbox", "--results", str(results), "--output", str(tmp_path / "c")]
    (tmp_path / "mine.yaml").write_text(
        "export:\n  cues:\n  - empty\n  - {at: drop_2, name: Go}\n"
    )
    for value in (str(tmp_path / "mine.yaml"), "[empty, {at: drop_2, name: Go}]"):
        assert main([*command, "--cues", value]) == 0
        (house, *_) = ElementTree.parse(tmp_path / "c").findall("COLLECTION/TRACK")
        hot = [(m.get("Num"), m.get("Name")) for m in house if m.get("Num", "-1") != "-1"]
        assert hot == [("1", "Go")]
    for wrong in ("nothing.yaml", "[dorp]", "[drop", "{a: 1}"):
        with pytest.raises(SystemExit):
            main([*command, "--cues", wrong])
        assert "--cues" in capsys.readouterr().err


def test_the_workflow_hands_a_template_on_as_one_argument() -> None:
    entries = ("first_downbeat", {"at": "drop_1", "name": "it's $HOME; {x}"})
    _, arguments = target("virtualdj", ExportOptions(cues=entries))
    option, value = shlex.split(arguments)
    assert option == "--cues" and tuple(json.loads(value)) == entries
    assert target("lab", ExportOptions(cues=entries))[1] == ""


def test_a_drop_inside_a_section_is_a_cue_of_its_own() -> None:
    section = Section(0.0, 9.0, "buildup", None, None, None, 1.0)
    record = StructureRecord("t", "t", "ok", sections=(section,), drops=(4.0,))
    assert [(c.time, c.name) for c in cues(Track(None, None, record))] == [
        (0.0, "Buildup"), (4.0, "Drop"),
    ]  # fmt: skip


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


def test_what_is_spooled_comes_back_from_memory_and_from_the_disk(monkeypatch) -> None:
    from dropgrid.export import spool

    for most in (spool.IN_MEMORY, 10):
        monkeypatch.setattr(spool, "IN_MEMORY", most)
        kept = spool.Spool()
        for number in range(1000):
            kept.add(b"%d\n" % number)
        assert kept.added == 1000
        assert b"".join(kept) == b"".join(kept) == b"".join(b"%d\n" % i for i in range(1000))
        assert bool(kept._file._rolled) == (most == 10)


def test_an_export_holds_one_track_at_a_time(results: Path, tmp_path: Path, monkeypatch) -> None:
    """What is alive of the tracks while they are written: no more than two at once."""
    import gc
    import weakref

    import dropgrid.export as room

    alive: list[weakref.ref] = []
    most = 0

    def watched(*arguments):
        nonlocal most
        for number in range(40):
            record = dataclasses.replace(bpm_record(PATHS[0]), track=f"t-{number:08}")
            alive.append(weakref.ref(record))
            most = max(most, sum(reference() is not None for reference in alive))
            yield Track(Path("/music/a.flac"), record, structure_record(PATHS[0]))
            del record
            gc.collect()

    monkeypatch.setattr(room, "iterate_library", watched)
    for name in FORMATS:
        if not hasattr(formats()[name], "render_table"):
            most = 0
            assert export(name, results, tmp_path / name)[0] == 40
            assert most <= 3, name


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


def test_jams_is_valid_and_says_the_same(results: Path, tmp_path: Path) -> None:
    export("jams", results, tmp_path)
    document = jams.load(str(tmp_path / f"{HOUSE}.jams"), validate=True, strict=True)
    assert (document.file_metadata.title, document.file_metadata.duration) == (
        "Rock & <Roll>",
        30.5,
    )
    tempo = document.search(namespace="tempo")[0].data[0]
    assert (tempo.value, tempo.confidence, tempo.duration) == (128.0, 0.97, 30.5)
    times, positions = document.search(namespace="beat")[0].to_event_values()
    np.testing.assert_array_equal(times, BEATS)
    assert list(positions[:6]) == [4, 1, 2, 3, 4, 1]
    intervals, labels = document.search(namespace="segment_open")[0].to_interval_values()
    np.testing.assert_array_equal(intervals, [(s.start, s.end) for s in SECTIONS])
    assert labels == [s.label for s in SECTIONS]
    assert document.sandbox.dropgrid["drops"] == [8.21875, 19.46875]


def test_jams_has_sections_and_phrases_as_two_levels(tmp_path: Path) -> None:
    structure = structure_record(PATHS[0])
    phrases = (Phrase(0.0, 11.5, None, None, None, 1.0), Phrase(11.5, 30.5, 4, 9, 5, 0.8))
    with_phrases = Track(None, None, dataclasses.replace(structure, phrases=phrases))
    file = tmp_path / "x.jams"
    file.write_bytes(render_jams(with_phrases)[".jams"])
    document = jams.load(str(file), validate=True, strict=True)
    found = document.search(namespace="multi_segment")[0].data
    levels = [[o for o in found if o.value["level"] == level] for level in (0, 1)]
    assert [(o.time, o.value["label"]) for o in levels[0]] == [
        (section.start, section.label) for section in structure.sections
    ]
    assert [(o.time, o.duration, o.value["label"], o.confidence) for o in levels[1]] == [
        (0.0, 11.5, "intro", 1.0), (11.5, 19.0, "drop", 0.8)
    ]  # fmt: skip
    without = json.loads(render_jams(Track(None, None, structure))[".jams"])
    assert [one["namespace"] for one in without["annotations"]] == ["segment_open"]


def test_beats_are_read_by_mir_eval(results: Path, tmp_path: Path) -> None:
    export("beats", results, tmp_path)
    times, positions = mir_eval.io.load_labeled_events(str(tmp_path / f"{HOUSE}.beats"))
    np.testing.assert_array_equal(times, BEATS)
    assert positions[:6] == ["4", "1", "2", "3", "4", "1"]


def test_sections_are_read_by_mir_eval(results: Path, tmp_path: Path) -> None:
    export("lab", results, tmp_path)
    intervals, labels = mir_eval.io.load_labeled_intervals(str(tmp_path / f"{HOUSE}.lab"))
    np.testing.assert_array_equal(intervals, [(s.start, s.end) for s in SECTIONS])
    assert labels == [s.label for s in SECTIONS]


def test_audacity_labels_hold_sections_and_drops(results: Path, tmp_path: Path) -> None:
    export("audacity", results, tmp_path)
    text = (tmp_path / f"{HOUSE}.audacity.txt").read_text()
    frame = pd.read_csv(io.StringIO(text), sep="\t", names=["start", "end", "label"])
    regions, points = frame[frame.start < frame.end], frame[frame.start == frame.end]
    assert list(zip(regions.start, regions.end, strict=True)) == [
        (s.start, s.end) for s in SECTIONS
    ]
    assert list(regions.label) == [f"{s.label} (2 bars)" for s in SECTIONS]
    assert list(points.start) == [8.21875, 19.46875]


def test_sonic_visualiser_layers_hold_beats_and_sections(results: Path, tmp_path: Path) -> None:
    export("sonic-visualiser", results, tmp_path)
    beats = pd.read_csv(tmp_path / f"{HOUSE}.beats.csv", dtype={"LABEL": str})
    np.testing.assert_array_equal(beats.TIME, BEATS)
    assert list(beats.LABEL[:6]) == ["0.4", "1.1", "1.2", "1.3", "1.4", "2.1"]
    sections = pd.read_csv(tmp_path / f"{HOUSE}.sections.csv")
    np.testing.assert_array_equal(sections.TIME, [s.start for s in SECTIONS])
    np.testing.assert_allclose(sections.TIME + sections.DURATION, [s.end for s in SECTIONS])
    assert list(sections.LABEL) == [s.label for s in SECTIONS]
    assert list(sections.VALUE) == [1, 2, 4, 5, 4, 6]


def test_a_playlist_lists_the_library_in_order(results: Path, tmp_path: Path) -> None:
    export("m3u8", results, tmp_path / "all.m3u8")
    lines = (tmp_path / "all.m3u8").read_text(encoding="utf-8").splitlines()
    assert lines[:3] == ["#EXTM3U", "#DROPGRID", "#EXTINF:30,Zoë - Rock & <Roll>"]
    assert lines[3::2] == ["/music/a house.flac", "/music/half time.wav", f"/music/{HOSTILE}"]


def test_a_playlist_can_lie_at_the_librarys_root(results: Path, tmp_path: Path) -> None:
    export("m3u8", results, tmp_path / "all.m3u8", ExportOptions(relative=True))
    lines = (tmp_path / "all.m3u8").read_text(encoding="utf-8").splitlines()
    assert lines[3::2] == ["a house.flac", "half time.wav", HOSTILE]


def test_playlists_by_range_go_to_a_folder(results: Path, tmp_path: Path) -> None:
    export("m3u8", results, tmp_path, ExportOptions(bpm_ranges=(80, 128, 140.5)))
    lists = {path.name: path.read_text().count("#EXTINF") for path in tmp_path.iterdir()}
    assert lists == {"80-128.m3u8": 1, "128-140.5.m3u8": 2}


def test_the_table_is_read_by_pandas_and_arrow(results: Path, tmp_path: Path) -> None:
    export("csv", results, tmp_path / "t.csv")
    export("parquet", results, tmp_path / "t.parquet")
    text = pd.read_csv(tmp_path / "t.csv")
    arrow = pyarrow.parquet.read_table(tmp_path / "t.parquet").to_pandas()
    for frame in (text, arrow):
        assert list(frame.path) == ["a house.flac", "half time.wav", HOSTILE]
        assert list(frame.bpm) == [128.0, 87.5, 128.0]
        assert list(frame.drops) == ["8.219 19.469"] * 3


def test_the_library_may_have_moved(results: Path, tmp_path: Path) -> None:
    export("m3u8", results, tmp_path / "all.m3u8", library=Path("/new place"))
    assert "/new place/a house.flac\n" in (tmp_path / "all.m3u8").read_text()


def test_positions_count_back_before_the_first_downbeat() -> None:
    record = BpmRecord(
        "t", "t", "ok", time_signature="3/4", beats=(0, 1, 2, 3, 4, 5, 6, 7), downbeats=(4, 7)
    )
    assert bar_positions(record) == [
        (0, 3), (0, 1), (0, 2), (0, 3), (1, 1), (1, 2), (1, 3), (2, 1),
    ]  # fmt: skip
    assert bar_positions(BpmRecord("t", "t", "ok", beats=(0.0, 1.0))) == []


def test_a_beat_without_downbeats_has_no_position(tmp_path: Path) -> None:
    from dropgrid.export.beats import render_track

    record = BpmRecord("t", "t", "ok", beats=(0.5, 1.0))
    (tmp_path / "t.beats").write_bytes(render_track(Track(None, record, None))[".beats"])
    np.testing.assert_array_equal(mir_eval.io.load_events(str(tmp_path / "t.beats")), [0.5, 1.0])


def test_missing_records_are_said(results: Path, tmp_path: Path) -> None:
    only_bpm = tmp_path / "only bpm"
    only_bpm.mkdir()
    (only_bpm / "bpm").symlink_to(results / "bpm")
    with pytest.raises(ConfigError, match="holds no structure records"):
        export("lab", only_bpm, tmp_path / "out")
    with pytest.raises(ConfigError, match="does not tell where the audio lies; give --library"):
        export("rekordbox", only_bpm, tmp_path / "out.xml")
    with pytest.raises(RecordError, match="holds no records; run the workflow first"):
        export("lab", tmp_path / "nothing", tmp_path / "out")
    assert export("beats", only_bpm, tmp_path / "out")[0] == 3


def test_the_command_counts_on_stdout_and_says_what_is_missing_on_stderr(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "labels"
    assert main(["export", "lab", "--results", str(results), "--output", str(output)]) == 0
    said = capsys.readouterr()
    assert said.out == f"{output}: 3 tracks\n"
    assert said.err == "dropgrid export: 1 track left out: failed in the analysis\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["mp4"], "mp4: not a format; known: audacity, beats"),
        (
            ["m3u8", "--bpm-ranges", "120"],
            "export: bpm_ranges: needs two edges or more",
        ),
        (["m3u8", "--bpm-ranges", "128", "120"], "export: bpm_ranges: needs two edges or more"),
        (["csv", "--delay-profile", "ffmpeg"], "--delay-profile: the csv table holds the records"),
    ],
)
def test_wrong_requests_are_explained(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    arguments: list[str], message: str,
) -> None:  # fmt: skip
    command = [
        "export",
        *arguments[:1],
        "--results",
        str(results),
        "--output",
        str(tmp_path / "o"),
    ]
    assert main(command + arguments[1:]) == 2
    assert message in capsys.readouterr().err


def test_an_output_that_cannot_be_written_is_named(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    output = tmp_path / "file" / "labels"
    assert main(["export", "lab", "--results", str(results), "--output", str(output)]) == 2
    assert f"--output {output}: is not a folder" in capsys.readouterr().err


def test_the_workflow_passes_each_format_the_options_that_matter_to_it() -> None:
    plain, chosen = ExportOptions(), ExportOptions("ffmpeg", bpm_ranges=(120.0, 127.5))
    assert target("m3u8", plain) == ("library.m3u8", "")
    assert target("m3u8", chosen) == ("playlists", "--delay-profile ffmpeg --bpm-ranges 120 127.5")
    assert target("rekordbox", chosen)[0] == "rekordbox.xml"
    assert target("lab", chosen) == ("lab", "--delay-profile ffmpeg")
    assert target("csv", chosen) == ("library.csv", "")


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


def test_a_name_no_playlist_can_hold_is_given_as_an_address() -> None:
    from dropgrid.export.m3u8 import render

    file = Path(os.fsdecode(b"/m/line\nbreak \xff.wav"))
    track = Track(file, None, structure_record("line break.wav"))
    count, files = render([track], ExportOptions())
    assert count == 1
    assert b"".join(files[""]).splitlines()[3] == b"file:///m/line%0Abreak%20%FF.wav"


def test_a_new_format_is_one_file(results: Path, tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "count_of_drops.py").write_text(
        'NAME = "drop-count"\nHELP = "how many drops"\nFILE = "drops.txt"\n'
        'NEEDS = frozenset({"structure"})\nOPTIONS = ("by_key",)\n\n\n'
        "def render(tracks, options):\n"
        "    counts = [len(track.structure.drops) for track in tracks]\n"
        '    return len(counts), {"": str(sum(counts)).encode()}\n'
    )
    import dropgrid.export

    monkeypatch.setattr(dropgrid.export, "__path__", [*dropgrid.export.__path__, str(tmp_path)])
    formats.cache_clear()
    try:
        assert target("drop-count", ExportOptions(by_key=True)) == ("drops.txt", "--by-key")
        output = str(tmp_path / "drops.txt")
        assert main(["export", "drop-count", "--results", str(results), "--output", output]) == 0
        assert (tmp_path / "drops.txt").read_text() == "6"
    finally:
        formats.cache_clear()


def test_the_list_names_every_format(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(formats())
    assert all(len(line) < 140 and line[18:] for line in lines)
    (traktor,) = [line for line in lines if line.startswith("traktor ")]
    assert traktor.endswith("; MP3s in traktor's time, inferred")


def test_unsure_tracks_are_left_out_and_counted(results: Path, tmp_path: Path) -> None:
    written, left_out = export(
        "lab", results, tmp_path / "lab", ExportOptions(min_confidence=0.98)
    )
    assert (written, dict(left_out)) == (
        0, {"confidence below 0.98": 3, "failed in the analysis": 1},
    )  # fmt: skip


def test_the_configuration_knows_the_players_and_the_options() -> None:
    schema = json.loads((SCHEMAS / "config.schema.json").read_text())
    known = schema["properties"]["export"]["properties"]
    assert set(known) == {field.name for field in dataclasses.fields(ExportOptions)}
    assert known["delay_profile"]["enum"] == [None, *LAGS]
    assert load_config()["export"] == {
        f.name: list(f.default) if isinstance(f.default, tuple) else f.default
        for f in dataclasses.fields(ExportOptions)
    }
