"""Evaluations draw pictures only where a test is about them: drawing takes most of their time."""

from __future__ import annotations

import pytest
from dropgrid.evaluation import plots


@pytest.fixture
def pictures() -> None:
    """A test that asks for this has real pictures drawn."""


@pytest.fixture(autouse=True)
def _no_pictures(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures are made, and their files written, but not rendered."""
    if "pictures" not in request.fixturenames:
        monkeypatch.setattr(plots, "_saved", lambda _figure, kind: f"a {kind}".encode())
