"""Reads SQLite 3 databases of other programs within limits, because they are untrusted.

They are opened read-only, without their journals. Only plain tables are read: a view or a computed
column is a program, not data.
"""

from __future__ import annotations

import os
import sqlite3
import stat
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from ..base.errors import InvalidReference
from .checks import Place

HEAD = b"SQLite format 3\0"
MAX_FILE = 4 * 2**30  # bytes of a database: a library of a million tracks
MAX_VALUE = 8 * 2**20  # bytes of any value or row
MAX_ROWS = 2_000_000  # of a query
STEPS, STEPS_PER_BYTE = 20_000_000, 10  # of SQLite's VM: a library needs 1 or 2 a byte
MAX_SECONDS = 300.0


@dataclass(frozen=True)
class Source:
    """An open database of a program, and its size in bytes."""

    connection: sqlite3.Connection
    path: Path
    program: str
    size: int

    def check_tables(self, names: Sequence[str]) -> None:
        """Refuse everything except plain tables."""
        plain = dict(
            self.connection.execute(
                "select lower(name), type = 'table' and rootpage > 0 from sqlite_master"
                " where type in ('table', 'view')"
            )
        )
        for name in names:
            if name.lower() not in plain:
                Place(self.path).refuse(
                    f"not a database of {self.program} that can be read: no such table: {name}"
                )
            columns = self.connection.execute(f"pragma table_xinfo({name})").fetchall()
            if not plain[name.lower()] or any(hidden for *_, hidden in columns):
                Place(self.path).refuse(
                    f"not a database of {self.program}: {name} is not a plain table"
                )

    def rows(self, query: str) -> Iterator[tuple]:
        """The rows of a query, limited to the size of the file."""
        left = 2 * self.size  # a path that two tracks share counts twice
        for count, row in enumerate(self.connection.execute(query), start=1):
            left -= sum(len(value) for value in row if isinstance(value, str | bytes))
            if count > MAX_ROWS or left < 0:
                Place(self.path).refuse(
                    "its tables hold more than the file does, or too many rows"
                )
            yield row


@contextmanager
def opened(path: Path, program: str) -> Iterator[Source]:
    """A program's database. Raises InvalidReference for any SQLite error, also during use."""
    size = _checked_size(path, program)
    try:
        address = f"file:{quote(str(path.absolute()))}?mode=ro&immutable=1"
        connection = sqlite3.connect(address, uri=True)
    except sqlite3.Error as error:
        raise InvalidReference(f"{path}: cannot be read ({error})") from error
    try:
        _limit(connection, size)
        yield Source(connection, path, program, size)
    except sqlite3.Error as error:
        reason = str(error)
        if "interrupted" in reason:
            reason = "it takes longer than its size can ask for"
        raise InvalidReference(
            f"{path}: not a database of {program} that can be read: {reason}"
        ) from error
    finally:
        connection.close()


def _checked_size(path: Path, program: str) -> int:
    """Bytes of a database. Raises InvalidReference if it is not one; does not block on a pipe."""
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as stream:
            status = os.fstat(stream.fileno())
            if not stat.S_ISREG(status.st_mode):
                Place(path).refuse("not a file but a pipe, a device or the like")
            if stream.read(len(HEAD)) != HEAD:
                Place(path).refuse(f"not a database of {program} (SQLite 3)")
    except OSError as error:
        raise InvalidReference(f"{path}: cannot be read ({error.strerror})") from error
    if status.st_size > MAX_FILE:
        Place(path).refuse(f"{status.st_size >> 20} MiB is too much for a library of {program}")
    return status.st_size


def _limit(connection: sqlite3.Connection, size: int) -> None:
    """Limit the cost of a database: steps and seconds of SQLite's VM, bytes of a value."""
    steps = iter(range((STEPS + STEPS_PER_BYTE * size) // 1_000_000))
    end = time.monotonic() + MAX_SECONDS
    connection.set_progress_handler(
        lambda: next(steps, None) is None or time.monotonic() > end, 1_000_000
    )
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_VALUE)
    connection.execute("pragma trusted_schema = off")
    connection.execute("pragma cell_size_check = on")
