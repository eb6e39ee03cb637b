"""The page of a library of 200 records in Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from page_in_chromium import TRACKS, Session, open_page, write_page
from playwright.sync_api import Browser
from synthetic_library import write_library


@pytest.fixture(scope="session")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """200 tracks of a made-up library, every 40th failed, with a page."""
    folder = tmp_path_factory.mktemp("library")
    write_library(folder / "results", TRACKS, folder / "music")
    write_page(folder / "results")
    return folder / "results"


@pytest.fixture
def session(browser: Browser, results: Path) -> Iterator[Session]:
    """The library's page; whatever a test does with it, the browser must not complain."""
    opened = open_page(browser, results)
    yield opened
    opened.page.close()
    assert opened.complaints == []
