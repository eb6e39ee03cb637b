"""Reads results/duplicates.csv without NumPy, which only the search for duplicates needs."""

from __future__ import annotations

from collections import defaultdict
from contextlib import suppress
from pathlib import Path

from ..base.csv_tables import read_csv
from .layout import Results


def read_duplicates(results: Path) -> dict[str, list[str]]:
    """The paths of the other tracks of the group, by track; empty if there was no search."""
    groups: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    with suppress(OSError, ValueError, KeyError):
        for row in read_csv(Results(results).duplicates):
            groups[row["group"]].append((row["track"], row["path"]))
    return {
        track: [path for other, path in group if other != track]
        for group in groups.values()
        for track, _ in group
    }
