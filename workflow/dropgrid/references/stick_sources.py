"""Which song of the library each copy on a stick is: dropgrid's own mark on the stick says it.

A stick that others made has no mark; its songs are then found by their file names.
"""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

from ..base.files import read_regular

MOST = 64 * 2**20  # bytes of a mark


def read(mark: Path) -> dict[str, str]:
    """Paths in the library by the paths that a stick's database has; {} without a mark."""
    found: dict[str, str] = {}
    with suppress(OSError, ValueError, TypeError, KeyError, AttributeError):
        known = json.loads(read_regular(mark, MOST))
        for path, facts in [*known.get("tracks", {}).items(), *known["files"].items()]:
            if isinstance(facts, dict) and isinstance(facts.get("source"), str):
                found[path] = facts["source"]
    return found
