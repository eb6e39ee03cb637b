"""The songs on a stick: each is copied once, and the databases of all players share the copy.

Each database has a mark, a file that lists the copies of its songs. Only copies that are listed in
this mark and in no other may be removed. All other files on the stick belong to the user.
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
RESERVE = 16 * 2**20  # bytes that stay free on a stick
MAX_MARK = 64 * 2**20  # bytes of a mark
UNSAFE = re.compile(r'[\x00-\x1f<>:"/\\|?*]')
RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?")
MAX_NAME = 100  # characters of a name on the stick
MARKS = {"usb": "PIONEER/dropgrid.json", "engine": "Engine Library/dropgrid.json"}


def read_mark(root: Path, kind: str, force: bool) -> dict[str, Any] | None:
    """The mark of an earlier export, None if there is none. Raises ConfigError."""
    mark = root / MARKS[kind]
    try:
        found = json.loads(read_regular(mark, MAX_MARK))
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
    """The copies that a mark lists, with their size and the modification time of the source."""
    files = mark["files"] if mark else {}
    return {path: facts for path, facts in files.items() if _is_copy(path, facts)}


def _is_copy(path: str, facts: Any) -> bool:
    """Whether an entry of a mark can be a copy by dropgrid: these are always below Contents."""
    parts = PurePosixPath(path).parts
    return isinstance(facts, dict) and parts[:2] == ("/", "Contents") and ".." not in parts


def check_links(root: Path, names: Iterable[str]) -> None:
    """Refuse a stick with a link in place of one of dropgrid's folders. Raises ConfigError."""
    for name in names:
        if (root / name).is_symlink():
            raise ConfigError(
                f"--output: {root / name}: is a link, which a stick must not contain"
            )


@dataclass
class Songs:
    """The copies of songs below a stick's root.

    kind: the database that lists them. known: the copies of the earlier export in its mark.
    others: the copies in other marks. files: the copies of this export, by path from the root.
    used: paths of this export, case-folded. changed_folders: folders whose entries have changed.
    """

    root: Path
    kind: str
    known: dict[str, Any]
    files: dict[str, Any] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    changed_folders: set[Path] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.others: dict[str, Any] = {}
        for kind in MARKS:
            if kind != self.kind:
                self.others |= copies(read_mark(self.root, kind, force=True))

    def place(self, track: Track, suffix: str | None = None) -> str:
        """The path of the copy, from the root. Every file system of sticks allows it, and neither
        another track nor a file of the user has it.

        suffix: that of a converted copy.
        """
        artist = safe_name(text_tag(track, "artist") or "Unknown")
        name = PurePosixPath(track.path)
        source = track.file if suffix is None else None
        stem, suffix = safe_name(name.stem), suffix or name.suffix.lower()
        path = f"/Contents/{artist}/{stem}{suffix}"
        if path.casefold() in self.used or self._is_of_user(path, source):
            path = f"/Contents/{artist}/{stem} {track.track[-8:]}{suffix}"
        self.used.add(path.casefold())
        return path

    def _is_of_user(self, path: str, source: Path | None) -> bool:
        """Whether a file at the path of the copy differs from the song, and no mark lists it."""
        target = self.root / path[1:]
        if path in self.known or path in self.others or not target.exists():
            return False
        return source is None or not target.is_file() or not filecmp.cmp(source, target, False)

    def copy(self, source: Path, path: str, source_path: str) -> int:
        """Copy a song unless the stick has it; its size. source_path: the path in the library.

        Raises OSError, and ConfigError if the stick is full.
        """
        status = source.stat()
        facts: dict[str, Any] = {"size": status.st_size, "mtime_ns": status.st_mtime_ns}
        target = self.root / path[1:]
        self.files[path] = facts | {"source": source_path}
        facts = self.files[path]
        listed = [known[path] for known in (self.known, self.others) if path in known]
        if not listed and size_of(target) == status.st_size:  # the same bytes, see place()
            facts["found"] = True  # the user's file, which must not be removed
            return status.st_size
        copied = any(_same(facts, earlier) for earlier in listed)
        if copied and size_of(target) == status.st_size:
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

    def convert(self, source: Path, path: str, source_path: str, max_size: int) -> int:
        """Write a song as AIFF unless the stick has it; its size. max_size: an upper bound, bytes.

        Raises DecodeError, OSError, and ConfigError if the stick is full.
        """
        status, target = source.stat(), self.root / path[1:]
        facts = {"source_size": status.st_size, "mtime_ns": status.st_mtime_ns}
        earlier = self.known.get(path, {})
        same = all(earlier.get(name) == value for name, value in facts.items())
        if not (same and size_of(target) == earlier.get("size")):
            self._make_room(target, max_size, source)
            with self._replaced(target) as temporary:
                to_aiff(source, temporary)
        size = target.stat().st_size
        self.files[path] = facts | {"size": size, "source": source_path}
        return size

    def _make_room(self, target: Path, size: int, source: Path) -> None:
        """Make the folder of a copy. Raises ConfigError if the stick has no room for the copy."""
        target.parent.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(target.parent).free < size + RESERVE:
            raise ConfigError(f"--output: {self.root}: full; {source.name} needs more room")

    @contextmanager
    def _replaced(self, target: Path) -> Iterator[Path]:
        """A temporary file next to a target; it replaces the target when it is complete."""
        temporary = target.with_name(f".{os.getpid()}.dropgrid")
        try:
            yield temporary
            with temporary.open("rb+") as written:
                os.fsync(written.fileno())
            os.replace(temporary, target)
            self.changed_folders.add(target.parent)
        finally:
            temporary.unlink(missing_ok=True)

    def write(self, path: str, data: bytes) -> None:
        """Write a file below the root, unless it already has these bytes."""
        if write_changed(self.root / path, data):
            self.changed_folders.add((self.root / path).parent)

    def sync(self) -> None:
        """Sync all changed folders. Then files that refer to them may be written, and files that
        nothing refers to may be removed."""
        above = {parent for folder in self.changed_folders for parent in folder.parents}
        inside = {folder for folder in above if folder.is_relative_to(self.root)}
        for folder in sorted(self.changed_folders | inside, reverse=True):
            sync_folder(folder)
        self.changed_folders.clear()

    def write_mark(self, more: dict[str, Any] | None = None) -> None:
        """Write the mark for later exports."""
        mark = {"schema": f"dropgrid/{self.kind}", "schema_version": 1, "files": self.files}
        self.write(MARKS[self.kind], json_lines(mark | (more or {})))
        self.sync()

    def remove_old(self) -> None:
        """Remove the copies of an earlier export that no database of dropgrid lists now."""
        for path, facts in self.known.items():
            target = self.root / path[1:]
            unused = path not in self.files and path not in self.others and not facts.get("found")
            if unused and size_of(target) == facts.get("size"):
                target.unlink()

    def problems(self) -> list[str]:
        """A line for each copy of an earlier export that is missing or has another size."""
        return [
            f"{path}: {'missing' if size_of(self.root / path[1:]) is None else 'another size'}"
            for path, facts in self.known.items()
            if size_of(self.root / path[1:]) != facts.get("size")
        ]


def _same(facts: dict[str, Any], earlier: dict[str, Any]) -> bool:
    return all(facts[name] == earlier.get(name) for name in ("size", "mtime_ns"))


def write_changed(target: Path, data: bytes) -> bool:
    """Write a file unless it already has these bytes; whether it was written."""
    try:
        if read_regular(target, len(data) + 1) == data:
            return False
    except OSError:
        pass
    target.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(target, data)
    return True


def safe_name(name: str) -> str:
    """A name that FAT32 and exFAT allow, of at most MAX_NAME characters."""
    name = unicodedata.normalize("NFC", UNSAFE.sub("_", name)).encode("utf-8", "replace").decode()
    name = name[:MAX_NAME].strip(" .") or "_"
    return f"_{name}" if RESERVED.fullmatch(name) else name


def size_of(path: Path) -> int | None:
    """The size of a regular file in bytes; None if there is none."""
    try:
        return path.stat().st_size if path.is_file() else None
    except OSError as error:
        raise RecordError(f"{path}: {error.strerror}") from error


def rgb(colour: str) -> tuple[int, int, int]:
    """(red, green, blue) of "#rrggbb"."""
    red, green, blue = bytes.fromhex(colour[1:])
    return red, green, blue
