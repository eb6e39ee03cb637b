"""A part of a file as a file of its own, for decoders that stop at the first recording."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any


class FilePart(io.RawIOBase):
    """The bytes [start, end) of a file, to be read.

    instead: place in the part -> bytes that are read there. failed: the error of a read, for the
    caller to raise: libsndfile takes none from a reader.
    """

    def __init__(
        self, path: Path, start: int, end: int, instead: Mapping[int, bytes] | None = None
    ) -> None:
        self._stream = path.open("rb")
        self._instead = dict(instead or {})
        self._start, self._size, self._at = start, end - start, 0
        self.failed: OSError | None = None

    def readable(self) -> bool:
        """True: io asks."""
        return True

    def seekable(self) -> bool:
        """True: io asks."""
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        """Move to a place in the part; where that is."""
        self._at = max(0, offset + (0, self._at, self._size)[whence])
        return self._at

    def tell(self) -> int:
        """The place in the part."""
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer from the part, up to its end; how many bytes."""
        try:
            self._stream.seek(self._start + self._at)
            view = memoryview(buffer)[: max(0, self._size - self._at)]
            count = self._stream.readinto(view)
        except OSError as error:
            self.failed = error
            return 0
        for place, data in self._instead.items():
            for at in range(max(place, self._at), min(place + len(data), self._at + count)):
                view[at - self._at] = data[at - place]
        self._at += count
        return count

    def close(self) -> None:
        """Close the file."""
        self._stream.close()
        super().close()
