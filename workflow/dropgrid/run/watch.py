"""A library that is watched: what is added is analysed once it has been copied whole.

What decides is a look at the library, the same as a run's: which files there are, how large and
how old. It is taken when the system reports a change, and every so often, for what no system
tells (a network's disk, one that was mounted again). Where two looks some seconds apart agree,
nothing is being copied any more, and where they differ from that of the last run, there is one to
make. So it does not matter what was missed: after a restart the first scan shows it.
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
EVERY = 300.0  # seconds between scans without a report of the system
LONGEST_COPY = 900.0  # seconds after which a run no longer waits for what is still being copied
PAUSE, LONGEST_PAUSE = 60.0, 1800.0  # seconds before a run that failed is tried again
CHANGES = ("created", "modified", "moved", "deleted", "closed")  # of watchdog's events
OF_FOLDERS = ("created", "moved", "deleted")  # a folder is modified by whatever is in it


def look(sources: Sequence[str], results: str, exclude: str | Sequence[str] = ()) -> Look | None:
    """The files of a library now, but for those that patterns exclude; None where it is away."""
    try:
        found = scan(sources, apart=results, exclude=exclude)
    except (LibraryError, OSError):
        return None
    return frozenset((t.file, t.size, t.mtime_ns) for t in found.tracks)


@dataclass
class Watch:
    """look: at the library; run: one of the workflow, its exit code; wait: so many seconds, or
    until something changes; rest: so many; stopped: whether it is to end; say: a line."""

    look: Callable[[], Look | None]
    run: Callable[[], int]
    wait: Callable[[float], None]
    rest: Callable[[float], None]
    stopped: Callable[[], bool]
    say: Callable[[str], None]
    settle: float = SETTLE
    every: float = EVERY

    def __call__(self) -> None:
        """Run what there is to run, until the clock is stopped."""
        done: Look | None = None
        pause, away = PAUSE, False
        while not self.stopped():
            now = self.settled(done)
            if self.stopped():
                return
            if now is None or (done and not now):
                if not away:
                    self.say("the library is away; it is waited for")
                away = True
                self.wait(min(self.every, PAUSE))
                continue
            away = False
            if now == done:
                self.wait(self.every)
                continue
            code = self.run()
            if self.stopped():
                return
            if code == 0:
                done, pause = now, PAUSE
                continue
            self.say(f"the run ended with {code}; it is tried again in {pause:.0f} s")
            self.rest(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def settled(self, done: Look | None) -> Look | None:
        """A look that nothing has changed since some seconds; at once if it is that of `done`."""
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
    """Sees changes below folders, by the system's own notices, and sets an event then.

    Where the system gives none (no room for more watches), the looks every so often have to do.
    """

    def __init__(self, sources: Sequence[str], results: str, changed: Event) -> None:
        self.folders = [(_folder(source), not _is_list(source)) for source in sources]
        self.results, self.changed = os.path.abspath(results), changed
        self._observer: Any = None
        self._of: list[tuple[int, int] | None] = []

    def open(self) -> str | None:
        """Begin to see, anew where a folder is another than before; why it cannot, if so."""
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
        """See no more."""
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
        """Whether a change of a path can change a look: what is hidden, and results, cannot."""
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
    """What shows that another disk was mounted in the folder."""
    try:
        status = os.stat(folder)
    except OSError:
        return None
    return status.st_dev, status.st_ino
