"""Edits in the workbench in Chromium: edits by key and mouse, undo, two pages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser import MISSING, find_browser
from dropgrid.apply_corrections import document
from dropgrid.records.store import read_bpm, read_structure
from open_workbench import Workbench, opened
from playwright.sync_api import Browser, Route, expect
from workbench_in_chromium import OTHER, SONG, TRACK, Tab, stated

pytestmark = [
    pytest.mark.slow,
    pytest.mark.alone,
    pytest.mark.skipif(find_browser() is None, reason=MISSING),
]


def test_the_page_is_the_same_with_a_server(tab: Tab, results: Path) -> None:
    """The grid that is shown is the record's; no other host is contacted."""
    record = read_bpm(results / "bpm" / f"{TRACK}.json")
    assert tab.beats() == list(record.beats)
    expect(tab.page.locator(".deck-bpm b")).to_have_text(f"{record.bpm:.2f}")
    expect(tab.page.locator("#rows .row")).to_have_count(2)
    assert tab.page.evaluate("Math.max(...dropgrid.deck.details.kick)") == 255


@pytest.mark.parametrize(
    ("keys", "tempo", "moved"),
    [
        (["x"], 2, 0),
        (["Shift+X"], 0.5, None),
        (["h"], 1, 0.5),
        (["."], 1, "1 ms"),
        (["Shift+<"], 1, "-10 ms"),
        (["s"], 1, "one"),
        (["s", "a"], 1, 0),
    ],
)
def test_a_keyboard_shortcut_corrects_the_grid(
    tab: Tab, results: Path, keys: list[str], tempo: float, moved: Any
) -> None:
    """Tempo, phase and downbeat, in the file, the page and, a moment later, the record."""
    before = read_bpm(results / "bpm" / f"{TRACK}.json")
    beat = 60 / before.bpm  # type: ignore[operator]
    for key in keys:
        if key == "Shift+<":
            tab.page.keyboard.down("Shift")
            tab.page.keyboard.press("Comma")
            tab.page.keyboard.up("Shift")
            tab.settle()
        else:
            tab.press(key)
    expect(tab.page.locator(".deck-bpm b")).to_have_text(f"{before.bpm * tempo:.2f}")  # type: ignore[operator]
    shift = {"1 ms": 0.001, "-10 ms": -0.010}.get(moved, moved)
    if moved == "one":
        assert tab.downbeats()[3] - before.downbeats[3] in (
            pytest.approx(beat, abs=2e-3),
            pytest.approx(-3 * beat, abs=2e-3),
        )
    elif shift is not None:
        off = np.array(tab.beats())[:, None] - np.array(before.beats)
        nearest = off[10, np.argmin(np.abs(off[10] - shift * beat if shift == 0.5 else off[10]))]
        wanted = shift * beat if shift == 0.5 else shift
        assert nearest == pytest.approx(wanted, abs=2e-4)
    assert stated(results).corrects_grid
    expect(tab.state).not_to_contain_text("Updating")
    np.testing.assert_allclose(
        read_bpm(results / "bpm" / f"{TRACK}.json").beats, tab.beats(), atol=1e-6
    )


def test_the_downbeat_is_set_at_the_cursor(tab: Tab, results: Path) -> None:
    tab.page.evaluate("dropgrid.seek(10.123)")
    tab.press("1")
    assert stated(results).downbeat == pytest.approx(10.123)
    assert min(abs(time - 10.123) for time in tab.downbeats()) < 1e-3
    tab.page.evaluate("dropgrid.seek(10.323)")
    tab.press("2")
    assert min(abs(time - 10.323) for time in tab.beats()) < 1e-3


def test_tempo_is_typed_tapped_or_anchored(tab: Tab, results: Path) -> None:
    bpm = read_bpm(results / "bpm" / f"{TRACK}.json").bpm
    assert bpm is not None
    tab.press("b")
    tab.page.keyboard.type("125.5")
    tab.press("Enter")
    assert stated(results).bpm == 125.5
    tab.press("u")
    assert SONG not in document.read(results / "corrections.json").tracks
    for _ in range(20):  # a starved machine may make a pause of it, after which it starts again
        for _ in range(6):
            tab.page.keyboard.press("t")
            tab.page.wait_for_timeout(60_000 / bpm / 2 - 8)  # the double tempo, as fingers are
        if tab.page.evaluate("![1, 2, 3].includes(dropgrid.workbench.taps.length)"):
            break
    expect(tab.state).to_contain_text("Saved")
    tab.settle()
    tab.press("u")
    tab.page.evaluate("dropgrid.seek(5)")
    tab.page.keyboard.press("3")
    expect(tab.state).to_contain_text("First anchor")
    tab.page.evaluate(f"dropgrid.seek(5 + 40 * 60 / {bpm + 0.5})")
    tab.press("3")
    assert stated(results).bpm == pytest.approx(bpm + 0.5, abs=0.01)


def test_sections_are_split_labelled_moved_and_joined(tab: Tab, results: Path) -> None:
    """By keys, then a boundary by the mouse; each lies on a bar line."""
    before = tab.sections()
    bars = tab.downbeats()
    tab.page.evaluate(f"dropgrid.seek({bars[3] + 0.1})")
    tab.press("c")
    assert round(bars[3], 3) in [section[0] for section in tab.sections()]
    tab.press("f")
    label = next(s[2] for s in tab.sections() if s[0] == round(bars[3], 3))
    old = next(section[2] for section in reversed(before) if section[0] <= bars[3])
    assert label == (old + 1) % len(tab.page.evaluate("dropgrid.LABELS"))
    tab.page.evaluate(f"dropgrid.seek({bars[5] - 0.1})")
    tab.press("w")
    starts = [section[0] for section in tab.sections()]
    assert round(bars[5], 3) in starts and len(starts) == len(before) + 1
    box = tab.page.locator(".overview").bounding_box()
    assert box
    duration = tab.page.evaluate("dropgrid.deck.track.duration")

    def x(time: float) -> float:
        return box["x"] + box["width"] * time / duration

    tab.page.mouse.move(x(bars[5]), box["y"] + 8)
    tab.page.mouse.down()
    tab.page.mouse.move(x(bars[7] + 0.2), box["y"] + 8, steps=5)
    tab.page.mouse.up()
    tab.settle()
    starts = [section[0] for section in tab.sections()]
    assert round(bars[7], 3) in starts and round(bars[5], 3) not in starts
    assert [s.start for s in stated(results).sections] == pytest.approx(starts, abs=1e-3)
    tab.page.evaluate(f"dropgrid.seek({bars[7]})")
    tab.press("v")
    assert round(bars[7], 3) not in [section[0] for section in tab.sections()]
    shown = [section[0] for section in tab.sections()]
    for _ in range(2400):  # of several edits in a row, the last one's record comes last
        record = read_structure(results / "structure" / f"{TRACK}.json")
        if [round(section.start, 3) for section in record.sections] == shown:
            break
        tab.page.wait_for_timeout(50)
    assert [round(section.start, 3) for section in record.sections] == shown


def test_undo_is_unlimited_and_survives_a_reload(tab: Tab, results: Path) -> None:
    first = tab.beats()
    tab.press("h")
    second = tab.beats()
    tab.press(".", "x")
    tab.page.reload()
    tab.open()
    assert len(tab.beats()) > 1.9 * len(first)
    tab.page.keyboard.press("Control+z")
    tab.press("u")
    assert tab.beats() == second
    tab.press("u")
    assert tab.beats() == first
    expect(tab.page.locator("[data-key=u]")).to_be_disabled()
    tab.page.keyboard.press("Control+Shift+z")
    tab.settle()
    assert tab.beats() == second
    assert stated(results).downbeat is not None


def test_an_answer_that_comes_late_does_not_undo_an_edit(tab: Tab) -> None:
    """What the server said before an edit may reach the page after the edit's own answer."""
    first = tab.beats()
    asked: list[Route] = []

    def hold_the_first(route: Route) -> None:
        asked.append(route)
        if len(asked) > 1:
            route.continue_()

    def wait_for(number: int) -> None:
        for _ in range(2400):
            if len(asked) >= number:
                return
            tab.page.wait_for_timeout(50)
        raise AssertionError(f"asked {len(asked)} times, not {number}")

    tab.page.route(f"**/api/tracks/{TRACK}", hold_the_first)
    tab.page.reload()
    wait_for(1)
    late = asked[0].fetch()
    tab.press("h")
    second = tab.beats()
    assert second != first
    before = len(asked)
    asked[0].fulfill(response=late)
    wait_for(before + 1)  # the page asks again
    tab.settle()
    assert tab.beats() == second
    tab.page.unroute_all(behavior="wait")


def test_what_is_being_typed_stays_while_the_track_changes_elsewhere(
    browser: Browser, tab: Tab, workbench: Workbench
) -> None:
    """A field that lost the keyboard would make edits of the digits that follow."""
    other = Tab(browser, workbench.address)
    before = tab.beats()
    tab.page.keyboard.press("b")
    tab.page.keyboard.type("12")
    other.press("h")
    tab.until(f"dropgrid.deck.details.beats[3] !== {before[3]}")
    tab.page.keyboard.type("7.5")
    tab.page.keyboard.press("Enter")
    tab.settle()
    expect(tab.page.locator(".deck-bpm b")).to_have_text("127.50")
    tab.page.locator("[data-key=h]").focus()
    for _ in range(2):  # a button, too, is still there to be pressed again
        tab.press("Enter")
    assert tab.page.evaluate("document.activeElement.dataset.key") == "h"
    other.page.context.close()
    assert other.complaints == []


def test_two_tabs_show_the_same(browser: Browser, tab: Tab, workbench: Workbench) -> None:
    other = Tab(browser, workbench.address)
    tab.press("x")
    expect(other.page.locator(".deck-bpm b")).to_have_text(
        tab.page.locator(".deck-bpm b").inner_text()
    )
    other.press("h")
    tab.until(f"dropgrid.deck.details.beats[5] === {other.beats()[5]}")
    other.page.context.close()
    assert other.complaints == []


def test_enter_confirms_and_goes_on(tab: Tab, results: Path) -> None:
    """To the next track to check; a confirmed one is locked until it is unlocked."""
    tab.page.evaluate("for (const t of dropgrid.tracks) t.status = 'check'")
    tab.press("Enter")
    expect(tab.page.locator("#deck .deck-name p")).to_contain_text(OTHER)
    assert stated(results).confirmed is not None
    row = tab.page.locator("#rows .row", has_text=SONG)
    expect(row.locator(".state")).to_have_text("Confirmed")
    row.click()
    expect(tab.state).to_contain_text("Confirmed")
    tab.press("h")
    expect(tab.state).to_contain_text("locked")
    tab.press("g", "h")
    assert stated(results).confirmed is None and stated(results).downbeat is not None


def test_impossible_edits_are_reported(tab: Tab, results: Path) -> None:
    tab.press("b")
    tab.page.keyboard.type("900")
    tab.press("Enter")
    expect(tab.state).to_contain_text("not a tempo from 20 to 400")
    assert (
        not (results / "corrections.json").exists()
        or not document.read(results / "corrections.json").tracks
    )
    tab.complaints[:] = [c for c in tab.complaints if "400 (Bad Request)" not in c]


def test_the_workbench_that_ended_says_so(browser: Browser, results: Path) -> None:
    with opened(results) as workbench:
        tab = Tab(browser, workbench.address)
    tab.press("h")
    expect(tab.state).to_contain_text("no longer saved")
    tab.page.context.close()
