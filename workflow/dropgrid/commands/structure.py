"""Find the sections and drops of one track from its features and its beats."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from .. import supervise
from ..records import TrackFailure

HELP = "find the sections of one track from its features and beats"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("ticket", type=Path, help="results/tracks/TRACK.json")
    parser.add_argument("features", type=Path, help="results/features/TRACK.npz")
    parser.add_argument("bpm", type=Path, help="results/bpm/TRACK.json")
    parser.add_argument("output", type=Path, help="results/structure/TRACK.json")
    parser.add_argument(
        "--options", type=json.loads, default={}, metavar="JSON",
        help="the section `structure` of the configuration",
    )  # fmt: skip
    supervise.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    def work() -> None:
        from ..features import store
        from ..library import read_ticket
        from ..pipeline import make_structure_record
        from ..records import read_bpm, write_record

        ticket = read_ticket(arguments.ticket)
        features, bpm = store.load(arguments.features), read_bpm(arguments.bpm)
        record = make_structure_record(ticket, features, bpm, arguments.options)
        write_record(arguments.output, record)

    def record_failure(failure: TrackFailure) -> None:
        from ..library import read_ticket
        from ..records import StructureRecord, write_record

        ticket = read_ticket(arguments.ticket)
        record = StructureRecord(ticket.track, ticket.path, "error", error=failure)
        write_record(arguments.output, record)

    return supervise.supervise_track(work, record_failure, stage="structure", arguments=arguments)
