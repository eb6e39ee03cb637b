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


def add_corrections(parser: argparse.ArgumentParser) -> None:
    """The option --corrections of the stages: see dropgrid.results.corrected."""
    parser.add_argument(
        "--corrections", type=Path, metavar="DIR",
        help="results/corrections: what is stated of the tracks (default: nothing)",
    )  # fmt: skip
