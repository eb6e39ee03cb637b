r"""The CSV files that dropgrid writes and reads again: the same rows in every program.

A field with a line break of any kind is quoted. Two things are written otherwise than they are,
so that nothing is lost or run on the way, and `read_csv` takes both back:

    a text that a spreadsheet would take for a formula (it begins with = + - @, a tab or a carriage
    return, and is no number) gets an apostrophe before it, as does one that has some already;
    a byte of a file name that is not UTF-8 is written \udcXX, and the backslashes before what
    looks like that, but is part of the name, are doubled (dropgrid.base.text.encodable).
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from .text import decodable, encodable

FORMULA = re.compile(r"'*[=+\-@\t\r]")
NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?(e[+-]?[0-9]+)?")
SPECIAL = re.compile(r"^'*[=+\-@\t\r]|[\ud800-\udfff\r]|\\ud")  # in few texts: look closer


def csv_bytes(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    """A table as UTF-8, lines ended by LF; None is an empty field."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        special = [type(cell) is str and SPECIAL.search(cell) is not None for cell in row]
        if not any(special):
            writer.writerow(row)
            continue
        cells = [as_cell(cell) if s else cell for cell, s in zip(row, special, strict=True)]
        stream.write(",".join(map(_field, cells)) + "\n")
    return stream.getvalue().encode("utf-8")


def read_csv(path: Path) -> list[dict[str, str]]:
    """The rows of what csv_bytes made, by column. Raises OSError, ValueError, csv.Error."""
    return parse_csv(path.read_bytes())


def parse_csv(data: bytes) -> list[dict[str, str]]:
    """The rows of these bytes of csv_bytes, by column. Raises ValueError, csv.Error."""
    lines = csv.reader(io.StringIO(data.decode("utf-8"), newline=""))
    names = next((line for line in lines if line), [])
    rows = (line + [""] * (len(names) - len(line)) for line in lines if line)
    return [dict(zip(names, map(from_cell, line), strict=False)) for line in rows]


def as_cell(text: str) -> str:
    """A text as it is written: no formula, no undecodable byte."""
    text = encodable(text)
    return f"'{text}" if FORMULA.match(text) and not NUMBER.fullmatch(text) else text


def from_cell(text: str) -> str:
    """The text of which as_cell made this one."""
    if text[:1] == "'" and FORMULA.match(text):
        text = text[1:]
    return decodable(text)


def _field(cell: Any) -> str:
    """A cell as a field, quoted where it must be: csv.writer leaves a lone CR bare."""
    text = "" if cell is None else str(cell)
    if any(character in text for character in ',"\r\n'):
        return '"' + text.replace('"', '""') + '"'
    return text
