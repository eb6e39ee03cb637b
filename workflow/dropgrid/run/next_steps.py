"""What a person needs next when a run has ended: the page, what to check, what was not made."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

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
    if files.page.exists():
        lines.append(f"open {seen_from(files.page, environ.get('PWD', ''))}")
    return "\n".join(lines)


def seen_from(path: Path, folder: str) -> str:
    """A path as it is typed in a folder: relative below it, absolute elsewhere."""
    whole = Path(os.path.abspath(path))
    if os.path.isabs(folder) and whole.is_relative_to(folder):
        return str(whole.relative_to(folder))
    return str(whole)
