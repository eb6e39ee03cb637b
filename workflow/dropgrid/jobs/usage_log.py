"""What a job took and how far a batch is: lines of their logs, written and read."""

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
    """What the jobs of a stage took: their number, seconds by the clock and of processors, and
    the most memory any of them held, in MB."""

    jobs: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_mb: int = 0


def read_use(log: Path) -> list[tuple[str, Use]]:
    """What the log of a track says that each stage took, in order: the last of a stage counts.

    Only its end is looked at.
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
    """What the log of a batch says of a track: that it `begins`, is `done` or to be tried
    `again`, and what it took."""

    word: str
    track: str
    use: Use


def read_batch_log(data: bytes) -> list[TrackLine]:
    """What the log of a batch, or whole lines of it, say of its tracks."""
    return [
        TrackLine(word.decode(), track.decode(), Use(1, float(s or 0), float(c or 0), int(p or 0)))
        for word, track, s, c, p in _TRACK.findall(data)
    ]


def say_begins(track: str) -> None:
    """Tell the log of a batch that a track begins."""
    print(f"dropgrid: begins {track}", flush=True)


def say_ended(track: str, log: Path, again: bool) -> None:
    """Tell the log of a batch that a track has ended, and what it took, as its own log says."""
    use = add_up([use for _, use in read_use(log)])
    print(
        f"dropgrid: {'again' if again else 'done'} {track} took {use.seconds:.2f} s, "
        f"cpu {use.cpu_seconds:.2f} s, peak {use.peak_mb} MB",
        flush=True,
    )


def add_up(uses: Sequence[Use]) -> Use:
    """What several jobs took together."""
    return Use(
        jobs=sum(use.jobs for use in uses),
        seconds=round(sum(use.seconds for use in uses), 2),
        cpu_seconds=round(sum(use.cpu_seconds for use in uses), 2),
        peak_mb=max((use.peak_mb for use in uses), default=0),
    )


def tell(outcome: Outcome, decision: Decision) -> None:
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
    for use in outcome.stages:
        print(
            f"dropgrid: {use.stage} took {use.seconds:.2f} s, cpu {use.cpu_seconds:.2f} s, "
            f"peak {use.peak_mb:.0f} MB",
            file=sys.stderr,
        )
