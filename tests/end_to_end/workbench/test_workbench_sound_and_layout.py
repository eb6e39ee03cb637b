"""The workbench in Chromium: its metronome, the close-up, access, phones."""

from __future__ import annotations

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from browser import MISSING, find_browser
from open_workbench import Workbench
from page_in_chromium import laid_out
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


IN_A_ROW = 8  # clicks that are looked at


@pytest.mark.parametrize("rate", [1, 0.75])
def test_the_metronome_clicks_on_the_beats(tab: Tab, rate: float) -> None:
    """Each starts within a tenth of a millisecond of its beat, higher on downbeats; in a loop.

    A starved machine plays a click too late or not at all, so it plays until as many as are
    looked at came in time, one after another. None ever comes twice.
    """
    tab.page.evaluate(LISTEN)
    tab.page.evaluate(f"dropgrid.setRate({rate})")
    tab.press("m")
    tab.page.evaluate("dropgrid.seek(6.1)")
    beats, bars = np.array(tab.beats()), tab.downbeats()
    at = next(i for i, time in enumerate(bars) if time > 6.1)
    loop = [bars[at - 1], bars[at]]
    tab.page.evaluate(f"dropgrid.setLoop({loop})")
    tab.page.keyboard.press(" ")
    step = (loop[1] - loop[0]) / 4 / rate

    def place(when: float) -> float:
        """Where in the track a moment of the sound card's clock is."""
        time = start + (when - begun) * rate
        return time if time < loop[1] else loop[0] + (time - loop[0]) % (loop[1] - loop[0])

    def off(time: float) -> float:
        return min(abs(beats - time).min(), abs(time - loop[0]), abs(time - loop[1]))

    for number in range(10, 1000, 10):
        tab.until(f"window.started.length >= {number}")
        started = tab.page.evaluate("window.started")
        ((begun, _, start, _),) = [s for s in started if s[1] > 1]
        clicks = sorted((when, one) for when, length, _, one in started if length < 1)
        gaps = np.diff([when for when, _ in clicks])
        assert gaps.min() > step / 2
        in_time = [
            clicks[i : i + IN_A_ROW]
            for i in range(len(clicks) - IN_A_ROW + 1)
            if np.abs(gaps[i : i + IN_A_ROW - 1] - step).max() < 2e-4
            and max(off(place(when)) for when, _ in clicks[i : i + IN_A_ROW]) < 1e-4
        ]
        if in_time:
            break
    tab.page.keyboard.press(" ")
    ones = [one for _, one in in_time[0]]
    assert ones == [min(abs(bar - place(when)) for bar in bars) < 1e-3 for when, _ in in_time[0]]
    assert sum(ones) == IN_A_ROW // 4


def test_the_close_up_shows_the_samples_of_an_attack(tab: Tab) -> None:
    """At 50 ms the picture is of the sound itself, from the decoder of the analysis."""
    tab.until("dropgrid.player.engine.samples() !== null")
    found = tab.page.evaluate(
        "[dropgrid.player.engine.samples().data.length, dropgrid.player.engine.samples().rate]"
    )
    duration = tab.page.evaluate("dropgrid.deck.track.duration")
    assert found[0] / found[1] == pytest.approx(duration, abs=1e-3)
    laid_out(tab.page)
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
    laid_out(tab.page)
    width, height = half.evaluate("({ offsetWidth, offsetHeight }) => [offsetWidth, offsetHeight]")
    assert height >= 43.5 and width >= 43.5
    half.tap()
    expect(tab.state).to_contain_text("Saved")
    assert tab.page.evaluate("document.documentElement.scrollWidth") <= 390
    assert tab.complaints == []
