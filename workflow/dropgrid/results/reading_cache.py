"""What readers made of files that are still the same: results/cache/{name}.cache.

Table, summary and page read every record of a library and check each field. They keep here what
they made of each track; the next one reads only what has changed. An entry counts as long as each
of its files has the same size, inode, time of modification and time of change, which no program
can set back. Files that changed within the last seconds are not kept: another change might leave
all of these as they are.

What comes from here is not checked again, and a results folder may come from somebody else. So a
cache is sealed with a key that lies in the user's home folder, not with the results. A cache that
is forged, damaged, of another user or of other sources of dropgrid is none: all files are read. It
may be deleted at any time, is written whole or not at all, and nothing depends on it but time.
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

SETTLED = 2 * 10**9  # nanoseconds a file must have been left alone: FAT's times are as coarse
MOST_BYTES = 2**29
CHUNK = 2**20
KEY, KEY_BYTES, SEAL_BYTES = "cache.key", 32, 32
BEGAN = time_ns()  # when this process had loaded the package's sources
START, END = FORMATS[".cache"].start, FORMATS[".cache"].end


@dataclass(frozen=True)
class Look:
    """The files of a track as they were before they were read. parts: what is kept of them, None
    where they are others now. settled: whether what is made of them may be kept."""

    track: str
    signature: bytes
    settled: bool
    parts: list[bytes] | None = None


class ReadingCache:
    """The entries of one cache, read when it is made and written by `save`.

    about: all that entries depend on beside their files, and dropgrid and Python themselves.
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
        """Look at the files of a track, before any is read."""
        now, settled = signature(files)
        before, _, parts = self._lines.get(track.encode(), b"").partition(b"\t")
        kept = parts.split(b"\t") if before == now else None
        return Look(track, now, settled, kept)

    def keep(self, look: Look, parts: Sequence[bytes]) -> None:
        """Keep what was made of the files of a track: parts without tabs and line breaks."""
        if look.settled:
            self._lines[look.track.encode()] = b"\t".join((look.signature, *parts))
            self._changed = True

    def save(self, tracks: Iterable[str]) -> None:
        """Write the entries of these tracks, if there are new ones; nothing where that fails, or
        the folder is not dropgrid's."""
        if self._changed and self._makers and is_marked(self._results):
            names = [name for name in map(str.encode, tracks) if name in self._lines]
            with suppress(OSError, LibraryError):
                self._write(names)

    def _write(self, names: Sequence[bytes]) -> None:
        """Raises OSError, LibraryError. Nothing where there is no key, or `cache` is a link."""
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
    """How files look from outside, and whether all have been left alone long enough."""
    looks, now, settled = [], time_ns(), True
    for file in files:
        try:
            status = os.stat(file)
        except (OSError, ValueError):  # or no name that this system can write
            looks.append("-")
            continue
        newest = max(status.st_mtime_ns, status.st_ctime_ns)
        settled &= newest < now - SETTLED and stat.S_ISREG(status.st_mode)
        looks.append(f"{status.st_size:x}.{status.st_mtime_ns:x}.{status.st_ctime_ns:x}."
                     f"{status.st_ino:x}")  # fmt: skip
    return ",".join(looks).encode(), settled


def _read(path: Path, about: bytes) -> dict[bytes, bytes]:
    """The entries of a cache by track; none where it has another seal or another subject.

    It is read twice: what is forged may be large, and takes no memory. Raises OSError.
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
    """The lines of a stream; those that are entries get into found."""
    for line in stream:
        track, tab, entry = line[:-1].partition(b"\t")
        if tab:
            found[track] = entry
        yield line


def _seal(parts: Iterable[bytes], key: bytes) -> bytes:
    """The seal of a body that comes in parts, as a line."""
    digest = hashlib.blake2b(key=key, digest_size=SEAL_BYTES)
    for part in parts:
        digest.update(part)
    return f"{digest.hexdigest()}\n".encode()


def _key(make: bool = False) -> bytes | None:
    """The user's key; None where there is none. make: one, unless there is no place for it."""
    folder = _state()
    with suppress(OSError):
        if folder is not None:
            return _read_key(folder / KEY) or (_new_key(folder) if make else None)
    return None


def _state() -> Path | None:
    """The folder of the user's state, which is the home's where the user names none; a relative
    one is none (XDG Base Directory Specification)."""
    named = os.environ.get("XDG_STATE_HOME", "")
    place = named if os.path.isabs(named) else os.path.expanduser("~/.local/state")
    return Path(place, "dropgrid") if os.path.isabs(place) else None


def _read_key(path: Path) -> bytes:
    """The key in a file, nothing where it was cut short or there is none. Raises OSError, also
    where others may read it."""
    with suppress(FileNotFoundError):
        status = path.lstat()
        if status.st_uid != os.getuid() or status.st_mode & 0o077:
            raise PermissionError(errno.EPERM, "not the user's alone", str(path))
        key = read_regular(path, KEY_BYTES)
        return key if len(key) == KEY_BYTES and any(key) else b""
    return b""


def _new_key(folder: Path) -> bytes:
    """Make a key. Raises OSError, also for root in the home of somebody else (sudo), who could
    not write in the folders that are made."""
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
    """A digest of what entries are made by: Python, its name for file names' letters, and the
    package's sources. None where these cannot be read or are younger than this process, which may
    have loaded what they were before."""
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
