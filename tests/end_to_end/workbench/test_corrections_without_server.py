"""Corrections in Chromium that become a file, and what the page shows of the run."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser import MISSING, find_browser
from dropgrid.apply_corrections import document
from dropgrid.commands.main import main
from dropgrid.correcting.page_edits import apply_page_edits
from dropgrid.correcting.session import CorrectionSession
from dropgrid.records.model import ANALYSES
from dropgrid.records.store import read_bpm
from dropgrid.results.layout import Results
from open_workbench import opened
from playwright.sync_api import Browser, expect
from workbench_in_chromium import OTHER, SONG, TRACK, Tab, stated

pytestmark = [
    pytest.mark.slow,
    pytest.mark.alone,
    pytest.mark.skipif(find_browser() is None, reason=MISSING),
]


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
    """The user's other corrections stay, also of this track; a run takes the file as it is."""
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
        ("{", "it is not JSON"), ("[]", "it is not a corrections file"),
        (json.dumps({**mine, "schema_version": 2}), "it has version 2"),
        (json.dumps(mine), "2 tracks. Download adds your edits to this file"),
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


def test_the_page_has_one_global(tab: Tab, static: Tab) -> None:
    """What the tests reach of the page they reach through `dropgrid`; nothing else is global."""
    for page in (tab.page, static.page):
        names = page.evaluate("Object.keys(window).filter((name) => name.startsWith('dropgrid'))")
        assert names == []  # the global is not enumerable, and cannot be replaced
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
