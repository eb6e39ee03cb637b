"""Print the library as a table: BPM and reference BPM, sections, drops and failures."""

from __future__ import annotations

import argparse

from .arguments import add_results

HELP = "print the library as a table"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    add_results(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command; its exit code."""
    from ..results.layout import Results
    from ..results.terminal_table import listing

    print(listing(arguments.results))
    page = Results(arguments.results).page
    if page.exists():
        print(f"\nTo browse and listen, open {page}")
    return 0
