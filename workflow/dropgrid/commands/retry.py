"""Make the next run analyse every failed track again.

Deletes the error records of failed tracks and nothing else. A track whose file was replaced is
analysed again automatically; this command is for failures of the machine, such as a full disk.

example:
  dropgrid retry --results results && dropgrid run --results results
"""

from __future__ import annotations

import argparse

from .arguments import add_results

HELP = "make the next run analyse every failed track again"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    add_results(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command; its exit code."""
    from ..results.ownership import check_claim
    from ..run.summary import forget_failures

    check_claim(arguments.results, [])
    tracks = forget_failures(arguments.results)
    print(f"{len(tracks)} failed tracks will be analysed again by the next run")
    return 0
