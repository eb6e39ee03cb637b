"""A child that crashes waits until its parent has seen how much memory it held.

Some libraries do not check whether an allocation succeeded, and write to where there is nothing.
All that distinguishes such a crash from any other is that the child was at its cap, which cannot
be seen once it has ended. So Python's own handler is set for these signals: it writes the signal's
number to a pipe and returns, to the instruction that crashes again, until the parent ends it.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path

CRASHES = (signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL)
AT_CAP = 0.9  # of its cap: who crashes holding more had no room for a block of usual size


class Crash:
    """A pipe through which a child to be forked says that it crashes.

    signal: what it crashes by, None as long as it does not. held_mb: the most memory that it was
    seen to hold, of what its cap counts.
    """

    def __init__(self) -> None:
        self.reader, self._writer = os.pipe()
        self.signal: signal.Signals | None = None
        self.held_mb = 0.0

    def wait_to_be_seen(self) -> None:
        """In the child: let no crash end it before the parent has looked.

        A fault handler that is to write a stack has to be enabled after this.
        """
        os.close(self.reader)
        os.set_blocking(self._writer, False)
        for number in CRASHES:
            signal.signal(number, lambda *_: None)
        signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)

    def listen(self) -> None:
        """In the parent: leave the writing end to the child."""
        os.close(self._writer)

    def look(self, pid: int, told: bool) -> None:
        """In the parent: see what the child holds; end it where it crashes. told: it wrote."""
        self.held_mb = max(self.held_mb, held_mb(pid))
        for number in os.read(self.reader, 64) if told else b"":
            if number in CRASHES and self.signal is None:
                self.signal = signal.Signals(number)
                os.kill(pid, signal.SIGKILL)

    def close(self) -> None:
        """Close the pipe, in the parent."""
        os.close(self.reader)

    def is_at(self, memory_mb: int | None) -> bool:
        """Whether it held as much as a cap of so much allows."""
        return memory_mb is not None and self.held_mb >= AT_CAP * memory_mb


def held_mb(pid: int) -> float:
    """What RLIMIT_DATA counts of a process, in MB of 2^20 bytes; 0 where it is unknown."""
    with suppress(OSError, IndexError, ValueError):
        pages = int(Path(f"/proc/{pid}/statm").read_bytes().split()[5])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
    return 0.0
