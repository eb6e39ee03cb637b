"""Run the warm server of a run, which starts it when its first job connects; not for manual use.

Imports what all stages need and loads the networks, then forks a process for each job. Standard
input is the socket that it listens on, standard output a pipe that closes when the run ends.
"""

from __future__ import annotations

import argparse
from pathlib import Path

HELP = "run the jobs of a workflow in forks of one process"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("network", type=Path, help="results/network.npz")
    parser.add_argument("key_network", type=Path, help="results/key.npz")


def run(arguments: argparse.Namespace) -> int:
    """Run the command; its exit code."""
    from ..jobs.warm_server import serve
    from ..results import output_guard  # noqa: F401
    from ..stages import STAGES, preload
    from .main import main, parser_of

    for stage in STAGES:  # otherwise every worker would build it
        parser_of([stage])
    return serve(preload.Preloader(arguments.network, arguments.key_network), main)
