"""An invalid file of corrections is one clear line, in every command that reads it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from dropgrid.apply_corrections import document
from dropgrid.apply_corrections.document import Document
from dropgrid.apply_corrections.model import Correction, InvalidCorrection, number, text
from dropgrid.base import strict_json
from open_workbench import opened

SONG = "other.ogg"


def of(statements: str, path: str = SONG) -> bytes:
    return (
        '{"schema": "dropgrid/corrections", "schema_version": 1, '
        f'"tracks": {{"{path}": {statements}}}}}'
    ).encode()


ATTACKS = {
    "half a character in a note": (of('{"note": "a\\ud800b"}'), "half a character"),
    "half a character in a field of later": (of('{"later": ["\\udfff"]}'), "half a character"),
    "half a character in a path": (of('{"bpm": 120}', "a\\ud800.ogg"), "half a character"),
    "400 digits": (of(f'{{"bpm": {"1" * 400}}}'), "a number of 400 digits"),
    "5000 digits": (of(f'{{"bpm": {"1" * 5000}}}'), "a number of 5000 digits"),
    "beyond all numbers": (of('{"bpm": 1e400}'), "beyond all numbers"),
    "NaN": (of('{"bpm": NaN}'), "NaN is no number"),
    "NaN in a field of later": (of('{"later": [-Infinity]}'), "-Infinity is no number"),
    "900 deep": (of('{"later": ' + "[" * 900 + "]" * 900 + "}"), "nested deeper than"),
    "100,000 deep": (of('{"later": ' + "[" * 10**5 + "]" * 10**5 + "}"), "nested too deep"),
    "a track twice": (of(f'{{"bpm": 120}}, "{SONG}": {{"bpm": 60}}'), f"'{SONG}' stands there"),
    "a field twice": (of('{"bpm": 120, "bpm": 60}'), "'bpm' stands there twice"),
    "a byte of no text": (of('{"note": "x"}').replace(b"x", b"\xff"), "not UTF-8"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory, songs, dropgrid) -> Path:
    folder = tmp_path_factory.mktemp("stated")
    (folder / "music").mkdir()
    shutil.copy(songs / SONG, folder / "music")
    done = dropgrid("run", folder / "music", "--results", folder / "results", "analysis")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize("name", ATTACKS)
def test_such_a_file_is_one_line_that_names_it_and_stays_as_it_is(folder, tmp_path, name):
    data, reason = ATTACKS[name]
    file = tmp_path / "stated.json"
    file.write_bytes(data)
    ours = ["--results", str(folder / "results"), "--corrections", str(file)]
    for words in (
        ["correct", SONG, *ours, "--half"],
        ["correct", *ours, "--list"],
        ["open", *ours, "--no-browser"],
    ):
        command = [sys.executable, "-m", "dropgrid", *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=600)
        assert done.returncode == 2, (words[0], done.stderr)
        assert len(done.stderr.splitlines()) == 1, (words[0], done.stderr)
        assert str(file) in done.stderr and reason in done.stderr
    assert file.read_bytes() == data


@pytest.mark.slow
def test_a_run_says_the_same_of_each_such_file_and_changes_no_record(folder, tmp_path, dropgrid):
    record = next((folder / "results" / "bpm").iterdir())
    before = record.read_bytes()
    for name in ("half a character in a note", "400 digits", "900 deep", "a track twice"):
        data, reason = ATTACKS[name]
        file = tmp_path / "stated.json"
        file.write_bytes(data)
        done = dropgrid("run", folder / "music", "--results", folder / "results", "analysis",
                        "--config", f"corrections={file}")  # fmt: skip
        assert done.returncode == 1 and "Traceback" not in done.stderr
        [line] = [line for line in done.stderr.splitlines() if reason in line]
        assert line.startswith("dropgrid: ") and str(file) in line
        assert (record.read_bytes(), file.read_bytes()) == (before, data)


def test_the_page_is_refused_what_the_file_may_not_hold(folder, tmp_path):
    file = tmp_path / "stated.json"
    with opened(folder / "results", "--corrections", str(file)) as workbench:
        [track] = [row["id"] for row in workbench.json("api/library")["tracks"]]
        for body, reason in (
            (b'{"edits": [{"op": "note", "note": "\\ud800"}]}', "half a character"),
            (b'{"edits": [{"op": "bpm", "bpm": ' + b"1" * 400 + b"}]}", "400 digits"),
            (b'{"edits": [{"op": "half", "op": "double"}]}', "twice"),
            (b'{"edits": [' + b"[" * 900 + b"]" * 900 + b"]}", "nested deeper"),
        ):
            status, _, data = workbench.ask(f"api/tracks/{track}/edit", body)
            assert (status, reason in json.loads(data)["error"]) == (400, True), data
        assert not file.exists()
        assert workbench.json("api/library")["tracks"][0]["bpm"]


def test_tracks_with_undecodable_names_may_be_corrected(tmp_path):
    file = tmp_path / "stated.json"
    stated = Document({"ca\udcff.flac": Correction(bpm=120.0)})
    file.write_bytes(document.to_bytes(stated))
    assert document.read(file) == stated
    for path in ("a\ud800", "a\udc00"):
        assert not strict_json.is_name(path)


def test_invalid_numbers_and_texts_are_refused_whatever_their_source():
    for value in (10**400, -(10**400), float("nan"), float("inf"), True, "1", None):
        with pytest.raises(InvalidCorrection):
            number(value, "bpm", 20, 400)
    for value in ("\ud800", "a\udcff", 1, None):
        with pytest.raises(InvalidCorrection):
            text(value, "note")
    assert text("\U0001f3b5 ü", "note") == "\U0001f3b5 ü"


def test_what_json_has_is_read():
    for value in ({}, [], "", "é\U0001f3b5", 1, -(10**18), 1.5, 1e300, None, True, [{"a": [1]}]):
        assert strict_json.loads(json.dumps(value).encode()) == value
        assert strict_json.loads(json.dumps(value, ensure_ascii=False).encode()) == value
