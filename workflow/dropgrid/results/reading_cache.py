"""Cache what was computed from unchanged files: results/cache/{name}.cache.

Table, summary and page read every record of a library and validate each field. They store here
what they computed for each track, so the next reader reads only changed files. An entry is valid
as long as each of its files has the same size, inode, modification time and change time; no
program can set back the change time. Files that changed within the last seconds are not cached:
another change might leave all of these values unchanged.

Cached data is not validated again, and a results folder may come from another person. A cache is
therefore authenticated with a key in the user's home folder, not in the results. A cache that is
forged, damaged, from another user or from other sources of dropgrid is ignored: all files are
read. A cache may be deleted at any time and is written atomically. It only saves time.
"""

from __future__ import annotations

import errno
import hashlib
import hmac
import json
import os
import stat
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from itertools import chain
from pathlib import Path
from time import time_ns
from typing import IO

from .. import __version__
from ..base.errors import LibraryError
from ..base.files import open_regular, read_regular, write_atomically
from .artefacts import FORMATS, path_of
from .ownership import check_owned, is_marked

STABLE_AFTER = 2 * 10**9  # nanoseconds since the last change of a file: the resolution of FAT
MOST_BYTES = 2**29
CHUNK = 2**20
KEY, KEY_BYTES, SEAL_BYTES = "cache.key", 32, 32
BEGAN = time_ns()  # when this process had loaded the package's sources
START, END = FORMATS[".cache"].start, FORMATS[".cache"].end


@dataclass(frozen=True)
class Look:
    """The state of a track's files before they are read.

    parts: their cached entry, None if the files changed. is_stable: whether results computed from
    them may be cached.
    """

    track: str
    signature: bytes
    is_stable: bool
    parts: list[bytes] | None = None


class ReadingCache:
    """The entries of one cache. They are read on creation and written by `save`.

    about: everything that entries depend on except their files, dropgrid and Python.
    """

    def __init__(self, results: Path, name: str, about: Sequence[object]) -> None:
        self._results, self._path = results, path_of("reading", results, any=name)
        self._makers = sources()
        self._about = json.dumps([name, self._makers, *about]).encode() + b"\n"
        self._changed = False
        self._lines: dict[bytes, bytes] = {}
        if self._makers:
            with suppress(OSError, MemoryError):
                self._lines = _read(self._path, self._about)

    def look(self, track: str, files: Iterable[str]) -> Look:
        """The state of the files of a track, before any is read."""
        now, is_stable = signature(files)
        before, _, parts = self._lines.get(track.encode(), b"").partition(b"\t")
        kept = parts.split(b"\t") if before == now else None
        return Look(track, now, is_stable, kept)

    def keep(self, look: Look, parts: Sequence[bytes]) -> None:
        """Store what was computed from a track's files: parts without tabs and line breaks."""
        if look.is_stable:
            self._lines[look.track.encode()] = b"\t".join((look.signature, *parts))
            self._changed = True

    def save(self, tracks: Iterable[str]) -> None:
        """Write the entries of these tracks if there are new ones.

        Errors are ignored, and nothing is written if the folder is not dropgrid's.
        """
        if self._changed and self._makers and is_marked(self._results):
            names = [name for name in map(str.encode, tracks) if name in self._lines]
            with suppress(OSError, LibraryError):
                self._write(names)

    def _write(self, names: Sequence[bytes]) -> None:
        """Write nothing without a key or if `cache` is a link. Raises OSError, LibraryError."""
        key = _key(make=True)
        size = len(self._about) + sum(len(name) + len(self._lines[name]) + 2 for name in names)
        if key is None or size > MOST_BYTES - CHUNK or self._path.parent.is_symlink():
            return
        check_owned(self._path)
        head = (START, _seal(self._body(names), key))
        write_atomically(self._path, chain(head, self._body(names)), durable=False)

    def _body(self, names: Sequence[bytes]) -> Iterator[bytes]:
        yield self._about
        for name in names:
            yield b"%s\t%s\n" % (name, self._lines[name])
        yield END[1:]


def signature(files: Iterable[str]) -> tuple[bytes, bool]:
    """The sizes, times and inodes of files, and whether their last changes are old enough."""
    looks, now, is_stable = [], time_ns(), True
    for file in files:
        try:
            status = os.stat(file)
        except (OSError, ValueError):  # or no name that this system can write
            looks.append("-")
            continue
        newest = max(status.st_mtime_ns, status.st_ctime_ns)
        is_stable &= newest < now - STABLE_AFTER and stat.S_ISREG(status.st_mode)
        looks.append(f"{status.st_size:x}.{status.st_mtime_ns:x}.{status.st_ctime_ns:x}."
                     f"{status.st_ino:x}")  # fmt: skip
    return ",".join(looks).encode(), is_stable


def _read(path: Path, about: bytes) -> dict[bytes, bytes]:
    """The entries of a cache by track; none if its seal or its subject differs.

    The file is read twice, so that a large forged file takes no memory. Raises OSError.
    """
    key, found = _key(), dict[bytes, bytes]()
    with open_regular(path, MOST_BYTES) as stream:
        if key is None or stream.read(len(START)) != START:
            return {}
        seal, place = stream.readline(2 * SEAL_BYTES + 1), stream.tell()
        if stream.readline(len(about)) != about:
            return {}
        stream.seek(place)
        if not hmac.compare_digest(seal, _seal(iter(lambda: stream.read(CHUNK), b""), key)):
            return {}
        stream.seek(place)
        again = _seal(_collected(stream, found), key)
    return found if hmac.compare_digest(seal, again) else {}


def _collected(stream: IO[bytes], found: dict[bytes, bytes]) -> Iterator[bytes]:
    """The lines of a stream; entries are added to found."""
    for line in stream:
        track, tab, entry = line[:-1].partition(b"\t")
        if tab:
            found[track] = entry
        yield line


def _seal(parts: Iterable[bytes], key: bytes) -> bytes:
    """The seal of a body given in parts, as a line."""
    digest = hashlib.blake2b(key=key, digest_size=SEAL_BYTES)
    for part in parts:
        digest.update(part)
    return f"{digest.hexdigest()}\n".encode()


def _key(make: bool = False) -> bytes | None:
    """The user's key; None without one. make: create it if missing and possible."""
    folder = _state_folder()
    with suppress(OSError):
        if folder is not None:
            return _read_key(folder / KEY) or (_new_key(folder) if make else None)
    return None


def _state_folder() -> Path | None:
    """The folder for the user's state, by default in the home folder; None without one.

    A relative XDG_STATE_HOME is ignored (XDG Base Directory Specification).
    """
    named = os.environ.get("XDG_STATE_HOME", "")
    place = named if os.path.isabs(named) else os.path.expanduser("~/.local/state")
    homeless = place != named and os.environ.get("HOME") == ""
    return Path(place, "dropgrid") if os.path.isabs(place) and not homeless else None


def _read_key(path: Path) -> bytes:
    """The key in a file; empty if it is missing or truncated.

    Raises OSError, also if other users may read the file.
    """
    with suppress(FileNotFoundError):
        status = path.lstat()
        if status.st_uid != os.getuid() or status.st_mode & 0o077:
            raise PermissionError(errno.EPERM, "not the user's alone", str(path))
        key = read_regular(path, KEY_BYTES)
        return key if len(key) == KEY_BYTES and any(key) else b""
    return b""


def _new_key(folder: Path) -> bytes:
    """Create a key.

    Raises OSError, also for root in the home of another user (sudo), who could not write into the
    new folders.
    """
    above = next(place for place in (folder, *folder.parents) if place.exists())
    if os.getuid() == 0 and above.stat().st_uid != 0:
        raise PermissionError(errno.EPERM, "of another user", str(above))
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=folder)
    try:
        with open(descriptor, "wb") as stream:
            stream.write(key := os.urandom(KEY_BYTES))
        os.replace(temporary, folder / KEY)
    except BaseException:
        os.unlink(temporary)
        raise
    return key


@cache
def sources() -> str | None:
    """A digest of the code that computes entries: Python, its encoding of file names, the sources.

    None if the sources cannot be read or are newer than this process, which may have loaded older
    ones.
    """
    about = (__version__, sys.version, sys.getfilesystemencoding())
    digest = hashlib.blake2b(repr(about).encode(), digest_size=16)
    package = Path(__file__).parents[1]
    with suppress(OSError):
        for folder, _, names in sorted(os.walk(package)):
            for name in sorted(n for n in names if n.endswith(".py") and n[0] != "."):
                file = Path(folder, name)
                if file.stat().st_ctime_ns > BEGAN:
                    return None
                digest.update(file.read_bytes())
        return digest.hexdigest()
    return None
