"""Maps the copies on a stick to the songs of the library, with dropgrid's mark on the stick.

A stick written by another program has no mark; its songs are then matched by file name.
"""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

from ..base.files import read_regular

MOST = 64 * 2**20  # bytes of a mark


def read(mark: Path) -> dict[str, str]:
    """Paths in the library by the paths in the stick's database; {} without a mark."""
    found: dict[str, str] = {}
    with suppress(OSError, ValueError, TypeError, KeyError, AttributeError):
        known = json.loads(read_regular(mark, MOST))
        for path, facts in [*known.get("tracks", {}).items(), *known["files"].items()]:
            if isinstance(facts, dict) and isinstance(facts.get("source"), str):
                found[path] = facts["source"]
    return found
