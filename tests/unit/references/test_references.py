"""References are read in every format; files in a folder in the documented order."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from dropgrid.base.errors import InvalidReference
from dropgrid.references import checks
from dropgrid.references.annotation import Annotation, ReferenceSection
from dropgrid.references.collect import FORMATS, Rank, read_sources

ROOT = Path(__file__).resolve().parents[3]
SECTIONS = (ReferenceSection(0.0, 15.5, "intro"), ReferenceSection(15.5, 45.5, "drop"))


def written(folder: Path, name: str, text: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def read(path: Path) -> list[Annotation]:
    return [annotation for _, annotation in read_sources([str(path)])]


def test_a_json_object_is_about_the_track_its_file_is_named_after(tmp_path: Path) -> None:
    path = written(tmp_path, "My Song.json", '{"bpm": 128, "beats": [0.5, 1.0], "genre": "house"}')
    (found,) = read(path)
    assert (found.key, found.bpm, found.beats, found.genre) == (
        "My Song",
        128.0,
        (0.5, 1.0),
        "house",
    )
    assert found.downbeats is None and found.sections is None


def test_json_lists_and_objects_keyed_by_track_hold_many_tracks(tmp_path: Path) -> None:
    listed = written(
        tmp_path, "a.json", '[{"path": "x/a.flac", "bpm": 120}, {"track": "b-01", "bpm": 90}]'
    )
    keyed = written(tmp_path, "b.json", '{"x/a.flac": {"bpm": 120}, "b-01": {"bpm": 90}}')
    for path in (listed, keyed):
        assert [(a.key, a.bpm) for a in read(path)] == [("x/a.flac", 120.0), ("b-01", 90.0)]


def test_sections_in_bars_become_seconds_by_tempo_and_first_downbeat(tmp_path: Path) -> None:
    values = {
        "bpm": 120, "first_downbeat": 0.25,
        "sections": [
            {"start_bar": 1, "end_bar": 9, "label": "Intro"},
            {"start_bar": 9, "end_bar": 17, "label": "drop"},
        ],
    }  # fmt: skip
    (found,) = read(written(tmp_path, "a.json", json.dumps(values)))
    assert [(s.start, s.end, s.label) for s in found.sections or ()] == [
        (0.25, 16.25, "intro"), (16.25, 32.25, "drop"),
    ]  # fmt: skip
    waltz = values | {"time_signature": "3/4"}
    (found,) = read(written(tmp_path, "b.json", json.dumps(waltz)))
    assert [s.end for s in found.sections or ()] == [12.25, 24.25]


def test_csv_rows_are_tracks_or_sections_and_tabs_and_semicolons_part_columns(
    tmp_path: Path,
) -> None:
    text = (
        "path,bpm,genre,start,end,label\n"
        "a.wav,128,house,0,15.5,intro\na.wav,,,15.5,45.5,Drop\nb.wav,90,,,,\n"
    )
    for name, separator in (("a.csv", ","), ("b.tsv", "\t"), ("c.csv", ";")):
        one, two = read(written(tmp_path, name, "\ufeff" + text.replace(",", separator)))
        assert (one.key, one.bpm, one.genre, one.sections) == ("a.wav", 128.0, "house", SECTIONS)
        assert (two.key, two.bpm, two.sections) == ("b.wav", 90.0, None)


def test_only_line_ends_end_a_row(tmp_path: Path) -> None:
    rows = 'path,bpm\r\n"a\u2028b\x0bc.wav",120\r\nd.wav,bad\r\n'
    with pytest.raises(InvalidReference, match=r"a\.csv:3: bpm: not a number: 'bad'"):
        read(written(tmp_path, "a.csv", rows))
    (found,) = read(written(tmp_path, "b.csv", rows.replace("d.wav,bad", "")))
    assert found.key == "a\u2028b\x0bc.wav"


def test_a_jams_file_gives_tempo_beats_downbeats_and_segments(tmp_path: Path) -> None:
    def data(*rows: tuple[float, float, object]) -> list[dict[str, object]]:
        return [{"time": t, "duration": d, "value": v, "confidence": None} for t, d, v in rows]

    document = {
        "file_metadata": {"duration": 45.5},
        "annotations": [
            {"namespace": "tempo", "data": data((0, 45.5, 128.0))},
            {"namespace": "beat", "data": data((0.5, 0, 4), (1.0, 0, 1), (1.5, 0, 2))},
            {"namespace": "chord", "data": data((0, 1, "C:maj"))},
            {"namespace": "segment_open", "data": data((0, 15.5, "intro"), (15.5, 30, "chorus"))},
        ],
    }
    (found,) = read(written(tmp_path, "a.jams", json.dumps(document)))
    assert (found.bpm, found.beats, found.downbeats) == (128.0, (0.5, 1.0, 1.5), (1.0,))
    assert [s.label for s in found.sections or ()] == ["intro", "chorus"]  # an open vocabulary
    assert found.duration == 45.5


def test_the_most_confident_tempo_of_a_jams_file_counts(tmp_path: Path) -> None:
    columns = {"time": [0, 0], "duration": [9, 9], "value": [64, 128], "confidence": [0.3, 0.7]}
    document = {"annotations": [{"namespace": "tempo", "data": columns}]}  # the older layout
    assert read(written(tmp_path, "a.jams", json.dumps(document)))[0].bpm == 128.0


def test_beat_files_hold_times_and_perhaps_positions(tmp_path: Path) -> None:
    (found,) = read(written(tmp_path, "a.beats", "# made by hand\n0.5\t4\n1.0\t1\r\n1.5\t2\n"))
    assert (found.beats, found.downbeats) == ((0.5, 1.0, 1.5), (1.0,))
    (found,) = read(written(tmp_path, "b.txt", "0.5\n1.0\n"))
    assert (found.beats, found.downbeats) == ((0.5, 1.0), None)
    (found,) = read(written(tmp_path, "c.txt", "0.0 1 1\n0.5 2 1\n"))  # the Harmonix Set
    assert (found.beats, found.downbeats) == ((0.0, 0.5), (0.0,))


def test_lab_files_hold_starts_ends_and_labels(tmp_path: Path) -> None:
    (found,) = read(written(tmp_path, "a.lab", "0.0\t15.5\tintro\n15.5\t45.5\tdrop\n"))
    assert found.sections == SECTIONS
    (found,) = read(written(tmp_path, "b.txt", "0.0 intro\n15.5 drop\n45.5 end\n"))
    assert found.sections == SECTIONS


REKORDBOX = """<?xml version="1.0" encoding="UTF-8"?>
<DJ_PLAYLISTS Version="1.0.0">
  <COLLECTION Entries="1">
    <TRACK TrackID="1" AverageBpm="120.00" TotalTime="10" Genre="House"
           Location="file://localhost/C:/Music/caf%C3%A9%20%231.flac">
      <TEMPO Inizio="0.250" Bpm="120.00" Metro="4/4" Battito="4"/>
      <TEMPO Inizio="5.250" Bpm="60.00" Metro="4/4" Battito="2"/>
      <POSITION_MARK Name="Intro" Type="0" Start="0.250" Num="-1"/>
      <POSITION_MARK Name="Drop 2" Type="0" Start="4.250" Num="0"/>
      <POSITION_MARK Name="Drop 2" Type="0" Start="4.250" Num="-1"/>
      <POSITION_MARK Name="vocal" Type="0" Start="6.000" Num="1"/>
    </TRACK>
  </COLLECTION>
  <PLAYLISTS><NODE Type="0" Name="ROOT"><TRACK Key="1"/></NODE></PLAYLISTS>
</DJ_PLAYLISTS>
"""


def test_a_rekordbox_collection_gives_tempo_grid_and_named_cues(tmp_path: Path) -> None:
    (found,) = read(written(tmp_path, "collection.xml", REKORDBOX))
    assert (found.key, found.bpm, found.genre) == ("C:/Music/café #1.flac", 120.0, "House")
    first = [0.25 + 0.5 * i for i in range(10)]
    assert found.beats == (*first, 5.25, 6.25, 7.25, 8.25, 9.25)
    assert found.downbeats == (0.75, 2.75, 4.75, 8.25)  # beat 4 first; then beat 2 at 5.25 s
    assert [(s.start, s.end, s.label) for s in found.sections or ()] == [
        (0.25, 4.25, "intro"), (4.25, 10.0, "drop"),
    ]  # fmt: skip


def test_documented_synonyms_are_understood_and_no_others(tmp_path: Path) -> None:
    rows = "path,start,end,label\na,0,1,Build-Up\na,1,2,break\n"
    (found,) = read(written(tmp_path, "a.csv", rows))
    assert [s.label for s in found.sections or ()] == ["buildup", "breakdown"]
    with pytest.raises(InvalidReference, match="unknown label 'dropp'"):
        read(written(tmp_path, "b.csv", "path,start,end,label\na,0,1,dropp\n"))


def test_a_folder_is_searched_for_every_format_in_the_stated_order(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    written(tmp_path, "sub/a.beats", "0.5\n1.0\n")
    written(tmp_path, "a.json", '{"bpm": 128}')
    written(tmp_path, ".a.json", "hidden and broken")
    written(tmp_path, "cover.jpg", "not a reference")
    written(tmp_path, "Thumbs.db", "nor this")
    found = read_sources(["tags", str(tmp_path)])
    assert [(rank, a.format) for rank, a in found] == [
        (Rank(1, FORMATS.index("json")), "json"), (Rank(1, FORMATS.index("beats")), "beats"),
    ]  # fmt: skip
    assert FORMATS == (
        "corrections", "json", "jams", "csv", "beats", "lab", "key", "rekordbox", "traktor",
        "mixxx", "usb", "engine", "serato", "tags",
    )  # fmt: skip


def test_printed_times_may_overlap_by_their_rounding_and_are_made_one_edge() -> None:
    place = checks.Place(Path("a"))
    found = checks.sections(
        [(ReferenceSection(1.0, 2.0, None), place), (ReferenceSection(0.0, 1.0004, None), place)]
    )
    assert found == (ReferenceSection(0.0, 1.0004, None), ReferenceSection(1.0004, 2.0, None))


def test_the_published_schema_accepts_what_the_reader_accepts() -> None:
    import jsonschema

    schema = json.loads((ROOT / "workflow/schemas/references.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    sections = [{"start": 0, "end": 1, "label": "drop"}, {"start_bar": 1, "end_bar": 9}]
    track = {"path": "a.flac", "bpm": 128, "beats": [0.5], "title": "?", "sections": sections}
    for document in (track, [track], {"a.flac": track}, {"tracks": [track]}):
        assert validator.is_valid(document), document
    for fault in ({"bpm": 0}, {"beats": [-1]}, {"sections": [{"start": 0}]}):
        assert not validator.is_valid(track | fault), fault
    assert not validator.is_valid([{"bpm": 128}])


def test_real_songs_truth_is_read_without_labels(shared: Path) -> None:
    found = {a.key: a for a in read(shared / "music")}
    dirty = found["audio/DirtyLove.flac"]
    assert (dirty.bpm, len(dirty.beats or ()), len(dirty.downbeats or ())) == (177.0, 268, 67)
    assert dirty.boundaries == (10.847456, 21.694912, 86.779648)
    assert {section.label for section in dirty.sections or ()} == {None}
