"""The report page in a real browser: what a person does with it."""

from __future__ import annotations

import csv
import dataclasses
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import soundfile
from axe_playwright_python.sync_playwright import Axe
from browser import MISSING, find_browser, launch_browser
from dropgrid.base.text import clock
from dropgrid.evaluation.score import EvaluationOptions, gather
from dropgrid.evaluation.write import write_evaluation
from dropgrid.library import Scan, track_id
from dropgrid.records.model import BpmRecord, Section, StructureRecord
from dropgrid.records.store import read_bpm, read_key, read_structure, write_record
from dropgrid.records.ticket import Ticket
from dropgrid.report.collect import collect
from dropgrid.report.page import build
from dropgrid.results.scan_store import write_tickets
from dropgrid.structure.queries import bars_until_first_drop, breakdowns, mix_in_bars
from playwright.sync_api import Browser, Locator, Page, expect
from synthetic_library import write_failure, write_library, write_track

pytestmark = [
    pytest.mark.alone,
    pytest.mark.slow,
    pytest.mark.skipif(find_browser() is None, reason=MISSING),
]

HOSTILE = "<script>alert(1)<b>\n\"'& 100%?#\udcff Beyoncé.wav"
TRACKS = 200


@dataclass
class Session:
    """A library's page in a tab, and what the browser said about it."""

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


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launch_browser() as running:
        yield running


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """200 tracks of a made-up library, every 40th failed, with a page."""
    folder = tmp_path_factory.mktemp("library")
    write_library(folder / "results", TRACKS, folder / "music")
    write_page(folder / "results")
    return folder / "results"


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


@pytest.fixture
def session(browser: Browser, results: Path) -> Iterator[Session]:
    """The library's page; whatever a test does with it, the browser must not complain."""
    opened = open_page(browser, results)
    yield opened
    opened.page.close()
    assert opened.complaints == []


def test_the_page_loads_and_asks_for_nothing_else(session: Session) -> None:
    expect(session.page.locator("#shown")).to_have_text(f"{TRACKS} tracks")
    assert [url for url in session.requests if not url.startswith("data:")] == [
        (session.results / "report" / "index.html").as_uri()
    ]


def test_only_the_rows_in_sight_exist(session: Session) -> None:
    assert 10 < len(session.rows()) < 40
    session.page.keyboard.press("End")
    last = collect(session.results).tracks[-1]
    expect(session.page.locator("#rows .row[aria-selected=true] .name span")).to_contain_text(
        last.path
    )


def test_search_finds_by_words_without_accents(session: Session) -> None:
    session.page.keyboard.press("/")
    session.page.keyboard.type("tva vanner solar")
    shown = session.page.locator("#rows .row .name span").all_inner_texts()
    assert shown and all("Två Vänner" in text for text in shown)
    expect(session.page.locator("#shown")).to_contain_text(f"of {TRACKS} tracks")
    session.page.keyboard.press("Escape")
    expect(session.page.locator("#shown")).to_have_text(f"{TRACKS} tracks")


def test_search_takes_a_range_of_tempos(session: Session) -> None:
    session.page.fill("#search", "123-127")
    assert set(session.tempos()) == {124.0, 126.0}


@pytest.mark.parametrize(
    ("typed", "tempos"),
    [
        ("140", {140.0}),
        ("70", {140.0}),  # half
        ("348", {174.0}),  # double
        ("=70", set()),
        ("=128", {128.0}),
        ("127.6", set()),  # two digits and a half do not round to 128
        (">130 <=140", {132.0, 138.0, 140.0}),
        ("<124", {122.0}),
        ("128-132 house", {128.0, 132.0}),
    ],
)
def test_search_finds_tempos(session: Session, typed: str, tempos: set[float]) -> None:
    session.page.fill("#search", typed)
    rows = session.page.locator("#rows .row:has(.bpm)")
    found = zip(rows.locator(".name span").all_inner_texts(), session.tempos(), strict=True)
    assert {tempo for path, tempo in found if typed not in path} == tempos  # else found by name


def test_search_compares_lengths(session: Session) -> None:
    session.page.fill("#search", ">6:10")
    seconds = [60 * int(m) + int(s) for m, s in (t.split(":") for t in times(session))]
    assert seconds and min(seconds) > 370


def times(session: Session) -> list[str]:
    return [t for t in session.page.locator("#rows .time").all_inner_texts() if t]


def test_sliders_and_genres_narrow_the_list(session: Session) -> None:
    """To 122-130 BPM by the keyboard, then with double tempo, then to one genre, then all."""
    views = [view for view in collect(session.results).tracks if view.bpm]
    page = session.page
    page.click("#limits-button")
    page.locator("#bpm-to").focus()
    for _ in range(174 - 130):
        page.keyboard.press("ArrowLeft")
    found = {view.bpm.bpm for view in views if view.bpm.bpm <= 130}  # type: ignore[union-attr,operator]
    assert set(session.tempos()) == found
    expect(page.locator("#limits-button")).to_have_text("Filter (1)")
    page.select_option("#genre", "Techno")
    assert page.locator("#limits-button").inner_text() == "Filter (2)"
    techno = sum(v.bpm.bpm <= 130 and v.bpm.tags["genre"] == "Techno" for v in views)  # type: ignore[union-attr,operator]
    expect(page.locator("#shown")).to_have_text(f"{techno} of {TRACKS} tracks")
    page.get_by_role("button", name="Clear").click()
    expect(page.locator("#shown")).to_have_text(f"{TRACKS} tracks")
    page.keyboard.press("Escape")
    expect(page.locator("#limits")).to_be_hidden()


def test_ranges_are_typed_dragged_and_taken_away_as_chips(session: Session) -> None:
    """A field and a thumb for each end; a chip for each filter that is set."""
    page = session.page
    page.click("#limits-button")
    page.fill("#bpm-from-field", "125,5")
    page.keyboard.press("Tab")
    page.fill("#bpm-to-field", "133")
    page.keyboard.press("Tab")
    assert set(session.tempos()) == {126.0, 128.0, 132.0}
    chips = page.locator("#chips .chip")
    expect(chips).to_have_text(["BPM 125.5 – 133"])
    line = page.locator("[data-filter=bpm] .thumbs").bounding_box()
    assert line
    low, high = 122, 174
    at = line["x"] + 8 + (line["width"] - 16) * (133 - low) / (high - low)
    page.mouse.move(at, line["y"] + line["height"] / 2)
    page.mouse.down()
    page.mouse.move(line["x"] + line["width"] + 20, line["y"] + 5, steps=8)
    page.mouse.up()
    expect(page.locator("#bpm-to-field")).to_have_value("174")
    expect(chips).to_have_text(["BPM 125.5 – 174"])
    assert min(session.tempos()) > 125.5
    page.fill("#time-from-field", "6:00")
    page.keyboard.press("Enter")
    expect(chips).to_have_text([re.compile("^BPM 125.5"), re.compile("^Length 6:00")])
    page.fill("#bpm-from-field", "nonsense")
    page.keyboard.press("Tab")
    expect(page.locator("#bpm-from-field")).to_have_value("125.5")
    page.keyboard.press("Escape")
    chips.first.click()
    expect(chips).to_have_text([re.compile("^Length 6:00")])
    chips.first.click()
    expect(page.locator("#shown")).to_have_text(f"{TRACKS} tracks")
    expect(page.locator("#chips")).to_be_hidden()


def test_several_rows_are_selected_for_the_set_and_the_list(session: Session) -> None:
    page = session.page
    rows = page.locator("#rows .row")
    names = [row.locator(".name b").inner_text() for row in rows.all()[:5]]
    rows.nth(1).click(modifiers=["Shift"])
    rows.nth(3).click(modifiers=["ControlOrMeta"])
    expect(page.locator("#add-to-set")).to_have_text("Add 3 to set")
    selected = page.locator("#rows [aria-selected=true] .name b")
    assert selected.all_inner_texts() == [names[0], names[1], names[3]]
    page.click("#add-to-set")
    expect(page.locator("#count-set")).to_have_text("3")
    page.click("#save-button")
    with page.expect_download() as table:
        page.get_by_role("button", name="CSV").click()
    saved = list(csv.DictReader(table.value.path().open(newline="")))
    assert [row["title"] for row in saved] == [names[0], names[1], names[3]]
    rows.nth(2).click()
    expect(page.locator("#add-to-set")).to_have_text("Add to set")


def test_what_a_mix_asks_is_found_by_sliders_sorted_and_saved(session: Session) -> None:
    """Intros of beat alone of 16 bars and more; energy, bars until the drop, breakdowns."""
    views = {v.path: v for v in collect(session.results).tracks if v.structure}
    mixable = {p for p, v in views.items() if mix_in_bars(v.structure) >= 16}  # type: ignore[arg-type]
    assert 0 < len(mixable) < len(views)
    page = session.page
    page.click("#limits-button")
    page.locator("#mixIn-from").focus()
    for _ in range(16):
        page.keyboard.press("ArrowRight")
    expect(page.locator("#shown")).to_have_text(f"{len(mixable)} of {TRACKS} tracks")
    expect(page.locator("#limits-button")).to_have_text("Filter (1)")
    page.keyboard.press("Escape")
    page.click("#columns-button")
    for column in ("energy", "mixIn", "firstDrop"):
        page.check(f"[data-column={column}]")
    for column in ("confidence", "alternatives"):
        page.uncheck(f"[data-column={column}]")
    page.keyboard.press("Escape")
    page.get_by_role("columnheader", name="Energy").get_by_role("button").click()
    shown = [float(text) for text in page.locator("#rows .energy").all_inner_texts()]
    assert len(shown) > 5 and shown == sorted(shown)
    page.click("#save-button")
    with page.expect_download() as table:
        page.get_by_role("button", name="CSV").click()
    rows = list(csv.DictReader(table.value.path().open(newline="")))
    assert {row["path"] for row in rows} == mixable
    for row in rows:
        record = views[row["path"]].structure
        assert record is not None
        assert int(row["mix_in_bars"]) == mix_in_bars(record)
        assert int(row["first_drop_bars"]) == bars_until_first_drop(record)
        longest = max(passage.bars or 0 for passage in breakdowns(record))
        assert int(row["longest_breakdown_bars"]) == longest
        assert 0 < float(row["energy"]) < 1
    page.locator("#table").focus()
    page.keyboard.press("Enter")
    heads = page.locator(".sections th").all_inner_texts()
    assert "Energy" in heads
    expect(page.locator(".facts")).to_contain_text("Mix in")
    expect(page.locator(".facts")).to_contain_text("6.0 dB at the drop")


def test_columns_are_chosen_and_remembered(session: Session) -> None:
    page = session.page
    heads = page.get_by_role("columnheader")
    assert "Genre" in heads.all_inner_texts() and "Artist" not in heads.all_inner_texts()
    page.click("#columns-button")
    page.check("[data-column=artist]")
    page.uncheck("[data-column=genre]")
    expect(page.locator("#rows .row .words").first).to_have_text("Juno Falk")
    head = page.get_by_role("columnheader", name="Artist")
    head.get_by_role("button").click()
    expect(head).to_have_attribute("aria-sort", "ascending")
    page.reload()
    assert "Artist" in heads.all_inner_texts() and "Genre" not in heads.all_inner_texts()


def test_columns_without_room_are_left_out_and_named(browser: Browser, results: Path) -> None:
    session = open_page(browser, results, viewport={"width": 390, "height": 844})
    assert session.page.get_by_role("columnheader").all_inner_texts() == [
        "Track", "Drop map", "BPM",
    ]  # fmt: skip
    session.page.click("#columns-button")
    session.page.uncheck("[data-column=dropmap]")
    session.page.uncheck("[data-column=time]")
    assert session.page.get_by_role("columnheader").all_inner_texts() == ["Track", "BPM", "Key"]
    expect(session.page.locator("#no-room")).to_contain_text("No room here for")
    assert session.complaints == []


def test_the_list_that_is_shown_is_saved(session: Session) -> None:
    page = session.page
    page.fill("#search", "=174")
    page.get_by_role("columnheader", name="Track").get_by_role("button").click()
    views = {view.path: view for view in collect(session.results).tracks}
    page.click("#save-button")
    with page.expect_download() as playlist:
        page.get_by_role("button", name="M3U8").click()
    with page.expect_download() as table:
        page.get_by_role("button", name="CSV").click()
    rows = list(csv.DictReader(table.value.path().open(newline="")))
    assert [row["title"] for row in rows[:8]] == session.rows()[:8]
    assert len(rows) == int(page.locator("#shown").inner_text().split()[0]) > 3
    assert {row["bpm"] for row in rows} == {"174"}
    lines = playlist.value.path().read_text().splitlines()
    assert lines[:2] == ["#EXTM3U", "#DROPGRID"]
    lines = lines[2:]
    assert lines[1::2] == [views[row["path"]].audio for row in rows]
    assert lines[0].endswith(f",{rows[0]['artist']} - {rows[0]['title']}")


def test_search_without_a_match_says_so(session: Session) -> None:
    session.page.fill("#search", "no such track")
    expect(session.page.locator("#rows")).to_have_text("No track matches.")


def test_columns_sort_both_ways_and_back(session: Session) -> None:
    unsorted = session.rows()
    head = session.page.get_by_role("columnheader", name="BPM")
    head.get_by_role("button").click()
    expect(head).to_have_attribute("aria-sort", "ascending")
    assert set(session.tempos()) == {122.0}
    head.get_by_role("button").click()
    expect(head).to_have_attribute("aria-sort", "descending")
    assert set(session.tempos()) == {174.0}
    head.get_by_role("button").click()
    assert session.rows() == unsorted


def test_failed_tracks_can_be_shown_alone_with_their_reason(session: Session) -> None:
    session.page.click("[data-filter=failed]")
    assert len(session.rows()) == TRACKS // 40
    session.page.keyboard.press("Tab")
    session.page.locator("#rows .row").first.click()
    expect(session.page.locator(".failure")).to_contain_text("not audio (no header)")
    expect(session.page.locator(".failure-advice")).to_contain_text("option exclude")
    session.page.click("#tab-failures")
    listed = session.page.locator("#page-failures tbody tr")
    expect(listed.first).to_contain_text("This is no music that can be read")
    expect(listed).to_have_count(TRACKS // 40)
    name = listed.last.locator("button").inner_text()
    listed.last.locator("button").click()
    expect(session.page.locator("#deck .deck-name p")).to_contain_text(name)


def test_doubtful_tempos_can_be_shown_alone_with_the_reason(session: Session) -> None:
    doubtful = sum(
        view.bpm is not None and (view.bpm.confidence or 0) < 0.8
        for view in collect(session.results).tracks
    )
    session.page.click("[data-filter=check]")
    assert len(session.rows()) == doubtful > 0
    session.page.locator("#rows .row").first.click()
    expect(session.page.locator(".facts")).to_contain_text(
        "It may be half or twice the tempo (confidence 0.42)"
    )


def test_an_unsure_key_is_shown_as_such_and_left_out_of_saved_lists(
    browser: Browser, tmp_path: Path
) -> None:
    results = tmp_path / "results"
    write_library(results, 2, tmp_path / "music")
    first = sorted((results / "key").iterdir())[0]
    record = read_key(first)
    write_record(first, dataclasses.replace(record, confidence=0.21, sure=False))
    write_page(results)
    session = open_page(browser, results)
    texts = session.page.locator("#rows .key").all_inner_texts()
    assert sorted("?" in text for text in texts) == [False, True]
    assert any(text.startswith(f"{record.camelot}?") for text in texts)
    session.page.click("#save-button")
    with session.page.expect_download() as waiting:
        session.page.get_by_role("button", name="CSV").click()
    rows = list(csv.DictReader(Path(waiting.value.path()).read_text().splitlines()))
    assert sorted(bool(row["camelot"]) for row in rows) == [False, True]
    session.page.close()
    assert session.complaints == []


def test_the_wheel_shows_what_mixes_with_a_key(session: Session) -> None:
    def keys() -> set[str]:
        return {
            re.match(r"\d+[AB]", text)[0]
            for text in session.page.locator("#rows .key").all_inner_texts()
            if text
        }  # type: ignore[index]

    everything = len(session.rows())
    session.page.click("#wheel-button")
    part = session.page.locator("#wheel [data-key='8A']")
    part.click()
    mixing = {"8A", "7A", "9A", "8B"}
    known = [view.key.camelot for view in collect(session.results).tracks if view.key]
    count = sum(camelot in mixing for camelot in known)
    assert len(keys()) > 1 and keys() <= mixing
    expect(session.page.locator("#shown")).to_have_text(f"{count} of {TRACKS} tracks")
    assert session.page.locator("#wheel g.dim").count() == 20
    session.page.check("#wheel-only")
    assert keys() == {"8A"}
    part.focus()
    session.page.keyboard.press("Enter")
    assert len(session.rows()) == everything
    session.page.locator("#search").click()
    expect(session.page.locator("#wheel")).to_be_hidden()


def test_a_key_tag_that_disagrees_is_to_be_checked(browser: Browser, tmp_path: Path) -> None:
    results = tmp_path / "results"
    write_library(results, 3, tmp_path / "music", failing=0)
    view = collect(results).tracks[0]
    assert view.key is not None and view.bpm is not None
    write_record(
        results / "key" / f"{view.track}.json", dataclasses.replace(view.key, tag_key="Bb minor")
    )
    write_record(
        results / "bpm" / f"{view.track}.json", dataclasses.replace(view.bpm, confidence=0.99)
    )
    write_page(results)
    session = open_page(browser, results)
    session.page.click("[data-filter=check]")
    session.page.locator("#rows .row").first.click()
    facts = session.page.locator(".facts")
    expect(facts).to_contain_text(f"The file's tag says Bb minor, the audio {view.key.key}")
    expect(facts).to_contain_text("Loudness range4.0 LU")


def test_tracks_play_at_one_level_where_that_is_asked_for(session: Session) -> None:
    session.page.evaluate(
        "Object.defineProperty(HTMLMediaElement.prototype, 'volume',"
        " {set(volume) { window.heard = volume; }})"
    )
    session.page.locator("#rows .row").first.click()
    level = session.page.locator(".level")
    assert session.page.evaluate("window.heard") == 1
    level.click()
    expect(level).to_have_attribute("aria-pressed", "true")
    bpm = next(view for view in collect(session.results).tracks if view.bpm).bpm
    assert bpm is not None and bpm.loudness is not None
    quieter = 10 ** ((-18 - (bpm.loudness.integrated or 0)) / 20)
    assert session.page.evaluate("window.heard") == pytest.approx(quieter, abs=1e-3)
    level.click()
    assert session.page.evaluate("window.heard") == 1


def test_keys_choose_open_seek_and_close(session: Session) -> None:
    keyboard = session.page.keyboard
    keyboard.press("ArrowDown")
    keyboard.press("ArrowDown")
    keyboard.press("Enter")
    view = collect(session.results).tracks[2]
    expect(session.page.locator("#deck h2")).to_have_text(view.bpm.tags["title"])  # type: ignore[union-attr]
    bpm = read_bpm(session.results / "bpm" / f"{view.track}.json")
    structure = read_structure(session.results / "structure" / f"{view.track}.json")
    where = session.page.locator(".deck-where")
    keyboard.press("d")
    expect(where).to_have_text("bar 49.1 · drop")
    assert session.position() == pytest.approx(structure.drops[0], abs=0.06)
    keyboard.press("ArrowRight")
    expect(where).to_have_text("bar 50.1 · drop")
    assert session.position() == pytest.approx(bpm.downbeats[49], abs=0.06)
    keyboard.press("ArrowLeft")
    keyboard.press("ArrowLeft")
    expect(where).to_have_text("bar 48.1 · buildup")
    keyboard.press("Escape")
    expect(session.page.locator("#deck")).to_be_hidden()
    assert session.page.evaluate("document.activeElement.id") == "table"


def test_a_click_on_the_map_sets_the_position(session: Session) -> None:
    session.page.locator("#rows .row").first.click()
    view = collect(session.results).tracks[0]
    duration = view.bpm.duration  # type: ignore[union-attr]
    box = session.page.locator(".overview").bounding_box()
    assert box and duration
    session.page.mouse.click(box["x"] + box["width"] * 0.5, box["y"] + 60)
    assert session.position() == pytest.approx(duration / 2, abs=0.3)
    session.page.locator(".section-name").nth(2).click()
    assert session.position() == pytest.approx(view.structure.sections[2].start, abs=0.06)  # type: ignore[union-attr]


def test_the_close_up_zooms_to_single_beats(session: Session) -> None:
    session.page.locator("#rows .row").first.click()
    closeup = session.page.locator("#closeup")
    pictures = [closeup.screenshot()]
    for _ in range(3):
        session.page.keyboard.press("+")
        pictures.append(closeup.screenshot())
    session.page.mouse.move(700, 330)
    session.page.mouse.wheel(0, -400)
    pictures.append(closeup.screenshot())
    assert len(set(pictures)) == 5


def test_the_close_up_keeps_the_position_in_its_middle(session: Session) -> None:
    """A click a quarter of the width right of the middle moves a quarter of what is shown."""
    page = session.page
    page.locator("#rows .row").first.click()
    bpm = collect(session.results).tracks[0].bpm
    assert bpm is not None and bpm.bpm is not None
    page.keyboard.press("d")
    drop = session.position()
    box = page.locator("#closeup").bounding_box()
    assert box
    page.mouse.click(box["x"] + 0.75 * box["width"], box["y"] + 80)
    assert session.position() == pytest.approx(drop + 4 * 60 / bpm.bpm, abs=0.11)
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 80)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.25 * box["width"], box["y"] + 80, steps=4)
    page.mouse.up()
    assert session.position() == pytest.approx(drop + 8 * 60 / bpm.bpm, abs=0.11)
    for _ in range(20):
        page.keyboard.press("+")
    page.mouse.click(box["x"] + box["width"], box["y"] + 80)
    assert session.position() == pytest.approx(drop + 8 * 60 / bpm.bpm + 0.025, abs=0.11)


def test_at_the_beginning_the_close_up_shows_music_alone(session: Session) -> None:
    """Its left edge is the track's beginning: a click in the middle goes eight beats on."""
    page = session.page
    page.locator("#rows .row").first.click()
    bpm = collect(session.results).tracks[0].bpm
    assert bpm is not None and bpm.bpm is not None
    box = page.locator("#closeup").bounding_box()
    line = page.locator(".centre").bounding_box()
    assert box and line and line["x"] == pytest.approx(box["x"], abs=2)
    page.mouse.click(box["x"] + 0.5 * box["width"], box["y"] + 80)
    assert session.position() == pytest.approx(8 * 60 / bpm.bpm, abs=0.06)
    line = page.locator(".centre").bounding_box()
    assert line and line["x"] == pytest.approx(box["x"] + 0.5 * box["width"], abs=2)


# Names of keys that are shown but not wholly.
CUT_KEYS = """() => [...document.querySelectorAll("#rows .key")].flatMap((cell) =>
  [...cell.children].filter((part) => part.getBoundingClientRect().width > 0
    && part.getBoundingClientRect().right > cell.getBoundingClientRect().right + 0.5)
  .map((part) => part.textContent))"""


def test_a_key_is_never_cut(browser: Browser, results: Path) -> None:
    """At every width the name of a key is there wholly, or not at all."""
    session = open_page(browser, results)
    names = session.page.locator("#rows .key span")
    for width in range(1440, 380, -53):
        session.page.set_viewport_size({"width": width, "height": 800})
        assert session.page.evaluate(CUT_KEYS) == [], width
        if width >= 1280:
            expect(names.first).to_be_visible()
    assert session.complaints == []


def test_facts_are_in_a_djs_words_and_numbers_under_details(
    browser: Browser, tmp_path: Path
) -> None:
    results = tmp_path / "results"
    write_library(results, 1, tmp_path / "music", failing=0)
    (view,) = collect(results).tracks
    assert view.bpm is not None and view.key is not None
    write_record(
        results / "bpm" / f"{view.track}.json",
        dataclasses.replace(view.bpm, source="corrected", confidence=1.0),
    )
    write_record(
        results / "key" / f"{view.track}.json",
        dataclasses.replace(view.key, confidence=0.3, sure=False),
    )
    write_page(results)
    session = open_page(browser, results)
    page = session.page
    sign = page.locator("#rows .corrected")
    expect(sign).to_have_attribute("title", "Corrected by you: grid")
    page.keyboard.press("Enter")
    main = page.locator(".facts > dl")
    expect(main).to_contain_text("set by you")
    expect(main.locator(".unsure")).to_contain_text(f"{view.key.key} (unsure)")
    expect(main).not_to_contain_text("Fitted")
    fitted = page.get_by_text("Fitted tempo")
    expect(fitted).to_be_hidden()
    page.locator(".facts summary").click()
    expect(fitted).to_be_visible()
    page.reload()  # with the track, from its address
    expect(page.get_by_text("Fitted tempo")).to_be_visible()
    assert session.complaints == []


def test_sections_of_one_label_read_as_one(browser: Browser, tmp_path: Path) -> None:
    """Eight and 24 bars of a drop are a drop of 32, in the list, the tooltip and the legend."""
    results = tmp_path / "results"
    write_library(results, 1, tmp_path / "music", failing=0)
    (view,) = collect(results).tracks
    old = view.structure
    assert old is not None and old.sections[2].label == "drop"
    drop = old.sections[2]
    middle = drop.start + (drop.end - drop.start) / 4
    parts = (
        dataclasses.replace(drop, end=middle, end_bar=57, bars=8),
        dataclasses.replace(drop, start=middle, start_bar=57, bars=24),
    )
    write_record(
        results / "structure" / f"{view.track}.json",
        dataclasses.replace(old, sections=(*old.sections[:2], *parts, *old.sections[3:])),
    )
    write_page(results)
    session = open_page(browser, results)
    session.page.keyboard.press("Enter")
    rows = session.page.locator(".sections tbody tr")
    assert rows.count() == len(old.sections)
    expect(rows.nth(2)).to_have_text(f"Drop{clock(drop.start, tenths=True)}320.900.90")
    expect(rows.nth(2).locator("td").nth(2)).to_have_attribute("title", "in parts of 8 + 24")
    box = session.page.locator(".overview").bounding_box()
    assert box and old.duration
    session.page.mouse.move(box["x"] + box["width"] * (middle + 1) / old.duration, box["y"] + 10)
    expect(session.page.locator(".overview")).to_have_attribute(
        "title",
        f"Drop, {clock(drop.start, tenths=True)} – {clock(drop.end, tenths=True)}, "
        "bars 49–80, energy 0.90",
    )
    legend = session.page.locator("#legend li").all_inner_texts()
    assert legend == ["Intro", "Buildup", "Drop", "Breakdown", "Outro"]
    assert session.complaints == []


def test_the_question_mark_shows_the_keys(session: Session) -> None:
    dialog = session.page.get_by_role("dialog", name="Keys")
    session.page.keyboard.press("?")
    expect(dialog).to_contain_text("next drop")
    session.page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    session.page.click("#help")
    expect(dialog).to_be_visible()


def test_what_the_browser_does_not_play_says_so(browser: Browser, tmp_path: Path) -> None:
    track = Ticket(track_id("a.aiff"), "a.aiff", str(tmp_path / "a.aiff"), 1, 1)
    write_tickets(Scan(str(tmp_path), (track,), ()), tmp_path)
    write_track(tmp_path, track, seed=5)
    write_page(tmp_path)
    session = open_page(browser, tmp_path)
    session.page.keyboard.press("Enter")
    expect(session.page.locator(".deck-problem")).to_contain_text("does not play AIFF files")
    expect(session.page.get_by_role("button", name="Play", exact=True)).to_be_disabled()
    assert session.complaints == []


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
    page.locator(".section-name").nth(2).scroll_into_view_if_needed()
    page.locator(".section-name").nth(2).tap()
    expect(page.locator(".deck-where")).to_have_text("bar 49.1 · drop")
    page.locator(".facts").scroll_into_view_if_needed()
    expect(page.locator(".facts")).to_contain_text("Confidence")
    rows = page.locator("#table").bounding_box()
    head = page.locator("#head").bounding_box()
    assert rows and head and rows["y"] + rows["height"] <= height
    assert rows["height"] - head["height"] >= 1.75 * 52
    page.locator(".more").tap()
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
    primary = page.locator(".primary > button")
    assert primary.all_inner_texts() == [
        "Half tempo", "Double tempo", "Half a beat", "Downbeat here", "Undo", "Confirm",
    ]  # fmt: skip
    for needed in (".primary button", ".deck .play", ".deck-clock", "#closeup", "#search"):
        assert page.locator(needed).count() > 0
        assert page.evaluate(OUT_OF_SIGHT, needed) == []
    seen = page.locator("#rows .row").count() - len(page.evaluate(OUT_OF_SIGHT, "#rows .row"))
    assert seen >= 1
    page.get_by_role("button", name="More", exact=True).click()
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
    session.page.locator("#rows .row").first.click()
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


def test_other_systems_stand_beside_ours(browser: Browser, tmp_path: Path) -> None:
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
    apart = row("Less dropgrid", "other").first.locator("td")
    expect(apart).to_have_text(["other", "0.000", "1", "1", "1.000"])
    furthest = row("Furthest apart", "b.flac").first.locator("td")
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


def test_a_hostile_name_is_shown_played_and_does_nothing(browser: Browser, tmp_path: Path) -> None:
    """The file's name holds markup, quotes, a newline, a percent sign and an undecodable byte."""
    music, results = tmp_path / "music", tmp_path / "results"
    music.mkdir()
    noise = np.random.default_rng(0).uniform(-0.01, 0.01, 8000 * 340)
    soundfile.write(os.fsencode(music / HOSTILE), noise, 8000, format="WAV")
    track = Ticket(track_id(HOSTILE), HOSTILE, str(music / HOSTILE), 1, 1)
    other = Ticket(track_id("x.wav"), "x.wav", str(music / "x.wav"), 1, 1)
    write_tickets(Scan(str(music), (track, other), ()), results)
    write_track(results, track, seed=5)
    write_failure(results, other, message=HOSTILE)
    write_page(results)
    opened = open_page(browser, results)
    expect(opened.page.locator("#rows .name span").first).to_contain_text("<script>alert(1)<b>")
    opened.page.keyboard.press("Enter")
    expect(opened.page.locator(".facts")).to_be_visible()
    opened.page.keyboard.press("d")
    drop = opened.position()
    opened.page.locator("#rows .row").first.dblclick()
    expect(opened.page.get_by_role("button", name="Pause")).to_be_visible()
    opened.page.wait_for_function(
        "past => document.getElementById('closeup').ariaValueNow > past", arg=drop + 0.4
    )
    opened.page.keyboard.press(" ")
    expect(opened.page.get_by_role("button", name="Play")).to_be_visible()
    assert drop < opened.position() < drop + 30
    opened.page.keyboard.press("End")
    expect(opened.page.locator(".failure-message")).to_contain_text("<script>alert(1)<b>")
    assert opened.complaints == []


def test_audio_that_is_gone_is_said_and_the_rest_works(session: Session) -> None:
    session.page.locator("#rows .row").first.click()
    session.page.keyboard.press(" ")
    problem = session.page.locator(".deck-problem")
    expect(problem).to_contain_text("Was the music moved?")
    expect(problem).to_contain_text(
        f"dropgrid report --results {session.results} --library WHERE_IT_IS_NOW"
    )
    session.page.keyboard.press("d")
    expect(session.page.locator(".deck-where")).to_have_text("bar 49.1 · drop")
    session.complaints[:] = [
        c for c in session.complaints if not re.search("ERR_FILE_NOT_FOUND", c)
    ]


def test_an_empty_library_has_a_page(browser: Browser, tmp_path: Path) -> None:
    write_tickets(Scan(str(tmp_path), (), ()), tmp_path)
    write_page(tmp_path)
    opened = open_page(browser, tmp_path)
    expect(opened.page.locator("#rows")).to_contain_text("dropgrid run ~/Music")
    for tab in ("failures", "evaluation", "run"):
        opened.page.click(f"#tab-{tab}")
        expect(opened.page.locator(f"#page-{tab} h2")).to_be_visible()
    assert opened.complaints == []


def test_tracks_of_which_little_is_known_open_too(browser: Browser, tmp_path: Path) -> None:
    """Not analysed yet; tempo alone, without a beat; sections alone, in seconds; one beat."""
    names = ["a.wav", "b.wav", "c.wav", "d.wav"]
    tracks = [Ticket(track_id(name), name, str(tmp_path / name), 1, 1) for name in names]
    write_tickets(Scan(str(tmp_path), tuple(tracks), ()), tmp_path)
    _, second, third, fourth = tracks
    section = Section(0.0, 9.0, "breakdown", None, None, None, 0.5)
    for track, beats in [(second, ()), (fourth, (0.5,))]:
        tempo = BpmRecord(
            track.track, track.path, "ok", duration=9.0, beats=beats, downbeats=beats
        )
        write_record(tmp_path / "bpm" / f"{track.track}.json", tempo)
    for track in (third, fourth):
        sections = StructureRecord(
            track.track, track.path, "ok", duration=9.0, time_base="seconds", sections=(section,)
        )
        write_record(tmp_path / "structure" / f"{track.track}.json", sections)
    write_page(tmp_path)
    opened = open_page(browser, tmp_path)
    for name in names:
        opened.page.locator("#rows .row", has_text=name).click()
        expect(opened.page.locator("#deck h2")).to_have_text(Path(name).stem)
        for key in ("d", "ArrowRight", "ArrowLeft", "+", "-"):
            opened.page.keyboard.press(key)
    expect(opened.page.locator(".sections tbody tr")).to_have_text("Breakdown0:00.0–0.50")
    assert opened.complaints == []
