"""Change a file's tags atomically: the file is always completely old or completely new.

The file is copied next to itself, the tags of the copy are changed, and its audio is compared with
the original, packet by packet. The new values are saved in the backup, which is on the disk before
the copy is renamed over the original. If another program has saved the file in the meantime, it is
left alone. Mode, owner and extended attributes are kept; the modification time is new.

A rename would separate the file from its hard links. With in_place, the bytes of the copy are
written into the file instead; see dropgrid.tagging.in_place.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..audio.packets import packet_digest
from ..base.errors import DecodeError, RecordError
from ..base.files import sync_folder, write_atomically
from ..records.ticket import read_ticket, ticket_json
from ..results.layout import Results
from .fields import plain_text
from .in_place import COPY, copy_path, keep_old, write_in_place
from .plan import TRACK, Change, TagError, open_tags

Note = Callable[[Change], None]


def apply(
    change: Change, note: Note | None = None, results: Path | None = None, in_place: bool = False
) -> str | None:
    """Make a change to its file. Raises TagError, OSError; then the file is unchanged.

    The fields must still have the old values. note: called with the change, and the new values as
    read back, before the file is changed; its exceptions stop the change; in place, it must save
    the change, so that an interrupted one can be finished. results: the folder with the track's
    ticket, which is updated, because the audio stays the same. Returns the problem after the file
    was changed, if there is one. Raises HalfWrittenError.
    """
    if not TRACK.fullmatch(change.track):
        raise TagError(f"{change.track!r} is not a track's id")
    path = Path(change.file)
    before = path.stat()
    temporary = copy_path(path, COPY)
    kept: Path | None = None
    try:
        stored = _make_copy(path, temporary, change)
        if in_place and before.st_nlink > 1:
            kept, copies = keep_old(path, temporary)
            stored = dataclasses.replace(stored, in_place=copies)
        _refuse_if_changed(path, before)
        if note is not None:
            note(stored)
        _refuse_if_changed(path, before)
        if kept is not None:
            write_in_place(path, temporary, kept)
        else:
            os.replace(temporary, path)
    finally:
        for left in filter(None, (temporary, kept)):
            with suppress(OSError):
                left.unlink()
    if wrong := _error_of(sync_folder, path.parent):
        return f"changed, but a power cut may undo it: {wrong}"
    ticket = None if results is None else Results(results).ticket(change.track)
    if ticket and (wrong := _error_of(_refresh_ticket, ticket, path, before)):
        return f"changed, but its ticket could not follow, so that it is analysed again: {wrong}"
    return None


def _error_of(action: Callable[..., None], *arguments: Any) -> str | None:
    """Call a function; returns its error as text, None if there is none."""
    try:
        action(*arguments)
    except (OSError, RecordError) as error:
        return str(error)
    return None


def _make_copy(path: Path, temporary: Path, change: Change) -> Change:
    """Make the changed copy, synced to the disk; returns the change with values as read back."""
    with path.open("rb") as source, temporary.open("xb") as target:
        shutil.copyfileobj(source, target)
    _copy_attributes(path, temporary)
    audio = audio_digest(temporary)
    file, has_tags, fields = open_tags(temporary, like=path)
    if any(plain_text(fields.get(key)) != plain_text(value) for key, value in change.old.items()):
        raise TagError("its tags have changed since")
    try:
        for key, value in change.new.items():
            fields.put(key, value)
    except Exception as error:  # a forged backup's values
        raise TagError(f"its fields cannot hold what they should ({error})") from error
    _save(file, new_tags=not has_tags, remove=not change.had_tags and not list(file.tags.keys()))
    if audio_digest(temporary) != audio:
        raise TagError("its audio would not stay the same")
    _, _, fields = open_tags(temporary, like=path)
    stored = {key: fields.get(key) for key in change.new}
    if any(plain_text(stored[key]) != plain_text(value) for key, value in change.new.items()):
        raise TagError("its fields would not hold what is written")
    with temporary.open("rb+") as stream:
        os.fsync(stream.fileno())
    return dataclasses.replace(change, new=stored)


def _refuse_if_changed(path: Path, before: os.stat_result) -> None:
    now = path.stat()
    names = ("st_dev", "st_ino", "st_size", "st_mtime_ns", "st_ctime_ns")
    if any(getattr(now, name) != getattr(before, name) for name in names):
        raise TagError("somebody else has changed it meanwhile")


def audio_digest(path: Path) -> str:
    """The digest of a file's compressed audio, without tags and container. Raises TagError."""
    try:
        return packet_digest(path)
    except DecodeError as error:
        raise TagError(str(error).removeprefix(f"{path}: ")) from error


def _save(file: Any, new_tags: bool, remove: bool) -> None:
    from mutagen.id3 import ID3

    try:
        if remove:
            file.delete()
        elif isinstance(file.tags, ID3):
            is_v24 = file.tags.version[:2] == (2, 4) and not new_tags
            file.save(v2_version=4 if is_v24 else 3, v23_sep=None)
        else:
            file.save()
    except Exception as error:  # mutagen on a broken file
        raise TagError(f"its tags cannot be written ({type(error).__name__}: {error})") from error


def _copy_attributes(source: Path, target: Path) -> None:
    status = source.stat()
    with suppress(PermissionError):
        os.chown(target, status.st_uid, status.st_gid)
    shutil.copystat(source, target)  # after chown, which clears some mode bits
    os.utime(target)


def _refresh_ticket(ticket: Path, file: Path, before: os.stat_result) -> None:
    """Update a ticket that matched the file before; the ticket keeps its modification time."""
    if not ticket.exists():
        return
    track, now, age = read_ticket(ticket), file.stat(), ticket.stat()
    if (track.size, track.mtime_ns) == (before.st_size, before.st_mtime_ns):
        track = dataclasses.replace(track, size=now.st_size, mtime_ns=now.st_mtime_ns)
        write_atomically(ticket, ticket_json(track))
        os.utime(ticket, ns=(age.st_atime_ns, age.st_mtime_ns))
