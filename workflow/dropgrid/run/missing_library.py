"""Refuse a library that is suddenly empty: its disk is probably not mounted.

The mount point of a disk exists without the disk too, and is empty. A run on it would empty the
table of the library and rewrite its page.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from ..base.errors import LibraryError, RecordError
from ..library import LIST_SUFFIXES, Scan, expanded
from ..records.ticket import read_ticket
from ..results.layout import Results
from ..results.scan_store import read_scan


def refuse_vanished(found: Scan, sources: Sequence[str], results: Path) -> None:
    """Raise LibraryError if a library, or one of its folders, has no audio now but had some.

    A library without any audio is always refused: there is nothing to do. sources: as in the
    configuration; results: of the last run, if there was one.
    """
    there = [track.file for track in found.tracks if track.size >= 0]
    empty = [source for source in sources if not _has_any(source, there)]
    if there and not empty:
        return
    before = list(_files_of_last_run(results))
    if not there and (before or not found.tracks):
        raise LibraryError(_refusal(", ".join(map(str, sources)), len(before)))
    for source in empty:
        if missing := sum(file.startswith(_below(source)) for file in before):
            raise LibraryError(_refusal(source, missing))


def _refusal(source: str, before: int) -> str:
    last = f" (last run: {before} {'track' if before == 1 else 'tracks'})" if before else ""
    hint = "is its disk mounted? " if before else ""
    return (
        f"library: no audio in {source}{last}; {hint}"
        "--allow-empty accepts it (in a configuration: allow_empty: true)"
    )


def _has_any(source: str, files: Sequence[str]) -> bool:
    """Whether any of the files is below a source; for a list this is unknown, and assumed."""
    is_list = Path(source).suffix.lower() in LIST_SUFFIXES
    return is_list or any(file.startswith(_below(source)) for file in files)


def _below(source: str) -> str:
    """The prefix of the path of every file below a folder."""
    return os.path.join(os.path.abspath(expanded(str(source), "library")), "")


def _files_of_last_run(results: Path) -> Iterator[str]:
    """The files of the last scan's tracks, except those that were missing then."""
    with suppress(RecordError):
        for track in read_scan(results)["tracks"]:
            with suppress(RecordError):
                ticket = read_ticket(Results(results).ticket(track))
                if ticket.size >= 0:
                    yield ticket.file
