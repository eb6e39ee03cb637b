"""Writing files so that a reader never sees half of one."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def write_atomically(path: Path, data: bytes, durable: bool = True) -> None:
    """Write data to path by way of a temporary file beside it and a rename.

    Whatever goes wrong (disk full, a signal), path holds either what it held before or all
    of data; durable: after a power cut too, at the price of waiting for the disk. Missing
    folders are made. Raises OSError.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name[:200]}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as stream:
            stream.write(data)
            if durable:
                stream.flush()
                os.fsync(stream.fileno())
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
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
