"""Write into a file with several names (hard links), and finish interrupted writing.

A rename would separate the names, so the bytes of the finished copy are written into the file
itself. Meanwhile two files are next to it: the finished copy and a copy of the old file. The
backup has their names and digests before the file is changed. With these, `finish_interrupted`
completes the writing after a crash or a power cut, but only if the backup names the copies, their
digests match, and every byte of the file comes from one of them. If another program has changed
the file since, it is left alone, and the reason is reported.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import stat
from collections.abc import Iterable
from pathlib import Path

from ..base.files import cut_name, sync_folder
from .backup import Entry
from .plan import InPlace, TagError

COPY = ".dropgrid-tag"  # suffixes of copies, after the process id: an unfinished copy
WHOLE = ".dropgrid-whole"  # a finished copy that is being written in place
OLD = ".dropgrid-old"  # a copy of the old file
LEFT_OVER = re.compile(
    r"\.(?P<name>.+)\.(?P<process>\d+)(?P<state>\.dropgrid-(?:tag|whole|old))", re.DOTALL
)
BLOCK = 2**20


class HalfWrittenError(TagError):
    """A file was written in part; the next command finishes it."""


def copy_path(path: Path, state: str, what: str = "") -> Path:
    """The path of a copy, next to its file."""
    return path.with_name(f".{cut_name(path.name)}{what}.{os.getpid()}{state}")


def keep_old(path: Path, finished: Path) -> tuple[Path, InPlace]:
    """Copy a file, synced to the disk; returns the copy, and both copies for the backup.

    Raises OSError; then there is no copy.
    """
    being_made = copy_path(path, COPY, ".old")
    try:
        with path.open("rb") as source, being_made.open("xb") as target:
            shutil.copyfileobj(source, target)
            target.flush()
            os.fsync(target.fileno())
        whole, old = copy_path(path, WHOLE), copy_path(path, OLD)
        copies = InPlace(whole.name, _digest(finished), old.name, _digest(being_made))
    except BaseException:
        being_made.unlink(missing_ok=True)
        raise
    return being_made, copies


def write_in_place(path: Path, finished: Path, kept: Path) -> None:
    """Write the bytes of the finished copy into a file, and remove both copies.

    Raises OSError if there is no space, and then the file is unchanged; HalfWrittenError.
    """
    whole, old = copy_path(path, WHOLE), copy_path(path, OLD)
    os.replace(kept, old)
    os.replace(finished, whole)
    try:
        sync_folder(path.parent)
        _make_room(path, whole)
    except OSError:
        whole.unlink(missing_ok=True)
        old.unlink(missing_ok=True)
        raise
    try:
        _write_into(whole, path)
        old.unlink()
    except OSError as error:
        raise HalfWrittenError(
            f"only half written ({error}): the next `dropgrid tag` finishes it from {whole}"
        ) from error


def _make_room(path: Path, whole: Path) -> None:
    """Reserve disk space for the bytes of a finished copy before writing them.

    Raises OSError; then the file is unchanged.
    """
    with path.open("r+b") as stream:
        before, size = os.fstat(stream.fileno()).st_size, whole.stat().st_size
        try:
            if size > before and hasattr(os, "posix_fallocate"):
                os.posix_fallocate(stream.fileno(), before, size - before)
        except OSError:
            stream.truncate(before)
            raise


def _write_into(whole: Path, path: Path) -> None:
    """Write the bytes of a finished copy into a file, and remove the copy."""
    with whole.open("rb") as source, path.open("r+b") as target:
        shutil.copyfileobj(source, target)
        target.truncate()
        target.flush()
        os.fsync(target.fileno())
    whole.unlink()


def finish_interrupted(folder: Path, entries: Iterable[Entry] = ()) -> list[tuple[Path, str]]:
    """Finish the interrupted writing of ended processes in a folder of music.

    entries: of the backup. An unfinished copy is removed; a finished copy is written into its file
    if the backup names it and the file has not changed since. Returns a message for each file.
    Raises OSError.
    """
    entry_of: dict[str, Entry] = {}
    for entry in entries:
        if entry.in_place is not None and Path(entry.file).parent == folder:
            entry_of |= {entry.in_place.whole: entry, entry.in_place.old: entry}
    messages = []
    for name in sorted(os.listdir(folder), reverse=True):  # finished copies before old ones
        match, left = LEFT_OVER.fullmatch(name), folder / name
        if match is None or _is_running(int(match["process"])) or not os.path.lexists(left):
            continue
        if match["state"] == COPY:
            left.unlink(missing_ok=True)
            continue
        if match["state"] == OLD and os.path.lexists(left.with_name(_whole_of(name))):
            continue  # handled with the finished copy
        try:
            if name not in entry_of:
                raise TagError("the backup knows no such copy")
            entry = entry_of[name]
            messages.append((Path(entry.file), _finish(folder, left, entry)))
        except TagError as error:
            text = f"left as it is: {error}; delete it if the song beside it is right"
            messages.append((left, text))
    return messages


def _whole_of(name: str) -> str:
    return name.removesuffix(OLD) + WHOLE


def _finish(folder: Path, left: Path, entry: Entry) -> str:
    """Write a finished copy into its file; returns a message. Raises TagError, OSError."""
    assert entry.in_place is not None
    path, whole, old = Path(entry.file), folder / entry.in_place.whole, folder / entry.in_place.old
    _refuse_other_than_files(path, *filter(os.path.lexists, (whole, old)))
    before = path.stat()
    if not os.path.lexists(whole):  # everything was written, or nothing
        if _digest(path) not in (entry.in_place.new_digest, entry.in_place.old_digest):
            raise TagError(f"{path.name} has been changed since")
        left.unlink()
        entry.in_place = None
        return "what an interrupted writing left is removed"
    if _digest(whole) != entry.in_place.new_digest:
        raise TagError("it is not the copy that the backup knows")
    if os.path.lexists(old):
        if _digest(old) != entry.in_place.old_digest:
            raise TagError(f"{old.name} is not the copy that the backup knows")
        untouched = _is_between(path, old, whole)
    else:
        untouched = _digest(path) in (entry.in_place.new_digest, entry.in_place.old_digest)
    if not untouched or _has_changed(path, before):
        raise TagError(f"{path.name} has been changed since")
    _write_into(whole, path)
    old.unlink(missing_ok=True)
    entry.in_place = None
    return "the writing that was interrupted is finished"


def _refuse_other_than_files(*paths: Path) -> None:
    for path in paths:
        if not os.path.lexists(path) or not stat.S_ISREG(path.lstat().st_mode):
            raise TagError(f"{path.name} is no file")


def _has_changed(path: Path, before: os.stat_result) -> bool:
    now = path.stat()
    names = ("st_dev", "st_ino", "st_size", "st_mtime_ns", "st_ctime_ns")
    return any(getattr(now, name) != getattr(before, name) for name in names)


def _is_between(path: Path, old: Path, new: Path) -> bool:
    """Whether every byte of a file comes from one of two others, or is reserved space."""
    sizes = {file.stat().st_size for file in (old, new)}
    if path.stat().st_size not in sizes:
        return False
    with path.open("rb") as stream, old.open("rb") as first, new.open("rb") as second:
        while block := stream.read(BLOCK):
            before, after = (file.read(len(block)) for file in (first, second))
            before, after = (data.ljust(len(block), b"\0") for data in (before, after))
            if block in (before, after):
                continue
            if any(byte not in pair for byte, *pair in zip(block, before, after, strict=True)):
                return False
    return True


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        pass
    return True
