"""Writing files so that a reader never sees half of one, and reading none that has no end."""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

WINDOWS = re.compile(r"(?P<drive>[A-Za-z]:)[/\\]")  # how an absolute path begins there


def rooted(path: str | Path) -> Path:
    """A folder's absolute path; one of Windows stays what it is, with forward slashes."""
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
    """Write data to path by way of a temporary file beside it and a rename.

    Whatever goes wrong (disk full, a signal), path holds either what it held before or all
    of data, which may come in chunks; durable: after a power cut too, at the price of waiting
    for the disk. Missing folders are made. Raises OSError.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{cut_name(path.name)}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as stream:
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


def read_regular(path: Path, limit: int) -> bytes:
    """The bytes of a regular file: no pipe is waited for, no device read without end.

    Raises OSError, with EINVAL for what is no regular file and EFBIG beyond limit bytes.
    """
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as stream:
        status = os.fstat(stream.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "not a regular file", str(path))
        # Room is made for all that is asked for: ask for no more than there is, and one byte.
        data = stream.read(min(status.st_size, limit) + 1)
    if len(data) > limit:
        raise OSError(errno.EFBIG, f"more than {limit >> 20} MB", str(path))
    return data
