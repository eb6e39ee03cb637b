"""Options that several sub-commands share."""

from __future__ import annotations

import argparse


def add_force(parser: argparse.ArgumentParser) -> None:
    """The option --force of every command with an output: see dropgrid.results.outputs."""
    parser.add_argument(
        "--force", action="store_true",
        help="write over a file that is not dropgrid's, and under the name of a song; "
        "never over what the command reads",
    )  # fmt: skip
