"""Make docs/page.png and docs/workbench.png anew from the results of `make demo`.

Usage: .venv/bin/python docs/make_pictures.py [RESULTS]   (demo/results; needs Chromium)
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from dropgrid.library import track_id
from playwright.sync_api import Page

DOCS = Path(__file__).resolve().parent
sys.path.insert(0, str(DOCS.parent / "tests"))
from browser import launch_browser  # noqa: E402  what the tests use

SIZE = {"width": 1440, "height": 950}
TRACK = track_id("trance/Halcyon Field.m4a")
SECONDS = 44.0  # where the playhead stands: before the second drop
READY = "window.dropgrid?.deck.details?.beats?.length > 0"


def picture(page: Page, address: str, name: str, editing: bool) -> None:
    """Open a track, and save what the page shows of it."""
    page.goto(f"{address}#track={TRACK}")
    while not page.evaluate(READY):  # the page's policy forbids Playwright's own waiting
        page.wait_for_timeout(50)
    if page.evaluate("dropgrid.workbench.on") != editing:
        page.keyboard.press("e")
    page.evaluate(f"dropgrid.seek({SECONDS})")
    page.wait_for_timeout(500)
    page.screenshot(path=DOCS / name)
    print(DOCS / name)


def main(results: Path) -> None:
    """Both pictures: of the page in a file, and of the one that `dropgrid open` serves."""
    command = [sys.executable, "-m", "dropgrid", "open", "--no-browser", "--results", results]
    with (
        launch_browser() as browser,
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as served,
    ):
        assert served.stdout is not None
        served.stdout.readline()
        address = served.stdout.readline().strip()
        page = (results / "report" / "index.html").resolve().as_uri()
        picture(browser.new_context(viewport=SIZE).new_page(), page, "page.png", False)
        picture(browser.new_context(viewport=SIZE).new_page(), address, "workbench.png", True)
        served.terminate()


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "demo/results"))
