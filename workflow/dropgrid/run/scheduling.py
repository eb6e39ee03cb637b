"""Snakemake's scheduler, kept from work that grows with the square of the number of jobs, and from
asking ever more seldom what became of jobs elsewhere.

Measured with Snakemake 9.27, which has no option for any of it:

- Every time jobs are chosen while others are ready, a timer is set that has them chosen again a
  second later, on behalf of the limit of jobs a second (100 unless said otherwise). Each such
  time sets another one. After two hundred jobs they were chosen 200 times a second.
- Each time the inputs of every ready job are looked at, and all jobs that are left are listed.

Here the cores are the limit, and of the ready jobs only a few can begin.

The Slurm plugin asks ten seconds later each time that nothing has changed, up to three minutes: so
long a lost job would go unnoticed.
"""

from __future__ import annotations

from collections.abc import Iterable
from heapq import nsmallest
from typing import Any

CHOICE = 32  # ready jobs, at least, that are looked at when jobs are chosen, and for each core
CHOICE_PER_CORE = 4
LOOK = 80  # seconds, at most, until a cluster is asked about its jobs once more


def lighten(scheduler: Any, cores: int) -> None:
    """Have the scheduler of a run on this machine, which has not begun, do less each time."""
    most = max(CHOICE, CHOICE_PER_CORE * cores)
    usual = type(scheduler)

    class Lightened(usual):  # type: ignore[misc, valid-type]
        choosing = False

        def job_selector(self, jobs: Iterable[Any]) -> Any:
            self.choosing = True
            try:
                return super().job_selector(foremost(jobs, most))
            finally:
                self.choosing = False

        @property
        def remaining_jobs(self) -> Any:
            return [] if self.choosing else usual.remaining_jobs.fget(self)

    scheduler.__class__ = Lightened
    scheduler.job_rate_limiter = None


def foremost(jobs: Iterable[Any], most: int) -> set[Any]:
    """So many of the ready jobs: by priority, and then as they were planned."""
    return set(nsmallest(most, jobs, key=lambda job: (-job.priority, job.jobid)))


def look_often(executor: Any) -> None:
    """Have what submits jobs to a cluster ask about them every LOOK seconds at least."""
    usual = type(executor)
    interval: Any = getattr(usual, "next_seconds_between_status_checks", None)
    if interval is None:
        return  # it asks at fixed times

    class Looking(usual):  # type: ignore[misc, valid-type]
        @property
        def next_seconds_between_status_checks(self) -> float:
            return min(LOOK, interval.fget(self))

        @next_seconds_between_status_checks.setter
        def next_seconds_between_status_checks(self, value: float) -> None:
            interval.fset(self, value)

    executor.__class__ = Looking
