"""Write and read the log lines about the resources of jobs and the progress of batches."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from .policy import EXIT_AGAIN, Decision, Outcome

_USE = re.compile(rb"dropgrid: (\w+) took ([\d.]+) s, cpu ([\d.]+) s, peak (\d+) MB")
_TRACK = re.compile(
    rb"dropgrid: (begins|done|again) ([a-z0-9-]+)"
    rb"(?: took ([\d.]+) s, cpu ([\d.]+) s, peak (\d+) MB)?\n"
)


@dataclass(frozen=True)
class Use:
    """Resources of the jobs of a stage: their number, wall-clock and CPU seconds in total, and the
    highest peak of memory, in MB."""

    jobs: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_mb: int = 0


def read_use(log: Path) -> list[tuple[str, Use]]:
    """Stages and their resources from the log of a track, in order; a stage may occur again.

    Reads only the last 4000 bytes of the log.
    """
    with suppress(OSError), log.open("rb") as stream:
        stream.seek(max(0, log.stat().st_size - 4000))
        return [
            (stage.decode(), Use(1, float(seconds), float(cpu), int(peak)))
            for stage, seconds, cpu, peak in _USE.findall(stream.read())
        ]
    return []


@dataclass(frozen=True)
class TrackLine:
    """A line about a track in the log of a batch: it `begins`, is `done`, or will be tried
    `again`; and the resources used."""

    word: str
    track: str
    use: Use


def read_batch_log(data: bytes) -> list[TrackLine]:
    """The lines about tracks in the log of a batch, or in whole lines of it."""
    return [
        TrackLine(word.decode(), track.decode(), Use(1, float(s or 0), float(c or 0), int(p or 0)))
        for word, track, s, c, p in _TRACK.findall(data)
    ]


def say_begins(track: str) -> None:
    """Write to the log of a batch that a track begins."""
    print(f"dropgrid: begins {track}", flush=True)


def say_ended(track: str, log: Path, again: bool) -> None:
    """Write to the log of a batch that a track ended, with the resources in the track's log."""
    use = add_up([use for _, use in read_use(log)])
    print(
        f"dropgrid: {'again' if again else 'done'} {track} took {use.seconds:.2f} s, "
        f"cpu {use.cpu_seconds:.2f} s, peak {use.peak_mb} MB",
        flush=True,
    )


def add_up(uses: Sequence[Use]) -> Use:
    """The resources of several jobs together."""
    return Use(
        jobs=sum(use.jobs for use in uses),
        seconds=round(sum(use.seconds for use in uses), 2),
        cpu_seconds=round(sum(use.cpu_seconds for use in uses), 2),
        peak_mb=max((use.peak_mb for use in uses), default=0),
    )


def print_outcome(outcome: Outcome, decision: Decision) -> None:
    """Print the last lines of a job's log: a failure and what follows, and the resources used."""
    if outcome.failure is not None:
        follows = "recorded" if decision.record else "not recorded"
        if decision.exit_code == EXIT_AGAIN:
            follows = "to be tried again"
        failure = outcome.failure
        print(
            f"dropgrid: {failure.stage}: {failure.type}: {failure.message} ({follows})",
            file=sys.stderr,
        )
    for use in outcome.stages:
        print(
            f"dropgrid: {use.stage} took {use.seconds:.2f} s, cpu {use.cpu_seconds:.2f} s, "
            f"peak {use.peak_mb:.0f} MB",
            file=sys.stderr,
        )
