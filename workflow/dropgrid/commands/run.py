"""Analyse a library: the whole workflow, from any folder.

LIBRARY is a folder of music, or several, or a CSV/TSV list with a column `path`. Without one, the
library of the last run is analysed. If you run the same command again, also after Ctrl-C, it does
only what is missing or out of date.

TARGET is what to make: all (the default), analysis (only the records), table, duplicates,
evaluation, report (the page), exports, check, or export_FORMAT, such as export_rekordbox; the
formats: `dropgrid export --list`. All other options are Snakemake's: --dry-run shows what would be
done, --forcerun bpm finds all beats again, --verbose shows every job.

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
    """Add the arguments for --help; dropgrid.run.launch parses the real ones."""
    parser.usage = "dropgrid run [LIBRARY ...] [TARGET ...] [options] [Snakemake's options]"
    parser.add_argument("words", nargs="*", metavar="LIBRARY, TARGET", help="see above")
    parser.add_argument(
        "--results", metavar="DIR", help="where the results go (default: ./results)"
    )
    parser.add_argument(
        "--cores",
        "-c",
        metavar="N",
        help="tracks analysed at the same time (default: as many as the machine allows)",
    )
    parser.add_argument(
        "--config",
        "-C",
        nargs="*",
        metavar="NAME=VALUE",
        help="options of the analysis, such as 'bpm={min_bpm: 90}'; config/README.md lists them",
    )
    parser.add_argument(
        "--allow-empty", action="store_true",
        help="accept a library without audio (refused otherwise: its disk may not be mounted)",
    )  # fmt: skip
    parser.add_argument(
        "--profile", metavar="NAME", help="slurm, cluster-generic, or a folder of your own"
    )


def request_of(words: Sequence[str]) -> Request:
    """The request in the arguments after `dropgrid run`. Raises ConfigError, LibraryError."""
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
