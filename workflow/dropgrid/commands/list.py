"""Print the library as a table: BPM beside the reference, sections, drops, and what failed."""

from __future__ import annotations

import argparse
from pathlib import Path

HELP = "print the library as a table"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--results", type=Path, default=Path("results"), metavar="DIR",
        help="the folder of results (default: results)",
    )  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    from ..results.layout import Results
    from ..results.listing import listing

    print(listing(arguments.results))
    page = Results(arguments.results).page
    if page.exists():
        print(f"\nTo browse and listen, open {page}")
    return 0
