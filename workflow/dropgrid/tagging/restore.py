"""Restore the values that files' fields had before tempo and drops were written into them.

Each field is restored unless the user has changed it since. A field that is not restored stays in
the backup with the reason, until the user asks to forget it.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from .backup import Entry
from .change import Note, apply
from .fields import plain_text
from .in_place import HalfWrittenError
from .plan import Change, TagError, checked_path, open_tags


@dataclass(frozen=True)
class Restored:
    """The result for a file: whether it was changed, which fields were not restored and why, and
    what the backup keeps of it (None: nothing)."""

    changed: bool
    reasons: tuple[str, ...] = ()
    kept: Entry | None = None


def is_named(entry: Entry, names: Collection[str]) -> bool:
    """Whether a file is among the names: its track's id, its path, or the end of its path."""
    return any(
        name == entry.track or name == entry.file or entry.file.endswith(f"{os.sep}{name}")
        for name in names
    )


def restore(
    entry: Entry,
    root: Path,
    results: Path,
    in_place: bool = False,
    note: Note | None = None,
) -> Restored:
    """Restore the first values of a file's fields that still contain what dropgrid wrote. Never
    raises for a fault of the file alone.

    root: of the library; no file outside it is changed. note: stores a change that will be written
    in place, see `apply`.
    """
    try:
        path = checked_path(entry.file, root, in_place)
        _, _, fields = open_tags(path)
        now = {key: fields.get(key) for key in entry.old}
        changed_since = [key for key in now if not entry.is_written(key, now[key])]
        back = {
            key: entry.old[key]
            for key in now
            if key not in changed_since and plain_text(now[key]) != plain_text(entry.old[key])
        }
        wrong = None
        if back:
            old = {key: now[key] for key in back}
            change = Change(entry.track, str(path), entry.had_tags, old, back)
            wrong = apply(change, note if in_place else None, results, in_place)
    except HalfWrittenError as error:
        return Restored(True, (str(error),), entry)
    except (TagError, OSError) as error:
        return Restored(False, (f"{error}; left as it is",), entry)
    reasons = [f"{key} was changed since and is left alone" for key in changed_since]
    old = {key: entry.old[key] for key in changed_since}
    kept = dataclasses.replace(entry, old=old, in_place=None) if old else None
    return Restored(bool(back), (*reasons, *filter(None, [wrong])), kept)
