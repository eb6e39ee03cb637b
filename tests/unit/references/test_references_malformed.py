"""Every error in a reference is reported in one line naming file, line and field."""

from __future__ import annotations

from pathlib import Path

import pytest
from dropgrid.base.errors import InvalidReference
from dropgrid.references.collect import read_sources

COLLECTION = """<DJ_PLAYLISTS Version="1.0.0">
<COLLECTION Entries="1">
<TRACK TrackID="1" AverageBpm="120.00" TotalTime="10" Location="file://localhost/a.flac">
<TEMPO Inizio="0.250" Bpm="120.00" Metro="4/4" Battito="4"/>
<POSITION_MARK Name="Drop" Type="0" Start="6.000" Num="-1"/>
</TRACK>
</COLLECTION>
</DJ_PLAYLISTS>
"""
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
    "wide.csv": (
        "path,bpm," + ",".join(f"c{i}" for i in range(20_000)) + "\n",
        ":1: 20002 columns; at most 1000",
    ),
    "deep.xml": (
        "<DJ_PLAYLISTS>" + "<NODE>" * 2000 + "</NODE>" * 2000 + "</DJ_PLAYLISTS>",
        ":1: NODE: elements inside each other 1001 deep; at most 1000",
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
        '{"sections": [{"start": 0, "end": 1, "label": "solo"}]}',
        r":1: sections\[0\].label: unknown label 'solo'",
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
        COLLECTION.replace('"120.00" Total', '"fast" Total'),
        ":3: TRACK.AverageBpm: not a number: 'fast'",
    ),
    "tempo.xml": (
        COLLECTION.replace('Bpm="120.00" Metro', 'Bpm="NaN" Metro'),
        ":4: TEMPO.Bpm: not a finite number: 'NaN'",
    ),
    "mark.xml": (
        COLLECTION.replace('Start="6.000"', 'Start="-6"'),
        ":5: POSITION_MARK.Start: a negative time: '-6'",
    ),
    "notes.md": ("# hello", ": not a reference format"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_reference_is_one_line_naming_file_line_and_field(
    tmp_path: Path, name: str
) -> None:
    text, message = MALFORMED[name]
    path = tmp_path / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(InvalidReference) as caught:
        read_sources([str(path)])
    assert caught.match(message)
    assert str(caught.value).startswith(str(path)) and "\n" not in str(caught.value)


def test_a_file_of_100_megabytes_is_refused_unread(tmp_path: Path) -> None:
    for name in ("big.json", "big.csv", "big.xml", "big.beats"):
        with (tmp_path / name).open("wb") as stream:
            stream.truncate(100_000_000)
        with pytest.raises(
            InvalidReference, match="95 MiB is too much for a reference; at most 64"
        ):
            read_sources([str(tmp_path / name)])


def test_a_missing_reference_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidReference, match="no such file or folder"):
        read_sources([str(tmp_path / "none.csv")])
