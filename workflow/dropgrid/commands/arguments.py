"""Options that several sub-commands share."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_force(parser: argparse.ArgumentParser) -> None:
    """The option --force of every command with an output: see dropgrid.results.output_guard."""
    parser.add_argument(
        "--force", action="store_true",
        help="write over a file that is not dropgrid's, and under the name of a song; "
        "never over what the command reads",
    )  # fmt: skip


def add_threads(parser: argparse.ArgumentParser) -> None:
    """The option --threads of the commands that read audio."""
    parser.add_argument(
        "--threads", type=_threads, default=1, metavar="N",
        help="that may work on a track at a time; the results are the same (default: 1)",
    )  # fmt: skip


def _threads(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text}: one thread at least is needed")
    return number


def add_results(parser: argparse._ActionsContainer, what: str = "the folder of results") -> None:
    """The option --results: the folder that a run has made, `results` unless it says otherwise."""
    parser.add_argument(
        "--results", type=Path, default=Path("results"), metavar="DIR",
        help=f"{what} (default: %(default)s)",
    )  # fmt: skip
