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

# Folder -> names of what we write there; nothing else in it is looked at.
TRACK = r"[a-z0-9-]+-[0-9a-f]{8}"
OURS = {
    "features": re.compile(TRACK + r"\.npz"),
    "bpm": re.compile(TRACK + r"\.json"),
    "structure": re.compile(TRACK + r"\.json"),
    "evaluation": re.compile(r"(bpm|beats|structure)\.json"),
    ".": re.compile(r"library\.csv|failures\.csv|library\.parquet"),
}
TEMPORARY = re.compile(r"\..+\.\d+\.tmp")  # as dropgrid.files names them
ARCHIVE_TAIL = 22  # bytes that end a ZIP archive without a comment, from this signature on:
ENDS = {".npz": b"PK\x05\x06", ".json": b"}\n", ".csv": b"\n", ".parquet": b"PAR1"}


def mend(results: Path, temporary: bool = True) -> list[Path]:
    """Delete broken outputs and left-over temporary files below results; those deleted.

    temporary: False where jobs may be running, which need theirs.
    """
    removed = []
    for folder, ours in OURS.items():
        for path in _files(results / folder):
            broken = ours.fullmatch(path.name) and not is_whole(path)
            if broken or (temporary and TEMPORARY.fullmatch(path.name)):
                with suppress(OSError):
                    path.unlink()
                    removed.append(path)
    return removed


def is_whole(path: Path) -> bool:
    """Whether a file of ours ends as its format does; True if it cannot be read at all."""
    try:
        with path.open("rb") as stream:
            stream.seek(max(0, stream.seek(0, os.SEEK_END) - ARCHIVE_TAIL))
            tail = stream.read()
    except OSError:
        return True  # whoever needs it will say why
    end = ENDS[path.suffix]
    return tail.startswith(end) if path.suffix == ".npz" else tail.endswith(end)


def _files(folder: Path) -> Iterator[Path]:
    with suppress(OSError), os.scandir(folder) as listing:
        for entry in listing:
            if entry.is_file(follow_symlinks=False):
                yield Path(entry.path)
