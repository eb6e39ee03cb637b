"""Watch a library, and analyse new files once they are completely copied.

The watch compares snapshots of the library (`Look`), made by the same scan as a run's: the files,
their sizes and times of modification. It makes one when the system reports a change, and at
regular intervals for changes that no system reports (a network disk, a disk that was mounted
again). If two snapshots some seconds apart agree, nothing is being copied; if they differ from
that of the last run, a run starts. So missed reports do no harm: after a restart the first scan
finds the changes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

from ..base.errors import LibraryError
from ..library import AUDIO_SUFFIXES, LIST_SUFFIXES, expanded, scan

Look = frozenset[tuple[str, int, int]]  # path, size, time of modification
SETTLE = 5.0  # seconds in which nothing may change
EVERY = 300.0  # seconds between scans without a report from the system
LONGEST_COPY = 900.0  # seconds after which a run starts although files are still being copied
PAUSE, LONGEST_PAUSE = 60.0, 1800.0  # seconds before a run that failed is tried again
CHANGES = ("created", "modified", "moved", "deleted", "closed")  # of watchdog's events
OF_FOLDERS = ("created", "moved", "deleted")  # "modified" reports changes inside a folder


def look(sources: Sequence[str], results: str, exclude: str | Sequence[str] = ()) -> Look | None:
    """The present files of a library, without the excluded ones; None if it is unavailable."""
    try:
        found = scan(sources, apart=results, exclude=exclude)
    except (LibraryError, OSError):
        return None
    return frozenset((t.file, t.size, t.mtime_ns) for t in found.tracks)


@dataclass
class Watch:
    """The loop of `dropgrid watch`. look: make a snapshot; run: run the workflow and return its
    exit code; wait: for a number of seconds or until a change; rest: for a number of seconds;
    stopped: whether to end; say: print a line. settle, every: seconds, see SETTLE and EVERY."""

    look: Callable[[], Look | None]
    run: Callable[[], int]
    wait: Callable[[float], None]
    rest: Callable[[float], None]
    stopped: Callable[[], bool]
    say: Callable[[str], None]
    settle: float = SETTLE
    every: float = EVERY

    def __call__(self) -> None:
        """Run the workflow after each change, until `stopped`."""
        done: Look | None = None
        pause, unavailable = PAUSE, False
        while not self.stopped():
            now = self.settled(done)
            if self.stopped():
                return
            if now is None or (done and not now):
                if not unavailable:
                    self.say("library folder unavailable; waiting for it")
                unavailable = True
                self.wait(min(self.every, PAUSE))
                continue
            unavailable = False
            if now == done:
                self.wait(self.every)
                continue
            code = self.run()
            if self.stopped():
                return
            if code == 0:
                done, pause = now, PAUSE
                continue
            self.say(f"the run ended with exit code {code}; next attempt in {pause:.0f} s")
            self.rest(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def settled(self, done: Look | None) -> Look | None:
        """A snapshot unchanged for `settle` seconds; immediately if it equals `done`."""
        before, waited = self.look(), 0.0
        while before is not None and before != done and not self.stopped():
            self.rest(self.settle)
            waited += self.settle
            now = self.look()
            if now == before or waited >= LONGEST_COPY:
                return now
            before = now
        return before


class FolderWatcher:
    """Sets an event when the system reports a change below one of the folders.

    If the system sends no reports (no more watches available), only the regular scans find
    changes.
    """

    def __init__(self, sources: Sequence[str], results: str, changed: Event) -> None:
        self.folders = [(_folder(source), not _is_list(source)) for source in sources]
        self.results, self.changed = os.path.abspath(results), changed
        self._observer: Any = None
        self._of: list[tuple[int, int] | None] = []

    def open(self) -> str | None:
        """Start watching, again if a folder was replaced; return the reason if that fails."""
        of = [_inode_of(folder) for folder, _ in self.folders]
        if self._observer is not None and of == self._of:
            return None
        from watchdog.events import FileSystemEventHandler
        from watchdog.observers import Observer

        self.close()
        handler: Any = FileSystemEventHandler()
        handler.on_any_event = self._on_event
        self._observer, self._of = Observer(), of
        try:
            for folder, below in self.folders:
                if os.path.isdir(folder):
                    self._observer.schedule(handler, folder, recursive=below)
            self._observer.start()
        except OSError as error:
            self._observer = None
            return str(error)
        return None

    def close(self) -> None:
        """Stop watching."""
        if self._observer is not None:
            with suppress(RuntimeError):
                self._observer.stop()
                self._observer.join()
        self._observer = None

    def _on_event(self, event: Any) -> None:
        if event.event_type not in (OF_FOLDERS if event.is_directory else CHANGES):
            return
        paths = [os.fsdecode(p) for p in (event.src_path, getattr(event, "dest_path", "")) if p]
        if any(self._matters(path, event.is_directory) for path in paths):
            self.changed.set()

    def _matters(self, path: str, is_folder: bool) -> bool:
        """Whether a change of a path can change a snapshot; hidden files and results cannot."""
        if Path(path).is_relative_to(self.results) or os.path.basename(path).startswith("."):
            return False
        suffix = os.path.splitext(path)[1].lower()
        return is_folder or suffix in AUDIO_SUFFIXES or suffix in LIST_SUFFIXES


def _is_list(source: str) -> bool:
    return os.path.splitext(source)[1].lower() in LIST_SUFFIXES


def _folder(source: str) -> str:
    path = os.path.abspath(expanded(source, "library"))
    return os.path.dirname(path) if _is_list(source) else path


def _inode_of(folder: str) -> tuple[int, int] | None:
    """Device and inode of a folder, which change when a disk is mounted there."""
    try:
        status = os.stat(folder)
    except OSError:
        return None
    return status.st_dev, status.st_ino
