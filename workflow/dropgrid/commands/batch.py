"""Bring every track of a batch up to date: the job of large libraries and of clusters.

Runs for each track the stages that are due, as the commands `features`, `bpm`, `structure` and
`key` do, each in a process of its own that nothing can harm the others from. Interrupted, it goes
on where it stopped when it is called again. Ends with 75 if a track has to be tried again.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from ..jobs.command import add_arguments as add_limits
from ..jobs.policy import EXIT_AGAIN
from ..records.model import ANALYSES

HELP = "bring every track of a batch up to date"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("manifest", type=Path, help="results/batches/BATCH.json")
    parser.add_argument("network", type=Path, help="results/network.onnx")
    parser.add_argument(
        "--key-network", type=Path, metavar="FILE", help="results/key.onnx (default: none)"
    )
    parser.add_argument(
        "--options", type=json.loads, default={}, metavar="JSON",
        help="the options of each stage, by its name",
    )  # fmt: skip
    parser.add_argument(
        "--analyses", nargs="+", choices=ANALYSES, default=[*ANALYSES],
        help="the records to make (default: all)",
    )  # fmt: skip
    parser.add_argument(
        "--drop-features", action="store_true", help="delete features that are no longer needed"
    )
    add_limits(parser)


def run(arguments: argparse.Namespace) -> int:
    from ..results.layout import Results
    from ..run.batches import read_batch
    from ..run.due import note_options, stages_due

    results: Path = arguments.manifest.parents[1]
    networks = [path for path in (arguments.network, arguments.key_network) if path]
    since = note_options(results, arguments.options)
    last = 0
    for ticket in read_batch(arguments.manifest):
        track = ticket.track
        due = stages_due(results, track, networks, since, arguments.analyses)
        if due:
            import_ahead(due)
            print(f"dropgrid: {track}: {', '.join(due)}", flush=True)
        for stage in due:
            code = _run_stage(stage, track, results, arguments)
            if code == EXIT_AGAIN:
                last = code
                break
            if code:
                return code
        else:
            if arguments.drop_features:
                Results(results).features(track).unlink(missing_ok=True)
    return last


def _run_stage(stage: str, track: str, results: Path, arguments: argparse.Namespace) -> int:
    """Run a stage of a track as its own command does; the exit code."""
    from ..results.layout import Results
    from ..stages import STAGES
    from .stage import run_on

    files = Results(results)
    inputs = {name: files.output(name, track) for name in STAGES[stage].inputs if name in STAGES}
    if stage == "features":
        inputs = {"network": arguments.network, "key_network": arguments.key_network}
    paths = {"ticket": files.ticket(track), **inputs, "output": files.output(stage, track)}
    given = {name: path for name, path in paths.items() if path}
    return run_on(stage, given, arguments.options.get(stage, {}), arguments)


def import_ahead(stages: Sequence[str]) -> None:
    """Import here, once, what every process forked from this one would import for itself.

    Nothing that starts threads may be among it: those do not survive a fork.
    """
    from .. import stages as pipeline  # noqa: F401
    from ..features import store  # noqa: F401

    if "features" in stages:
        import soundfile  # noqa: F401

        from ..audio.tags import import_mutagen
        from ..features import extract  # noqa: F401
        from ..features.engines import key_network, network  # noqa: F401

        import_mutagen()
    if "bpm" in stages:
        from .. import rhythm  # noqa: F401
    if "structure" in stages:
        from .. import structure  # noqa: F401
    if "key" in stages:
        from ..key import analysis  # noqa: F401
