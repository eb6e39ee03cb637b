"""Options that several sub-commands share."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_force(parser: argparse.ArgumentParser) -> None:
    """The option --force of every command with an output: see dropgrid.results.outputs."""
    parser.add_argument(
        "--force", action="store_true",
        help="write over a file that is not dropgrid's, and under the name of a song; "
        "never over what the command reads",
    )  # fmt: skip


def add_results(parser: argparse._ActionsContainer, what: str = "the folder of results") -> None:
    """The option --results: the folder that a run has made, `results` unless it says otherwise."""
    parser.add_argument(
        "--results", type=Path, default=Path("results"), metavar="DIR",
        help=f"{what} (default: %(default)s)",
    )  # fmt: skip
