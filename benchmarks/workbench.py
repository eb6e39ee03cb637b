"""Put twenty tracks right in the workbench by the keyboard alone, in Chromium, and time it.

Usage: .venv/bin/python benchmarks/workbench.py [--shared FOLDER] [--results FOLDER] [--listen S]

The songs of FOLDER/music_more are analysed (or taken from a folder of results that has them), all
made unsure, and worked through as a person would: jump to the drop, play with the metronome for
--listen seconds, take the edits that a wrong grid of each kind wants, confirm, go on. Timed: from
a track being shown to the next one being shown, with all edits saved; and how long the records
took to follow. What a person needs to hear is --listen; the rest is what the page and its server
take.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import cycle
from pathlib import Path

from dropgrid.base.json_documents import json_lines
from playwright.sync_api import Page

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "builders"))
from browser import launch_browser
from open_workbench import Workbench, opened

ROOT = Path(__file__).resolve().parents[1]
TRACKS = 20
# What is wrong with a grid, and the keys that correct it (docs/page.md).
MENDS = {
    "half a beat": ["h"],
    "nothing": [],
    "the one": ["s"],
    "the octave": ["Shift+X"],
    "nothing, looked at twice": ["d"],
    "10 ms late": ["Shift+<"],
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared")
    parser.add_argument("--results", type=Path, help="results that have the songs, to save time")
    parser.add_argument("--listen", type=float, default=0.0, metavar="S")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder, "results")
        if arguments.results:
            shutil.copytree(arguments.results, results)
        else:
            command = [sys.executable, "-m", "dropgrid", "run", arguments.shared / "music_more"]
            subprocess.run([*map(str, command), "--results", str(results)], check=True)
        for record in (results / "bpm").glob("*.json"):
            values = json.loads(record.read_text())
            record.write_bytes(json_lines({**values, "confidence": 0.5}))
        with opened(results) as workbench, launch_browser() as browser:
            page = browser.new_page(viewport={"width": 1440, "height": 950})
            report(*work_through(page, workbench, arguments.listen))


def work_through(
    page: Page, workbench: Workbench, listen: float
) -> tuple[dict[str, list[float]], list[float], int]:
    """Seconds of each track by what was wrong with it, seconds until its records had followed,
    and how many keys were pressed."""
    page.goto(workbench.address)
    until(page, "dropgrid.workbench.store === dropgrid.server && dropgrid.tracks.length > 0")
    spent: dict[str, list[float]] = {name: [] for name in MENDS}
    followed: list[float] = []
    keys = 0

    def press(*names: str) -> None:
        nonlocal keys
        for name in names:
            page.keyboard.press(name)
            keys += 1
        until(page, "dropgrid.workbench.busy === 0")

    press("Enter")
    for _, (wrong, mend) in zip(range(TRACKS), cycle(MENDS.items()), strict=False):
        until(page, "dropgrid.deck.details?.beats?.length > 0")
        shown = page.evaluate("dropgrid.deck.track.id")
        began = time.monotonic()
        press("d", "m", "Space")
        page.wait_for_timeout(1000 * listen)
        press("Space", "m", *mend)
        edited = time.monotonic()
        press("Enter")
        spent[wrong].append(time.monotonic() - began)
        assert page.evaluate("dropgrid.deck.track.id") != shown, "it did not go on"
        workbench.settled(shown)
        followed.append(time.monotonic() - edited)
    return spent, followed, keys


def until(page: Page, true: str) -> None:
    """Wait until something is true of the page."""
    deadline = time.monotonic() + 20
    while not page.evaluate(f"() => {{ try {{ return {true} }} catch {{ return false }} }}"):
        if time.monotonic() > deadline:
            raise SystemExit(f"never: {true}")
        time.sleep(0.01)


def report(spent: dict[str, list[float]], followed: list[float], keys: int) -> None:
    every = [seconds for times in spent.values() for seconds in times]
    for wrong, times in spent.items():
        print(f"{wrong:26} {statistics.median(times):6.2f} s a track, {len(times)} tracks")
    print(
        f"{len(every)} tracks: {sum(every):.1f} s, {keys} keys, at most {max(every):.2f} s a track"
    )
    print(f"records had followed after {statistics.median(followed):.2f} s, "
          f"at most {max(followed):.2f} s")  # fmt: skip


if __name__ == "__main__":
    main()
