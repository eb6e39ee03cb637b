"""What a child says on standard error: passed on to our own, its end kept.

A library that ends the process for want of memory (OpenBLAS, LLVM, the C++ runtime) says so there
and nowhere else.
"""

from __future__ import annotations

import os
from contextlib import suppress

KEPT = 8192  # bytes of the end that are kept: a fault handler's stack of all threads fits in
AT_ONCE = 16  # times what a pipe holds


class LastWords:
    """A pipe from the standard error of a child to be forked to that of this process."""

    def __init__(self) -> None:
        self.reader, self._writer = os.pipe()
        os.set_blocking(self.reader, False)
        self._end = b""

    def speak(self) -> None:
        """In the child: have all it says on standard error from now on go through the pipe."""
        os.dup2(self._writer, 2)
        os.close(self._writer)
        os.close(self.reader)

    def listen(self) -> None:
        """In the parent: leave the writing end to the child."""
        os.close(self._writer)

    def pass_on(self) -> bool:
        """Pass on new output; False where nobody is left who could say more."""
        return self._take() != b""

    def close(self) -> str:
        """Pass on what is left in the pipe; the end of the output."""
        for _ in range(AT_ONCE):  # and no more: what the child started may go on talking
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
        with suppress(OSError):  # nowhere to say it: a full disk, a reader that has gone
            while rest:
                rest = rest[os.write(2, rest) :]
        return piece
