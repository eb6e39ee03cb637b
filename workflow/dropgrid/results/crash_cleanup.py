"""Removing what a crash of the machine left half written, so that the next run makes it again.

Everything here is written under another name, forced to disk and then renamed, so half a file
should never be met. Some file systems break that promise when the power goes: files are then
empty, filled with zeros or cut short. Each of our formats ends in a way that shows it whole.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from .artefacts import FORMATS, MARK, renamed
from .ownership import looks_owned

OWNED = renamed()  # nothing else is looked at
TEMPORARY = re.compile(r"\.(.+)\.\d+\.tmp")  # as dropgrid.base.files names them
ARCHIVE_TAIL = 22  # bytes that end a ZIP archive without a comment, from this signature on:


def remove_broken_files(results: Path, temporary: bool = True) -> list[Path]:
    """Delete broken outputs and left-over temporary files below results; those deleted.

    temporary: False where jobs may be running, which need theirs.
    """
    removed = []
    for folder, owned in OWNED.items():
        for name, path in _files(results / folder):
            broken = owned.fullmatch(name) and not is_whole(path) and looks_owned(path)
            left = TEMPORARY.fullmatch(name)
            known = left and (owned.fullmatch(left[1]) or left[1] == MARK)
            ended = known and left and looks_owned(path, left[1])
            if broken or (temporary and ended):
                with suppress(OSError):
                    os.unlink(path)
                    removed.append(Path(path))
    return removed


def is_output(path: Path, results: Path) -> bool:
    """Whether a path is one of what the stages of tracks write."""
    owned = OWNED.get(path.parent.name)
    there = path.parent.parent.resolve() == results.resolve()
    return there and owned is not None and owned.fullmatch(path.name) is not None


def is_whole(path: str) -> bool:
    """Whether a file of dropgrid's ends as its format does; True if it cannot be read at all.

    Plain system calls: a large library has hundreds of thousands of files.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            size = os.fstat(descriptor).st_size
            tail = os.pread(descriptor, ARCHIVE_TAIL, max(0, size - ARCHIVE_TAIL))
        finally:
            os.close(descriptor)
    except OSError:
        return True  # whoever needs it will say why
    suffix = os.path.splitext(path)[1]
    end = FORMATS[suffix].end
    return tail.startswith(end) if suffix == ".npz" else tail.endswith(end)


def _files(folder: Path) -> Iterator[tuple[str, str]]:
    """The names of the files in a folder, with their paths."""
    with suppress(OSError), os.scandir(folder) as listing:
        for entry in listing:
            if entry.is_file(follow_symlinks=False):
                yield entry.name, entry.path
