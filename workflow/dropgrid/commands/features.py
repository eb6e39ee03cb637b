"""Compute the features of one track: the only stage that reads audio.

What is wrong with the file itself is written into the output as an error, which the later
stages pass on into the track's records; the exit code is then 0.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from ..jobs.command import add_arguments as add_limits
from ..jobs.command import supervise_track
from ..records.model import TrackFailure
from .arguments import add_force

HELP = "compute the features of one track"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("ticket", type=Path, help="results/tracks/TRACK.json")
    parser.add_argument("network", type=Path, help="results/network.onnx")
    parser.add_argument("output", type=Path, help="results/features/TRACK.npz")
    add_force(parser)
    parser.add_argument(
        "--key-network", type=Path, metavar="FILE",
        help="results/key.onnx (default: none, the key is found by profiles)",
    )  # fmt: skip
    parser.add_argument(
        "--options", type=json.loads, default={}, metavar="JSON",
        help='what else to measure, e.g. {"true_peak": true}',
    )  # fmt: skip
    add_limits(parser)


def run(arguments: argparse.Namespace) -> int:
    from ..results.outputs import check_output

    read = (arguments.ticket, arguments.network)
    check_output(arguments.output, read, option="OUTPUT", force=arguments.force)

    def work() -> None:
        from ..features import store
        from ..records.ticket import read_ticket
        from ..stages import compute_features

        ticket = read_ticket(arguments.ticket)
        features = compute_features(
            ticket, arguments.network, arguments.key_network, arguments.options
        )
        store.save(arguments.output, features)

    def record_failure(failure: TrackFailure) -> None:
        from ..features import store

        store.save(arguments.output, failure)

    return supervise_track(work, record_failure, stage="features", arguments=arguments)
