"""Measure the page of a large library in a browser: size, loading, searching, sorting, scrolling.

Usage: .venv/bin/python benchmarks/report_page.py [--tracks 2000] [--repeats 5] [--served]

Measured is the page in a file and, with --served, the one that `dropgrid open` serves, from when
it is opened: a large library is still being read then. Of more than 400 tracks the others are
copies of the first 400 under other names. Times of the main thread (searching, sorting, a frame
of scrolling) are those of its tasks as Chromium counts them; at 60 frames a second a frame has
16.7 ms. Run it on a quiet machine: beside other work they take several times as long.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from dropgrid.features.waveform import columns_for, read_waveform
from dropgrid.library import Scan, track_id
from dropgrid.records.ticket import Ticket, read_ticket
from dropgrid.report.collect import Report, collect
from dropgrid.report.encode import script_json
from dropgrid.report.page import build
from dropgrid.results.layout import Results
from dropgrid.results.ownership import claim
from dropgrid.results.scan_store import read_scan, write_tickets
from playwright.sync_api import CDPSession, Page

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "builders"))
from browser import launch_browser
from open_workbench import opened
from synthetic_library import ARTISTS, WORDS, write_library

MADE = 400  # tracks that are made; the others are copies
FRAMES = 240  # of scrolling
# First row drawn, searched, opened: seconds since the navigation began.
READY = "() => document.querySelectorAll('#rows .row').length > 0"
TIMING = "() => performance.now() / 1000"
SCROLLS = (("rows by rows", 96), ("by pages", 1200))  # px a frame


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tracks", type=int, default=2000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--served", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        results = folder / "results"
        claim(results, [str(folder / "music")])
        made = min(arguments.tracks, MADE)
        write_library(results, made, folder / "music")
        page = folder / "index.html"
        started = time.process_time()
        data = build(drawn_as_of_many(collect(results), results, arguments.tracks), page)
        spent_on_one = (time.process_time() - started) / made
        page.write_bytes(multiplied(data, arguments.tracks))
        print(f"tracks                 {arguments.tracks:7}")
        print(f"writing                {1000 * spent_on_one:7.1f} ms of CPU for each track")
        print(f"size                   {page.stat().st_size / 1e6:7.1f} MB", flush=True)
        measure(page.as_uri(), arguments.repeats)
        if not arguments.served:
            return
        print("by dropgrid open", flush=True)
        write_copies(results, arguments.tracks, folder / "music")
        with opened(results, wait=False) as workbench:
            measure(workbench.address, arguments.repeats)


def drawn_as_of_many(report: Report, results: Path, tracks: int) -> Report:
    """The report with waveforms as coarse as those of so many tracks."""
    columns = columns_for(tracks)
    return replace(report, tracks=tuple(
        replace(view, waveform=read_waveform(Results(results).features(view.track), columns))
        for view in report.tracks
    ))  # fmt: skip


def multiplied(data: bytes, tracks: int) -> bytes:
    """The page with its rows again under other names, until there are so many."""
    text = data.decode()
    library = re.search(r'(id="data-library">)(.*?)(</script>)', text, re.DOTALL)
    details = re.search(r'(id="data-details">)(.*?)(</script>)', text, re.DOTALL)
    assert library is not None and details is not None
    values = json.loads(library[2])
    first, lines = values["tracks"], details[2].split("\n")
    rows = [dict(first[i % len(first)]) for i in range(tracks)]
    for i, row in enumerate(rows):
        row |= {"id": f"{i:05}-copy-{i:08x}", "title": f"{row.get('title', '')} {i:05}"}
    values["tracks"] = rows
    more = "\n".join(lines[i % len(lines)] for i in range(tracks))
    text = text[: details.start(2)] + more + text[details.end(2) :]
    return (text[: library.start(2)] + script_json(values) + text[library.end(2) :]).encode()


def write_copies(results: Path, tracks: int, music: Path) -> None:
    """Records and features of more tracks, copies of those that are there."""
    tickets = [
        read_ticket(Results(results).ticket(track)) for track in read_scan(results)["tracks"]
    ]
    made = len(tickets)
    for i in range(made, tracks):
        first = tickets[i % made]
        name = f"{ARTISTS[i % 8]}/{i:05d} {WORDS[i % 12]} {WORDS[i // 12 % 12]}.wav"
        track = track_id(name)
        tickets.append(Ticket(track, name, str(music / name), 1000 + i, 10**18 + i))
        for kind in ("bpm", "structure", "key"):
            data = Results(results).record(kind, first.track).read_text()
            data = data.replace(first.track, track).replace(first.path, name)
            Results(results).record(kind, track).write_text(data)
        if Results(results).features(first.track).exists():  # not of a track that failed
            os.link(Results(results).features(first.track), Results(results).features(track))
    write_tickets(Scan(str(music), tuple(tickets), ()), results)


def measure(address: str, repeats: int) -> None:
    """Print the medians of loading the page and of what is done with it first."""
    found: dict[str, list[float]] = {}
    with launch_browser() as browser:
        for _ in range(repeats):
            tab = browser.new_page(viewport={"width": 1440, "height": 900})
            tab.goto(address, wait_until="commit")
            while not tab.evaluate(READY):  # the page's policy forbids Playwright's own waiting
                tab.wait_for_timeout(5)
            found.setdefault("loading", []).append(tab.evaluate(TIMING))
            for name, value in main_thread(tab):
                found.setdefault(name, []).append(value)
            found.setdefault("opening", []).append(tab.evaluate(OPEN))
            tab.close()
    for name, values in found.items():
        print(f"{name:<22} {1000 * statistics.median(values):7.1f} ms (median of {repeats}, "
              f"worst {1000 * max(values):.1f})", flush=True)  # fmt: skip


def main_thread(tab: Page) -> Iterator[tuple[str, float]]:
    """What it costs the main thread to search, to sort and to scroll: (what, seconds of CPU)."""
    session = tab.context.new_cdp_session(tab)
    session.send("Performance.setTimeDomain", {"timeDomain": "threadTicks"})
    session.send("Performance.enable")
    tab.evaluate(f"() => ({TYPE})('s')")  # what runs for the first time is compiled first
    for text in ("so", "sol", "solar 120-130", ""):
        yield f"searching {text!r}", busy(session, tab, f"() => ({TYPE})({text!r})")
    yield "sorting by name", busy(session, tab, SORT)
    tab.evaluate(SORT)
    tab.evaluate(SORT)
    for name, step in SCROLLS:
        tab.evaluate("() => { document.querySelector('#table').scrollTop = 0; }")
        seconds = busy(session, tab, f"() => ({SCROLL})({step}, {FRAMES})")
        yield f"a frame, {name}", seconds / FRAMES


def busy(session: CDPSession, tab: Page, script: str) -> float:
    """Seconds of CPU that the page's main thread works while a script runs."""
    before = spent(session)
    tab.evaluate(script)
    tab.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
    return spent(session) - before


def spent(session: CDPSession) -> float:
    metrics = session.send("Performance.getMetrics")["metrics"]
    return float(next(m["value"] for m in metrics if m["name"] == "TaskDuration"))


TYPE = """(text) => {
  const field = document.getElementById("search");
  field.value = text;
  field.dispatchEvent(new Event("input"));
}"""
SORT = """() => document.querySelector("#head button").click()"""
SCROLL = """async (step, frames) => {
  const table = document.getElementById("table");
  for (let i = 0; i < frames; i++) {
    table.scrollTop += step;
    await new Promise(requestAnimationFrame);
  }
}"""
OPEN = """async () => {
  const started = performance.now();
  document.querySelector("#rows .row").click();
  while (!document.querySelector(".deck-where").textContent.includes("bar")) {
    await new Promise(requestAnimationFrame);
    const field = document.querySelector("#closeup");
    field.focus();
    field.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true }));
  }
  return (performance.now() - started) / 1000;
}"""


if __name__ == "__main__":
    main()
