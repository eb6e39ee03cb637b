"""Analyse a library: the whole workflow, from any folder.

LIBRARY is a folder of music (several may be named), or a CSV/TSV list with a column `path`;
without one the library of the last run is taken again. TARGET is what to make: all (the default),
analysis, table, evaluation, report, exports, export_rekordbox and so on. Whatever else is given is
Snakemake's: --dry-run, --forcerun bpm, --resources mem_mb=8000 ... The same command again does
only what is missing or out of date.

examples:
  dropgrid run ~/Music
  dropgrid run ~/Music --results ~/dropgrid-results --cores 4 export_rekordbox
  dropgrid run --results ~/dropgrid-results report
  dropgrid run /shared/music --profile slurm --config 'bpm={min_bpm: 90}'
"""

from __future__ import annotations

import argparse
import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..run.launch import Request

HELP = "analyse a library: the whole workflow, from any folder"
TARGETS = ("all", "analysis", "table", "duplicates", "evaluation", "report", "exports", "check")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What --help shows; the words themselves are read by dropgrid.run.launch."""
    parser.usage = "dropgrid run [LIBRARY ...] [TARGET ...] [options] [Snakemake's options]"
    parser.add_argument("words", nargs="*", metavar="LIBRARY, TARGET", help="see above")
    parser.add_argument(
        "--results", metavar="DIR", help="where the results go (default: ./results)"
    )
    parser.add_argument(
        "--cores",
        "-c",
        metavar="N",
        help="tracks at once (default: as many as the machine allows)",
    )
    parser.add_argument(
        "--config", "-C", nargs="*", metavar="NAME=VALUE", help="options, see config/README.md"
    )
    parser.add_argument(
        "--allow-empty", action="store_true",
        help="accept a library without audio; otherwise refused, as its disk may not be mounted",
    )  # fmt: skip
    parser.add_argument(
        "--profile", metavar="NAME", help="slurm, cluster-generic, or a folder of your own"
    )


def request_of(words: Sequence[str]) -> Request:
    """What the words after `dropgrid run` ask for. Raises ConfigError, LibraryError."""
    from ..export import formats
    from ..run import launch

    targets = [*TARGETS, *(f"export_{name.replace('-', '_')}" for name in formats())]
    known = launch.ask_options() if launch.needs_options(words) else {}
    return launch.read_request(words, targets, known)


def run(arguments: argparse.Namespace) -> int:
    """Run the command; its exit code."""
    from ..run import launch
    from ..run.interrupts import TYPED

    request = request_of(arguments.words)
    command = launch.command(request, Path.cwd())
    folder = Path(command[command.index("--directory") + 1])
    environment = {
        **launch.environment(folder, os.environ),
        "PWD": os.getcwd(),
        TYPED: shlex.join(["dropgrid", "run", *arguments.words]),
    }
    os.execve(command[0], command, environment)
