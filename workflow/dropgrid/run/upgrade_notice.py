"""After an upgrade or a changed option: one line on what will be made again, why, and what stays.

What decides is what the stages are given (dropgrid.stages.stage_options): their options, and the
versions of what they write. Records of an older version of dropgrid stay good where those are the
same.
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
    """Note by which version of dropgrid the results are. Raises OSError, LibraryError."""
    values = {"schema": SCHEMA, "schema_version": SCHEMA_VERSION, "version": version}
    write_owned(Results(results).options("version"), json_lines(values))


def noted_version(results: Path) -> str | None:
    """The version of dropgrid that ran last on results, or else made them; None: not known."""
    path = Results(results).options("version")
    try:
        version = parse_document(read_bytes(path), SCHEMA, path).get("version")
    except RecordError:
        version = made_by(results)
    return version if isinstance(version, str) and len(version) < 40 else None


def upgrade_lines(results: Path, options: Mapping[str, Any], tracks: int) -> str | None:
    """The line; None where the version is that of the last run and no option has changed.

    options: of each stage, now; tracks: how many the last run had.
    """
    changed = changed_options(results, options)
    before = noted_version(results)
    is_new = before is not None and before != __version__
    if not tracks or not (changed or is_new):
        return None
    whose = f"{tracks} {'track' if tracks == 1 else 'tracks'} by dropgrid {before or __version__}"
    here = f", here is {__version__}" if is_new else ""
    anew = {stage: _why(results, stage, changed, options) for stage in STAGES}
    parts = [f"{stage} {why}" for stage, why in anew.items() if why]
    kept = [stage for stage, why in anew.items() if not why]
    made = "nothing has to be made again; "
    if parts:
        made = f"will be made again: {', '.join(parts)}; "
    return f"{whose}{here}: {made}kept: {', '.join(kept) or 'nothing'}"


def _why(
    results: Path, stage: str, changed: Mapping[str, list[str]], options: Mapping[str, Any]
) -> str | None:
    """Why a stage is run again, in brackets: its own options, or what it reads; None if not."""
    if stage in changed:
        before, now = noted_options(results, stage) or {}, options.get(stage, {})
        each = (f"{name} {before.get(name)} -> {now.get(name)}" for name in changed[stage])
        return f"({', '.join(each)})"
    follows = [name for name in STAGES[stage].inputs if name in STAGES]
    again = [name for name in follows if _why(results, name, changed, options)]
    return f"(follows {again[0]})" if again else None
