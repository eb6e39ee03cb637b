"""Reads lists of tracks: M3U and M3U8 as players and `dropgrid set` write them, text, CSV."""

from __future__ import annotations

import csv
from pathlib import Path

from ..base.errors import ConfigError
from ..base.files import read_regular

MAX_BYTES = 16 * 2**20  # of a list


def read_list(path: Path) -> list[str]:
    """The paths in a playlist: M3U8, text with one path per line, or CSV with a column path.

    Raises ConfigError, OSError.
    """
    try:
        text = read_regular(path, MAX_BYTES).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 text ({error.reason})") from error
    if path.suffix.lower() in (".csv", ".tsv"):
        return _column(path, text)
    lines = (line.strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def _column(path: Path, text: str) -> list[str]:
    rows = csv.DictReader(text.splitlines(), delimiter="\t" if path.suffix == ".tsv" else ",")
    if "path" not in (rows.fieldnames or ()):
        raise ConfigError(f"{path}: has no column path")
    return [row["path"] for row in rows if row["path"]]
