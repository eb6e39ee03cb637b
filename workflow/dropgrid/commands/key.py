"""Find the key of one track from its features."""

from __future__ import annotations

import argparse

from . import stage

HELP = "find the key of one track from its features"
INPUTS = {
    "features": "results/features/TRACK.npz",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    stage.add_arguments(
        parser,
        INPUTS,
        output="results/key/TRACK.json",
        options="the section `key` of the configuration",
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the command; its exit code."""
    return stage.run("key", arguments)
