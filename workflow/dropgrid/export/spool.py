"""What a file of all tracks is made of, kept while its head is not known: how many there are."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator

IN_MEMORY = 4 * 2**20  # bytes; what is more goes to a file without a name in the system's folder
CHUNK = 2**20


class Spool:
    """Bytes that are added to and then read, in chunks and as often as wanted."""

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
