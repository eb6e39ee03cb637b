"""Find and delete cached data of tracks that are no longer in the library.

The data are a cache: a file that returns to the library, at any path, is recognised and not
analysed. Only files whose content shows that dropgrid wrote them are deleted, whatever their name.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..jobs.usage_log import read_use
from ..records.ticket import TRACK_ID
from .artefacts import ARTEFACTS
from .crash_cleanup import is_whole
from .layout import Results
from .ownership import is_owned, looks_owned
from .scan_store import read_scan

CACHED = ARTEFACTS["cache"].name


@dataclass(frozen=True)
class LeftOver:
    """A file that no track in the library needs. track: its track id, None in the cache."""

    path: Path
    track: str | None
    size: int


def departed(results: Path) -> set[str]:
    """The ids that have records but are no longer in the library. Raises RecordError."""
    files, there = Results(results), set(read_scan(results)["tracks"])
    return {track for kind in files.kinds() for track in files.recorded(kind)} - there


def left_over(results: Path) -> list[LeftOver]:
    """Files of departed tracks, and features that no track uses. Raises RecordError."""
    there = set(read_scan(results)["tracks"])
    return sorted(_of_tracks(Results(results), there), key=lambda left: left.path) + sorted(
        _in_cache(Results(results), there), key=lambda left: left.path
    )


def remove(found: list[LeftOver]) -> int:
    """Delete the files that dropgrid still owns; return the number of bytes. Raises OSError."""
    freed = 0
    for left in found:
        if _is_owned(left.path):
            left.path.unlink(missing_ok=True)
            freed += left.size
    return freed


def empty_cache(results: Path) -> None:
    """Delete all features in the cache. Raises OSError."""
    for entry in _entries(Results(results).cache):
        if CACHED.fullmatch(entry.name) and looks_owned(entry.path):
            os.unlink(entry.path)


def _of_tracks(files: Results, there: set[str]) -> Iterator[LeftOver]:
    folders = {
        folder
        for artefact in ARTEFACTS.values()
        if artefact.of_track
        for folder in files.folder.glob(artefact.folder.replace("{any}", "*"))
    }
    for folder in sorted(folders):
        for entry in _entries(folder):
            track = os.path.splitext(entry.name)[0]
            path = Path(entry.path)
            if TRACK_ID.fullmatch(track) and track not in there and _is_owned(path):
                yield LeftOver(path, track, entry.stat(follow_symlinks=False).st_size)


def _in_cache(files: Results, there: set[str]) -> Iterator[LeftOver]:
    """Cached features that no track uses, or only a track that is no longer in the
    library."""
    kept = set()
    for track in there:
        with suppress(OSError):
            kept.add(files.features(track).stat().st_ino)
    for entry in _entries(files.cache):
        status = entry.stat(follow_symlinks=False)
        if CACHED.fullmatch(entry.name) and status.st_ino not in kept:
            path = Path(entry.path)
            if _is_owned(path):
                yield LeftOver(path, None, status.st_size if status.st_nlink == 1 else 0)


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    with suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder) as listing:
        yield from (e for e in listing if e.is_file(follow_symlinks=False))


def _is_owned(path: Path) -> bool:
    """Whether the content of a file shows that dropgrid wrote it."""
    if path.suffix == ".log":
        return not path.is_symlink() and bool(read_use(path))
    if path.suffix == ".json":
        schemas = (a.schema for a in ARTEFACTS.values() if a.of_track)
        return any(is_owned(path, schema) for schema in schemas if schema)
    return path.suffix == ".npz" and looks_owned(str(path)) and is_whole(str(path))
