"""References are read in every format, and whatever is wrong with one is said in a line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from dropgrid.errors import InvalidReference
from dropgrid.evaluation.references import checks
from dropgrid.evaluation.references.annotation import Annotation, ReferenceSection
from dropgrid.evaluation.references.collect import FORMATS, Rank, read_sources

ROOT = Path(__file__).resolve().parents[2]
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
    found = read_sources(["tags", str(tmp_path)])
    assert [(rank, a.format) for rank, a in found] == [
        (Rank(1, FORMATS.index("json")), "json"), (Rank(1, FORMATS.index("beats")), "beats"),
    ]  # fmt: skip
    assert FORMATS == ("json", "jams", "csv", "beats", "lab", "rekordbox", "tags")


BOMB = (
    '<?xml version="1.0"?>\n<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">\n<!ENTITY b "&a;&a;&a;&a;">]>\n'
    "<DJ_PLAYLISTS>&b;</DJ_PLAYLISTS>"
)
MALFORMED = {
    # name of the file: (its text, what the message says after the path)
    "wrong column.csv": ("name,bpm\na,120\n", ":1: no column `track` or `path`"),
    "no data column.csv": ("path,title\na,b\n", ":1: no column says anything about a track"),
    "slip.csv": (
        "path,bpm,start,end,lable\na,1,0,1,drop\n",
        ":1: unknown field 'lable': is 'label' meant?",
    ),
    "ragged.csv": ("path,bpm\na,120,7\n", ":2: 3 columns where the header has 2"),
    "quote.csv": ('path,bpm\n"a,120\n', ":2: not a table: unexpected end of data"),
    "no path.csv": ("path,bpm\n,120\n", ":2: names no track"),
    "text.csv": ("path,bpm\na,fast\n", ":2: bpm: not a number: 'fast'"),
    "nan.csv": ("path,bpm\na,1\nb,NaN\n", ":3: bpm: not a finite number: 'NaN'"),
    "zero.csv": ("path,bpm\na,0\n", ":2: bpm: not a tempo in BPM: '0'"),
    "two.csv": ("path,bpm\na,120\na,121\n", ":3: bpm: '121' differs from '120' on line 2"),
    "negative.csv": ("path,start,end,label\na,-1,5,drop\n", ":2: start: a negative time: '-1'"),
    "no end.csv": ("path,start,label\na,1,drop\n", ":2: end: missing"),
    "backwards.csv": (
        "path,start,end,label\na,5,4,drop\n",
        ":2: the section ends at 4 s, not after 5 s",
    ),
    "overlap.csv": (
        "path,start,end,label\na,0,5,intro\na,4,9,drop\n",
        ":3: the section from 4 s overlaps",
    ),
    "label.csv": (
        "path,start,end,label\na,0,5,chorus\n",
        ":2: label: unknown label 'chorus'; known: intro",
    ),
    "bars.csv": (
        "path,start_bar,end_bar,label\na,1,9,intro\n",
        ":2: start_bar: a section in bars needs the track's bpm",
    ),
    "bar 0.csv": (
        "path,bpm,first_downbeat,start_bar,end_bar\na,120,0,0,9\n",
        ":2: start_bar: bars count from 1, not 0",
    ),
    "latin.csv": (b"path,bpm\ncaf\xe9.wav,120\n", ":2: byte 0xe9 is not UTF-8 text"),
    "utf16.csv": ("path,bpm\na,1\n".encode("utf-16"), ":1: byte 0xff is not UTF-8 text"),
    "binary.csv": (b"path,bpm\n\0\n", ":2: holds a zero byte"),
    "empty.csv": ("", ": empty: no header"),
    "syntax.json": (
        '{\n"bpm": 120,\n}',
        ":3: not JSON: (Illegal trailing comma|Expecting property)",
    ),
    "deep.json": ("[" * 100_000, ": not JSON that can be read"),
    "type.json": ("3", ":1: neither an object nor a list"),
    "nothing.json": ('{"title": "x"}', ":1: says nothing about the track"),
    "slip.json": ('{"bpm": 1, "beat": [1, 2]}', ":1: unknown field 'beat': is 'beats' meant?"),
    "anonymous.json": ('[\n{"path": "a", "bpm": 1},\n{"bpm": 1}]', r":3: \[1\]: names no track"),
    "nan.json": ('[{"path": "a",\n"bpm": NaN}]', r":1: \[0\].bpm: not a finite number: nan"),
    "huge.json": ('{"bpm": 1e999}', ":1: bpm: not a finite number: inf"),
    "true.json": ('{"bpm": true}', ":1: bpm: not a number: True"),
    "beats.json": (
        '{"beats": [1.0, 0.5]}',
        r":1: beats\[1\]: 0.5 s is not later than the 1 s before it",
    ),
    "list.json": ('{"beats": 1.0}', ":1: beats: not a list"),
    "late.json": ('{"beats": [99999]}', r":1: beats\[0\]: beyond 30000 s"),
    "section.json": (
        '{"sections": [\n{"start": 0, "end": 1},\n{"start": 1, "label": "drop"}]}',
        r":3: sections\[1\].end: missing",
    ),
    "overlap.json": (
        '{"sections": [\n{"start": 0, "end": 3},\n{"start": 1, "end": 4}]}',
        r":3: sections\[1\]: the section from 1 s overlaps",
    ),
    "label.json": (
        '{"sections": [{"start": 0, "end": 1, "label": "verse"}]}',
        r":1: sections\[0\].label: unknown label 'verse'",
    ),
    "other.jams": ("{}", ":1: not a JAMS file: no list `annotations`"),
    "none.jams": ('{"annotations": []}', ":1: no annotation of tempo"),
    "beat.jams": (
        '{"annotations": [{"namespace": "beat", "data": [{"time": -1}]}]}',
        r":1: annotations\[0\].data\[0\].time: a negative time: -1",
    ),
    "text.beats": ("0.5 1\none 2\n", ":2: time: not a number: 'one'"),
    "nan.beats": ("nan 1\n", ":1: time: not a finite number: 'nan'"),
    "negative.txt": ("-0.5\n0.5\n", ":1: time: a negative time: '-0.5'"),
    "order.txt": ("0.5\n0.5\n", ":2: time: 0.5 s is not later than the 0.5 s before it"),
    "position.beats": ("0.5 1\n1.0 1.5\n", ":2: position: not a position in the bar: '1.5'"),
    "width.beats": ("0.5 1\n1.0\n", ":2: 1 columns where the first line has 2"),
    "empty.beats": ("\n", ": holds no line of data"),
    "short.lab": ("0 5 intro\n5 drop\n", ":2: expected start, end and label"),
    "one line.lab": ("0 intro\n", ":1: one line only"),
    "overlap.lab": ("0 5 intro\n4 9 drop\n", ":2: the section from 4 s overlaps"),
    "broken.xml": (
        "<DJ_PLAYLISTS>\n<COLLECTION>\n</DJ_PLAYLISTS>",
        ":3: not well-formed XML: mismatched tag",
    ),
    "other.xml": ("<html/>", ":1: html: not a rekordbox collection"),
    "bomb.xml": (BOMB, ":2: a document type or entity is not allowed"),
    "bpm.xml": (
        REKORDBOX.replace('"120.00" Total', '"fast" Total'),
        ":4: TRACK.AverageBpm: not a number: 'fast'",
    ),
    "tempo.xml": (
        REKORDBOX.replace('Bpm="60.00"', 'Bpm="NaN"'),
        ":7: TEMPO.Bpm: not a finite number: 'NaN'",
    ),
    "mark.xml": (
        REKORDBOX.replace('Start="6.000"', 'Start="-6"'),
        ":11: POSITION_MARK.Start: a negative time: '-6'",
    ),
    "notes.md": ("# hello", ": not a reference format"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_reference_is_one_line_naming_file_line_and_field(
    tmp_path: Path, name: str
) -> None:
    text, message = MALFORMED[name]
    path = written(tmp_path, name, text)
    with pytest.raises(InvalidReference) as caught:
        read(path)
    assert caught.match(message)
    assert str(caught.value).startswith(str(path)) and "\n" not in str(caught.value)


def test_a_file_of_100_megabytes_is_refused_unread(tmp_path: Path) -> None:
    for name in ("big.json", "big.csv", "big.xml", "big.beats"):
        with (tmp_path / name).open("wb") as stream:
            stream.truncate(100_000_000)
        with pytest.raises(
            InvalidReference, match="95 MiB is too much for a reference; at most 64"
        ):
            read(tmp_path / name)


def test_a_missing_reference_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidReference, match="no such file or folder"):
        read_sources([str(tmp_path / "none.csv")])


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
