"""Command lines that answer a benchmark: run for each piece, and what their failures say."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path

import pytest
from dropgrid.base.errors import ConfigError
from dropgrid.synthetic_benchmark.make import MANIFEST
from dropgrid.synthetic_benchmark.submissions import answer, words

PIECES = ("a", "b", "c")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    pieces = [{"name": name, "file": f"{name} x.flac"} for name in PIECES]
    (tmp_path / MANIFEST).write_text(
        json.dumps({"schema": "dropgrid/benchmark", "schema_version": 1, "pieces": pieces})
    )
    (tmp_path / "audio").mkdir()
    for name in PIECES:
        (tmp_path / "audio" / f"{name} x.flac").write_text(name)
    return tmp_path


def python(code: str) -> str:
    return f"{shlex.quote(sys.executable)} -c {shlex.quote(code)} {{audio}} {{output}}"


def test_a_command_is_run_for_each_piece_and_what_failed_has_no_answer(folder: Path) -> None:
    """It copies the file, but fails on b after writing, and writes nothing of c."""
    code = (
        "import sys; text = open(sys.argv[1]).read(); "
        "text != 'c' and open(sys.argv[2], 'w').write(text); "
        "text == 'b' and sys.exit('first line\\nno such beat')"
    )
    reasons: list[str] = []
    stale = folder / "answers" / "mine" / "c.jams"
    stale.parent.mkdir(parents=True)
    stale.write_text("of an earlier run")
    output = answer(folder, "mine", python(code), 60.0, reasons.append)
    assert {path.name: path.read_text() for path in output.iterdir()} == {"a.jams": "a"}
    assert reasons == [
        "mine: 1 of 3: a: answered",
        "mine: 2 of 3: b: failed with 1: no such beat",
        "mine: 3 of 3: c: wrote nothing",
    ]


def test_a_command_that_takes_too_long_is_ended(folder: Path) -> None:
    reasons: list[str] = []
    answer(folder, "slow", python("import time; time.sleep(600)"), 0.05, reasons.append)
    assert [line.partition(": ")[2][8:] for line in reasons] == [
        f"{name}: took longer than 0.05 s" for name in PIECES
    ]


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("run {audio}", r"\{output\} is missing"), ("run {output}", r"\{audio\} is missing"),
        ("run '{audio} {output}", "No closing quotation"),
    ],
)  # fmt: skip
def test_a_command_line_without_its_places_is_refused(command: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        words(command)


def test_a_command_that_cannot_be_run_is_named(folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"/no/such/program cannot be run \(No such file"):
        answer(folder, "none", "/no/such/program {audio} {output}", 9.0, lambda _: None)
