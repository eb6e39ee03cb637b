"""What `dropgrid export usb` and `export engine` cost for a large library.

    python benchmarks/sticks.py [--tracks 10000]

Records are made up, each under its own name; the songs are files of a few bytes, so that copying
costs next to nothing. Measured: the first export, a second one to the same stick after which
nothing is different, and --verify. Seconds are of cpu, memory is the most that the process held.
Writes benchmarks/results/sticks.md.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from dropgrid.records.ticket import read_ticket
from dropgrid.results.layout import Results
from dropgrid.results.ownership import claim
from process import BIN, machine, run

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "builders"))
from synthetic_library import write_library

RESULTS = Path(__file__).parent / "results" / "sticks.md"
KINDS = ("usb", "engine")


def main() -> None:
    """Measure, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tracks", type=int, default=10_000)
    tracks = parser.parse_args().tracks
    with tempfile.TemporaryDirectory() as name:
        results, music = Path(name) / "results", Path(name) / "music"
        claim(results, [str(music)])
        for track in write_library(results, tracks, music, failing=0):
            file = Path(read_ticket(Results(results).ticket(track)).file)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(track.encode())
        rows = [row for kind in KINDS for row in _measured(kind, results, Path(name) / kind)]
    head = f"{tracks} tracks; {machine()['processor']}\n\n"
    lines = ["| | cpu s | MB |", "|---|---|---|", *rows]
    RESULTS.write_text(head + "\n".join(lines) + "\n")
    print(RESULTS.read_text())


def _measured(kind: str, results: Path, stick: Path) -> list[str]:
    """Rows of the table: first export, second one, --verify."""
    command = (BIN / "dropgrid", "export", kind, "--results", results, "--output", stick)
    rows = []
    for step, more in (("first", ()), ("again", ()), ("verify", ("--verify",))):
        usage = run(*command, *more)
        rows.append(f"| {kind}, {step} | {usage.cpu:.1f} | {usage.peak_mb:.0f} |")
    return rows


if __name__ == "__main__":
    main()
