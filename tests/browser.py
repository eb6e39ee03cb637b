"""A real browser for the tests of the report page: Chromium, headless, driven by Playwright."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, expect, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
MISSING = "no browser to open the report in; on Debian: apt install chromium"


def find_browser() -> str | None:
    """Where Chromium or Chrome lies, None if there is none."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


@contextmanager
def launch_browser() -> Iterator[Browser]:
    """A running browser. Raises SystemExit, saying how to install one, if there is none."""
    program = find_browser()
    if program is None:
        raise SystemExit(MISSING)
    expect.set_options(timeout=120_000)  # a starved machine is slow, not wrong
    with sync_playwright() as playwright:
        # A container's root user and small /dev/shm would stop Chromium otherwise.
        arguments = ["--no-sandbox", "--disable-dev-shm-usage"]
        browser = playwright.chromium.launch(executable_path=program, args=arguments)
        try:
            yield browser
        finally:
            browser.close()
