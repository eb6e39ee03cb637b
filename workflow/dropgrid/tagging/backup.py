"""The backup of tag fields before dropgrid changed them.

The first line of JSON identifies the file; then follows a line for each change, which is on the
disk before the change is made. A line cut off by a power cut belongs to a change that was not
made. The lines of a file are its history: it is restored to its first values, unless the user has
changed them in between.

A backup may come from someone else, so every line is checked and only fields that dropgrid writes
are accepted; the caller checks the paths of the files.
"""

from __future__ import annotations

import dataclasses
import fcntl
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..base.errors import RecordError
from ..base.files import sync_folder, write_atomically
from .fields import Value, is_own_value, plain_text
from .plan import TRACK, Change, InPlace

SCHEMA = "dropgrid/tag-backup"
VERSION = 2
MAX_BYTES = 2**30


@dataclass
class Entry:
    """A file's history: the first values of its fields, and all values that dropgrid wrote.

    in_place: the copies to finish the last change with, if it was written in place.
    """

    track: str
    file: str
    had_tags: bool
    old: dict[str, Value | None]
    written: list[dict[str, Value | None]] = field(default_factory=list)
    in_place: InPlace | None = None

    def add(self, change: Change) -> None:
        """Add a later change of the same file."""
        for key, value in change.old.items():
            if key not in self.old or not self.is_written(key, value):
                self.old[key] = value
        self.written.append(change.new)
        self.in_place = change.in_place or self.in_place

    def is_written(self, key: str, value: Value | None) -> bool:
        """Whether a value is the first value of a field, or one that dropgrid wrote."""
        values = [self.old.get(key), *(new[key] for new in self.written if key in new)]
        return plain_text(value) in [plain_text(item) for item in values]

    def lines(self) -> Iterable[Change]:
        """The history as changes; the first contains the values to restore."""
        written = self.written or [dict.fromkeys(self.old)]
        for number, new in enumerate(written):
            old = self.old if number == 0 else {}
            copies = self.in_place if number + 1 == len(written) else None
            yield Change(self.track, self.file, self.had_tags, old, new, copies)


def read_backup(path: Path) -> dict[str, Entry]:
    """The entries of a backup by file. Raises RecordError, naming the line."""
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise RecordError(f"{path}: too large for a backup of tags")
        first, *rest = data[: data.rfind(b"\n") + 1].splitlines() or [b""]
        head = json.loads(first)
        if head["schema"] != SCHEMA or head["schema_version"] != VERSION:
            raise RecordError(f"{path}: not a {SCHEMA} of this version")
        lines = [json.loads(line) for line in rest]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise RecordError(f"{path}: cannot be read as a backup of tags ({error})") from error
    entries: dict[str, Entry] = {}
    for number, values in enumerate(lines, start=2):
        change = _change(values, f"{path}:{number}")
        if change.file not in entries:
            entries[change.file] = Entry(change.track, change.file, change.had_tags, {})
        entries[change.file].add(change)
    return entries


def _change(values: Any, where: str) -> Change:
    """A line's change, every field checked. Raises RecordError."""

    def need(condition: bool, name: str) -> None:
        if not condition:
            raise RecordError(f"{where}: `{name}` is not what a backup of tags holds")

    need(isinstance(values, dict), "line")
    fields = {"track", "file", "had_tags", "old", "new"}
    need(set(values) in (fields, fields | {"in_place"}), "line")
    track, file = values["track"], values["file"]
    need(isinstance(track, str) and TRACK.fullmatch(track) is not None, "track")
    need(isinstance(file, str) and os.path.isabs(file) and "\0" not in file, "file")
    need(isinstance(values["had_tags"], bool), "had_tags")
    for name in ("old", "new"):
        need(isinstance(values[name], dict), name)
        for key, value in values[name].items():
            need(is_own_value(key) and _is_value(value), f"{name}: {key}")
    copies = values.get("in_place")
    if copies is None:
        return Change(*(values[name] for name in ("track", "file", "had_tags", "old", "new")))
    need(isinstance(copies, dict) and set(copies) == _IN_PLACE, "in_place")
    need(all(isinstance(text, str) and "/" not in text for text in copies.values()), "in_place")
    return Change(**{**values, "in_place": InPlace(**copies)})


_IN_PLACE = {item.name for item in dataclasses.fields(InPlace)}


def _is_value(value: Any, depth: int = 0) -> bool:
    """Whether a JSON value can be a field's value: nested lists of texts and integers."""
    if isinstance(value, list):
        return depth < 3 and len(value) < 10_000 and all(_is_value(v, depth + 1) for v in value)
    return (depth == 0 and value is None) or (depth > 0 and isinstance(value, str | int))


@contextmanager
def sole_writer(path: Path) -> Iterator[None]:
    """Lock a backup against other processes. Raises RecordError if it is locked."""
    descriptor = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise RecordError(f"{path}: another `dropgrid tag` is at work with it") from None
    finally:
        os.close(descriptor)


class Backup:
    """A backup to add changes to; each is on the disk when `add` returns."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.entries = read_backup(path) if path.exists() else {}
        self._begun = False

    def add(self, change: Change) -> None:
        """Save a change before it is made. Raises OSError; then nothing was saved."""
        if not self._begun:
            write_backup(self.path, self.entries.values(), even_if_empty=True)
            self._begun = True
        with self.path.open("r+b") as stream:
            end = stream.seek(0, os.SEEK_END)
            try:
                stream.write(_line(_values(change)))
                stream.flush()
                os.fsync(stream.fileno())
            except OSError:
                stream.truncate(end)
                raise
        entry = self.entries.setdefault(
            change.file, Entry(change.track, change.file, change.had_tags, {})
        )
        entry.add(change)


def write_backup(path: Path, entries: Iterable[Entry], even_if_empty: bool = False) -> None:
    """Replace a backup, synced to the disk; without entries, remove it."""
    kept = sorted(entries, key=lambda entry: entry.file)
    if not kept and not even_if_empty:
        path.unlink(missing_ok=True)
        return
    lines = [_line({"schema": SCHEMA, "schema_version": VERSION})]
    lines += [_line(_values(change)) for entry in kept for change in entry.lines()]
    write_atomically(path, b"".join(lines))
    sync_folder(path.parent)


def _values(change: Change) -> dict[str, Any]:
    """A change as JSON values."""
    values = dict(vars(change))
    copies = values.pop("in_place")
    return values if copies is None else {**values, "in_place": vars(copies)}


def _line(values: dict[str, Any]) -> bytes:
    return json.dumps(values).encode() + b"\n"
