"""Report how many tracks of a library are analysed, failed or waiting.

Lists the failed ones with their reasons, and says how to retry them. Works at any time,
also while the workflow runs and after it was interrupted. Also writes RESULTS/summary.json.

example:
  dropgrid summary --results results
"""

from __future__ import annotations

import argparse

from .arguments import add_force, add_results

HELP = "report how many tracks are analysed, failed or waiting, and why"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    add_results(parser)
    parser.add_argument("--json", action="store_true", help="print summary.json instead of text")
    add_force(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command; its exit code."""
    from ..results.layout import Results
    from ..results.output_guard import check_output
    from ..run.summary import describe, to_json, write_summary

    check_output(Results(arguments.results).summary, option="--results", force=arguments.force)
    summary = write_summary(arguments.results)
    if arguments.json:
        print(to_json(summary).decode(), end="")
    else:
        print(describe(summary, arguments.results))
    return 0
