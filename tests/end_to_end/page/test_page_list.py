"""The page's list in Chromium: rows, search, filters, columns, what is saved."""

from __future__ import annotations

import csv
import dataclasses
import re
from pathlib import Path

import pytest
from browser import MISSING, find_browser
from dropgrid.records.store import read_key, write_record
from dropgrid.report.collect import collect
from dropgrid.structure.queries import bars_until_first_drop, breakdowns, mix_in_bars
from page_in_chromium import TRACKS, Session, open_page, write_page
from playwright.sync_api import Browser, expect
from synthetic_library import write_library

pytestmark = [
    pytest.mark.alone,
    pytest.mark.slow,
    pytest.mark.skipif(find_browser() is None, reason=MISSING),
]


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


def test_rows_above_and_below_follow_a_jump(session: Session) -> None:
    """Where no row in sight was there before, those in sight come first, the others a moment
    later; and each shows its own track, however often its place was used."""
    page = session.page
    page.evaluate("() => { document.querySelector('#table').scrollTop = 100 * 52; }")
    expect(page.locator("#rows .row[aria-rowindex='98']")).to_be_attached()  # four above the 101st
    tracks = collect(session.results).tracks
    shown = page.locator("#rows .row").evaluate_all(
        """rows => rows.map((row) =>
        [row.ariaRowIndex, row.querySelector(".name span").textContent])"""
    )
    assert len(shown) > 10
    for number, text in shown:
        assert tracks[int(number) - 2].path in text
    page.evaluate("() => { document.querySelector('#table').scrollTop = 0; }")
    expect(page.locator("#rows .row[aria-rowindex='2']")).to_be_attached()


def test_a_used_canvas_shows_no_more_than_its_own_track(session: Session) -> None:
    """Rows out of sight give their canvases to new ones, on which nothing of them may be left."""
    page = session.page
    picture = "() => document.querySelector(\"#rows .row[aria-rowindex='2'] canvas\").toDataURL()"
    first = page.evaluate(picture)
    for top in (100 * 52, 40 * 52):
        page.evaluate("(y) => { document.querySelector('#table').scrollTop = y; }", top)
        expect(page.locator(f"#rows .row[aria-rowindex='{top // 52 + 2}']")).to_be_attached()
    page.evaluate("() => { document.querySelector('#table').scrollTop = 0; }")
    expect(page.locator("#rows .row[aria-rowindex='2']")).to_be_attached()
    assert page.evaluate(picture) == first


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
    names = session.rows()[:5]
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
    session.opened()
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
    expect(page.get_by_role("columnheader", name="Artist")).to_be_visible()
    assert "Genre" not in heads.all_inner_texts()


def test_columns_without_room_are_left_out_and_named(browser: Browser, results: Path) -> None:
    session = open_page(browser, results, viewport={"width": 390, "height": 844})
    assert session.page.get_by_role("columnheader").all_inner_texts() == [
        "Track", "Drop map", "BPM", "Key",
    ]  # fmt: skip
    session.page.click("#columns-button")
    session.page.uncheck("[data-column=dropmap]")
    session.page.uncheck("[data-column=time]")
    assert session.page.get_by_role("columnheader").all_inner_texts() == [
        "Track", "BPM", "Confidence", "Key",
    ]  # fmt: skip
    expect(session.page.locator("#hidden-columns")).to_contain_text(
        "Hidden, because the table is too narrow:"
    )
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
    expect(session.page.locator("#rows")).to_have_text("No tracks match.")


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
    expect(listed.first).to_contain_text("dropgrid cannot read this file as music")
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
    expect(session.page.locator("#rows .row")).to_have_count(everything)
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
