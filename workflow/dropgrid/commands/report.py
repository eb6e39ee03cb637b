"""Write the page that shows a library: one HTML file that opens from the file system.

Shows tracks, failures, the evaluation if there is one, and the time and memory of the run.

examples:
  dropgrid report
  dropgrid report --results out --library /media/usb/music --references annotations/
"""

from __future__ import annotations

import argparse
from pathlib import Path

from ..base.text import counted
from .arguments import add_force, add_results

HELP = "write the page that shows a library"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    add_results(parser)
    parser.add_argument(
        "--library", type=Path, metavar="DIR",
        help="the folder of the audio, if it has moved since the scan",
    )  # fmt: skip
    parser.add_argument(
        "--references", nargs="*", metavar="FILE",
        help="annotations to show with the estimates, the most trusted first "
        "(default: those of the last run; none after it: no references)",
    )  # fmt: skip
    parser.add_argument(
        "--output", type=Path, metavar="FILE",
        help="the page (default: RESULTS/report/index.html)",
    )  # fmt: skip

    add_force(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command; its exit code."""
    from ..report.collect import collect
    from ..report.page import build
    from ..results.layout import Results
    from ..results.output_guard import check_output, write_output
    from ..run.run_notes import noted_references

    references = arguments.references
    if references is None:
        references = noted_references(arguments.results)
    output = arguments.output or Results(arguments.results).page
    check_output(output, map(Path, references), force=arguments.force)
    report = collect(arguments.results, arguments.library, references, in_short=True)
    write_output(output, build(report, output))
    print(f"{output}: {counted(len(report.tracks), 'track')}")
    return 0
