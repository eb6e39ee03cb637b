"""Writing into a file that has several names, and finishing what was interrupted.

A rename would part the names. So the bytes of the finished copy are written into the file itself,
and until they all are, two files lie beside it: the finished copy, and a copy of what the file
held. The backup has the names and digests of both before the file is touched. By them `mend`
finishes what a kill or a power cut has left: only what the backup names, only if both copies are
the very ones, and only if every byte of the file is that of one copy or the other. Whoever has
written to the file since keeps what was written; then nothing is touched, and the reason is
reported.
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

COPY = ".dropgrid-tag"  # how the names of copies end, behind the process: being made
WHOLE = ".dropgrid-whole"  # finished, being written in place
OLD = ".dropgrid-old"  # what the file held before
LEFT_OVER = re.compile(
    r"\.(?P<name>.+)\.(?P<process>\d+)(?P<state>\.dropgrid-(?:tag|whole|old))", re.DOTALL
)
BLOCK = 2**20


class HalfWrittenError(TagError):
    """A file was written in part; the next command finishes it."""


def beside(path: Path, state: str, what: str = "") -> Path:
    """The name of a copy, beside its file."""
    return path.with_name(f".{cut_name(path.name)}{what}.{os.getpid()}{state}")


def keep_old(path: Path, finished: Path) -> tuple[Path, InPlace]:
    """Copy what a file holds, onto the disk; the copy, and what the backup is to know of both.

    Raises OSError; then there is no copy.
    """
    being_made = beside(path, COPY, ".old")
    try:
        with path.open("rb") as source, being_made.open("xb") as target:
            shutil.copyfileobj(source, target)
            target.flush()
            os.fsync(target.fileno())
        whole, old = beside(path, WHOLE), beside(path, OLD)
        known = InPlace(whole.name, _digest(finished), old.name, _digest(being_made))
    except BaseException:
        being_made.unlink(missing_ok=True)
        raise
    return being_made, known


def write_in_place(path: Path, finished: Path, kept: Path) -> None:
    """Have a file hold the bytes of its finished copy. Both copies are gone afterwards.

    Raises OSError where there is no room for it, and then the file is as it was; HalfWrittenError.
    """
    whole, old = beside(path, WHOLE), beside(path, OLD)
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
    """Have the disk hold a finished copy's bytes in a file before any of them is written.

    Raises OSError; then the file is as it was.
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
    """Finish what an ended process has left in a folder of music; what became of which file.

    entries: of the backup. A copy that was being made is removed; a finished one is written to
    where it was to go, if the backup knows it and nobody else has written there. Raises OSError.
    """
    known: dict[str, Entry] = {}
    for entry in entries:
        if entry.in_place is not None and Path(entry.file).parent == folder:
            known |= {entry.in_place.whole: entry, entry.in_place.old: entry}
    told = []
    for name in sorted(os.listdir(folder), reverse=True):  # finished copies before old ones
        match, left = LEFT_OVER.fullmatch(name), folder / name
        if match is None or _is_running(int(match["process"])) or not os.path.lexists(left):
            continue
        if match["state"] == COPY:
            left.unlink(missing_ok=True)
            continue
        if match["state"] == OLD and os.path.lexists(left.with_name(_whole_of(name))):
            continue  # told of with the other one
        try:
            if name not in known:
                raise TagError("the backup knows no such copy")
            told.append((Path(known[name].file), _finish(folder, left, known[name])))
        except TagError as error:
            text = f"left as it is: {error}; delete it if the song beside it is right"
            told.append((left, text))
    return told


def _whole_of(name: str) -> str:
    return name.removesuffix(OLD) + WHOLE


def _finish(folder: Path, left: Path, entry: Entry) -> str:
    """Write a finished copy to where it was to go; what to say. Raises TagError, OSError."""
    assert entry.in_place is not None
    path, whole, old = Path(entry.file), folder / entry.in_place.whole, folder / entry.in_place.old
    _refuse_other_than_files(path, *filter(os.path.lexists, (whole, old)))
    before = path.stat()
    if not os.path.lexists(whole):  # all is written, or nothing was
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
    """Whether every byte of a file is that of one of two others, or room that was made."""
    sizes = {file.stat().st_size for file in (old, new)}
    if path.stat().st_size not in sizes:
        return False
    with path.open("rb") as stream, old.open("rb") as one, new.open("rb") as other:
        while block := stream.read(BLOCK):
            before, after = (file.read(len(block)) for file in (one, other))
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
