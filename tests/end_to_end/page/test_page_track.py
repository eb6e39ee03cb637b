"""A track on the page in Chromium: map, close-up, keys, facts, odd names and files."""

from __future__ import annotations

import dataclasses
import os
import re
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
from browser import MISSING, find_browser
from dropgrid.base.text import clock
from dropgrid.library import Scan, track_id
from dropgrid.records.model import BpmRecord, Section, StructureRecord
from dropgrid.records.store import read_bpm, read_structure, write_record
from dropgrid.records.ticket import Ticket
from dropgrid.report.collect import collect
from dropgrid.results.scan_store import write_tickets
from page_in_chromium import HOSTILE, Session, open_page, resize, until, write_page
from playwright.sync_api import Browser, expect
from synthetic_library import write_failure, write_library, write_track

pytestmark = [
    pytest.mark.alone,
    pytest.mark.slow,
    pytest.mark.skipif(find_browser() is None, reason=MISSING),
]


def test_tracks_play_at_one_level_where_that_is_asked_for(session: Session) -> None:
    session.page.evaluate(
        "Object.defineProperty(HTMLMediaElement.prototype, 'volume',"
        " {set(volume) { window.heard = volume; }})"
    )
    session.open_first()
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
    session.open_first()
    view = collect(session.results).tracks[0]
    duration = view.bpm.duration  # type: ignore[union-attr]
    box = session.page.locator(".overview").bounding_box()
    assert box and duration
    session.page.mouse.click(box["x"] + box["width"] * 0.5, box["y"] + 60)
    assert session.position() == pytest.approx(duration / 2, abs=0.3)
    session.page.locator(".section-name").nth(2).click()
    assert session.position() == pytest.approx(view.structure.sections[2].start, abs=0.06)  # type: ignore[union-attr]


def test_the_close_up_zooms_to_single_beats(session: Session) -> None:
    session.open_first()
    closeup = session.page.locator("#closeup")
    pictures = [closeup.screenshot()]
    for _ in range(3):
        session.page.keyboard.press("+")
        pictures.append(closeup.screenshot())
    session.page.mouse.move(700, 330)
    span = session.page.evaluate("dropgrid.deck.span")
    session.page.mouse.wheel(0, -400)
    until(session.page, f"dropgrid.deck.span < {span}")
    pictures.append(closeup.screenshot())
    assert len(set(pictures)) == 5


def test_the_close_up_keeps_the_position_in_its_middle(session: Session) -> None:
    """A click a quarter of the width right of the middle moves a quarter of what is shown."""
    page = session.page
    session.open_first()
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
    session.open_first()
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
        resize(session.page, width, 800)
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
    session.opened()
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
    session.opened()
    rows = session.page.locator(".sections tbody tr")
    assert rows.count() == len(old.sections)
    expect(rows.nth(2)).to_have_text(f"Drop{clock(drop.start, tenths=True)}320.900.90")
    expect(rows.nth(2).locator("td").nth(2)).to_have_attribute("title", "consists of 8 + 24")
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
    dialog = session.page.get_by_role("dialog", name="Keyboard shortcuts")
    session.page.keyboard.press("?")
    expect(dialog).to_contain_text("Next drop")
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
    expect(session.page.locator(".deck-problem")).to_contain_text("cannot play AIFF files")
    expect(session.page.get_by_role("button", name="Play", exact=True)).to_be_disabled()
    assert session.complaints == []


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
    began = time.monotonic()
    opened.page.locator("#rows .row").first.dblclick()
    expect(opened.page.get_by_role("button", name="Pause")).to_be_visible()
    opened.page.wait_for_function(
        "past => document.getElementById('closeup').ariaValueNow > past", arg=drop + 0.4
    )
    opened.page.keyboard.press(" ")
    expect(opened.page.get_by_role("button", name="Play")).to_be_visible()
    assert drop < opened.position() < drop + (time.monotonic() - began) + 1
    opened.page.keyboard.press("End")
    expect(opened.page.locator(".failure-message")).to_contain_text("<script>alert(1)<b>")
    assert opened.complaints == []


def test_audio_that_is_gone_is_reported_and_the_rest_works(session: Session) -> None:
    session.page.locator("#rows .row").first.click()
    session.page.keyboard.press(" ")
    problem = session.page.locator(".deck-problem")
    expect(problem).to_contain_text("If you moved the music")
    expect(problem).to_contain_text(
        f"dropgrid report --results {session.results} --library NEW_FOLDER"
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
