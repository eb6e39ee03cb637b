"""Measure what reads all records of a large library: list, page and exports, each a process.

Usage: .venv/bin/python benchmarks/many_tracks.py [--tracks 20000] [--only NAME ...] [--keep DIR]

Makes synthetic records (DIR keeps them) and prints of each command cpu seconds, those of a second
time, when nothing has changed since, and peak memory.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from process import BIN, ROOT, run

sys.path.insert(0, str(ROOT / "tests" / "builders"))
from dropgrid.results.ownership import claim
from rhythm_material import print_cells
from synthetic_library import write_library

EXPORTS = ("rekordbox", "traktor", "virtualdj", "csv", "m3u8", "serato-crates", "jams")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tracks", type=int, default=20_000)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="list, report, an export")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="for the records of next time")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        results = made(arguments.keep or Path(folder, "library"), arguments.tracks)
        commands: dict[str, tuple[str | Path, ...]] = {
            "table": ("table", results),
            "list": ("list", "--results", results),
            "report": ("report", "--results", results),
        }
        for name in EXPORTS:
            output = Path(folder, name)
            commands[name] = ("export", name, "--results", results, "--output", output)
        print_cells(f"{arguments.tracks} tracks", "cpu s", "again", "peak MB")
        for name, command in commands.items():
            if not arguments.only or name in arguments.only:
                used, again = (run(BIN / "dropgrid", *command) for _ in range(2))
                peak = max(used.peak_mb, again.peak_mb)
                print_cells(f"  {name}", f"{used.cpu:.2f}", f"{again.cpu:.2f}", f"{peak:.0f}")


def made(folder: Path, tracks: int) -> Path:
    """The folder of results of so many synthetic tracks, made unless it is there."""
    results, music = folder / "results", folder / "music"
    if not results.exists():
        claim(results, [str(music)])
        write_library(results, tracks, music)
    return results


if __name__ == "__main__":
    main()
