"""Write the library table, library.csv and library.parquet, and the list of failures."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..base.text import counted
from ..records.model import ANALYSES
from .arguments import add_force

HELP = "write the library table from the records"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("results", type=Path, help="the folder of results")
    parser.add_argument(
        "--analyses", nargs="+", choices=ANALYSES, default=[*ANALYSES],
        help="the records to read (default: all)",
    )  # fmt: skip

    add_force(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command; its exit code."""
    from ..results.output_guard import check_output
    from ..results.table import FILES, NO_PARQUET, has_parquet, write_table

    for name in FILES:
        check_output(arguments.results / name, option="RESULTS", force=arguments.force)
    tracks, failed = write_table(arguments.results, arguments.analyses)
    print(f"{counted(tracks, 'track')}, {failed} failed")
    if not has_parquet():
        print(NO_PARQUET)
    return 0
