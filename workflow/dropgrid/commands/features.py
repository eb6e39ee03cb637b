"""Compute the features of one track: the only stage that reads audio.

An error in the file itself is written into the output, and the later stages copy it into the
track's records; the exit code is then 0.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from . import stage
from .arguments import add_threads

HELP = "compute the features of one track"
INPUTS = {
    "network": "results/network.npz",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    stage.add_arguments(
        parser,
        INPUTS,
        output="results/features/TRACK.npz",
        options='what else to measure, e.g. {"true_peak": true}',
    )
    parser.add_argument(
        "--key-network", type=Path, metavar="FILE",
        help="results/key.npz (default: none; profiles find the key)",
    )  # fmt: skip
    add_threads(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command; its exit code."""
    return stage.run("features", arguments)
