"""Find tempo, beats, downbeats and tempo grid of one track from its features."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from .. import supervise
from ..records import TrackFailure

HELP = "find the beats of one track from its features"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("ticket", type=Path, help="results/tracks/TRACK.json")
    parser.add_argument("features", type=Path, help="results/features/TRACK.npz")
    parser.add_argument("output", type=Path, help="results/bpm/TRACK.json")
    parser.add_argument(
        "--options", type=json.loads, default={}, metavar="JSON",
        help="the section `bpm` of the configuration, and ignore_metadata",
    )  # fmt: skip
    supervise.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    def work() -> None:
        from ..features import store
        from ..library import read_ticket
        from ..pipeline import make_bpm_record
        from ..records import write_record

        ticket = read_ticket(arguments.ticket)
        features = store.load(arguments.features)
        write_record(arguments.output, make_bpm_record(ticket, features, arguments.options))

    def record_failure(failure: TrackFailure) -> None:
        from ..library import read_ticket
        from ..records import BpmRecord, write_record

        ticket = read_ticket(arguments.ticket)
        record = BpmRecord(ticket.track, ticket.path, "error", error=failure)
        write_record(arguments.output, record)

    return supervise.supervise_track(work, record_failure, stage="bpm", arguments=arguments)
