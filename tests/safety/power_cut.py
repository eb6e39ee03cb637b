"""A disk that loses, in a power cut, whatever was not synchronised, and tears what it can.

While `Disk` is on, each fsync, rename and unlink below a folder is followed. Before and after
each, and whenever asked, the folder is shown to a check as it could be found after a cut, in the
worst ways: the names that its folders were synchronised with, or all that there are now; the files
as they were synchronised, or with the first half of what was written since.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

Check = Callable[[], None]


class Disk:
    """check: is called with the folder as it is after a power cut; it may change it."""

    def __init__(self, top: Path, check: Check) -> None:
        self.top, self.check = top, check
        self.synced: dict[int, bytes] = {}  # inode: what is surely on the disk
        self.held: dict[int, int] = {}  # inode: a descriptor, so that none is used again
        self.names: dict[Path, dict[str, int]] = {}  # folder: its names that surely are
        self.cuts = 0
        for folder, _, names in os.walk(top):
            self.names[Path(folder)] = {n: self._keep(Path(folder, n)) for n in names}

    def _keep(self, path: Path) -> int:
        descriptor = os.open(path, os.O_RDONLY)
        inode = os.fstat(descriptor).st_ino
        os.close(self.held.pop(inode, os.dup(descriptor)))
        self.held[inode] = descriptor
        self.synced[inode] = path.read_bytes()
        return inode

    @contextmanager
    def on(self) -> Iterator[None]:
        real = {name: getattr(os, name) for name in ("fsync", "replace", "unlink")}

        def fsync(descriptor: int) -> None:
            path = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
            if not path.is_relative_to(self.top):
                return
            self.cut()
            if path.is_dir():
                self.names[path] = {
                    entry.name: entry.inode() for entry in os.scandir(path) if entry.is_file()
                }
            else:
                self._keep(path)
            self.cut()

        def followed(name: str) -> Callable[..., None]:
            def call(*arguments: Path | str, **more: object) -> None:
                real[name](*arguments, **more)
                if Path(os.path.abspath(arguments[0])).is_relative_to(self.top):
                    self.cut()

            return call

        with (
            mock.patch("os.fsync", fsync),
            mock.patch("os.replace", followed("replace")),
            mock.patch("os.unlink", followed("unlink")),
        ):
            try:
                yield
            finally:
                for descriptor in self.held.values():
                    os.close(descriptor)

    def cut(self) -> None:
        """Show the folder as it could be found, in each way; then all goes on."""
        self.cuts += 1
        for all_names, torn in ((False, False), (False, True), (True, True)):
            found = self._found(all_names, torn)
            live = self.top.with_name("live")
            os.rename(self.top, live)
            try:
                with mock.patch.multiple(os, fsync=lambda d: None, replace=os.rename):
                    self._write(live, found)
                    with mock.patch.object(self, "cut", lambda: None):
                        self.check()
            finally:
                shutil.rmtree(self.top)
                os.rename(live, self.top)

    def _found(self, all_names: bool, torn: bool) -> dict[Path, bytes]:
        found: dict[Path, bytes] = {}
        for folder, _, names in os.walk(self.top):
            there = self.names.get(Path(folder), {})
            if all_names:
                there = {name: self._inode(Path(folder, name)) for name in names}
            found |= {Path(folder, n): self._content(inode, torn) for n, inode in there.items()}
        return found

    def _inode(self, path: Path) -> int:
        inode = path.stat().st_ino
        if inode not in self.held:
            self.held[inode] = os.open(path, os.O_RDONLY)
        return inode

    def _content(self, inode: int, torn: bool) -> bytes:
        before = self.synced.get(inode, b"")
        now = os.pread(self.held[inode], 1 << 30, 0)
        half = len(now) // 2
        return now[:half] + before[half:] if torn and now != before else before

    def _write(self, live: Path, found: dict[Path, bytes]) -> None:
        for folder, _, _ in os.walk(live):
            (self.top / Path(folder).relative_to(live)).mkdir(parents=True)
        for path, data in found.items():
            path.write_bytes(data)
