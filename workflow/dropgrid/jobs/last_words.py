"""Forward the standard error of a child to that of this process, and keep its end.

A library that ends the process for lack of memory (OpenBLAS, LLVM, the C++ runtime) reports it
only there.
"""

from __future__ import annotations

import os
from contextlib import suppress

KEPT = 8192  # bytes kept of the end: enough for a fault handler's stacks of all threads
AT_ONCE = 16  # reads of one pipe's capacity


class LastWords:
    """A pipe from a child's standard error to that of this process; made before the fork."""

    def __init__(self) -> None:
        self.reader, self._writer = os.pipe()
        os.set_blocking(self.reader, False)
        self._end = b""

    def speak(self) -> None:
        """In the child: redirect standard error into the pipe from now on."""
        os.dup2(self._writer, 2)
        os.close(self._writer)
        os.close(self.reader)

    def listen(self) -> None:
        """In the parent: close the writing end, which is the child's."""
        os.close(self._writer)

    def pass_on(self) -> bool:
        """Forward new output; False once no process has the writing end open."""
        return self._take() != b""

    def close(self) -> str:
        """Forward what remains in the pipe; returns the end of the output."""
        for _ in range(AT_ONCE):  # limited: processes that the child started may still write
            if not self._take():
                break
        os.close(self.reader)
        return self._end.decode(errors="replace")

    def _take(self) -> bytes | None:
        """A piece, passed on; empty at the end, None where there is no output yet."""
        try:
            piece = os.read(self.reader, 65536)
        except BlockingIOError:
            return None
        self._end = (self._end + piece)[-KEPT:]
        rest = piece
        with suppress(OSError):  # standard error is not writable: a full disk, a closed reader
            while rest:
                rest = rest[os.write(2, rest) :]
        return piece
