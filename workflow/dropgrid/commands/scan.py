"""Scan a library as the workflow does: write each track's ticket, report what is unreadable."""

from __future__ import annotations

import argparse
import sys

from ..base.text import counted
from .arguments import add_results

HELP = "find the tracks of a library"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("library", nargs="+", help="folders, or a CSV/TSV with a column `path`")
    add_results(parser, "where the tickets go")
    parser.add_argument(
        "--exclude", action="append", default=[], metavar="PATTERN",
        help="leave out files or folders with such names or paths: '*stem*', 'Loops/'",
    )  # fmt: skip
    parser.add_argument(
        "--allow-empty", action="store_true",
        help="accept a library without audio (refused otherwise: its disk may not be mounted)",
    )  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    """Run the command; its exit code."""
    from ..library import scan
    from ..results.ownership import check_claim, claim
    from ..results.scan_store import write_tickets
    from ..run.missing_library import refuse_vanished

    check_claim(arguments.results, arguments.library)
    found = scan(arguments.library, apart=str(arguments.results), exclude=arguments.exclude)
    if not arguments.allow_empty:
        refuse_vanished(found, arguments.library, arguments.results)
    claim(arguments.results, arguments.library)
    write_tickets(found, arguments.results)
    for path, reason in found.problems:
        print(f"dropgrid scan: {path}: {reason}", file=sys.stderr)
    left_out = f"; {found.left_out}" if found.left_out else ""
    print(f"{counted(len(found.tracks), 'track')} below {found.root}{left_out}")
    return 0
