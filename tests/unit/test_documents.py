"""The documents keep to the program: links, commands and targets in them exist."""

from __future__ import annotations

import dataclasses
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from dropgrid.commands.main import COMMANDS, parser_of
from dropgrid.records.model import (
    Alternative,
    BpmRecord,
    Confidences,
    GridRegion,
    KeyAlternative,
    KeyRecord,
    KeySegment,
    Loudness,
    Section,
    StructureRecord,
    TrackFailure,
)
from dropgrid.results.table import COLUMNS, FAILURE_COLUMNS
from dropgrid.run.command_line import check
from dropgrid.run.launch import OWN
from snakemake_logger_plugin_dropgrid.options import options

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), ROOT / "config/README.md"])
OWN_COMMAND = re.compile(r"dropgrid ([a-z]+( .+|$))")
RULES = {
    name
    for file in (ROOT / "workflow" / "rules").glob("*.smk")
    for name in re.findall(r"^rule (\w+):", file.read_text(), re.MULTILINE)
} | {"all"}


def commands(text: str) -> Iterator[str]:
    """The calls of dropgrid in the shell blocks and the code spans of a document."""
    text = re.sub(r"\s*\n\s*", lambda m: "\n" if m[0].count("\n") > 1 else m[0], text)
    for span in re.findall(r"`([^`]+)`", text.replace("```", "\0")):
        if found := OWN_COMMAND.match(" ".join(span.split())):
            yield found[1]
    for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL):
        for line in block.splitlines():
            if found := OWN_COMMAND.match(line.partition("#")[0].strip()):
                yield found[1]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    for link in re.findall(r"\]\(([^)#]+)[^)]*\)", path.read_text()):
        assert link.startswith("http") or (path.parent / link).exists(), link


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_commands_are_understood(path: Path) -> None:
    for command in commands(path.read_text()):
        words = shlex.split(command)
        assert words[0] in COMMANDS, command
        if "FORMAT" in command or len(words) == 1:
            continue  # a name in running text
        if words[0] == "run":  # the rest is Snakemake's, which is asked
            check(words[1:], {**options(), **OWN})
            continue
        try:
            parser_of(words).parse_args(words)
        except SystemExit:
            pytest.fail(f"{path.name}: dropgrid {command}")


def test_the_readme_is_short_and_its_targets_exist() -> None:
    text = (ROOT / "README.md").read_text()
    assert len(text.splitlines()) <= 150
    for target in re.findall(r"snakemake --cores \d+ (\w+)`", text):
        assert target in RULES, target


def test_every_field_of_a_record_and_every_column_is_documented() -> None:
    text = (ROOT / "docs" / "records.md").read_text() + (ROOT / "docs" / "key.md").read_text()
    named = set(re.findall(r"`([a-z0-9_]+)`", text))
    kinds = (BpmRecord, StructureRecord, KeyRecord, Section, GridRegion, Alternative, Confidences,
             Loudness, KeySegment, KeyAlternative, TrackFailure)  # fmt: skip
    fields = {field.name for kind in kinds for field in dataclasses.fields(kind)}
    assert fields | set(COLUMNS) | set(FAILURE_COLUMNS) <= named


def test_one_form_of_command_throughout() -> None:
    for path in DOCUMENTS:
        reported = set(re.findall(r"\.venv/bin/\w+", path.read_text()))
        assert reported <= {".venv/bin/activate"}, path.name


def test_the_files_that_architecture_names_are_there() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    table = text[text.index("## Where would you change") :].partition("\n## What we")[0]
    named = re.findall(r"`([\w/]+\.(?:py|js))`", table)
    assert len(named) >= 10
    package = ROOT / "workflow" / "dropgrid"
    assert [name for name in named if not (package / name).is_file()] == []
