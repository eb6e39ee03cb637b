"""What a person needs next when a run has ended: the page, what to check, what was not made."""

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
    """A few lines for people, about whatever of the page and the table there is."""
    files = Results(results)
    lines = []
    if files.table.exists():
        if count := tracks_to_check(results):
            lines.append(f"{counted(count, 'track')} to check; dropgrid list says why")
        if not has_parquet():
            lines.append(NO_PARQUET)
    if files.evaluation.exists() and not has("matplotlib"):
        lines.append(lacking("a plot of the evaluation", "matplotlib"))
    lines += _page(files, environ)
    return "\n".join(lines)


def nothing_to_do(results: Path | None, environ: Mapping[str, str] = os.environ) -> str:
    """A few lines for people after a run that found everything up to date.

    results: None where nothing is known of them.
    """
    lines = ["dropgrid: nothing to do: everything is up to date"]
    if results is not None:
        files = Results(results)
        if failed := _failed(files):
            table = as_typed(files.failures, environ)
            lines.append(f"{counted(failed, 'track')} failed in an earlier run: {table} says why")
        lines += _page(files, environ)
    return "\n".join(lines)


def _page(files: Results, environ: Mapping[str, str]) -> list[str]:
    """How to look at the page, if there is one."""
    if not files.page.exists():
        return []
    folder = str(as_typed(files.folder, environ))
    typed = "" if folder == "results" else f" --results {shlex.quote(folder)}"
    page = as_typed(files.page, environ)
    return [f"open {page} in a browser, or type: dropgrid open{typed}"]


def _failed(files: Results) -> int:
    """How many tracks failed, as the table of failures says; 0 if there is none."""
    try:
        return len({row["track"] for row in read_csv(files.failures)})
    except (OSError, ValueError, csv.Error):
        return 0


def as_typed(path: Path, environ: Mapping[str, str] = os.environ) -> Path:
    """A path as seen from the folder in which the command was typed."""
    return Path(seen_from(path, environ.get("PWD", "")))


def seen_from(path: Path, folder: str) -> str:
    """A path as it is typed in a folder: relative below it, absolute elsewhere."""
    whole = Path(os.path.abspath(path))
    if os.path.isabs(folder) and whole.is_relative_to(folder):
        return str(whole.relative_to(folder))
    return str(whole)
