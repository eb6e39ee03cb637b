"""End with exit code 1 if any track is listed in failures.csv."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

HELP = "exit with an error if any track failed"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("failures", type=Path, help="results/failures.csv")


def run(arguments: argparse.Namespace) -> int:
    """Run the command; its exit code."""
    from ..base.csv_tables import read_csv
    from ..base.text import printable

    failures = read_csv(arguments.failures)
    for failure in failures:
        line = f"{failure['path']}: {failure['stage']}: {failure['message']}"
        print(printable(line), file=sys.stderr)
    return 1 if failures else 0
