"""Writing files so that a reader never sees half of one, and reading none that has no end."""

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
    """A file's name cut to so many bytes, no letter in two: of a temporary name beside it there
    may be 255 bytes, and a letter has up to four."""
    cut = os.fsencode(name)[:most]
    while cut and not name.startswith(os.fsdecode(cut)):
        cut = cut[:-1]
    return os.fsdecode(cut)


def write_atomically(path: Path, data: bytes | Iterable[bytes], durable: bool = True) -> None:
    """Write data to path through a temporary file in the same folder and a rename.

    Whatever goes wrong (disk full, a signal), path holds either what it held before or all
    of data, which may come in chunks; durable: after a power cut too, at the price of waiting
    for the disk; which of the two it then is, `sync_folder` decides. A file that was there gives
    the new one its mode. A link is replaced, not followed: whoever is to write through one gives
    the path that it leads to. Missing folders are made. Raises OSError.
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
    """The mode of a regular file; None where there is none."""
    with suppress(OSError):
        status = path.lstat()
        if stat.S_ISREG(status.st_mode):
            return stat.S_IMODE(status.st_mode)
    return None


def _new_file(path: Path, mode: int | None) -> IO[bytes]:
    """A new private file; replaces one that an ended process left."""
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
    """Have a folder's names on the disk, so that a power cut does not undo a rename.

    Nothing where the file system cannot do so. Raises OSError for a disk that fails.
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
    """Write data to path unless it is there already; True if it was written.

    Leaves the modification time of an unchanged file alone, so that nothing is made again
    because of it.
    """
    with suppress(OSError):
        if path.read_bytes() == data:
            return False
    write_atomically(path, data, durable)
    return True


def open_regular(path: Path, limit: int) -> IO[bytes]:
    """A regular file to read: no pipe is waited for.

    Raises OSError, with EINVAL for what is no regular file and EFBIG beyond limit bytes.
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
    """The bytes of a regular file: no pipe is waited for, no device read without end.

    Raises OSError, with EINVAL for what is no regular file and EFBIG beyond limit bytes.
    """
    with open_regular(path, limit) as stream:
        # `read` allocates the number of bytes requested: request the size and one byte.
        data = stream.read(min(os.fstat(stream.fileno()).st_size, limit) + 1)
    if len(data) > limit:
        raise _too_large(path, limit)
    return data


def _too_large(path: Path, limit: int) -> OSError:
    return OSError(errno.EFBIG, f"more than {limit >> 20} MB", str(path))
