"""What is still taken and what no longer is: numbers, texts, names and sizes of references."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from dropgrid.base.errors import InvalidReference
from dropgrid.key import notation
from dropgrid.references import checks, collect, json_source, tabular, textual, xml_source
from dropgrid.references.annotation import Annotation, CueOrLoop, ReferenceSection
from dropgrid.references.checks import Place
from dropgrid.references.collect import read_sources

PLACE = Place(Path("a"))


@pytest.mark.parametrize(
    ("check", "fine", "refused"),
    [
        (checks.time, ["0", 0, 30_000], [-0.001, 30_000.1, True, None, [1], "1,5", "9" * 400]),
        (checks.bpm, [1, "1000"], [0.99, 1000.01, "inf"]),
        (checks.beats_per_bar, ["1/4", "99/8"], ["0/4", "100/4", "4", "4/x", "x/4", None]),
        (checks.text, [" a "], ["", "  ", 1]),
        (checks.label, [" DROP ", "Verse", "break-down"], ["chorus", ""]),
    ],
)
def test_the_edges_of_values(check, fine, refused) -> None:
    for value in fine:
        check(value, PLACE)
    for value in refused:
        with pytest.raises(InvalidReference):
            check(value, PLACE)


def test_a_value_comes_back_as_it_is_meant() -> None:
    assert checks.text(" a ", PLACE) == "a"
    assert checks.beats_per_bar("3/4", PLACE) == 3
    assert checks.label("build up", PLACE) == "buildup"
    assert checks.open_label("Chorus ", PLACE) == "Chorus"
    assert checks.open_label("BREAK", PLACE) == "breakdown"
    assert checks.seconds_of_bar(3, 120, 0.5, 4) == 4.5
    for name in ("N", "none", "No Key"):
        assert checks.tonality(name, PLACE) is None
    assert checks.tonality("Am", PLACE) == notation.parse("A minor")
    with pytest.raises(InvalidReference, match="not a key: 'H'"):
        checks.tonality("H", PLACE)


@pytest.mark.parametrize(
    ("name", "meant"),
    [("bmp", True), ("bp", True), ("bpmm", True), ("pm", True), ("bpx", False), ("tempo", False)],
)
def test_a_name_one_slip_away_is_a_slip(name: str, meant: bool) -> None:
    if meant:
        with pytest.raises(InvalidReference, match=f"unknown field '{name}': is 'bpm' meant"):
            checks.check_names([name], ["bpm"], PLACE)
    else:
        checks.check_names([name], ["bpm"], PLACE)
    checks.check_names([name, "bpm"], ["bpm"], PLACE)


def test_sections_may_touch_or_overlap_by_rounding_alone() -> None:
    def joined(*edges: tuple[float, float]) -> list[tuple[float, float]]:
        found = checks.sections([(ReferenceSection(*edge, None), PLACE) for edge in edges])
        return [(section.start, section.end) for section in found]

    assert joined((0, 1), (1.0009, 2)) == [(0, 1), (1, 2)]
    assert joined((0, 1), (0.9991, 2)) == [(0, 1), (1, 2)]
    assert joined((0, 1), (1.002, 2)) == [(0, 1), (1.002, 2)]
    for edges in ([(0, 1), (0.998, 2)], [(1, 1)]):
        with pytest.raises(InvalidReference):
            joined(*edges)


def test_a_place_names_file_line_and_steps() -> None:
    place = Place(Path("a.json"), 7).at("tracks").at(0).at("bpm")
    with pytest.raises(InvalidReference, match=r"^a\.json:7: tracks\[0\]\.bpm: wrong$"):
        place.refuse("wrong")
    with pytest.raises(InvalidReference, match=r"^a\.json:9: wrong$"):
        place.on(9).refuse("wrong")
    with pytest.raises(InvalidReference, match=r"^a\.json: wrong$"):
        Place(Path("a.json")).refuse("wrong")


def test_a_file_may_be_as_large_as_its_bound(tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b"x" * 10)
    monkeypatch.setattr(checks, "MAX_BYTES", 10)
    assert checks.read_bytes(path) == b"x" * 10
    path.write_bytes(b"x" * 11)
    with pytest.raises(InvalidReference, match="is too much for a reference"):
        checks.read_bytes(path)


def test_a_pipe_and_a_folder_are_not_files(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.json")
    with pytest.raises(InvalidReference, match="not a file but a pipe"):
        checks.read_bytes(tmp_path / "a.json")
    with pytest.raises(InvalidReference, match="cannot be read"):
        checks.read_bytes(tmp_path / "none.json")


@pytest.mark.parametrize(
    ("data", "message"),
    [(b"a\nb\n\xff", ":3: byte 0xff is not UTF-8"), (b"a\nb\0", ":2: holds a zero byte")],
)
def test_what_is_not_text_is_named_by_its_line(tmp_path: Path, data: bytes, message: str) -> None:
    (tmp_path / "a.csv").write_bytes(data)
    with pytest.raises(InvalidReference, match=message):
        checks.read_text(tmp_path / "a.csv")


def test_beats_of_a_file_may_reach_their_bound(monkeypatch) -> None:
    monkeypatch.setattr(checks, "MAX_BEATS", 4)
    two = Annotation("a", "x", "json", beats=(1.0, 2.0))
    none = Annotation("b", "x", "json")
    assert checks.within_bounds([two, none, two], Path("x")) == [two, none, two]
    with pytest.raises(InvalidReference, match="more than 4 beats"):
        checks.within_bounds([two, two, two], Path("x"))


def test_rows_lines_parts_and_elements_are_bounded(tmp_path: Path, monkeypatch) -> None:
    texts = {
        "a.csv": "path,bpm\na,1\n\nb,2\n",
        "a.beats": "0.5\n1.0\n",
        "a.json": '[{"path": "a", "bpm": 1}]',
        "a.xml": "<DJ_PLAYLISTS><COLLECTION/></DJ_PLAYLISTS>",
    }
    bounds = {
        "a.csv": (tabular, "MAX_ROWS", "more than 1 rows"),
        "a.beats": (textual, "MAX_LINES", "more than 1 lines of data"),
        "a.json": (json_source, "MAX_PARTS", "2 objects and lists; at most 1"),
        "a.xml": (xml_source, "MAX_ELEMENTS", "more than 1 elements"),
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
        module, bound, message = bounds[name]
        monkeypatch.setattr(module, bound, 2)
        read_sources([str(tmp_path / name)])
        monkeypatch.setattr(module, bound, 1)
        with pytest.raises(InvalidReference, match=message):
            read_sources([str(tmp_path / name)])


def test_only_a_thousand_columns_and_a_thousand_levels_are_read(tmp_path: Path) -> None:
    fields = ",".join(f"c{i}" for i in range(998))
    path = tmp_path / "a.csv"
    path.write_text(f"path,bpm,{fields}\n")
    assert read_sources([str(path)]) == []
    path.write_text(f"path,bpm,{fields},d\n")
    with pytest.raises(InvalidReference, match="1001 columns"):
        read_sources([str(path)])
    path = tmp_path / "a.xml"
    path.write_text("<DJ_PLAYLISTS>" + "<N>" * 999 + "</N>" * 999 + "</DJ_PLAYLISTS>")
    assert read_sources([str(path)]) == []


@pytest.mark.parametrize(
    ("header", "message"),
    [("path,file,bpm", "two columns 'path'"), ("path,bpm,BPM ", "two columns 'bpm'")],
)
def test_a_column_is_there_once(tmp_path: Path, header: str, message: str) -> None:
    (tmp_path / "a.csv").write_text(header + "\n")
    with pytest.raises(InvalidReference, match=f":1: {message}"):
        read_sources([str(tmp_path / "a.csv")])
    (tmp_path / "a.csv").write_text("path,bpm,note,note\na,1,x,y\n")
    assert read_sources([str(tmp_path / "a.csv")])[0][1].bpm == 1.0


def test_values_of_a_whole_track_may_stand_in_any_of_its_rows(tmp_path: Path) -> None:
    text = (
        "Track ID,bpm,start_bar,end_bar,label,first downbeat,time_signature,duration,key\n"
        "a,,1,5,intro,,,,\na,120,5,9,drop,0.5,3/4,20,Am\na,120,,,,,,,\n"
    )
    (tmp_path / "a.csv").write_text(text.replace("Track ID", "track_id").replace(" ", "_"))
    (found,) = (annotation for _, annotation in read_sources([str(tmp_path / "a.csv")]))
    assert (found.key, found.bpm, found.duration) == ("a", 120.0, 20.0)
    assert found.tonality == notation.parse("A minor")
    assert [(s.start, s.end) for s in found.sections or ()] == [(0.5, 6.5), (6.5, 12.5)]


def test_a_key_that_stands_twice_in_json_is_refused_on_its_line(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('{"a": {"bpm": 1},\n"b":\n{"bpm": 1, "bpm": 2}}')
    with pytest.raises(InvalidReference, match=r"a\.json:3: the key 'bpm' stands there twice"):
        read_sources([str(path)])


def test_json_of_tracks_in_a_list_and_fields_that_are_null(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    tracks = [{"file": " x.wav ", "bpm": 1, "genre": None, "beats": [], "sections": []}]
    path.write_text(json.dumps({"tracks": tracks}))
    (found,) = (annotation for _, annotation in read_sources([str(path)]))
    assert (found.key, found.beats, found.sections, found.genre) == ("x.wav", None, None, None)
    path.write_text(json.dumps({"tracks": [1]}))
    with pytest.raises(InvalidReference, match=r"tracks\[0\]: not an object"):
        read_sources([str(path)])


@pytest.mark.parametrize(
    ("section", "message"),
    [
        (7, "not an object"),
        ({"start": 0, "end": 1, "lable": "drop"}, "unknown field 'lable'"),
        ({"start_bar": 0.5, "end_bar": 3}, "start_bar: bars count from 1, not 0.5"),
        ({"start_bar": 1, "end_bar": 3}, "start_bar: a section in bars needs the track's first"),
        ({"start_bar": 1}, "start_bar: a section in bars needs|end_bar: missing"),
    ],
)
def test_a_section_that_cannot_be_placed_is_named(tmp_path: Path, section, message) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"bpm": 120, "sections": [section]}))
    with pytest.raises(InvalidReference, match=r"sections\[0\].*" + message):
        read_sources([str(path)])


def test_words_of_the_list_are_not_files_and_a_folder_is_read_in_order(tmp_path: Path) -> None:
    for name in ("b", "a", ".c"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "2.json").write_text('{"bpm": 2}')
        (tmp_path / name / "1.JSON").write_text('{"bpm": 1}')
    (tmp_path / "other.pdb").write_text("no stick")
    found = read_sources([*collect.WORDS, str(tmp_path)])
    assert [(rank.source, Path(a.source).parent.name, a.bpm) for rank, a in found] == [
        (3, "a", 1.0), (3, "a", 2.0), (3, "b", 1.0), (3, "b", 2.0),
    ]  # fmt: skip


def test_a_folder_that_is_a_stick_is_read_as_one(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"bpm": 2}')
    database = tmp_path / collect.ON_STICKS[0]
    database.parent.mkdir(parents=True)
    database.write_bytes(b"x")
    with pytest.raises(InvalidReference, match=r"export\.pdb: cannot be read"):
        read_sources([str(tmp_path)])


def test_times_of_a_player_are_cut_at_0() -> None:
    """The player is 0.1 s ahead of the analysis."""
    rate = 44100
    annotation = Annotation(
        "a.mp3", "x", "traktor", beats=(0.02, 1.0), downbeats=(0.01, 1.0), boundaries=(0.01, 9.0),
        sections=(ReferenceSection(0.0, 0.02, "intro"), ReferenceSection(0.02, 5.0, "drop")),
        cues_and_loops=(CueOrLoop(0.02, "gone"), CueOrLoop(1.0, "loop", 2, 2.0)), player="traktor",
    )  # fmt: skip
    decoder = {"name": "libsndfile", "info_frame": "lame", "sample_rate": rate}
    late = 2257 / rate
    moved = annotation.in_time_of(decoder)
    assert moved.player is None
    assert moved.beats == moved.downbeats == (1.0 - late,)
    assert moved.boundaries == (9.0 - late,)
    assert [(s.start, s.end, s.label) for s in moved.sections or ()] == [(0.0, 5 - late, "drop")]
    assert moved.cues_and_loops == (CueOrLoop(1.0 - late, "loop", 2, 2.0 - late),)
    same = annotation.in_time_of({})
    assert same.beats == annotation.beats and same.player is None
    short = replace(annotation, sections=(ReferenceSection(0.0, 0.5, "intro"),))
    assert [s.end for s in short.in_time_of(decoder).sections or ()] == [0.5 - late]
    bare = Annotation("a.mp3", "x", "traktor", player="traktor").in_time_of(decoder)
    assert bare.beats is bare.sections is bare.cues_and_loops is None
