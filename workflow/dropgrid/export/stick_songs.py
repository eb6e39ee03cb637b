"""The songs on a stick: copied once, for whichever players' databases name them.

Each database has a mark, a file that lists the copies of its songs. What a mark lists, and what
no other mark lists, may be removed; whatever else lies on the stick is the user's.
"""

from __future__ import annotations

import filecmp
import json
import os
import re
import shutil
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from ..audio.transcode import to_aiff
from ..base.errors import ConfigError, RecordError
from ..base.files import read_regular, sync_folder, write_atomically
from ..base.json_documents import json_lines
from ..records.track import Track
from .cues import text_tag

BLOCK = 2**20
ROOM = 16 * 2**20  # bytes that stay free on a stick
MOST = 64 * 2**20  # bytes of a mark
UNSAFE = re.compile(r'[\x00-\x1f<>:"/\\|?*]')
RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?")
MAX_NAME = 100  # characters of a name on the stick
MARKS = {"usb": "PIONEER/dropgrid.json", "engine": "Engine Library/dropgrid.json"}


def read_mark(root: Path, kind: str, force: bool) -> dict[str, Any] | None:
    """The mark of an earlier export, None where there is none. Raises ConfigError."""
    mark = root / MARKS[kind]
    try:
        found = json.loads(read_regular(mark, MOST))
        if found.get("schema") == f"dropgrid/{kind}" and isinstance(found["files"], dict):
            return dict(found)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        pass
    if force:
        return None
    raise ConfigError(f"--output: {mark}: damaged; --replace writes the stick again")


def copies(mark: dict[str, Any] | None) -> dict[str, Any]:
    """The copies that a mark lists, with their size and the time of their source."""
    files = mark["files"] if mark else {}
    return {path: facts for path, facts in files.items() if _is_copy(path, facts)}


def _is_copy(path: str, facts: Any) -> bool:
    """Whether an entry of a mark can be dropgrid's copy: below Contents, nowhere else."""
    parts = PurePosixPath(path).parts
    return isinstance(facts, dict) and parts[:2] == ("/", "Contents") and ".." not in parts


def check_links(root: Path, names: Iterable[str]) -> None:
    """Refuse a stick with a link where dropgrid's folder is to be. Raises ConfigError."""
    for name in names:
        if (root / name).is_symlink():
            raise ConfigError(f"--output: {root / name}: a link; a stick holds none")


@dataclass
class Songs:
    """The copies of songs below a stick's root, and what marks say of earlier ones.

    kind: of the database that they are for. files: those of this export, by path from the root.
    touched: folders in which names have changed.
    """

    root: Path
    kind: str
    known: dict[str, Any]
    files: dict[str, Any] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)
    touched: set[Path] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.others: dict[str, Any] = {}
        for kind in MARKS:
            if kind != self.kind:
                self.others |= copies(read_mark(self.root, kind, force=True))

    def place(self, track: Track, suffix: str | None = None) -> str:
        """Where the copy goes, from the root; a name that every stick can hold, and no other's:
        neither another track's, nor that of a file which is there and which we did not make.

        suffix: of a copy in another format.
        """
        artist = safe_name(text_tag(track, "artist") or "Unknown")
        name = PurePosixPath(track.path)
        source = track.file if suffix is None else None
        stem, suffix = safe_name(name.stem), suffix or name.suffix.lower()
        path = f"/Contents/{artist}/{stem}{suffix}"
        if path.casefold() in self.taken or self._is_others(path, source):
            path = f"/Contents/{artist}/{stem} {track.track[-8:]}{suffix}"
        self.taken.add(path.casefold())
        return path

    def _is_others(self, path: str, source: Path | None) -> bool:
        """Whether another file than the song lies where its copy would, and no mark lists it."""
        target = self.root / path[1:]
        if path in self.known or path in self.others or not target.exists():
            return False
        return source is None or not target.is_file() or not filecmp.cmp(source, target, False)

    def copy(self, source: Path, path: str, source_path: str) -> int:
        """Copy a song unless it is there; its size. source_path: within the library.

        Raises OSError, and ConfigError where there is no room.
        """
        status = source.stat()
        facts: dict[str, Any] = {"size": status.st_size, "mtime_ns": status.st_mtime_ns}
        target = self.root / path[1:]
        self.files[path] = facts | {"source": source_path}
        facts = self.files[path]
        listed = [known[path] for known in (self.known, self.others) if path in known]
        if not listed and size_of(target) == status.st_size:  # the same bytes, see place()
            facts["found"] = True  # not to be removed
            return status.st_size
        there = any(_same(facts, earlier) for earlier in listed)
        if there and size_of(target) == status.st_size:
            if any(earlier.get("found") for earlier in listed):
                facts["found"] = True
            return status.st_size
        self._make_room(target, status.st_size, source)
        with (
            self._replaced(target) as temporary,
            source.open("rb") as read,
            temporary.open("wb") as write,
        ):
            shutil.copyfileobj(read, write, BLOCK)
        return status.st_size

    def convert(self, source: Path, path: str, source_path: str, room: int) -> int:
        """Write a song as AIFF, unless it was before; its size. room: bytes that it may need.

        Raises DecodeError, OSError, and ConfigError where there is no room.
        """
        status, target = source.stat(), self.root / path[1:]
        facts = {"source_size": status.st_size, "mtime_ns": status.st_mtime_ns}
        earlier = self.known.get(path, {})
        same = all(earlier.get(name) == value for name, value in facts.items())
        if not (same and size_of(target) == earlier.get("size")):
            self._make_room(target, room, source)
            with self._replaced(target) as temporary:
                to_aiff(source, temporary)
        size = target.stat().st_size
        self.files[path] = facts | {"size": size, "source": source_path}
        return size

    def _make_room(self, target: Path, size: int, source: Path) -> None:
        """Make the folder of a copy. Raises ConfigError where it does not fit onto the stick."""
        target.parent.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(target.parent).free < size + ROOM:
            raise ConfigError(f"--output: {self.root}: full; {source.name} needs more room")

    @contextmanager
    def _replaced(self, target: Path) -> Iterator[Path]:
        """A file beside a target, which takes its place when it is written."""
        temporary = target.with_name(f".{os.getpid()}.dropgrid")
        try:
            yield temporary
            with temporary.open("rb+") as written:
                os.fsync(written.fileno())
            os.replace(temporary, target)
            self.touched.add(target.parent)
        finally:
            temporary.unlink(missing_ok=True)

    def write(self, path: str, data: bytes) -> None:
        """Write a file below the root, unless it is there with these bytes."""
        if write_changed(self.root / path, data):
            self.touched.add((self.root / path).parent)

    def sync(self) -> None:
        """Have all changed names on the stick: what names them may be written now, and what
        nothing names any more may go."""
        above = {parent for folder in self.touched for parent in folder.parents}
        inside = {folder for folder in above if folder.is_relative_to(self.root)}
        for folder in sorted(self.touched | inside, reverse=True):
            sync_folder(folder)
        self.touched.clear()

    def write_mark(self, more: dict[str, Any] | None = None) -> None:
        """Write what an export after this one has to know."""
        mark = {"schema": f"dropgrid/{self.kind}", "schema_version": 1, "files": self.files}
        self.write(MARKS[self.kind], json_lines(mark | (more or {})))
        self.sync()

    def remove_old(self) -> None:
        """Remove the copies of an earlier export that no database of dropgrid's names any more."""
        for path, facts in self.known.items():
            target = self.root / path[1:]
            mine = path not in self.files and path not in self.others and not facts.get("found")
            if mine and size_of(target) == facts.get("size"):
                target.unlink()

    def wrong(self) -> list[str]:
        """The copies of an earlier export that are missing, or of another size: a line each."""
        return [
            f"{path}: {'missing' if size_of(self.root / path[1:]) is None else 'another size'}"
            for path, facts in self.known.items()
            if size_of(self.root / path[1:]) != facts.get("size")
        ]


def _same(facts: dict[str, Any], earlier: dict[str, Any]) -> bool:
    return all(facts[name] == earlier.get(name) for name in ("size", "mtime_ns"))


def write_changed(target: Path, data: bytes) -> bool:
    """Write a file unless it is there with these bytes; whether it was written."""
    try:
        if read_regular(target, len(data) + 1) == data:
            return False
    except OSError:
        pass
    target.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(target, data)
    return True


def safe_name(name: str) -> str:
    """A name that FAT32 and exFAT can hold, as short as MAX_NAME characters."""
    name = unicodedata.normalize("NFC", UNSAFE.sub("_", name)).encode("utf-8", "replace").decode()
    name = name[:MAX_NAME].strip(" .") or "_"
    return f"_{name}" if RESERVED.fullmatch(name) else name


def size_of(path: Path) -> int | None:
    """Bytes of a regular file; None where there is none."""
    try:
        return path.stat().st_size if path.is_file() else None
    except OSError as error:
        raise RecordError(f"{path}: {error.strerror}") from error


def rgb(colour: str) -> tuple[int, int, int]:
    """(red, green, blue) of "#rrggbb"."""
    red, green, blue = bytes.fromhex(colour[1:])
    return red, green, blue
