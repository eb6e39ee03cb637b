"""The workbench in Chromium: its metronome, the close-up, access, phones."""

from __future__ import annotations

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from browser import MISSING, find_browser
from open_workbench import Workbench
from playwright.sync_api import Browser, expect
from workbench_in_chromium import TRACK, Tab

pytestmark = [
    pytest.mark.slow,
    pytest.mark.alone,
    pytest.mark.skipif(find_browser() is None, reason=MISSING),
]


# What is started in the sound card: [when, sound's length, offset], the music's and the clicks'.
LISTEN = """() => {
  window.started = [];
  const start = AudioBufferSourceNode.prototype.start;
  AudioBufferSourceNode.prototype.start = function (when, offset) {
    const one = this.buffer === dropgrid.metronome.sounds[1];
    window.started.push([when, this.buffer.duration, offset ?? 0, one]);
    return start.apply(this, arguments);
  };
}"""


@pytest.mark.parametrize("rate", [1, 0.75])
def test_the_metronome_clicks_on_the_beats(tab: Tab, rate: float) -> None:
    """Each starts within a tenth of a millisecond of its beat, higher on downbeats; in a loop."""
    tab.page.evaluate(LISTEN)
    tab.page.evaluate(f"dropgrid.setRate({rate})")
    tab.press("m")
    tab.page.evaluate("dropgrid.seek(6.1)")
    bars = tab.downbeats()
    at = next(i for i, time in enumerate(bars) if time > 6.1)
    loop = [bars[at - 1], bars[at]]
    tab.page.evaluate(f"dropgrid.setLoop({loop})")
    tab.page.keyboard.press(" ")
    tab.until("window.started.length > 9")
    tab.page.keyboard.press(" ")
    started = tab.page.evaluate("window.started")
    music = [s for s in started if s[1] > 1]
    clicks = [s for s in started if s[1] < 1]
    assert len(music) == 1 and len(clicks) >= 8
    ones = 0
    for when, _, _, one in clicks:
        time = music[0][2] + (when - music[0][0]) * rate
        if time >= loop[1]:
            time = loop[0] + (time - loop[0]) % (loop[1] - loop[0])
        near = min(tab.beats(), key=lambda beat: abs(beat - time))
        seam = min(abs(time - loop[0]), abs(time - loop[1]))
        assert min(abs(near - time), seam) < 1e-4
        is_one = min(abs(bar - time) for bar in bars) < 1e-3
        assert one == is_one
        ones += one
    assert ones >= 2
    gaps = np.diff(sorted(click[0] for click in clicks))
    steps = np.rint(gaps / np.median(gaps))
    np.testing.assert_allclose(gaps, steps * np.median(gaps), atol=2e-4)
    # None comes twice; on a starved machine one may come too late to be played.
    assert steps.min() == 1 and steps.sum() <= len(steps) + 1


def test_the_close_up_shows_the_samples_of_an_attack(tab: Tab) -> None:
    """At 50 ms the picture is of the sound itself, from the decoder of the analysis."""
    tab.until("dropgrid.player.engine.samples() !== null")
    found = tab.page.evaluate(
        "[dropgrid.player.engine.samples().data.length, dropgrid.player.engine.samples().rate]"
    )
    duration = tab.page.evaluate("dropgrid.deck.track.duration")
    assert found[0] / found[1] == pytest.approx(duration, abs=1e-3)
    before = tab.page.locator("#closeup").screenshot()
    for _ in range(14):
        tab.page.keyboard.press("+")
    assert tab.page.evaluate("dropgrid.deck.span") == pytest.approx(0.05)
    assert tab.page.locator("#closeup").screenshot() != before


GHOSTS = [
    {"op": "half"}, {"op": "double"}, {"op": "shift", "beats": 0.5}, {"op": "shift", "beats": 1.5},
    {"op": "one", "beats": 1}, {"op": "one", "beats": -1}, {"op": "nudge", "ms": 7},
    {"op": "at", "time": 9.87}, {"op": "beat_at", "time": 12.2},
    {"op": "anchors", "first": 4.0, "second": 24.0, "one": True},
    {"op": "beats_per_bar", "beats": 3},
]  # fmt: skip


def test_what_the_page_works_out_is_what_the_server_does(tab: Tab, workbench: Workbench) -> None:
    """Other readings are shown, and edits made without a server, by the page's own arithmetic."""
    for edit in GHOSTS:
        workbench.settled(TRACK)  # the message about the previous edit was shown
        tab.page.evaluate("dropgrid.server.open(dropgrid.deck.track).then(dropgrid.showAnswer)")
        tab.until("dropgrid.deck.track.state.job === 'idle'")
        shown = tab.page.evaluate(
            "e => dropgrid.beatsOf(dropgrid.edited("
            "dropgrid.analysed(dropgrid.deck.track, dropgrid.deck.details), e))",
            edit,
        )
        done = workbench.edit(TRACK, edit)["bpm"]
        assert len(shown["beats"]) == pytest.approx(len(done["beats"]), abs=2), edit
        common = min(len(shown["beats"]), len(done["beats"])) - 4
        for name in ("beats", "downbeats"):
            own, theirs = (np.array(answer[name]) for answer in (shown, done))
            inner = own[(own > 2) & (own < own[common // (1 if name == "beats" else 4)])]
            off = np.abs(inner[:, None] - theirs).min(axis=1)
            assert off.max() < 2e-3, (edit, name, off.max())
        workbench.json(f"api/tracks/{TRACK}/undo", {})


def test_axe_finds_nothing_serious_in_the_workbench(tab: Tab) -> None:
    tab.press("h")
    for theme in range(2):
        found = Axe().run(tab.page).response["violations"]
        serious = [
            (finding["id"], node["html"][:100], node["failureSummary"])
            for finding in found if finding["impact"] in ("serious", "critical")
            for node in finding["nodes"]
        ]  # fmt: skip
        assert serious == [], theme
        tab.page.click("#theme")


def test_on_a_phone_the_tools_are_in_reach(browser: Browser, workbench: Workbench) -> None:
    tab = Tab(
        browser, workbench.address, viewport={"width": 390, "height": 844}, has_touch=True,
        is_mobile=True,
    )  # fmt: skip
    half = tab.page.locator("[data-key=h]")
    half.scroll_into_view_if_needed()
    box = half.bounding_box()
    assert box and box["height"] >= 43.5 and box["width"] >= 43.5
    half.tap()
    expect(tab.state).to_contain_text("Saved")
    assert tab.page.evaluate("document.documentElement.scrollWidth") <= 390
    assert tab.complaints == []
