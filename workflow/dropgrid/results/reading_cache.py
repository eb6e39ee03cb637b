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
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from time import time_ns

from .. import __version__
from ..base.errors import LibraryError
from ..base.files import read_regular, write_atomically
from .artefacts import FORMATS, path_of
from .ownership import check_owned, is_marked

SETTLED = 2 * 10**9  # nanoseconds a file must have been left alone: FAT's times are as coarse
MOST_BYTES = 2**30
KEY_BYTES = 32
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

    about: all that entries depend on beside their files and the sources of dropgrid.
    """

    def __init__(self, results: Path, name: str, about: Sequence[object]) -> None:
        self._results, self._path = results, path_of("reading", results, any=name)
        self._about = json.dumps([name, sources(), *about]).encode()
        self._changed = False
        self._lines: dict[bytes, bytes] = {}
        with suppress(OSError):
            self._lines = dict(_entries(read_regular(self._path, MOST_BYTES), self._about))

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
        key = _key() if self._changed and is_marked(self._results) else None
        if key is None:
            return
        there = (name for name in map(str.encode, tracks) if name in self._lines)
        lines = (b"\t".join((name, self._lines[name])) for name in there)
        body = b"\n".join((self._about, *lines)) + END
        if len(body) < MOST_BYTES // 2:
            with suppress(OSError, LibraryError):
                check_owned(self._path)
                whole = (START, _seal(body, key), b"\n", body)
                write_atomically(self._path, whole, durable=False)


def signature(files: Iterable[str]) -> tuple[bytes, bool]:
    """How files look from outside, and whether all have been left alone long enough."""
    looks, now, settled = [], time_ns(), True
    for file in files:
        try:
            status = os.stat(file)
        except OSError:
            looks.append("-")
            continue
        newest = max(status.st_mtime_ns, status.st_ctime_ns)
        settled &= newest < now - SETTLED and stat.S_ISREG(status.st_mode)
        looks.append(f"{status.st_size:x}.{status.st_mtime_ns:x}.{status.st_ctime_ns:x}."
                     f"{status.st_ino:x}")  # fmt: skip
    return ",".join(looks).encode(), settled


def _entries(data: bytes, about: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The entries of a cache by track; none where it has another seal or another subject."""
    seal, _, body = data.removeprefix(START).partition(b"\n")
    key = _key() if data.startswith(START) else None
    if key is None or not hmac.compare_digest(seal, _seal(body, key)):
        return
    first, *lines = body.removesuffix(END).split(b"\n")
    if first == about:
        for line in lines:
            track, _, entry = line.partition(b"\t")
            yield track, entry


def _seal(body: bytes, key: bytes) -> bytes:
    return hashlib.blake2b(body, key=key, digest_size=32).hexdigest().encode()


def _key() -> bytes | None:
    """The user's key, made at the first call; None where there is no place for one."""
    home = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    path = Path(home, "dropgrid", "cache.key")
    with suppress(OSError):
        return _read_key(path) or _new_key(path)
    return None


def _read_key(path: Path) -> bytes:
    """The key in a file, nothing where it was cut short or there is none. Raises OSError, also
    where others may read it."""
    with suppress(FileNotFoundError):
        status = path.lstat()
        if status.st_uid != os.getuid() or status.st_mode & 0o077:
            raise PermissionError(errno.EPERM, "not the user's alone", str(path))
        key = read_regular(path, KEY_BYTES)
        return key if len(key) == KEY_BYTES else b""
    return b""


def _new_key(path: Path) -> bytes:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent)
    with open(descriptor, "wb") as stream:
        stream.write(key := os.urandom(KEY_BYTES))
    os.replace(temporary, path)
    return key


@cache
def sources() -> str:
    """A digest of the package's version and sources: what they make may change with them."""
    digest = hashlib.blake2b(__version__.encode(), digest_size=16)
    package = Path(__file__).parents[1]
    for folder, _, names in sorted(os.walk(package)):
        for name in sorted(name for name in names if name.endswith(".py")):
            digest.update(Path(folder, name).read_bytes())
    return digest.hexdigest()
