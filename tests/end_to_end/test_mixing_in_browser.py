"""What mixes with a track, a set in order, and a transition as sound, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from browser import MISSING, find_browser
from dropgrid.mixing.requests import Mixer
from dropgrid.report.collect import collect
from dropgrid.report.page import build
from dropgrid.results.ownership import claim
from open_workbench import Workbench, opened
from page_in_chromium import PATIENCE, attributes, library_in_tab, until_equal
from playwright.sync_api import Browser, Page, expect
from synthetic_library import write_library

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_browser() is None, reason=MISSING),
]

TRACKS = 40


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mixing")
    claim(folder / "results", [str(folder / "music")])
    write_library(folder / "results", TRACKS, folder / "music", failing=0)
    return folder / "results"


@pytest.fixture(scope="module")
def workbench(results: Path) -> Iterator[Workbench]:
    with opened(results) as running:
        yield running


@pytest.fixture
def page(browser: Browser, workbench: Workbench) -> Iterator[Page]:
    """The served page."""
    with library_in_tab(browser, workbench.address) as tab:
        yield tab


def open_mix(page: Page) -> str:
    """Open the first track and what mixes with it; the id of the track."""
    page.keyboard.press("Enter")
    page.keyboard.press("Shift+M")
    expect(page.locator(".proposals li").first).to_be_visible(timeout=PATIENCE)
    return str(page.evaluate("dropgrid.deck.track.id"))


def test_the_page_proposes_what_dropgrid_next_does(page: Page, results: Path) -> None:
    track = open_mix(page)
    wanted = Mixer(results).following(track)["transitions"]
    rows = page.locator(".proposals li")
    expect(rows).to_have_count(len(wanted))
    read = "rows => rows.map((row) => [row.dataset.track, row.innerText])"
    for (shown, text), step in zip(rows.evaluate_all(read), wanted, strict=True):
        assert shown == step["to"]
        assert f"Leave at bar {step['leave']['bar']}" in text
        assert f"enter at bar {step['enter']['bar']}" in text
        assert "; ".join(step["reasons"]) in text
    page.locator("#mix select").select_option("down")
    other = [step["to"] for step in Mixer(results).following(track, "down")["transitions"]]
    until_equal(page, lambda: attributes(rows, "data-track"), other)
    found = Axe().run(page, options={"rules": {"label-content-name-mismatch": {"enabled": True}}})
    serious = [
        finding["id"]
        for finding in found.response["violations"]
        if finding["impact"] in ("serious", "critical")
    ]
    assert serious == []
    page.keyboard.press("Shift+M")
    expect(page.locator("#mix")).to_be_hidden()


def test_a_transition_whose_sound_is_gone_says_so(page: Page) -> None:
    open_mix(page)
    row = page.locator(".proposals li").first
    row.get_by_role("button", name="Play").click()
    expect(row.get_by_role("status")).to_contain_text("cannot be played", timeout=PATIENCE)


def set_ids(page: Page) -> list[str | None]:
    return attributes(page.locator(".set-list li"), "data-track")


def test_a_set_is_filled_moved_locked_and_ordered(page: Page, results: Path) -> None:
    first = open_mix(page)
    page.get_by_role("button", name="Add this track to the set").click()
    for number in range(5):
        page.locator(".proposals li").nth(number).get_by_role("button", name="Add").click()
    page.click("#tab-set")
    rows = page.locator(".set-list li")
    expect(rows).to_have_count(6)
    before = set_ids(page)
    assert before[0] == first
    rows.nth(0).drag_to(rows.nth(3))
    until_equal(page, lambda: set_ids(page), [*before[1:4], first, *before[4:]])
    rows.nth(3).focus()
    page.keyboard.press("Alt+ArrowUp")
    until_equal(page, lambda: set_ids(page), [*before[1:3], first, before[3], *before[4:]])
    rows.nth(2).get_by_role("button", name="Lock").click()
    expect(page.locator(".set-list .locked")).to_have_attribute("data-track", first)
    given = set_ids(page)
    wanted = Mixer(results).arranged(given, {2: first}, "rising")
    page.get_by_label("Course of the energy").select_option("rising")
    page.get_by_role("button", name="Re-order unlocked").click()
    until_equal(page, lambda: set_ids(page), wanted)
    assert wanted[2] == first
    assert page.locator(".courses circle").count() <= 6
    assert page.locator(".courses .energy-line").get_attribute("d").count("L") == 5  # type: ignore[union-attr]
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Save M3U8").click()
    lines = Path(waiting.value.path()).read_text().splitlines()
    assert lines[:2] == ["#EXTM3U", "#DROPGRID"]
    page.reload()
    expect(page.locator("#count-set")).to_have_text("6", timeout=PATIENCE)
    rows.nth(1).get_by_role("button", name=re.compile("Remove .* from")).click()
    expect(rows).to_have_count(5)


def test_without_a_server_the_page_says_what_mixing_needs(browser: Browser, results: Path) -> None:
    file = results / "report" / "index.html"
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(build(collect(results), file))
    tab = browser.new_page()
    tab.set_default_timeout(PATIENCE)
    tab.goto(file.as_uri())
    tab.keyboard.press("Enter")
    tab.keyboard.press("Shift+M")
    expect(tab.locator("#mix")).to_contain_text("dropgrid open")
    tab.click("#tab-set")
    expect(tab.locator("#page-set")).to_contain_text("The set is empty")
    tab.close()


# Two tracks of clicks, the first one's left, the next one's right; where they are in the mix.
CLICKS = """async ({ aligned, rate }) => {
  const track = (beats, side) => {
    const buffer = new AudioBuffer({ length: 60 * rate, numberOfChannels: 2, sampleRate: rate });
    const samples = buffer.getChannelData(side);
    for (const beat of beats) {
      for (let i = 0; i < 300; i++) {
        const at = Math.round(beat * rate) + i;
        samples[at] = Math.cos(2 * Math.PI * 3000 * i / rate) * Math.exp(-i / rate / 0.001);
      }
    }
    return buffer;
  };
  const buffers = [track(aligned.first, 0), track(aligned.second, 1)];
  const mix = await dropgrid.rendered(buffers, aligned);
  const onsets = (samples) => {
    const found = [];
    for (let i = 0; i < samples.length; i++) {
      if (Math.abs(samples[i]) < 0.05) continue;
      found.push(i / rate);
      i += 0.2 * rate;
    }
    return found;
  };
  return [0, 1].map((side) => onsets(mix.getChannelData(side)));
}"""


@pytest.mark.parametrize(("bpm", "wobble"), [(130.0, 0.0), (122.0, 0.015)])
def test_the_browser_lays_beats_on_beats(page: Page, bpm: float, wobble: float) -> None:
    """Measured in what it renders: within two milliseconds, steady or drifting."""
    first = 4.0 + np.arange(64) * 60 / 126
    steps = 60 / bpm * (1 + wobble * np.sin(np.arange(63) / 5))
    then = 3.0 + np.concatenate([[0.0], np.cumsum(steps)])
    aligned = {
        "first": list(first), "second": list(then), "lead": 3.0, "end": 32, "swap": 16,
        "gains": [1.0, 0.8],
    }  # fmt: skip
    left, right = (
        np.array(side) for side in page.evaluate(CLICKS, {"aligned": aligned, "rate": 44100})
    )
    assert len(left) > 20 and len(right) > 40
    near = right[right < left[-1] + 0.1]
    assert len(near) > 10
    off = np.abs(near[:, np.newaxis] - left).min(axis=1)
    assert off.max() < 0.002
    # After the first track has gone, the next one still plays on its beats.
    rest = right[:, np.newaxis] - (first - 3.0)
    assert np.abs(rest).min(axis=1).max() < 0.002
