"""Putting back what files' fields held before tempo and drops were written into them.

Field by field: what the user has changed since stays the user's, and the rest is put back. What
is not put back stays in the backup, with its reason, until it is named to be forgotten.
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
    """What became of a file: whether it was changed, what was not put back and why, and what
    the backup keeps of it (None: nothing)."""

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
    """Put back what a file's fields held first, where they hold what we wrote. Never raises for
    what is wrong with the file alone.

    root: of the library, outside of which nothing is touched. note: keeps a change that is to be
    written into its file, see `apply`.
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
