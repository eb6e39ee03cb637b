"""Let a crashing child wait until its parent has measured how much memory it uses.

Some libraries do not check whether an allocation succeeded, and write to where there is nothing.
Such a crash differs from others only in that the child was at its memory cap, which cannot be
measured after the child has ended. So Python's own handler is set for these signals: it writes the
signal's number to a pipe and returns to the instruction, which crashes again until the parent
kills the child.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path

CRASHES = (signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL)
AT_CAP = 0.9  # share of the cap above which a block of usual size could not be allocated


class Crash:
    """A pipe through which a child process reports that it crashes; made before the fork.

    signal: of the crash; None before one. counted_mb: the largest amount of memory measured so
    far, of the kind that the cap counts, in MB.
    """

    def __init__(self) -> None:
        self.reader, self._writer = os.pipe()
        self.signal: signal.Signals | None = None
        self.counted_mb = 0.0

    def pause_on_crash(self) -> None:
        """In the child: a crash does not end it before the parent has called `look`.

        Enable a fault handler that prints the stack after this call.
        """
        os.close(self.reader)
        os.set_blocking(self._writer, False)
        for number in CRASHES:
            signal.signal(number, lambda *_: None)
        signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)

    def listen(self) -> None:
        """In the parent: close the writing end, which is the child's."""
        os.close(self._writer)

    def look(self, pid: int, readable: bool) -> None:
        """In the parent: measure the child's memory; kill the child if it reported a crash.

        readable: the child has written to the pipe.
        """
        self.counted_mb = max(self.counted_mb, counted_mb(pid))
        for number in os.read(self.reader, 64) if readable else b"":
            if number in CRASHES and self.signal is None:
                self.signal = signal.Signals(number)
                os.kill(pid, signal.SIGKILL)

    def close(self) -> None:
        """Close the pipe, in the parent."""
        os.close(self.reader)

    def is_at(self, memory_mb: int | None) -> bool:
        """Whether the memory measured is close to a cap of memory_mb (AT_CAP)."""
        return memory_mb is not None and self.counted_mb >= AT_CAP * memory_mb


def counted_mb(pid: int) -> float:
    """The memory of a process that RLIMIT_DATA counts, in MB of 2^20 bytes; 0 if unknown."""
    with suppress(OSError, IndexError, ValueError):
        pages = int(Path(f"/proc/{pid}/statm").read_bytes().split()[5])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
    return 0.0
