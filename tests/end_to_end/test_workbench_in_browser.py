"""The workbench in a real browser: hear it, see it, mend it; on its server, and without one."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from browser import MISSING, find_browser, launch_browser
from dropgrid.commands.main import main
from dropgrid.correcting.page_edits import apply_page_edits
from dropgrid.correcting.session import CorrectionSession
from dropgrid.corrections import document
from dropgrid.library import track_id
from dropgrid.records.model import ANALYSES
from dropgrid.records.store import read_bpm, read_structure
from dropgrid.report.collect import collect
from dropgrid.report.page import build
from dropgrid.results.layout import Results
from open_workbench import Workbench, opened
from playwright.sync_api import Browser, Page, Route, expect

pytestmark = [
    pytest.mark.slow,
    pytest.mark.alone,
    pytest.mark.skipif(find_browser() is None, reason=MISSING),
]

SONG, OTHER = "house.flac", "other.ogg"
TRACK = track_id(SONG)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launch_browser() as running:
        yield running


@pytest.fixture(scope="module")
def analysed(tmp_path_factory, songs, snakemake) -> Path:
    """A folder with a library of two songs and its results."""
    folder = tmp_path_factory.mktemp("workbench")
    (folder / "music").mkdir()
    for name in (SONG, OTHER):
        shutil.copy(songs / name, folder / "music")
    done = snakemake(folder, "--cores", "2", "analysis", library="music", results="results")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def results(analysed, tmp_path) -> Path:
    """A copy of the results that a test may change; the tickets name the music of the original."""
    shutil.copytree(analysed / "results", tmp_path / "results")
    return tmp_path / "results"


@pytest.fixture
def workbench(results) -> Iterator[Workbench]:
    with opened(results) as running:
        yield running


class Tab:
    """A page with the song opened in it; whatever a test does, the browser must not complain."""

    def __init__(self, browser: Browser, address: str, **options: Any) -> None:
        context = browser.new_context(**{"viewport": {"width": 1440, "height": 950}, **options})
        self.page: Page = context.new_page()
        self.complaints: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(f"{address}#track={TRACK}")
        self.state = self.page.locator(".bench-state")
        self.open()

    def open(self) -> None:
        self.until("window.dropgrid?.deck.details?.beats?.length > 0")

    def press(self, *keys: str) -> None:
        """Press keys, and wait until what they do is saved."""
        for key in keys:
            self.page.keyboard.press(key)
        self.settle()

    def settle(self) -> None:
        """Wait until nothing is being saved."""
        self.until("dropgrid.bench.busy === 0")

    def until(self, true: str) -> None:
        """Wait until something is true; the page's policy forbids Playwright's own waiting."""
        for _ in range(2400):
            if self.page.evaluate(true):
                return
            self.page.wait_for_timeout(50)
        raise AssertionError(f"never: {true}; the browser said {self.complaints}")

    def beats(self) -> list[float]:
        return list(self.page.evaluate("dropgrid.deck.details.beats"))

    def downbeats(self) -> list[float]:
        return list(self.page.evaluate("dropgrid.deck.details.downbeats"))

    def sections(self) -> list[list[float]]:
        return list(self.page.evaluate("dropgrid.deck.track.sections"))

    def position(self) -> float:
        return float(self.page.evaluate("dropgrid.player.position"))


@pytest.fixture
def tab(browser, workbench) -> Iterator[Tab]:
    made = Tab(browser, workbench.address)
    yield made
    made.page.context.close()
    assert made.complaints == []


@pytest.fixture
def static(browser, results) -> Iterator[Tab]:
    """The page that opens from the file system, with editing switched on."""
    page = results / "report" / "index.html"
    page.parent.mkdir(exist_ok=True)
    page.write_bytes(build(collect(results), page))
    made = Tab(browser, page.as_uri())
    made.page.keyboard.press("e")
    yield made
    made.page.context.close()
    assert made.complaints == []


def stated(results: Path) -> Any:
    """What corrections.json says of the song."""
    return document.read(results / "corrections.json").tracks[SONG]


def test_the_page_is_the_same_with_a_server(tab: Tab, results: Path) -> None:
    """The grid that is shown is the record's; nothing is asked for elsewhere."""
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
def test_a_key_mends_the_grid(
    tab: Tab, results: Path, keys: list[str], tempo: float, moved: Any
) -> None:
    """Tempo, phase and the one, in the file, the page and, a moment later, the record."""
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


def test_the_one_is_where_a_person_says(tab: Tab, results: Path) -> None:
    tab.page.evaluate("dropgrid.seek(10.123)")
    tab.press("1")
    assert stated(results).one == pytest.approx(10.123)
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
    for _ in range(20):  # a starved machine may make a pause of it, after which one begins anew
        for _ in range(6):
            tab.page.keyboard.press("t")
            tab.page.wait_for_timeout(60_000 / bpm / 2 - 8)  # the double tempo, as fingers are
        if tab.page.evaluate("![1, 2, 3].includes(dropgrid.bench.taps.length)"):
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


def test_undo_has_no_end_and_survives_a_reload(tab: Tab, results: Path) -> None:
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
    assert stated(results).one is not None


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
    expect(row.locator(".state")).to_have_text("Yours")
    row.click()
    expect(tab.state).to_contain_text("Confirmed")
    tab.press("h")
    expect(tab.state).to_contain_text("locked")
    tab.press("g", "h")
    assert stated(results).confirmed is None and stated(results).one is not None


def test_what_cannot_be_is_said(tab: Tab, results: Path) -> None:
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
    expect(tab.state).to_contain_text("Nothing more is saved")
    tab.page.context.close()


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
    """Each starts within a tenth of a millisecond of its beat, the one's higher; in a loop."""
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
        workbench.settled(TRACK)  # what was said of the edit before has been told
        tab.page.evaluate("dropgrid.server.open(dropgrid.deck.track).then(dropgrid.takeAnswer)")
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


def downloaded(static: Tab, file: Path) -> Path:
    with static.page.expect_download() as download:
        static.page.get_by_role("button", name="More", exact=True).click()
        static.page.get_by_role("button", name="Download").click()
    download.value.save_as(file)
    return file


def test_without_a_server_corrections_become_a_file(static: Tab, results: Path) -> None:
    """Edits are kept over a reload; dropgrid makes of the file what the page shows."""
    page = static.page
    bars = static.downbeats()
    page.evaluate(f"dropgrid.seek({bars[6]})")
    static.press("h", "c", "f")
    static.press("x", "u")
    page.reload()
    static.open()
    beats, sections = static.beats(), static.sections()
    file = downloaded(static, results / "corrections.json")
    edits = json.loads(file.read_text())["tracks"][SONG]["edits"]
    assert [one["op"] for step in edits["steps"] for one in step] == ["shift", "split", "label"]
    assert stated(results).parts == ()  # not applied yet
    with opened(results) as workbench:
        served = workbench.json(f"api/tracks/{TRACK}")
        assert served["row"]["state"]["undo"] == 3
    assert stated(results).parts == ("grid", "sections") and stated(results).edits is None
    theirs = np.array(served["bpm"]["beats"])
    inner = np.array(beats)[2:-2]
    assert np.abs(inner[:, None] - theirs).min(axis=1).max() < 1e-3
    assert [s["label"] for s in served["structure"]["sections"]] == [
        page.evaluate("dropgrid.LABELS")[section[2]] for section in sections
    ]
    np.testing.assert_allclose(
        [s["start"] for s in served["structure"]["sections"]],
        [section[0] for section in sections],
        atol=2e-3,
    )


def test_confirming_on_the_page_changes_nothing(
    static: Tab, results: Path, analysed: Path, snakemake: Any
) -> None:
    before = {kind: Results(results).record(kind, TRACK).read_bytes() for kind in ANALYSES}
    drops = static.page.evaluate("dropgrid.deck.track.drops")
    assert drops
    static.press("g")
    assert static.page.evaluate("dropgrid.deck.track.drops") == drops
    file = downloaded(static, results.parent / "from-page.json")
    shutil.copytree(analysed / "music", results.parent / "music")
    done = snakemake(
        results.parent, "--cores", "2", "analysis", library="music", results="results",
        corrections="from-page.json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "the page's edits of 1 track were applied" in done.stderr
    said = document.read(file).tracks[SONG]
    assert said.confirmed is not None and len(said.confirmed.drops or ()) == len(drops)
    assert said.edits is None and said.parts == ()
    after = {kind: Results(results).record(kind, TRACK).read_bytes() for kind in ANALYSES}
    # A key that a person confirmed is sure, whatever its confidence.
    before["key"] = before["key"].replace(b'"sure": false', b'"sure": true')
    assert after == before


def test_what_is_downloaded_is_added_to_the_file_that_was_opened(
    static: Tab, results: Path, tmp_path: Path, snakemake: Any
) -> None:
    """The user's other statements stay, of this track too; a run takes the file as it is."""
    page = static.page
    mine = {
        "schema": "dropgrid/corrections", "schema_version": 1, "mine": "kept",
        "tracks": {
            OTHER: {"bpm": 100.0, "one": 0.5, "note": "by ear"},
            SONG: {"bpm": 99.0, "one": 0.25, "note": "to play", "confirmed": {"grid": []}},
        },
    }  # fmt: skip
    chooser = page.locator("input[type=file]")
    for text, said in (
        ("{", "it is not JSON"), ("[]", "it is no file of corrections"),
        (json.dumps({**mine, "schema_version": 2}), "it is of version 2"),
        (json.dumps(mine), "2 tracks. Download adds yours to them"),
    ):  # fmt: skip
        (tmp_path / "mine.json").write_text(text)
        chooser.set_input_files(tmp_path / "mine.json")
        expect(static.state).to_contain_text(f"mine.json: {said}")
    static.press("h")
    page.keyboard.press("y")
    page.select_option("select[aria-label=Key]", "F minor")
    static.settle()
    page.reload()
    static.open()
    file = downloaded(static, tmp_path / "corrections.json")
    assert apply_page_edits(CorrectionSession(Results(results), file)) == [
        f"{file}: the page's edits of 1 track were applied"
    ]
    said = json.loads(file.read_text())
    assert said["mine"] == "kept" and said["tracks"][OTHER] == mine["tracks"][OTHER]
    entry = said["tracks"][SONG]
    assert entry["note"] == "to play" and "confirmed" not in entry
    assert entry["key"] == "F minor"
    assert "bpm" not in entry and entry["one"] != 0.25  # the page showed the analysis' own tempo
    assert entry["fingerprint"] == read_bpm(Results(results).record("bpm", TRACK)).fingerprint
    assert document.read(file).tracks[SONG].parts == ("grid", "key")


def test_what_the_run_took_and_its_evaluation_are_there_too(
    results: Path, browser: Browser
) -> None:
    with opened(results) as workbench:
        workbench.edit(TRACK, {"op": "confirm"})
        workbench.settled(TRACK)
        references = ["--references", "corrections"]
        assert main(["evaluate", "--results", str(results), *references]) == 0
        tab = Tab(browser, workbench.address)
        tab.page.click("#tab-run")
        expect(tab.page.locator("#page-run")).to_contain_text("Peak memory of a job")
        tab.page.click("#tab-evaluation")
        expect(tab.page.locator("#page-evaluation")).to_contain_text("1 of 2 tracks")
        assert tab.complaints == []


def test_the_key_is_chosen_by_the_keyboard(tab: Tab, results: Path) -> None:
    assert tab.page.evaluate("dropgrid.deck.track.key") != "F minor"
    tab.press("y")
    tab.page.keyboard.type("4A")
    tab.page.keyboard.press("Tab")
    tab.settle()
    expect(tab.state).to_contain_text("Corrected: key")
    assert tab.page.evaluate("dropgrid.deck.track.camelot") == "4A"
    tab.until("dropgrid.deck.track.state.job === 'idle'")
    record = json.loads(Results(results).record("key", TRACK).read_text())
    assert (record["key"], record["source"]) == ("F minor", "corrected")
    tab.page.locator("#table").focus()
    tab.press("u")
    assert tab.page.evaluate("dropgrid.deck.track.key") != "F minor"
    assert tab.complaints == []


def test_the_page_has_one_door(tab: Tab, static: Tab) -> None:
    """What the tests reach of the page they reach through `dropgrid`; nothing else is global."""
    for page in (tab.page, static.page):
        names = page.evaluate("Object.keys(window).filter((name) => name.startsWith('dropgrid'))")
        assert names == []  # the door is not enumerable, and cannot be replaced
        assert page.evaluate("Object.isFrozen(dropgrid)")
        own = "['bench', 'player', 'tracks', 'library'].filter((name) => name in window)"
        assert page.evaluate(own) == []


def test_records_are_renewed_at_once(tab: Tab, results: Path) -> None:
    """From the press of a key to a record on disk."""
    path = Results(results).record("bpm", TRACK)
    old = path.read_bytes()
    tab.press("h")
    tab.until("dropgrid.deck.track.state.job === 'idle'")
    assert path.read_bytes() != old
