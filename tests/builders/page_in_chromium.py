"""The page of a library of records, opened in Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from dropgrid.report.collect import collect
from dropgrid.report.page import build
from playwright.sync_api import Browser, Page, expect

HOSTILE = "<script>alert(1)<b>\n\"'& 100%?#\udcff Beyoncé.wav"
TRACKS = 200
PATIENCE = 240_000  # ms, enough for a busy machine


@dataclass
class Session:
    """A library's page in a tab, and the browser's messages about it."""

    page: Page
    results: Path
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def rows(self) -> list[str]:
        return self.page.locator("#rows .row .name b").all_inner_texts()

    def tempos(self) -> list[float]:
        return [float(text) for text in self.page.locator("#rows .bpm").all_inner_texts() if text]

    def position(self) -> float:
        return float(self.page.locator("#closeup").get_attribute("aria-valuenow") or "nan")


def write_page(results: Path, *references: str) -> None:
    page = results / "report" / "index.html"
    page.parent.mkdir(exist_ok=True)
    page.write_bytes(build(collect(results, references=references), page))


def open_page(browser: Browser, results: Path, address: str = "", **options: object) -> Session:
    tab = browser.new_page(**{"viewport": {"width": 1440, "height": 900}, **options})  # type: ignore[arg-type]
    session = Session(tab, results)
    tab.on("console", lambda message: session.complaints.append(message.text))
    tab.on("pageerror", lambda error: session.complaints.append(str(error)))
    tab.on("dialog", lambda dialog: session.complaints.append(dialog.message))
    tab.on("request", lambda request: session.requests.append(request.url))
    tab.goto((results / "report" / "index.html").as_uri() + address)
    return session


def resize(page: Page, width: int, height: int) -> None:
    """Give a page's window another size, and wait until the page has been laid out for it."""
    page.set_viewport_size({"width": width, "height": height})
    page.evaluate(
        """async ([width, height]) => {
          const frame = () => new Promise((resolve) => { requestAnimationFrame(resolve); });
          while (innerWidth !== width || innerHeight !== height) await frame();
          await frame();  // the observers of sizes are called at the end of this one
          await frame();
        }""",
        [width, height],
    )


@contextmanager
def library_in_tab(browser: Browser, address: str) -> Iterator[Page]:
    """A page, from a file or served, with its list visible; fails on messages of the browser."""
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    tab = context.new_page()
    tab.set_default_timeout(PATIENCE)
    complaints: list[str] = []
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    tab.goto(address)
    expect(tab.locator("#rows .row").first).to_be_visible(timeout=PATIENCE)
    yield tab
    context.close()
    assert complaints == []
