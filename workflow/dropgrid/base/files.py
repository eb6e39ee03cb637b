"""Write files so that readers never see half of one, and read only files of limited size."""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import IO

WINDOWS = re.compile(r"(?P<drive>[A-Za-z]:)[/\\]")  # how an absolute path begins there


def rooted(path: str | Path) -> Path:
    """A folder's absolute path; a Windows path is unchanged, with forward slashes."""
    if WINDOWS.match(str(path)):
        return Path(str(path).replace("\\", "/"))
    return Path(path).absolute()


def cut_name(name: str, most: int = 180) -> str:
    """A file's name cut to at most `most` bytes, between letters. A letter has up to four bytes,
    and a temporary name beside the file may have 255."""
    cut = os.fsencode(name)[:most]
    while cut and not name.startswith(os.fsdecode(cut)):
        cut = cut[:-1]
    return os.fsdecode(cut)


def write_atomically(path: Path, data: bytes | Iterable[bytes], durable: bool = True) -> None:
    """Write data to path through a temporary file in the same folder and a rename.

    Whatever goes wrong (disk full, a signal), path contains either its old contents or all of
    data, which may come in chunks. durable: this also holds after a power cut, at the cost of
    waiting for the disk; call `sync_folder` to make sure that the new contents survive. An
    existing file passes its mode on to the new file. A link is replaced, not followed: to write
    through a link, give its target as the path. Missing folders are made. Raises OSError.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{cut_name(path.name)}.{os.getpid()}.tmp")
    try:
        with _new_file(temporary, _mode_of(path)) as stream:
            stream.writelines((data,) if isinstance(data, bytes) else data)
            if durable:
                stream.flush()
                os.fsync(stream.fileno())
        os.replace(temporary, path)
    except BaseException as error:
        with suppress(OSError):
            temporary.unlink()
        if isinstance(error, OSError) and error.errno is not None:  # name what was to be written
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise


def _mode_of(path: Path) -> int | None:
    """The mode of a regular file, or None."""
    with suppress(OSError):
        status = path.lstat()
        if stat.S_ISREG(status.st_mode):
            return stat.S_IMODE(status.st_mode)
    return None


def _new_file(path: Path, mode: int | None) -> IO[bytes]:
    """Open a new private file; replace one that an ended process left behind."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    at_first = 0o666 if mode is None else mode & 0o700
    try:
        descriptor = os.open(path, flags, at_first)
    except FileExistsError:
        path.unlink(missing_ok=True)
        descriptor = os.open(path, flags, at_first)
    if mode is not None:
        with suppress(PermissionError):  # a file system without modes
            os.fchmod(descriptor, mode)
    return os.fdopen(descriptor, "wb")


def sync_folder(folder: Path) -> None:
    """Flush a folder's names to disk, so that a power cut does not undo a rename.

    Does nothing if the file system does not support it. Raises OSError if the disk fails.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(descriptor)


def write_if_changed(path: Path, data: bytes, durable: bool = True) -> bool:
    """Write data to path unless path already contains it; True if it was written.

    An unchanged file keeps its modification time, so that it triggers no new jobs.
    """
    with suppress(OSError):
        if path.read_bytes() == data:
            return False
    write_atomically(path, data, durable)
    return True


def open_regular(path: Path, limit: int) -> IO[bytes]:
    """Open a regular file for reading, without waiting for a pipe.

    Raises OSError, with EINVAL if it is not a regular file and EFBIG beyond limit bytes.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    status = os.fstat(descriptor)
    regular = stat.S_ISREG(status.st_mode)
    if regular and status.st_size <= limit:
        return os.fdopen(descriptor, "rb")
    os.close(descriptor)
    if regular:
        raise _too_large(path, limit)
    raise OSError(errno.EINVAL, "not a regular file", str(path))


def read_regular(path: Path, limit: int) -> bytes:
    """The bytes of a regular file; never waits for a pipe or reads a device endlessly.

    Raises OSError, with EINVAL if it is not a regular file and EFBIG beyond limit bytes.
    """
    with open_regular(path, limit) as stream:
        # `read` allocates the number of bytes requested: request the size and one byte.
        data = stream.read(min(os.fstat(stream.fileno()).st_size, limit) + 1)
    if len(data) > limit:
        raise _too_large(path, limit)
    return data


def _too_large(path: Path, limit: int) -> OSError:
    return OSError(errno.EFBIG, f"more than {limit >> 20} MB", str(path))
