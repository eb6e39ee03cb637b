"""A buffer for the tracks of a file whose head, which contains their number, is not known yet."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator

IN_MEMORY = 4 * 2**20  # bytes; more than that goes to an unnamed file in the temporary folder
CHUNK = 2**20


class Spool:
    """Bytes that are added track by track and then read in chunks, any number of times."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115
        self.added = 0

    def add(self, data: bytes) -> None:
        """Add the bytes of one more track."""
        self._file.write(data)
        self.added += 1

    def __iter__(self) -> Iterator[bytes]:
        self._file.seek(0)
        while chunk := self._file.read(CHUNK):
            yield chunk
