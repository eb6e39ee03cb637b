"""The parts of its configuration that a run stores for later commands."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from ..base.errors import MissingRecord, RecordError
from ..base.json_documents import SCHEMA_VERSION, json_lines, parse_document, read_bytes
from ..references.collect import WORDS
from ..results.layout import Results
from ..results.ownership import write_owned

SCHEMA = "dropgrid/references-used"


def note_references(results: Path, references: Sequence[str]) -> None:
    """Note the references of a run, absolute, in options/references.json. Raises OSError."""
    paths = [name if name in WORDS else _absolute(name) for name in references]
    head = {"schema": SCHEMA, "schema_version": SCHEMA_VERSION}
    write_owned(Results(results).options("references"), json_lines({**head, "references": paths}))


def noted_references(results: Path) -> list[str]:
    """The references that the last run used; empty if not stored. Raises RecordError."""
    path = Results(results).options("references")
    try:
        names = parse_document(read_bytes(path), SCHEMA, path).get("references")
    except MissingRecord:
        return []
    if not isinstance(names, list) or not all(
        isinstance(name, str) and (name in WORDS or os.path.isabs(name)) and "\0" not in name
        for name in names
    ):
        raise RecordError(f"{path}: references: not a list of absolute paths")
    return names


def _absolute(name: str) -> str:
    return os.path.abspath(os.path.expanduser(name))
