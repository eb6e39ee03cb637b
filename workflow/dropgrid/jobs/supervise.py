"""What all commands on one track share: their options, supervision, and how such a job ends.

    def run(arguments):
        def work() -> None:
            from ..features import extract, store  # heavy imports belong in here
            store.save(output, extract(path), ...)

        def record_failure(failure: TrackFailure) -> None:
            store.save(output, failure)

        return supervise_track(work, record_failure, stage="features", arguments=arguments)

`work` must write its result atomically and last. `record_failure` runs in the parent, which is
unharmed by whatever befell the child.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from functools import partial

from ..records.model import TrackFailure
from .policy import EXIT_AGAIN, Decision, decide
from .process import enter_stage, supervised
from .usage_log import print_outcome


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of every supervised command."""
    group = parser.add_argument_group("limits")
    group.add_argument("--memory-mb", type=int, metavar="MB", help="memory limit")
    group.add_argument("--time-limit", type=float, metavar="SECONDS", help="time limit")
    group.add_argument(
        "--attempt", type=int, default=1, metavar="N", help="number of this attempt (default: 1)"
    )
    group.add_argument(
        "--attempts",
        type=int,
        default=1,
        metavar="N",
        help="number of attempts in all (default: 1)",
    )


def supervise_track(
    work: Callable[[], object],
    record_failure: Callable[[TrackFailure], None],
    *,
    stage: str,
    arguments: argparse.Namespace,
) -> int:
    """Do work under supervision and deal with how it ended; the exit code of the command.

    stage: where a failure happened, unless the error itself names one.
    arguments: has what add_arguments adds.
    """
    return supervise_stages(
        lambda _: work(), lambda _, failure: record_failure(failure), [stage], arguments
    )


def supervise_stages(
    work: Callable[[str], object],
    record_failure: Callable[[str, TrackFailure], None],
    stages: Sequence[str],
    arguments: argparse.Namespace,
) -> int:
    """Do the work of several stages of a track as supervise_track does that of one.

    They share a process, whose start would cost each of them as much as a late stage takes. A
    stage whose failure is recorded is followed by the next ones, in another process.
    """
    left = list(stages)
    while left:
        outcome = supervised(
            partial(_one_after_another, work, left),
            stage=left[0], memory_mb=arguments.memory_mb, seconds=arguments.time_limit,
        )  # fmt: skip
        decision = decide(outcome, last_attempt=arguments.attempt >= arguments.attempts)
        at = outcome.stages[-1].stage
        if decision.record and outcome.failure is not None:
            try:
                record_failure(at, outcome.failure)
            except OSError as error:  # disk full, no permission: the failure must not be lost
                print(f"dropgrid: the failure cannot be recorded: {error}", file=sys.stderr)
                decision = Decision(record=False, exit_code=EXIT_AGAIN)
        print_outcome(outcome, decision)
        if outcome.failure is None or decision.exit_code:
            return decision.exit_code
        left = left[left.index(at) + 1 :]
    return 0


def _one_after_another(work: Callable[[str], object], stages: Sequence[str]) -> None:
    for number, stage in enumerate(stages):
        if number:
            enter_stage(stage)
        work(stage)
