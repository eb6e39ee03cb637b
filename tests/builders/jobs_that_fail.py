"""Work for jobs under supervision."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

HANGS = 600  # s, of a job that never ends; longer than any limit, even on a busy machine


def raising(error: BaseException) -> Callable[[], None]:
    def work() -> None:
        raise error

    return work


def wait_until(condition: Callable[[], bool], seconds: float = HANGS / 2) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return False


def runs(pid: int) -> bool:
    """Whether the process exists and is not a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
