"""The table of fields in docs/dj.md says what readers of other projects find today."""

from __future__ import annotations

import importlib.util
from pathlib import Path

DOCS = Path(__file__).resolve().parents[3] / "docs"


def test_the_page_says_what_the_readers_find() -> None:
    spec = importlib.util.spec_from_file_location("make_fields", DOCS / "make_fields.py")
    assert spec is not None and spec.loader is not None
    maker = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(maker)
    rows = [line.split("|")[1:-1] for line in maker.PAGE.read_text("utf-8").splitlines()]
    at = next(i for i, row in enumerate(rows) if [c.strip() for c in row[1:]] == [*maker.READERS])
    page = {row[0].strip(): [c.strip() for c in row[1:]] for row in rows[at + 2 :] if row}
    measured = maker.measured()
    assert {"Traktor", "Serato", "VirtualDJ", "stick (CDJ)"} <= measured.keys()
    for program, cells in measured.items():
        column = [*maker.READERS].index(program)
        said = {row: page[row][column] for row in cells}
        assert said == cells, "run: python docs/make_fields.py --write"
