"""Files that were left alone long enough for what was read of them to be kept."""

from __future__ import annotations

import time

import pytest
from dropgrid.results import reading_cache


def let_time_pass(monkeypatch: pytest.MonkeyPatch, seconds: float = 60.0) -> None:
    """Have the caches of what was read take it to be so many seconds later than it is."""
    now = time.time_ns()
    monkeypatch.setattr(reading_cache, "time_ns", lambda: now + int(seconds * 1e9))
