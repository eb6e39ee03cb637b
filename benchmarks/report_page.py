"""Measure the report page of a large library: its size, and how soon it is ready in a browser.

Usage: .venv/bin/python benchmarks/report_page.py [--tracks 2000] [--repeats 5]
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

from dropgrid.report.collect import collect
from dropgrid.report.page import build
from dropgrid.results.ownership import claim

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "builders"))
from browser import launch_browser
from open_workbench import opened
from synthetic_library import write_library

# First row drawn, searched, opened: seconds since the navigation began.
READY = "() => document.querySelectorAll('#rows .row').length > 0"
TIMING = "() => performance.now() / 1000"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tracks", type=int, default=2000)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder) / "results"
        claim(results, [str(Path(folder) / "music")])
        write_library(results, arguments.tracks, Path(folder) / "music")
        page = results / "report" / "index.html"
        page.parent.mkdir()
        started = time.process_time()
        page.write_bytes(build(collect(results), page))
        print(f"tracks          {arguments.tracks}")
        print(f"writing         {time.process_time() - started:.2f} s of cpu")
        print(f"size            {page.stat().st_size / 1e6:.2f} MB")
        measure(page.as_uri(), arguments.repeats)
        print("by dropgrid open")
        with opened(results) as workbench:
            measure(workbench.address, arguments.repeats)


def measure(address: str, repeats: int) -> None:
    """Print the medians of loading the page and of what is done with it first."""
    loading, searching, opening = [], [], []
    with launch_browser() as browser:
        for _ in range(repeats):
            tab = browser.new_page(viewport={"width": 1440, "height": 900})
            tab.goto(address, wait_until="commit")
            while not tab.evaluate(
                READY
            ):  # no waiting by the page itself: its policy forbids eval
                tab.wait_for_timeout(5)
            loading.append(tab.evaluate(TIMING))
            searching.append(tab.evaluate(SEARCH))
            opening.append(tab.evaluate(OPEN))
            tab.close()
    for name, values in [("loading", loading), ("searching", searching), ("opening", opening)]:
        print(f"{name:<15} {statistics.median(values):.3f} s (median of {repeats}, "
              f"worst {max(values):.3f})")  # fmt: skip


SEARCH = """() => {
  const started = performance.now();
  const field = document.getElementById("search");
  field.value = "solar 120-130";
  field.dispatchEvent(new Event("input"));
  return (performance.now() - started) / 1000;
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
