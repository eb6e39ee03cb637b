from __future__ import annotations

import pytest
from dropgrid.jobs import process
from jobs_that_fail import HANGS


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A child has time to clean up, however busy the machine is."""
    monkeypatch.setattr(process, "GRACE", HANGS / 2)
