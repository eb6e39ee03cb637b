"""Find the key of one track from its features."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from ..jobs.command import add_arguments as add_limits
from ..jobs.command import supervise_track
from ..records.model import TrackFailure
from .arguments import add_corrections, add_force

HELP = "find the key of one track from its features"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("ticket", type=Path, help="results/tracks/TRACK.json")
    parser.add_argument("features", type=Path, help="results/features/TRACK.npz")
    parser.add_argument("output", type=Path, help="results/key/TRACK.json")
    parser.add_argument(
        "--options", type=json.loads, default={}, metavar="JSON",
        help="the section `key` of the configuration",
    )  # fmt: skip
    add_corrections(parser)
    add_force(parser)
    add_limits(parser)


def run(arguments: argparse.Namespace) -> int:
    from ..results.outputs import check_output

    read = (arguments.ticket, arguments.features)
    check_output(arguments.output, read, option="OUTPUT", force=arguments.force)

    def work() -> None:
        from ..features import store
        from ..records.store import write_record
        from ..records.ticket import read_ticket
        from ..results.corrected import Correction, with_corrections
        from ..stages import make_key_record

        ticket = read_ticket(arguments.ticket)
        features = store.load(arguments.features)

        def write(said: Correction) -> None:
            record = make_key_record(ticket, features, arguments.options, said)
            write_record(arguments.output, record)

        with_corrections(arguments.corrections, ticket.track, features, write)

    def record_failure(failure: TrackFailure) -> None:
        from ..records.model import KeyRecord
        from ..records.store import write_record
        from ..records.ticket import read_ticket

        ticket = read_ticket(arguments.ticket)
        record = KeyRecord(ticket.track, ticket.path, "error", error=failure)
        write_record(arguments.output, record)

    return supervise_track(work, record_failure, stage="key", arguments=arguments)
