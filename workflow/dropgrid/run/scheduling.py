"""Reduce work of Snakemake's scheduler that grows with the square of the number of jobs, and limit
the time between status checks on a cluster.

Measured with Snakemake 9.27, which has no option for any of this:

- Each time Snakemake selects jobs while others are ready, it sets a timer for another selection a
  second later, because of the limit of jobs per second (100 by default). Each of these sets
  another timer. After two hundred jobs it selected jobs 200 times a second.
- Each selection examines the inputs of every ready job and lists all remaining jobs.

Here the cores are the limit, and only a few of the ready jobs can start.

Before a job starts, Snakemake checks for each input whether it comes through a pipe. It searches
the outputs of all jobs that the job depends on; for the records of 10,000 tracks this takes a
minute or more.

The Slurm plugin waits ten seconds longer after each status check without a change, up to three
minutes. A lost job would stay unnoticed for that time.

None of this is a public interface. If a version of Snakemake differs, it runs unchanged, with a
warning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from heapq import nsmallest
from inspect import iscoroutinefunction
from typing import Any

CHOICE = 32  # ready jobs that a selection examines: at least this many,
CHOICE_PER_CORE = 4  # or this many for each core
LOOK = 80  # most seconds between two status checks on a cluster


Warn = Callable[[str], None]


def lighten(scheduler: Any, cores: int, warn: Warn) -> None:
    """Make each selection of jobs cheaper, for a run on this machine that has not begun."""
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
    """Mark jobs that depend on no job with a pipe, so that Snakemake does not search for one."""
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
    """The first `most` of the ready jobs, by priority, then in the order of planning."""
    return set(nsmallest(most, jobs, key=lambda job: (-job.priority, job.jobid)))


def _is_property(kind: type, name: str) -> bool:
    return isinstance(getattr(kind, name, None), property)


def _left(lacking: str, harm: str) -> str:
    return f"dropgrid: this Snakemake has no {lacking}: it runs unchanged, and {harm}"


def look_often(executor: Any, warn: Warn) -> None:
    """Limit the time between two status checks of a cluster executor to LOOK seconds."""
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
