"""Removes files that a system crash left incomplete, so that the next run writes them again.

Every file is written under a temporary name, flushed to disk and then renamed, so an incomplete
file should never appear. Some file systems break this guarantee when power fails: files are then
empty, filled with zeros or truncated. The end of each dropgrid format shows whether a file is
complete.
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
    """Delete broken outputs and old temporary files below results; return the deleted paths.

    temporary: False if jobs may be running, because they need their temporary files.
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
    """Whether a path is an output of a track's stages."""
    owned = OWNED.get(path.parent.name)
    there = path.parent.parent.resolve() == results.resolve()
    return there and owned is not None and owned.fullmatch(path.name) is not None


def is_whole(path: str) -> bool:
    """Whether the end of a dropgrid file matches its format; True if the file cannot be read.

    Uses plain system calls, because a large library has hundreds of thousands of files.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            size = os.fstat(descriptor).st_size
            tail = os.pread(descriptor, ARCHIVE_TAIL, max(0, size - ARCHIVE_TAIL))
        finally:
            os.close(descriptor)
    except OSError:
        return True  # the code that needs the file reports the error
    suffix = os.path.splitext(path)[1]
    end = FORMATS[suffix].end
    return tail.startswith(end) if suffix == ".npz" else tail.endswith(end)


def _files(folder: Path) -> Iterator[tuple[str, str]]:
    """The names of the files in a folder, with their paths."""
    with suppress(OSError), os.scandir(folder) as listing:
        for entry in listing:
            if entry.is_file(follow_symlinks=False):
                yield entry.name, entry.path
