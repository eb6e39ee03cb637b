"""Find tempo, beats, downbeats and tempo grid of one track from its features."""

from __future__ import annotations

import argparse

from . import stage

HELP = "find the beats of one track from its features"
INPUTS = {
    "features": "results/features/TRACK.npz",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    stage.add_arguments(
        parser,
        INPUTS,
        output="results/bpm/TRACK.json",
        options="the section `bpm` of the configuration, and ignore_metadata",
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the command; its exit code."""
    return stage.run("bpm", arguments)
