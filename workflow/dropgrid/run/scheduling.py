"""Snakemake's scheduler, kept from work that grows with the square of the number of jobs, and from
asking ever more seldom what became of jobs elsewhere.

Measured with Snakemake 9.27, which has no option for any of it:

- Every time jobs are chosen while others are ready, a timer is set that has them chosen again a
  second later, on behalf of the limit of jobs a second (100 by default). Each such
  time sets another one. After two hundred jobs they were chosen 200 times a second.
- Each time the inputs of every ready job are looked at, and all jobs that are left are listed.

Here the cores are the limit, and of the ready jobs only a few can begin.

Before a job starts, Snakemake asks of each input whether it comes by a pipe, and looks for it in
the outputs of all jobs that the job depends on: for the records of 10,000 tracks a minute or more.

The Slurm plugin asks ten seconds later each time that nothing has changed, up to three minutes: so
long a lost job would go unnoticed.

None of this is a public interface: where a Snakemake is built otherwise, it is left as it is, with
a warning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from heapq import nsmallest
from inspect import iscoroutinefunction
from typing import Any

CHOICE = 32  # ready jobs, at least, that are looked at when jobs are chosen, and for each core
CHOICE_PER_CORE = 4
LOOK = 80  # seconds, at most, until a cluster is asked about its jobs once more


Warn = Callable[[str], None]


def lighten(scheduler: Any, cores: int, warn: Warn) -> None:
    """Have the scheduler of a run on this machine, which has not begun, do less each time."""
    most = max(CHOICE, CHOICE_PER_CORE * cores)
    usual = type(scheduler)
    lacking = [] if callable(getattr(usual, "job_selector", None)) else ["job_selector"]
    lacking += [] if _is_property(usual, "remaining_jobs") else ["remaining_jobs"]
    lacking += [] if hasattr(scheduler, "job_rate_limiter") else ["job_rate_limiter"]
    if lacking:
        warn(_left(", ".join(lacking), "planning takes longer the more tracks there are"))
        return

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


def know_pipes(dag: Any, jobs: Iterable[Any], warn: Warn) -> None:
    """Have jobs that depend on no job with a pipe know so, without looking for each input."""
    try:
        for job in jobs:
            if iscoroutinefunction(job.is_pipe_or_service_input):
                raise AttributeError
            sources = dag.dependencies[job]
            if all(getattr(one, "pipe_or_service_output", None) == set() for one in sources):
                job.is_pipe_or_service_input = _is_no_pipe
    except (AttributeError, LookupError, TypeError):
        harm = "tables take longer to start the more tracks there are"
        warn(_left("is_pipe_or_service_input", harm))


def _is_no_pipe(*path: Any) -> bool:
    return False


def foremost(jobs: Iterable[Any], most: int) -> set[Any]:
    """So many of the ready jobs: by priority, and then as they were planned."""
    return set(nsmallest(most, jobs, key=lambda job: (-job.priority, job.jobid)))


def _is_property(kind: type, name: str) -> bool:
    return isinstance(getattr(kind, name, None), property)


def _left(lacking: str, harm: str) -> str:
    return f"dropgrid: this Snakemake has no {lacking}: it runs as it is, and {harm}"


def look_often(executor: Any, warn: Warn) -> None:
    """Have what submits jobs to a cluster ask about them every LOOK seconds at least."""
    usual = type(executor)
    if not _is_property(usual, "next_seconds_between_status_checks"):
        harm = "a lost job may go unnoticed for some minutes"
        warn(_left("next_seconds_between_status_checks", harm))
        return
    interval: Any = usual.next_seconds_between_status_checks

    class Looking(usual):  # type: ignore[misc, valid-type]
        @property
        def next_seconds_between_status_checks(self) -> float:
            return min(LOOK, interval.fget(self))

        @next_seconds_between_status_checks.setter
        def next_seconds_between_status_checks(self, value: float) -> None:
            interval.fset(self, value)

    executor.__class__ = Looking
