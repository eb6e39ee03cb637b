"""Lists that a person keeps, several tracks at once, and a row's menu, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser import MISSING, find_browser
from dropgrid.report.collect import collect
from dropgrid.report.page import build
from dropgrid.results.ownership import claim
from dropgrid.results.saved_lists import SavedList, read_lists
from open_workbench import Workbench, opened
from page_in_chromium import PATIENCE, library_in_tab, resize
from playwright.sync_api import Browser, Page, expect
from synthetic_library import write_library

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_browser() is None, reason=MISSING),
]

TRACKS = 12


@pytest.fixture
def results(tmp_path: Path) -> Path:
    claim(tmp_path / "results", [str(tmp_path / "music")])
    write_library(tmp_path / "results", TRACKS, tmp_path / "music", failing=0)
    return tmp_path / "results"


@pytest.fixture
def workbench(results: Path) -> Iterator[Workbench]:
    with opened(results) as running:
        yield running


@pytest.fixture
def static(results: Path) -> str:
    """The address of the page in a file."""
    file = results / "report" / "index.html"
    file.parent.mkdir()
    file.write_bytes(build(collect(results), file))
    return file.as_uri()


@pytest.fixture(params=["workbench", "static"])
def page(browser: Browser, request: pytest.FixtureRequest, results: Path) -> Iterator[Page]:
    """Both pages."""
    made = request.getfixturevalue(request.param)
    address = made if isinstance(made, str) else made.address
    with library_in_tab(browser, address) as tab:
        yield tab


def row(page: Page, number: int) -> Any:
    return page.locator(f'#rows .row[aria-rowindex="{number + 2}"]')


def names(page: Page) -> list[str]:
    """The titles that are shown, in order."""
    return list(page.evaluate("dropgrid.table.shown.map((track) => track.title)"))


def item(page: Page, name: str) -> Any:
    return page.locator("#lists .list-item", has_text=name)


def choose(page: Page, number: int) -> None:
    """Choose a row, without the track that a click opens over the list."""
    row(page, number).click()
    expect(page.locator("#deck")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#deck")).to_be_hidden()
    page.locator("#table").focus()


def new_list(page: Page, name: str) -> None:
    """Make an empty list and show it."""
    if page.locator("#lists").is_hidden():
        page.click("#lists-button")
    page.click("#new-list")
    page.locator("#list-name").fill(name)
    page.locator("#list-name").press("Enter")
    expect(item(page, name)).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#rows")).to_contain_text("This list is empty")


def test_a_list_is_made_filled_arranged_and_found_again(page: Page) -> None:
    before = names(page)
    new_list(page, "Friday")
    item(page, "All tracks").click()
    expect(page.locator("#shown")).to_have_text(f"{TRACKS} tracks")
    row(page, 4).drag_to(item(page, "Friday"))
    expect(item(page, "Friday").locator(".count")).to_have_text("1")
    choose(page, 1)
    row(page, 2).click(modifiers=["Shift"])
    row(page, 2).click(button="right")
    page.get_by_role("menuitem", name="Add to Friday").click()
    expect(item(page, "Friday").locator(".count")).to_have_text("3")
    item(page, "Friday").click()
    expect(page.locator("#shown")).to_have_text(f"3 of {TRACKS} tracks")
    assert names(page) == [before[4], before[1], before[2]]
    # By hand: with the keys, then with the pointer.
    choose(page, 0)
    page.keyboard.press("Alt+ArrowDown")
    expect(row(page, 0)).to_contain_text(before[1])
    assert names(page) == [before[1], before[4], before[2]]
    row(page, 2).drag_to(row(page, 0))
    expect(row(page, 0)).to_contain_text(before[2])
    assert names(page) == [before[2], before[1], before[4]]
    row(page, 1).click(button="right")
    page.get_by_role("menuitem", name="Remove from Friday").click()
    expect(page.locator("#shown")).to_have_text(f"2 of {TRACKS} tracks")
    page.reload()
    item(page, "Friday").click()
    expect(page.locator("#shown")).to_have_text(f"2 of {TRACKS} tracks")
    assert names(page) == [before[2], before[4]]
    # Sorting looks at a list in another order, and does not change it.
    page.locator("#head button", has_text="Track").click()
    assert names(page) == sorted([before[2], before[4]], key=str.lower)
    page.get_by_role("button", name="Rename").click()
    page.locator("#list-name").fill("Saturday")
    page.locator("#list-name").press("Enter")
    expect(item(page, "Saturday")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="To set", exact=True).click()
    expect(page.locator("#count-set")).to_have_text("2")
    page.get_by_role("button", name="Delete").click()
    expect(page.locator("#shown")).to_have_text(f"{TRACKS} tracks")
    expect(item(page, "Saturday")).to_have_count(0)


def test_the_keyboard_selects_and_opens_the_menu(page: Page) -> None:
    page.locator("#table").focus()
    page.keyboard.press("Shift+ArrowDown")
    page.keyboard.press("Shift+ArrowDown")
    expect(page.locator("#rows [aria-selected=true]")).to_have_count(3)
    page.keyboard.press("Shift+F10")
    expect(page.locator("#row-menu")).to_be_visible()
    expect(page.get_by_role("menuitem", name="Add to set")).to_be_focused()
    serious = [
        finding["id"]
        for finding in Axe().run(page).response["violations"]
        if finding["impact"] in ("serious", "critical")
    ]
    assert serious == []
    page.keyboard.press("Enter")
    expect(page.locator("#row-menu")).to_be_hidden()
    expect(page.locator("#count-set")).to_have_text("3")
    expect(page.locator("#table")).to_be_focused()
    page.keyboard.press("Control+a")
    expect(page.locator("#add-to-set")).to_have_text(f"Add {TRACKS} to set")
    page.keyboard.press("Shift+F10")
    page.keyboard.press("Escape")
    expect(page.locator("#row-menu")).to_be_hidden()
    expect(page.locator("#deck")).to_be_hidden()
    page.keyboard.press("ArrowDown")
    row(page, 0).click(button="right")
    expect(page.get_by_role("menuitem", name="What mixes")).to_have_count(0)  # 12 are selected


def test_the_menu_stays_inside_the_window(page: Page) -> None:
    """The click itself scrolls to the row, and tries again if rows are redrawn."""
    for width, height in ((1280, 720), (390, 844)):
        resize(page, width, height)
        last = page.locator("#rows .row").last
        last.click(button="right", position={"x": 300, "y": 40})
        expect(page.locator("#row-menu")).to_be_visible()
        left, top, right, bottom = page.locator("#row-menu").evaluate(
            """menu => {
              const { left, top, right, bottom } = menu.getBoundingClientRect();
              return [left, top, right, bottom];
            }"""
        )
        assert left >= 0 and right <= width
        assert top >= 0 and bottom <= height
        page.keyboard.press("Escape")
        expect(page.locator("#row-menu")).to_be_hidden()


def test_a_phone_shows_the_key_and_the_lists(page: Page) -> None:
    resize(page, 390, 844)
    expect(page.locator("#head [role=columnheader]", has_text="Key")).to_be_visible()
    expect(page.locator("#rows .row .key b").first).to_be_visible()
    keys = page.locator("#rows .row .key b").evaluate_all(  # at once: rows may be redrawn
        """keys => keys.slice(0, 5).map((key) => [key.getBoundingClientRect().right,
        key.parentElement.scrollWidth - key.parentElement.clientWidth])"""
    )
    assert keys
    assert all(right <= 390 and hidden <= 0 for right, hidden in keys)
    new_list(page, "Friday")
    buttons = page.locator("#lists > button").evaluate_all(
        """buttons => buttons.slice(0, 2).map((button) => button.getBoundingClientRect())
        .map(({ left, right }) => [left, right])"""
    )
    assert len(buttons) == 2
    assert all(left >= 0 and right <= 390 for left, right in buttons)


def test_lists_outlive_the_server(browser: Browser, results: Path) -> None:
    """Its address is another one every time, and with it what the browser remembers."""
    for number in range(2):
        with opened(results) as workbench:
            tab = browser.new_page(viewport={"width": 1280, "height": 720})
            tab.set_default_timeout(PATIENCE)
            tab.goto(workbench.address)
            expect(tab.locator("#rows .row").first).to_be_visible(timeout=PATIENCE)
            if number == 0:
                new_list(tab, "Kept")
            else:
                tab.click("#lists-button")
                expect(item(tab, "Kept")).to_be_visible()
            tab.close()
    assert read_lists(results) == [SavedList("Kept", ())]


def test_a_name_that_is_taken_is_reported(page: Page) -> None:
    new_list(page, "Friday")
    new_list(page, "Saturday")
    page.get_by_role("button", name="Rename").click()
    page.locator("#list-name").fill("Friday")
    page.locator("#list-name").press("Enter")
    expect(page.get_by_text("here is already a list named Friday")).to_be_visible()
    expect(item(page, "Saturday")).to_be_visible()
