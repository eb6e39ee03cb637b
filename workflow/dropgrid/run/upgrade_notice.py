"""One line after an upgrade or a changed option: which stages run again and why, what stays valid.

This depends on the arguments of the stages (dropgrid.stages.stage_options): their options, and the
versions of their records. If these are the same, records of an older version of dropgrid stay
valid.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .. import __version__
from ..base.errors import RecordError
from ..base.json_documents import SCHEMA_VERSION, json_lines, parse_document, read_bytes
from ..results.layout import Results
from ..results.ownership import made_by, write_owned
from ..stages import STAGES
from .staleness import changed_options, noted_options

SCHEMA = "dropgrid/version"


def note_version(results: Path, version: str = __version__) -> None:
    """Store the version of dropgrid that makes the results. Raises OSError, LibraryError."""
    values = {"schema": SCHEMA, "schema_version": SCHEMA_VERSION, "version": version}
    write_owned(Results(results).options("version"), json_lines(values))


def noted_version(results: Path) -> str | None:
    """The version of dropgrid that ran last on results, or that made them; None if unknown."""
    path = Results(results).options("version")
    try:
        version = parse_document(read_bytes(path), SCHEMA, path).get("version")
    except RecordError:
        version = made_by(results)
    return version if isinstance(version, str) and len(version) < 40 else None


def upgrade_lines(results: Path, options: Mapping[str, Any], tracks: int) -> str | None:
    """The line; None if neither the version nor an option has changed since the last run.

    options: of each stage, now; tracks: how many the last run had.
    """
    changed = changed_options(results, options)
    before = noted_version(results)
    is_new = before is not None and before != __version__
    if not tracks or not (changed or is_new):
        return None
    made_by_version = (
        f"{tracks} {'track' if tracks == 1 else 'tracks'} by dropgrid {before or __version__}"
    )
    this = f", this is {__version__}" if is_new else ""
    reasons = {stage: _why(results, stage, changed, options) for stage in STAGES}
    parts = [f"{stage} {why}" for stage, why in reasons.items() if why]
    valid = [stage for stage, why in reasons.items() if not why]
    again = f"stages to run again: {', '.join(parts) or 'none'}"
    return f"{made_by_version}{this}: {again}; still valid: {', '.join(valid) or 'nothing'}"


def _why(
    results: Path, stage: str, changed: Mapping[str, list[str]], options: Mapping[str, Any]
) -> str | None:
    """Why a stage runs again, in brackets: its own options, or an input; None if it does not."""
    if stage in changed:
        before, now = noted_options(results, stage) or {}, options.get(stage, {})
        each = (f"{name} {before.get(name)} -> {now.get(name)}" for name in changed[stage])
        return f"({', '.join(each)})"
    follows = [name for name in STAGES[stage].inputs if name in STAGES]
    again = [name for name in follows if _why(results, name, changed, options)]
    return f"(follows {again[0]})" if again else None
