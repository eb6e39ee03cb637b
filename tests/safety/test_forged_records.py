"""Records from another user's results folder: nothing in them is believed.

Item B of forged.md beside this file.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from dropgrid.base.errors import RecordError
from dropgrid.commands.main import main
from dropgrid.library import track_id
from dropgrid.records.bpm_outline import read_bpm_outline
from dropgrid.records.store import read_bpm, read_structure, write_record
from dropgrid.records.ticket import read_ticket
from dropgrid.results.library_reader import iterate_library
from dropgrid.results.table import read_table
from library_of_records import PATHS, bpm_record, structure_record, write_results

HOUSE = track_id(PATHS[0])
BRACKETS = "[" * 200_000 + "]" * 200_000

BPM_FORGERIES: dict[str, tuple[dict[str, Any], str]] = {
    "bpm as text": ({"bpm": "fast"}, "bpm"),
    "bpm true": ({"bpm": True}, "bpm"),
    "bpm 0": ({"bpm": 0}, "bpm"),
    "bpm beyond all music": ({"bpm_fitted": 1e300}, "bpm_fitted"),
    "not a number": ({"bpm": float("nan")}, "bpm"),
    "infinite": ({"duration": float("inf")}, "duration"),
    "hidden in the tags": ({"tags": {"title": float("nan")}}, "tags"),
    "beats null": ({"beats": None}, "beats"),
    "beats as text": ({"beats": "0.5"}, "beats"),
    "a beat as text": ({"beats": [0.5, "1.0"]}, "beats[1]"),
    "beats not in order": ({"beats": [2.0, 1.0]}, "beats"),
    "a beat before the music": ({"beats": [-1.0]}, "beats[0]"),
    "a beat long after the music": ({"beats": [0, 1e11]}, "beats[1]"),
    "music of three thousand years": ({"duration": 1e11, "beats": [0, 1e11]}, "duration"),
    "a downbeat not a number": ({"downbeats": [0.5, float("nan")]}, "downbeats[1]"),
    "tags a list": ({"tags": []}, "tags"),
    "a title that is a list": ({"tags": {"title": ["a"]}}, "tags.title"),
    "decoder a text": ({"decoder": "ffmpeg"}, "decoder"),
    "rate 0": ({"decoder": {"sample_rate": 0}}, "decoder.sample_rate"),
    "no time signature": ({"time_signature": "0/4"}, "time_signature"),
    "a time signature as number": ({"time_signature": 4}, "time_signature"),
    "an interval of one": ({"bpm_interval": [128.0]}, "bpm_interval"),
    "confidence 7": ({"confidence": 7}, "confidence"),
    "unknown source": ({"source": "oracle"}, "source"),
    "unknown status": ({"status": "fine"}, "status"),
    "an error without a failure": ({"status": "error"}, "error"),
    "an alternative as number": ({"alternatives": [64]}, "alternatives[0]"),
    "a region without tempo": ({"grid": [{"start": 0.0}]}, "grid[0]"),
    "a region with half a beat": (
        {"grid": [{"start": 0.0, "bpm": 128.0, "beats": 1.5, "first_downbeat": None}]},
        "grid[0].beats",
    ),
    "a surplus field": ({"wishes": 3}, "wishes"),
    "a path upwards": ({"path": "../secret/v.flac"}, "path"),
    "a path upwards in its middle": ({"path": "a/../../v.flac"}, "path"),
    "an absolute path": ({"path": "/etc/passwd"}, "path"),
    "a path with a NUL": ({"path": "a\0.flac"}, "path"),
    "an empty path": ({"path": ""}, "path"),
    "an id upwards": ({"track": "../ESCAPED"}, "track"),
    "an id of another track": ({"track": "other-01234567"}, "track"),
    "an id with a line break": ({"track": HOUSE + "\n"}, "track"),
    "an id as number": ({"track": 7}, "track"),
}  # fmt: skip
STRUCTURE_FORGERIES: dict[str, tuple[dict[str, Any], str]] = {
    "an unknown label": ({"label": "solo"}, "sections[0].label"),
    "a label as list": ({"label": ["drop"]}, "sections[0].label"),
    "a start as text": ({"start": "0"}, "sections[0].start"),
    "an end long after the music": ({"end": 1e11}, "sections[0].end"),
    "bars as number with a point": ({"bars": 2.5}, "sections[0].bars"),
    "bars without end": ({"bars": 10**30}, "sections[0].bars"),
}


def forge(path: Path, change: dict[str, Any]) -> None:
    """The record with fields changed, laid out as we write them."""
    values = json.loads(path.read_bytes()) | change
    lines = (f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in values.items())
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")


@pytest.fixture
def results(tmp_path: Path) -> Path:
    return write_results(tmp_path / "results")


@pytest.fixture
def record(tmp_path: Path) -> Path:
    path = tmp_path / f"{HOUSE}.json"
    write_record(path, bpm_record(PATHS[0]))
    return path


def one_line(error: RecordError, path: Path, field: str) -> None:
    text = str(error)
    assert text.startswith(f"{path}: {field}") and "\n" not in text and len(text) < 600, text


@pytest.mark.parametrize("name", BPM_FORGERIES)
def test_a_forged_record_is_refused_by_its_field(record, name):
    change, field = BPM_FORGERIES[name]
    forge(record, change)
    with pytest.raises(RecordError) as refused:
        read_bpm(record, HOUSE)
    one_line(refused.value, record, field)


@pytest.mark.parametrize("name", BPM_FORGERIES)
def test_the_table_is_not_deceived_either(record, name):
    change, field = BPM_FORGERIES[name]
    forge(record, change)
    if name == "beats not in order":  # the table counts them and takes the first
        assert read_bpm_outline(record, HOUSE)[1].count == 2
        return
    with pytest.raises(RecordError) as refused:
        read_bpm_outline(record, HOUSE)
    one_line(refused.value, record, field.partition("[")[0])


@pytest.mark.parametrize("name", STRUCTURE_FORGERIES)
def test_a_forged_section_is_refused_by_its_field(tmp_path, name):
    change, field = STRUCTURE_FORGERIES[name]
    path = tmp_path / "r.json"
    write_record(path, structure_record(PATHS[0]))
    sections = json.loads(path.read_bytes())["sections"]
    forge(path, {"sections": [sections[0] | change, *sections[1:]]})
    with pytest.raises(RecordError) as refused:
        read_structure(path)
    one_line(refused.value, path, field)


@pytest.mark.parametrize("field", ["beats", "tags", "evidence"])
def test_a_bomb_of_brackets_is_refused(record, field):
    text = record.read_text()
    record.write_text(text.replace(f'"{field}": ', f'"{field}": {BRACKETS}, "x": ', 1))
    for read in (read_bpm, read_bpm_outline):
        with pytest.raises(RecordError, match=HOUSE):
            read(record)


def test_a_pipe_or_a_device_in_place_of_a_record_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe.json")
    os.symlink("/dev/zero", tmp_path / "zero.json")
    for name in ("pipe.json", "zero.json"):
        for read in (read_bpm, read_structure, read_ticket):
            with pytest.raises(RecordError, match=name):
                read(tmp_path / name)


TICKET_FORGERIES: dict[str, tuple[dict[str, Any], str]] = {
    "a file that is not of the path": ({"file": "/etc/passwd"}, "file"),
    "a file upwards": ({"file": f"/music/../etc/{PATHS[0]}"}, "file"),
    "a file that is not absolute": ({"file": PATHS[0]}, "file"),
    "a file as number": ({"file": 3}, "file"),
    "a path upwards": ({"path": "../x.flac", "file": "/music/../x.flac"}, "path"),
    "an id upwards": ({"track": "../../victim"}, "track"),
    "a size as text": ({"size": "1"}, "size"),
    "a surplus field": ({"wish": "1"}, "wish"),
}


@pytest.mark.parametrize("name", TICKET_FORGERIES)
def test_a_forged_ticket_is_refused_by_its_field(results, name):
    change, field = TICKET_FORGERIES[name]
    path = results / "tracks" / f"{HOUSE}.json"
    forge(path, change)
    with pytest.raises(RecordError) as refused:
        read_ticket(path)
    assert field in str(refused.value) and str(path) in str(refused.value)


ESCAPES: tuple[dict[str, Any], ...] = ({"track": "../ESCAPED"}, {"track": "/tmp/ESCAPED"})


@pytest.mark.parametrize("change", ESCAPES)
@pytest.mark.parametrize("scanned", [True, False])
@pytest.mark.parametrize("form", ["jams", "beats", "lab", "audacity", "sonic-visualiser"])
def test_no_record_makes_an_export_leave_its_folder(tmp_path, results, form, change, scanned):
    for kind in ("bpm", "structure"):
        forge(results / kind / f"{HOUSE}.json", change)
    if not scanned:
        shutil.rmtree(results / "tracks")
        (results / "scan.json").unlink()
    before = outside(tmp_path, tmp_path / "out")
    assert (
        main(["export", form, "--results", str(results), "--output", str(tmp_path / "out")]) == 0
    )
    assert outside(tmp_path, tmp_path / "out") == before
    assert list((tmp_path / "out").iterdir()), "the other tracks are exported"


def outside(folder: Path, excepted: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if excepted not in (path, *path.parents)}


def break_one(results: Path) -> None:
    forge(results / "bpm" / f"{HOUSE}.json", {"bpm": "fast"})


def test_the_other_tracks_of_a_library_go_on(results):
    break_one(results)
    tracks = {track.track: track for track in iterate_library(results)}
    assert len(tracks) == len(PATHS)
    failure = tracks[HOUSE].record.error
    assert not tracks[HOUSE].ok and failure is not None
    assert failure.type == "RecordError" and "bpm: not a number" in failure.message
    assert tracks[HOUSE].path == PATHS[0]


def test_the_table_lists_the_broken_record_and_goes_on(results, capsys):
    break_one(results)
    assert main(["table", str(results)]) == 0
    rows = {row["track"]: row for row in read_table(results)}
    assert rows[HOUSE]["status"] == "error" and "bpm: not a number" in rows[HOUSE]["error"]
    assert sum(row["status"] == "ok" for row in rows.values()) == len(PATHS) - 2
    assert "4 tracks, 2 failed" in capsys.readouterr().out
    assert HOUSE in (results / "failures.csv").read_text()


def test_the_summary_lists_the_broken_record(results, capsys):
    break_one(results)
    assert main(["summary", "--results", str(results)]) == 0
    said = capsys.readouterr().out
    assert "4 tracks, 2 analysed, 2 failed" in said and "bpm: not a number" in said


def test_an_export_counts_the_broken_record_and_goes_on(tmp_path, results, capsys):
    break_one(results)
    output = tmp_path / "c.xml"
    assert main(["export", "rekordbox", "--results", str(results), "--output", str(output)]) == 0
    assert "1 track left out: " in (said := capsys.readouterr().err) and "record" in said


@pytest.mark.parametrize("command", ["report", "evaluate"])
def test_page_and_evaluation_go_on(results, command, capsys):
    break_one(results)
    assert main([command, "--results", str(results)]) == 0
    assert "Traceback" not in capsys.readouterr().err


def test_a_record_cannot_make_the_page_ask_for_memory(results):
    forge(results / "bpm" / f"{HOUSE}.json", {"beats": [0, 1e11]})
    assert main(["report", "--results", str(results)]) == 0
    assert (results / "report" / "index.html").stat().st_size < 5e6


def calls_of(read: Callable[[Path], object], path: Path) -> int:
    """How many functions are called to read a record, Python's and those in C."""
    count = 0

    def note(frame: FrameType, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        read(path)
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.parametrize("read", [read_bpm, read_bpm_outline])
def test_checking_costs_little(tmp_path, read):
    """A few hundred calls, and no more for a record of an hour: beats are not looked at singly."""
    calls = []
    for number in (64, 64, 8000):  # the first reading makes what later ones use
        beats = tuple(round(0.25 + i * 60 / 128, 6) for i in range(number))
        record = replace(bpm_record(PATHS[0]), beats=beats, downbeats=beats[1::4])
        path = tmp_path / f"{number}.json"
        write_record(path, replace(record, duration=beats[-1] + 1))
        assert len(read_bpm(path).beats) == number
        calls.append(calls_of(read, path))
    assert calls[2] <= calls[1] < 500
