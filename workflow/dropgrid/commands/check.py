"""End with exit code 1 if any track is listed in failures.csv."""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path

HELP = "fail if a track failed"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("failures", type=Path, help="results/failures.csv")


def run(arguments: argparse.Namespace) -> int:
    with arguments.failures.open(newline="", encoding="utf-8") as stream:
        failures = list(csv.DictReader(stream))
    for failure in failures:
        print(f"{failure['path']}: {failure['stage']}: {failure['message']}", file=sys.stderr)
    return 1 if failures else 0
