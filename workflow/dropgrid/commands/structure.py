"""Find the sections and drops of one track from its features and its beats."""

from __future__ import annotations

import argparse

from . import stage

HELP = "find the sections of one track from its features and beats"
INPUTS = {
    "features": "results/features/TRACK.npz",
    "bpm": "results/bpm/TRACK.json",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    stage.add_arguments(
        parser,
        INPUTS,
        output="results/structure/TRACK.json",
        options="the section `structure` of the configuration",
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the command; its exit code."""
    return stage.run("structure", arguments)
