"""The page of a library of records, opened in Chromium."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dropgrid.report.collect import collect
from dropgrid.report.page import build
from playwright.sync_api import Browser, Locator, Page, expect

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

    def open_first(self) -> None:
        """Open the first track by a click, and wait until its beats and waveform are shown."""
        self.page.locator("#rows .row").first.click()
        self.opened()

    def opened(self) -> None:
        """Wait until a track's beats and waveform are shown; its facts are then written again."""
        until(self.page, "dropgrid.deck.details.beats.length > 0")
        laid_out(self.page)

    def position(self) -> float:
        return float(self.page.locator("#closeup").get_attribute("aria-valuenow") or "nan")


def write_page(results: Path, *references: str) -> None:
    page = results / "report" / "index.html"
    page.parent.mkdir(exist_ok=True)
    page.write_bytes(build(collect(results, references=references), page))


def open_page(browser: Browser, results: Path, address: str = "", **options: object) -> Session:
    tab = browser.new_page(**{"viewport": {"width": 1440, "height": 900}, **options})  # type: ignore[arg-type]
    session = Session(tab, results)
    tab.set_default_timeout(PATIENCE)
    tab.on("console", lambda message: session.complaints.append(message.text))
    tab.on("pageerror", lambda error: session.complaints.append(str(error)))
    tab.on("dialog", lambda dialog: session.complaints.append(dialog.message))
    tab.on("request", lambda request: session.requests.append(request.url))
    tab.goto((results / "report" / "index.html").as_uri() + address)
    laid_out(tab)
    return session


def laid_out(page: Page) -> None:
    """Wait until the page has been laid out after all that was done with it so far.

    Rows are redrawn where the table gets another size, which an observer notices at the end of
    the next frame.
    """
    page.evaluate(
        """async () => {
          const frame = () => new Promise((resolve) => { requestAnimationFrame(resolve); });
          await frame();
          await frame();
        }"""
    )


def resize(page: Page, width: int, height: int) -> None:
    """Give a page's window another size, and wait until the page has been laid out for it."""
    page.set_viewport_size({"width": width, "height": height})
    until(page, f"innerWidth === {width} && innerHeight === {height}")
    laid_out(page)


def until(page: Page, true: str, complaints: object = ()) -> None:
    """Wait for a condition; the served page's policy forbids Playwright's own waiting."""
    for _ in range(2400):
        if page.evaluate(true):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"never: {true}; the browser said {complaints}")


def until_equal(page: Page, read: Callable[[], Any], wanted: Any) -> None:
    """Wait until what is read of a page is what is wanted: effects may come a moment later."""
    for _ in range(2400):
        if read() == wanted:
            return
        page.wait_for_timeout(50)
    assert read() == wanted


def attributes(elements: Locator, name: str) -> list[str | None]:
    """An attribute of each element, read at once: elements may be replaced between two reads."""
    script = "(elements, name) => elements.map((element) => element.getAttribute(name))"
    return list(elements.evaluate_all(script, name))


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
    laid_out(tab)
    yield tab
    context.close()
    assert complaints == []
