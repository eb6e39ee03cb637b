"""Files that have not changed for long enough to be cached."""

from __future__ import annotations

import time

import pytest
from dropgrid.results import reading_cache


def let_time_pass(monkeypatch: pytest.MonkeyPatch, seconds: float = 60.0) -> None:
    """Move the clock of the reading caches forward by `seconds`."""
    now = time.time_ns()
    monkeypatch.setattr(reading_cache, "time_ns", lambda: now + int(seconds * 1e9))
