"""What a job took: the last line of its log, written and read."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from .policy import EXIT_AGAIN, Decision, Outcome

_USE = re.compile(rb"dropgrid: (\w+) took ([\d.]+) s, cpu ([\d.]+) s, peak (\d+) MB")


@dataclass(frozen=True)
class Use:
    """What the jobs of a stage took: their number, seconds by the clock and of processors, and
    the most memory any of them held, in MB."""

    jobs: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_mb: int = 0


def read_use(log: Path, batch: bool) -> list[tuple[str, Use]]:
    """What the log of a job says that each stage took; the last line that does, or a batch's all.

    A line of a track's own log is looked for near its end only.
    """
    with suppress(OSError), log.open("rb") as stream:
        if not batch:
            stream.seek(max(0, log.stat().st_size - 500))
        found = [
            (stage.decode(), Use(1, float(seconds), float(cpu), int(peak)))
            for stage, seconds, cpu, peak in _USE.findall(stream.read())
        ]
        return found if batch else found[-1:]
    return []


def add_up(uses: Sequence[Use]) -> Use:
    """What several jobs took together."""
    return Use(
        jobs=sum(use.jobs for use in uses),
        seconds=round(sum(use.seconds for use in uses), 2),
        cpu_seconds=round(sum(use.cpu_seconds for use in uses), 2),
        peak_mb=max((use.peak_mb for use in uses), default=0),
    )


def tell(outcome: Outcome, decision: Decision, stage: str) -> None:
    """The last lines of a job's log: what went wrong and what follows, and what it took."""
    if outcome.failure is not None:
        follows = "recorded" if decision.record else "not recorded"
        if decision.exit_code == EXIT_AGAIN:
            follows = "to be tried again"
        failure = outcome.failure
        print(
            f"dropgrid: {failure.stage}: {failure.type}: {failure.message} ({follows})",
            file=sys.stderr,
        )
    print(
        f"dropgrid: {stage} took {outcome.seconds:.2f} s, cpu {outcome.cpu_seconds:.2f} s, "
        f"peak {outcome.peak_mb:.0f} MB",
        file=sys.stderr,
    )
