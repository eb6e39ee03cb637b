"""The hints at the end of a run: the page, tracks to check, outputs that were not made."""

from __future__ import annotations

import csv
import os
import shlex
from collections.abc import Mapping
from pathlib import Path

from ..base.csv_tables import read_csv
from ..base.optional_packages import has, lacking
from ..base.text import counted
from ..results.layout import Results
from ..results.table import NO_PARQUET, has_parquet
from ..results.to_check import tracks_to_check


def next_steps(results: Path, environ: Mapping[str, str] = os.environ) -> str:
    """A few lines for users about the page and the table, if they exist."""
    files = Results(results)
    lines = []
    if files.table.exists():
        if count := tracks_to_check(results):
            lines.append(f"{counted(count, 'track')} to check; for the reasons: dropgrid list")
        if not has_parquet():
            lines.append(NO_PARQUET)
    if files.evaluation.exists() and not has("matplotlib"):
        lines.append(lacking("a plot of the evaluation", "matplotlib"))
    lines += _page(files, environ)
    return "\n".join(lines)


def nothing_to_do(results: Path | None, environ: Mapping[str, str] = os.environ) -> str:
    """A few lines for users after a run that found everything up to date.

    results: None if unknown.
    """
    lines = ["dropgrid: nothing to do: everything is up to date"]
    if results is not None:
        files = Results(results)
        if failed := _failed(files):
            table = as_typed(files.failures, environ)
            lines.append(f"{counted(failed, 'track')} failed in an earlier run, see {table}")
        lines += _page(files, environ)
    return "\n".join(lines)


def _page(files: Results, environ: Mapping[str, str]) -> list[str]:
    """How to open the page, if it exists."""
    if not files.page.exists():
        return []
    folder = str(as_typed(files.folder, environ))
    typed = "" if folder == "results" else f" --results {shlex.quote(folder)}"
    page = as_typed(files.page, environ)
    return [f"open {page} in a browser, or type: dropgrid open{typed}"]


def _failed(files: Results) -> int:
    """How many tracks failed according to the table of failures; 0 without a table."""
    try:
        return len({row["track"] for row in read_csv(files.failures)})
    except (OSError, ValueError, csv.Error):
        return 0


def as_typed(path: Path, environ: Mapping[str, str] = os.environ) -> Path:
    """A path as the user would type it in the folder of the command."""
    return Path(path_to_type(path, environ.get("PWD", "")))


def path_to_type(path: Path, folder: str) -> str:
    """A path to type in a folder: relative if it is below the folder, else absolute."""
    whole = Path(os.path.abspath(path))
    if os.path.isabs(folder) and whole.is_relative_to(folder):
        return str(whole.relative_to(folder))
    return str(whole)
