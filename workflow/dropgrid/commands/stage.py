"""Shared code of the commands of the four stages: `features`, `bpm`, `structure`, `key`.

Each works on one track, in a supervised process with limits on memory and time. Every outcome of
the process becomes a record or another attempt.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..jobs.supervise import add_arguments as add_limits
from ..jobs.supervise import supervise_track
from ..records.model import TrackFailure
from .arguments import add_force


def add_arguments(
    parser: argparse.ArgumentParser, inputs: Mapping[str, str], output: str, options: str
) -> None:
    """The arguments of a stage: the ticket, its inputs, its output, --options, limits.

    inputs: help text by name, in order; output, options: the help texts of these.
    """
    parser.add_argument("ticket", type=Path, help="results/tracks/TRACK.json")
    for name, help_text in inputs.items():
        parser.add_argument(name, type=Path, help=help_text)
    parser.add_argument("output", type=Path, help=output)
    if "network" not in inputs:
        parser.add_argument(
            "--corrections", type=Path, metavar="DIR",
            help="results/corrections: the corrections of the tracks (default: none)",
        )  # fmt: skip
    parser.add_argument("--options", type=json.loads, default={}, metavar="JSON", help=options)
    add_force(parser)
    add_limits(parser)


def run(stage: str, arguments: argparse.Namespace) -> int:
    """Run the stage that a command line requests; return the exit code."""
    from ..stages import STAGES

    named = ("ticket", *STAGES[stage].inputs, "output", "key_network", "corrections")
    files = {name: path for name in named if (path := getattr(arguments, name, None))}
    threads = getattr(arguments, "threads", 1)
    return run_on(stage, files, arguments.options, arguments, arguments.force, threads)


def run_on(
    stage: str,
    files: Mapping[str, Path],
    options: Mapping[str, Any],
    limits: argparse.Namespace,
    force: bool = False,
    threads: int = 1,
) -> int:
    """Run a stage on files under supervision (dropgrid.stages.run_stage); return the exit code.

    limits: has the arguments of dropgrid.jobs.supervise.add_arguments.
    """
    from ..results.output_guard import check_output

    read = [path for name, path in files.items() if name != "output"]
    check_output(files["output"], read, option="OUTPUT", force=force)
    files = {**files, **(identity_and_cache(files) if stage == "features" else {})}

    def work() -> None:
        from ..stages import run_stage

        run_stage(stage, files, options, threads)

    def record_failure(failure: TrackFailure) -> None:
        from ..stages import write_failure

        write_failure(stage, files, failure)

    return supervise_track(work, record_failure, stage=stage, arguments=limits)


def identity_and_cache(files: Mapping[str, Path]) -> dict[str, Path]:
    """The paths of the track's identity and of the cache, for features in a results folder."""
    from ..results.layout import Results
    from ..results.ownership import is_marked, looks_owned

    output = files["output"].absolute()
    results, track = Results(output.parents[1]), files["ticket"].stem
    if output != results.features(track) or not is_marked(results.folder):
        return {}
    identity = results.identity(track)
    if os.path.lexists(identity) and not looks_owned(str(identity)):
        return {}  # a file of the user's
    return {"identity": identity, "cache": results.cache}
