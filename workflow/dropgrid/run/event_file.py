"""The file that a run's events are written to, one JSON object per line."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from .events import Event, to_line


class EventFile:
    """A file to which events are appended.

    It is opened again for each line, so it may be rotated, moved or deleted at any time, and
    several runs may share it. warn: called once, with a message, when a line cannot be written.
    """

    def __init__(self, path: Path, warn: Callable[[str], None]) -> None:
        self.path = Path(os.path.abspath(path))
        self.warn = warn
        self.lost = 0
        self.torn = True  # the file may end with half a line, for example after a full disk

    def write(self, event: Event) -> None:
        """Append an event; if that is not possible, count it as lost."""
        try:
            self._append(to_line(event))
        except OSError as error:
            self.torn = True
            self.lost += 1
            if self.lost == 1:
                reason = error.strerror or error
                self.warn(f"events cannot be written to {self.path} ({reason}); the run continues")

    def _append(self, line: bytes) -> None:
        descriptor = self._open()
        try:
            if self.torn and _ends_within_a_line(self.path):
                line = b"\n" + line
            while line:
                line = line[os.write(descriptor, line) :]
            self.torn = False
        finally:
            os.close(descriptor)

    def _open(self) -> int:
        # Non-blocking: a pipe without a reader must not stop the run.
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC
        with suppress(FileNotFoundError):
            return os.open(self.path, flags, 0o666)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(self.path, flags, 0o666)


def _ends_within_a_line(path: Path) -> bool:
    with suppress(OSError):  # an empty file has no last byte to seek
        if stat.S_ISREG(path.stat().st_mode):
            with path.open("rb") as stream:
                stream.seek(-1, os.SEEK_END)
                return stream.read(1) != b"\n"
    return False
