"""Bring every track of a batch up to date: the job of the workflow.

Runs the stages that are due for each track, as the commands `features`, `bpm`, `structure` and
`key` do. Each track has its own process, so that it cannot harm the others, and its own log,
results/logs/tracks/TRACK.log. Prints the start and the end of each track. After an interruption,
the same command continues where it stopped. The exit code is 75 if a track has to be tried again.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ..jobs.policy import EXIT_AGAIN
from ..jobs.process import FORWARDED
from ..jobs.supervise import add_arguments as add_limits
from ..records.model import ANALYSES, TrackFailure
from .arguments import add_threads

if TYPE_CHECKING:
    from ..results.layout import Results

HELP = "bring every track of a batch up to date"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("manifest", type=Path, help="results/batches/BATCH.json")
    parser.add_argument(
        "--analyses", nargs="+", choices=ANALYSES, default=[*ANALYSES],
        help="the records to make (default: all)",
    )  # fmt: skip
    parser.add_argument(
        "--drop-features", action="store_true", help="delete features that are no longer needed"
    )
    add_threads(parser)
    add_limits(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command; its exit code."""
    from ..jobs.usage_log import say_begins, say_ended
    from ..results.layout import Results
    from ..run.batches import read_batch
    from ..run.staleness import tracks_due
    from ..stages import preload

    for number in FORWARDED:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _leave)
    files = Results(arguments.manifest.parents[1])
    last = 0
    for ticket in read_batch(arguments.manifest).tracks:
        track = ticket.track
        due = tracks_due(files.folder, [track], arguments.analyses).get(track)
        code = 0
        if due:
            preload.prepare(due, files.network, files.key_network)
            say_begins(track)
            log = files.logs("tracks") / f"{track}.log"
            with _told_to(log, anew="features" in due):
                code = _bring_up_to_date(files, track, due, arguments)
            if code in (0, EXIT_AGAIN):
                say_ended(track, log, again=code == EXIT_AGAIN)
        if code == EXIT_AGAIN:
            last = code
        elif code > 128:
            os._exit(code)  # at once: for a second signal Python has no handlers left
        elif code:
            return code
        elif arguments.drop_features:
            files.features(track).unlink(missing_ok=True)
    return last


def _leave(number: int, _frame: object) -> None:
    """Exit between two tracks with the exit code of a signal.

    If a signal ended the process, the waiting shell would print a message in the terminal.
    """
    os._exit(128 + number)


def _bring_up_to_date(
    files: Results, track: str, due: Sequence[str], arguments: argparse.Namespace
) -> int:
    """Run the due stages of a track like their commands; return the exit code."""
    from ..jobs.supervise import supervise_stages
    from ..results.output_guard import check_output
    from ..run.staleness import read_options
    from ..stages import STAGES, run_stage, write_failure
    from .stage import identity_and_cache

    options = read_options(files.folder)

    def of_stage(stage: str) -> dict[str, Path]:
        inputs = {n: files.output(n, track) for n in STAGES[stage].inputs if n in STAGES}
        if stage == "features":
            inputs = {"network": files.network, "key_network": files.key_network}
        else:
            inputs["corrections"] = files.corrections
        paths = {"ticket": files.ticket(track), **inputs, "output": files.output(stage, track)}
        return paths | (identity_and_cache(paths) if stage == "features" else {})

    for stage in due:
        paths = of_stage(stage)
        output = paths.pop("output")
        check_output(output, list(paths.values()), option="OUTPUT", force=False)

    def work(stage: str) -> None:
        run_stage(stage, of_stage(stage), options[stage], arguments.threads)

    def record_failure(stage: str, failure: TrackFailure) -> None:
        write_failure(stage, of_stage(stage), failure)

    return supervise_stages(work, record_failure, due, arguments)


@contextmanager
def _told_to(log: Path, anew: bool) -> Iterator[None]:
    """Redirect the output of this process and its forks to a file.

    anew: overwrite the file; otherwise append to the output of earlier stages.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    streams = sys.stdout, sys.stderr
    for stream in streams:
        stream.flush()
    kept = [os.dup(1), os.dup(2)]
    how = os.O_TRUNC if anew else os.O_APPEND
    told = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | how, 0o666)
    try:
        for number in (1, 2):
            os.dup2(told, number)
        yield
    finally:
        for stream in streams:
            stream.flush()
        for number, before in zip((1, 2), kept, strict=True):
            os.dup2(before, number)
        for descriptor in (told, *kept):
            os.close(descriptor)
