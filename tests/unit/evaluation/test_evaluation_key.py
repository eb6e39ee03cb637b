"""Keys against references: the points and kinds of errors, and every format a key comes in."""

from __future__ import annotations

import csv
from itertools import product
from pathlib import Path

import mir_eval
import pytest
from dropgrid.base.errors import InvalidReference
from dropgrid.evaluation import key
from dropgrid.key import notation
from dropgrid.library import track_id
from dropgrid.records.model import KeyRecord
from dropgrid.records.store import write_record
from dropgrid.references.annotation import Annotation
from dropgrid.references.collect import read_sources
from library_to_evaluate import document, evaluate, write_track

NML = """<?xml version="1.0" encoding="UTF-8"?>
<NML VERSION="19"><HEAD COMPANY="x"></HEAD><COLLECTION ENTRIES="2">
<ENTRY TITLE="a"><LOCATION DIR="/:Music/:sub/:" FILE="a.mp3" VOLUME="Disk"></LOCATION>
<INFO GENRE="House" KEY="8A"></INFO><TEMPO BPM="128.000000"></TEMPO>
<MUSICAL_KEY VALUE="17"></MUSICAL_KEY></ENTRY>
<ENTRY TITLE="b"><LOCATION DIR="/:" FILE="b.mp3" VOLUME="Disk"></LOCATION>
<INFO KEY="1m"></INFO></ENTRY>
</COLLECTION></NML>
"""
REKORDBOX = """<?xml version="1.0" encoding="UTF-8"?>
<DJ_PLAYLISTS Version="1.0.0"><COLLECTION Entries="2">
<TRACK TrackID="1" Tonality="Fm" TotalTime="60" Location="file://localhost/Music/a.mp3"/>
<TRACK TrackID="2" Tonality="later" TotalTime="60" Location="file://localhost/Music/b.mp3"/>
</COLLECTION></DJ_PLAYLISTS>
"""
JAMS = """{"annotations": [{"namespace": "key_mode", "data": [
{"time": 0, "duration": 20, "value": "C:major", "confidence": null},
{"time": 20, "duration": 40, "value": "F:minor", "confidence": null},
{"time": 60, "duration": 99, "value": "N", "confidence": null}]}], "file_metadata": {}}"""


def read(folder: Path, name: str, text: str) -> list[Annotation]:
    (folder / name).write_text(text)
    return [annotation for _, annotation in read_sources([str(folder / name)])]


def named(annotation: Annotation) -> str | None:
    return None if annotation.tonality is None else notation.name(annotation.tonality)


@pytest.mark.parametrize(("reference", "estimate"), product(range(0, 24, 5), range(24)))
def test_points_are_those_of_mir_eval(reference: int, estimate: int) -> None:
    theirs = mir_eval.key.weighted_score(notation.name(reference), notation.name(estimate))
    assert key.mir_eval_score(reference, estimate) == theirs
    extra = 0.5 if key.kind(reference, estimate) == "fifth_below" else 0.0
    assert key.mirex_score(reference, estimate) == theirs + extra


@pytest.mark.parametrize(
    ("estimate", "kind"),
    [
        ("A minor", "exact"), ("E minor", "fifth_above"), ("D minor", "fifth_below"),
        ("C major", "relative"), ("A major", "parallel"), ("F# major", "other"),
    ],
)  # fmt: skip
def test_errors_are_of_a_kind(estimate: str, kind: str) -> None:
    found = notation.parse(estimate)
    assert key.kind(notation.parse("Am") or 0, found) == kind
    assert key.kind(3, None) == "none"
    assert key.mirex_score(3, None) == 0


@pytest.mark.parametrize("text", ["F minor\n", "F\tminor", "Fm", "4A", "f:min"])
def test_a_key_file_has_one_line_in_any_notation(tmp_path: Path, text: str) -> None:
    (found,) = read(tmp_path, "10089.LOFI.key", text)
    assert (found.key, named(found)) == ("10089.LOFI", "F minor")


def test_a_key_file_may_say_that_there_is_no_key(tmp_path: Path) -> None:
    (found,) = read(tmp_path, "a.key", "X\n")
    assert found.tonality is None


def test_what_is_not_a_key_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidReference, match=r"a\.key:1: not a key: 'H moll'"):
        read(tmp_path, "a.key", "H moll")
    with pytest.raises(InvalidReference, match=r"b\.key: 2 lines of data"):
        read(tmp_path, "b.key", "A minor\nC major\n")
    with pytest.raises(InvalidReference, match=r"c\.json:1: key: not a key: 'Q'"):
        read(tmp_path, "c.json", '{"key": "Q"}')
    with pytest.raises(InvalidReference, match=r"d\.nml:3: .*not a key, which are 0 to 23: '24'"):
        read(tmp_path, "d.nml", NML.replace('VALUE="17"', 'VALUE="24"'))


def test_traktors_own_key_comes_before_the_text_of_a_tag(tmp_path: Path) -> None:
    first, second = read(tmp_path, "collection.nml", NML)
    assert (first.key, named(first), first.bpm) == ("/Music/sub/a.mp3", "F minor", 128.0)
    assert first.genre == "House"
    assert (second.key, named(second), second.bpm) == ("/b.mp3", "A minor", None)


def test_rekordbox_jams_json_and_tables_have_keys(tmp_path: Path) -> None:
    keys = [named(a) for a in read(tmp_path, "a.xml", REKORDBOX)]
    assert keys == ["F minor", None]
    assert [named(a) for a in read(tmp_path, "a.jams", JAMS)] == ["F minor"]
    assert [named(a) for a in read(tmp_path, "a.json", '{"key": "4A"}')] == ["F minor"]
    table = "path,key\na.flac,Fm\nb.flac,8B\n"
    assert [named(a) for a in read(tmp_path, "a.csv", table)] == ["F minor", "C major"]


def write_key(results: Path, path: str, found: str | None, **fields: object) -> None:
    track = track_id(path)
    record = KeyRecord(track, path, "ok", duration=64.0, key=found, **fields)  # type: ignore[arg-type]
    write_record(results / "key" / f"{track}.json", record)


def test_the_evaluation_scores_keys_by_system_kind_and_genre(tmp_path: Path) -> None:
    answers = {"a": "F minor", "b": "Ab major", "c": "C minor", "d": None}
    for name, answer in answers.items():
        write_track(tmp_path, f"{name}.flac", 120.0, tags={"genre": "House"} if name < "c" else {})
        write_key(tmp_path, f"{name}.flac", answer, tag_key="F minor" if name == "a" else None)
    table = tmp_path / "keys.csv"
    table.write_text("path,key\n" + "".join(f"{name}.flac,4A\n" for name in answers))
    assert evaluate(tmp_path, "--references", table) == 0
    found = document(tmp_path, "key")
    product = found["systems"]["dropgrid"]
    assert product["exact"]["value"] == 0.25
    assert product["mirex"]["value"] == pytest.approx((1 + 0.3 + 0.5) / 4)
    assert found["errors"]["dropgrid"] == {
        "exact": 1, "fifth_above": 1, "relative": 1, "none": 1,
    }  # fmt: skip
    assert found["errors"]["tag"] == {"exact": 1}
    assert found["genres"]["House"]["mirex"]["value"] == pytest.approx(0.65)
    rows = list(csv.DictReader((tmp_path / "evaluation" / "key.csv").open()))
    assert [row["kind"] for row in rows if row["system"] == "dropgrid"] == [
        "exact", "relative", "fifth_above", "none",
    ]  # fmt: skip
    assert "MIREX-weighted" in (tmp_path / "evaluation" / "summary.md").read_text()


def test_key_tags_are_references_where_the_list_says_so(tmp_path: Path) -> None:
    write_track(tmp_path, "a.flac", 120.0)
    write_key(tmp_path, "a.flac", "F minor", tag_key="C minor")
    assert evaluate(tmp_path, "--references", "tags") == 0
    found = document(tmp_path, "key")
    assert found["errors"] == {"dropgrid": {"fifth_below": 1}}
