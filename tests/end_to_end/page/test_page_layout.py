"""The page in Chromium at all sizes and themes, by keyboard alone, and its other pages."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser import MISSING, find_browser
from dropgrid.evaluation.score import EvaluationOptions, gather
from dropgrid.evaluation.write import write_evaluation
from dropgrid.report.collect import collect
from page_in_chromium import Session, laid_out, open_page, until, write_page
from playwright.sync_api import Browser, Locator, Page, expect
from synthetic_library import write_library

pytestmark = [
    pytest.mark.alone,
    pytest.mark.slow,
    pytest.mark.skipif(find_browser() is None, reason=MISSING),
]


PHONES = {"upright": (390, 844), "on its side": (844, 390)}


@pytest.mark.parametrize("held", PHONES)
def test_on_a_phone_everything_is_in_reach(browser: Browser, results: Path, held: str) -> None:
    """Sections and facts, a list that keeps its room, nothing that a finger would miss."""
    width, height = PHONES[held]
    session = open_page(
        browser, results, viewport={"width": width, "height": height}, has_touch=True,
        is_mobile=True,
    )  # fmt: skip
    page = session.page
    page.locator("#rows .row").nth(2).tap()
    page.locator(".more").tap()
    expect(page.locator(".more")).to_have_attribute("aria-expanded", "true")
    page.locator(".section-name").nth(2).scroll_into_view_if_needed()
    page.locator(".section-name").nth(2).tap()
    expect(page.locator(".deck-where")).to_have_text("bar 49.1 · drop")
    page.locator(".facts").scroll_into_view_if_needed()
    expect(page.locator(".facts")).to_contain_text("Confidence")
    laid_out(page)
    bottom, tall, head = page.evaluate(
        """() => {
          const [table, head] = ["table", "head"].map((id) =>
            document.getElementById(id).getBoundingClientRect());
          return [table.bottom, table.height, head.height];
        }"""
    )
    assert bottom <= height
    assert tall - head >= 1.75 * 52
    page.locator(".more").tap()
    expect(page.locator(".more")).to_have_attribute("aria-expanded", "false")
    small = page.evaluate(SMALL_TARGETS)
    assert small == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert session.complaints == []


# Of the elements that a selector finds, those that are not wholly in sight, or covered.
OUT_OF_SIGHT = """(selector) => [...document.querySelectorAll(selector)]
  .filter((e) => e.offsetParent || getComputedStyle(e).position === "fixed")
  .map((e) => [e, e.getBoundingClientRect()])
  .filter(([e, b]) => {
    const seen = document.elementFromPoint(b.x + b.width / 2, b.y + b.height / 2);
    return b.x < 0 || b.y < 0 || b.right > innerWidth + 0.5 || b.bottom > innerHeight + 0.5
      || !(e === seen || e.contains(seen));
  })
  .map(([e]) => e.textContent || e.className)"""


@pytest.mark.parametrize(("width", "height"), [(1440, 950), (1280, 720), (390, 844)])
def test_what_most_grids_want_is_in_sight(
    browser: Browser, results: Path, width: int, height: int
) -> None:
    """The primary row, the player, rows of the list; and with one press every other tool."""
    phone = {"has_touch": True, "is_mobile": True} if width < 500 else {}
    session = open_page(browser, results, viewport={"width": width, "height": height}, **phone)
    page = session.page
    page.locator("#rows .row").nth(2).click()
    page.get_by_role("button", name="Edit", exact=True).click()
    until(page, "dropgrid.deck.details.beats.length > 0")
    laid_out(page)
    primary = page.locator(".primary > button")
    assert primary.all_inner_texts() == [
        "Half tempo", "Double tempo", "Half a beat", "Downbeat here", "Undo", "Confirm",
    ]  # fmt: skip
    for needed in (".primary button", ".deck .play", ".deck-clock", "#closeup", "#search"):
        assert page.locator(needed).count() > 0
        assert page.evaluate(OUT_OF_SIGHT, needed) == []
    both = f"(rows) => [document.querySelectorAll(rows).length, ({OUT_OF_SIGHT})(rows).length]"
    rows, hidden = page.evaluate(both, "#rows .row")  # at once: rows may be redrawn
    assert rows > hidden
    page.get_by_role("button", name="More", exact=True).click()
    expect(page.locator("#more-tools")).to_be_visible()
    others = "#more-tools button, #more-tools select, #more-tools input:not([hidden])"
    assert page.locator(others).count() > 18
    if phone:  # the sheet scrolls; whatever is scrolled to is seen
        for tool in page.locator(others).all():
            tool.scroll_into_view_if_needed()
        assert page.evaluate(OUT_OF_SIGHT, "#more-tools") == []
    else:
        assert page.evaluate(OUT_OF_SIGHT, others) == []
    assert page.evaluate(OUT_OF_SIGHT, "#closeup") == []
    page.keyboard.press("Escape")
    expect(page.locator("#more-tools")).to_be_hidden()
    assert session.complaints == []


SMALL_TARGETS = """() => [...document.querySelectorAll("button, select, input, [role=tab]")]
  .filter((e) => e.offsetParent && !e.closest("[hidden]"))
  .map((e) => [e, (e.closest("label") ?? e).getBoundingClientRect()])
  .filter(([, box]) => box.width < 43.5 || box.height < 43.5)
  .map(([e, box]) => `${e.id || e.className || e.textContent} ${box.width} x ${box.height}`)"""


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_axe_finds_nothing_serious(browser: Browser, results: Path, scheme: str) -> None:
    session = open_page(browser, results, color_scheme=scheme)
    session.open_first()
    assert serious(session.page) == []
    for box in ("limits", "wheel", "columns", "save"):
        session.page.click(f"#{box}-button")
        assert serious(session.page) == []
    session.page.keyboard.press("Escape")
    for tab in ("failures", "evaluation", "run"):
        session.page.click(f"#tab-{tab}")
        assert serious(session.page) == []
    session.page.keyboard.press("?")
    assert serious(session.page) == []
    session.page.keyboard.press("Escape")
    session.page.click("#tab-library")
    session.page.locator("#table").focus()
    session.page.keyboard.press("e")
    assert serious(session.page) == []
    session.page.get_by_role("button", name="More", exact=True).click()
    assert serious(session.page) == []


def serious(page: Page) -> list[str]:
    """What axe-core calls serious or critical, one line a finding."""
    rules = {"label-content-name-mismatch": {"enabled": True}}
    found = Axe().run(page, options={"rules": rules}).response["violations"]
    return [
        f"{finding['id']}: {node['html'][:120]} {node['failureSummary']}"
        for finding in found
        if finding["impact"] in ("serious", "critical")
        for node in finding["nodes"]
    ]


def test_the_table_is_sorted_with_the_keyboard_alone(session: Session) -> None:
    length = session.page.get_by_role("columnheader", name="Length").get_by_role("button")
    length.focus()
    session.page.keyboard.press("Enter")
    shown = session.page.locator("#rows .time").all_inner_texts()
    seconds = [60 * int(text.split(":")[0]) + int(text.split(":")[1]) for text in shown if text]
    assert seconds == sorted(seconds) and seconds[0] < 300 < 370


def test_other_systems_are_shown_with_dropgrid(browser: Browser, tmp_path: Path) -> None:
    from library_to_evaluate import REFERENCES, evaluate, write_library

    results = write_library(tmp_path / "results")
    (tmp_path / "references.csv").write_text(REFERENCES)
    (tmp_path / "other.csv").write_text("path,bpm\na.flac,120\nb.flac,120\n")
    words = ("--references", tmp_path / "references.csv", "--estimates")
    assert evaluate(results, *words, f"other={tmp_path / 'other.csv'}") == 0
    write_page(results)
    opened = open_page(browser, results, "#evaluation")
    page = opened.page.locator("#page-evaluation")
    page.get_by_role("button", name="Systems side by side: dropgrid, other").click()
    expect(page.get_by_role("heading", name="Systems side by side")).to_be_in_viewport()

    def row(table: str, first: str) -> Locator:
        shown = page.locator("#systems ~ .wide").filter(has_text=table)
        return shown.get_by_role("row").filter(has=opened.page.get_by_text(first, exact=True))

    accuracy = row("Measure", "Accuracy1 (4 %)").first.locator("td")
    expect(accuracy).to_have_text(
        ["Accuracy1 (4 %)", "0.500 (0.667 of the 3 answered)", "0.500 (1.000 of the 2 answered)"]
    )
    apart = row("Minus dropgrid", "other").first.locator("td")
    expect(apart).to_have_text(["other", "0.000", "1", "1", "1.000"])
    furthest = row("Largest differences", "b.flac").first.locator("td")
    expect(furthest).to_have_text(["b.flac", "0.000", "1.000"])
    assert page.locator("#systems ~ .plots img").count() == 3  # tempo, boundaries, drops
    furthest.get_by_role("button").click()
    expect(page).to_be_hidden()  # the track is shown instead
    assert opened.complaints == []


def test_the_evaluation_is_shown_with_its_plots(browser: Browser, tmp_path: Path) -> None:
    """Annotations that agree but for one octave in twenty, evaluated and shown."""
    results = tmp_path / "results"
    write_library(results, 20, tmp_path / "music", failing=0)
    views = collect(results).tracks
    annotations = [
        {"track": view.track, "bpm": view.bpm.bpm * (2 if i == 0 else 1),
         "beats": [beat + 0.2 for beat in view.bpm.beats], "genre": "house",
         "sections": [{"start": s.start, "end": s.end, "label": s.label}
                      for s in view.structure.sections]}
        for i, view in enumerate(views)
    ]  # fmt: skip
    file = tmp_path / "annotations.json"
    file.write_text(json.dumps(annotations))
    options = EvaluationOptions(references=(str(file),))
    write_evaluation(results / "evaluation", gather(results, options), options)
    write_page(results, str(file))
    opened = open_page(browser, results, "#evaluation")
    tiles = opened.page.locator("#page-evaluation .tiles")
    expect(tiles).to_contain_text("Tempo within 4 %0.950")
    expect(tiles).to_contain_text("Drops in 3 s, F1.000")
    pictures = opened.page.locator("#page-evaluation img")
    assert pictures.count() == 5  # one of them of the confidences
    for i in range(4):
        assert pictures.nth(i).evaluate("image => image.decode().then(() => image.naturalWidth)")
    link = opened.page.get_by_role("button", name=views[0].path)
    expect(opened.page.locator("tr", has=link)).to_contain_text("0.500")
    link.click()
    first = views[0].bpm.bpm
    expect(opened.page.locator(".facts")).to_contain_text(f"{2 * first:.2f} (−{first:.2f})")
    expect(opened.page.locator(".facts")).to_contain_text(f"The reference says {2 * first:.2f}")
    expect(opened.page.locator(".sections tbody tr").nth(2)).to_contain_text("+0.00")
    assert opened.complaints == []


def test_an_address_opens_its_track(browser: Browser, results: Path) -> None:
    view = collect(results).tracks[150]
    opened = open_page(browser, results, f"#track={view.track}")
    expect(opened.page.locator("#deck .deck-name p")).to_contain_text(view.path)
    assert opened.complaints == []


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_the_theme_is_the_systems_until_it_is_switched(
    browser: Browser, results: Path, scheme: str
) -> None:
    opened = open_page(browser, results, color_scheme=scheme)
    html = opened.page.locator("html")
    expect(html).to_have_attribute("data-theme", scheme)
    opened.page.click("#theme")
    expect(html).not_to_have_attribute("data-theme", scheme)
    opened.page.reload()
    expect(html).not_to_have_attribute("data-theme", scheme)
