"""Find the songs that are in the library more than once, and write RESULTS/duplicates.csv.

Finds the same audio under other tags or names, and the same recording in another encoding.
"""

from __future__ import annotations

import argparse

from .arguments import add_force, add_results

HELP = "list duplicate tracks"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    add_results(parser)
    add_force(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command; its exit code."""
    from ..base.text import printable
    from ..results.duplicates import describe_groups, write_duplicates
    from ..results.layout import Results
    from ..results.output_guard import check_output

    output = Results(arguments.results).duplicates
    check_output(output, option="--results", force=arguments.force)
    groups = describe_groups(write_duplicates(arguments.results))
    for group in groups:
        print(printable(group))
    count = "1 song is" if len(groups) == 1 else f"{len(groups)} songs are"
    print(f"{count} there more than once: {output}")
    return 0
