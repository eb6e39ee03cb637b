"""Snakemake's scheduler chooses jobs once for each that ends, among few that are ready."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from types import SimpleNamespace

import pytest
from dropgrid.run.scheduling import LOOK, _is_no_pipe, know_pipes, lighten, look_often

JOBS = 40
SNAKEFILE = """
from dropgrid.run.scheduling import lighten

rule all:
    input: expand("b{n}", n=range(20))
rule first:
    output: "a{n}"
    shell: "echo {rule} {wildcards.n} >> order; sleep 0.1; touch {output}"
rule second:
    input: "a{n}"
    output: "b{n}"
    priority: 1
    shell: "echo {rule} {wildcards.n} >> order; sleep 0.1; touch {output}"
onstart:
    LIGHTEN
"""
# A version of Snakemake in which a part of the scheduler is of another kind.
OTHERWISE = """
    usual = type(workflow.scheduler).remaining_jobs
    class Otherwise:
        def __get__(self, scheduler, kind=None):
            return usual.fget(scheduler) if scheduler else self
    type(workflow.scheduler).remaining_jobs = Otherwise()
    lighten(workflow.scheduler, 1, logger.warning)
"""


@pytest.mark.slow
@pytest.mark.parametrize("lightened", [True, False])
def test_jobs_are_chosen_once_for_each_that_ends(tmp_path: Path, lightened: bool) -> None:
    reported = "lighten(workflow.scheduler, 1, logger.error)" if lightened else "pass"
    (tmp_path / "Snakefile").write_text(SNAKEFILE.replace("LIGHTEN", reported))
    command = [sys.executable, "-m", "snakemake", "--cores", "1", "--scheduler", "greedy"]
    done = subprocess.run(
        [*command, "--verbose"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    chosen = [int(ready) for ready in re.findall(r"Ready jobs: (\d+)", done.stderr)]
    order = (tmp_path / "order").read_text().splitlines()
    assert len(order) == JOBS and order[0].startswith("first")
    # Of a priority, and so a track's second job comes before the next track's first.
    for first, second in zip(order[::2], order[1::2], strict=True):
        assert (first.split()[0], second.split()[0]) == ("first", "second")
        assert first.split()[1] == second.split()[1]
    if lightened:
        assert len(chosen) <= JOBS + 2
    else:  # what it is for: where Snakemake does so by itself, lighten is needed no more
        assert len(chosen) > JOBS + 2


def test_a_cluster_is_asked_again_before_two_minutes_have_passed() -> None:
    plugin = pytest.importorskip("snakemake_executor_plugin_slurm")
    executor = object.__new__(plugin.Executor)
    executor.next_seconds_between_status_checks = 180  # as the plugin does when nothing changes
    assert executor.next_seconds_between_status_checks == 180
    look_often(executor, pytest.fail)
    assert executor.next_seconds_between_status_checks == LOOK < 120
    executor.next_seconds_between_status_checks = 40
    assert executor.next_seconds_between_status_checks == 40


@pytest.mark.slow
def test_a_snakemake_that_is_built_otherwise_runs_as_it_is_and_says_so_once(
    tmp_path: Path,
) -> None:
    text = SNAKEFILE.replace("    LIGHTEN\n", OTHERWISE).replace("range(20)", "range(2)")
    (tmp_path / "Snakefile").write_text(text)
    command = [sys.executable, "-m", "snakemake", "--cores", "1", "--scheduler", "greedy"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("this Snakemake has no remaining_jobs: it runs unchanged") == 1
    assert len((tmp_path / "order").read_text().splitlines()) == 4


@pytest.mark.parametrize("name", ["job_selector", "remaining_jobs", "job_rate_limiter"])
def test_a_scheduler_that_lacks_a_part_is_not_changed(name: str) -> None:
    parts = {"job_selector": len, "remaining_jobs": property(len), "job_rate_limiter": None}
    scheduler = type("Scheduler", (), {k: v for k, v in parts.items() if k != name})()
    kind, warnings = type(scheduler), list[str]()
    lighten(scheduler, 2, warnings.append)
    assert type(scheduler) is kind and len(warnings) == 1 and f"no {name}: " in warnings[0]


def test_what_no_workflow_has_is_not_changed() -> None:
    warnings: list[str] = []
    lighten(None, 2, warnings.append)
    look_often(None, warnings.append)
    assert len(warnings) == 2 and "job_selector, remaining_jobs, job_rate_limiter" in warnings[0]


PIPES = """
from dropgrid.run.scheduling import know_pipes
from snakemake.jobs import Job

usual = Job.is_pipe_or_service_input
def counted(job, path):
    with open("asked", "a") as asked:
        print(job.rule.name, path, usual(job, path), file=asked)
    return usual(job, path)
Job.is_pipe_or_service_input = counted

rule all:
    input: expand("b{n}", n=range(5)), "read"
rule each:
    output: "b{n}"
    shell: "touch {output}"
rule write:
    output: pipe("piped")
    shell: "echo through > {output}"
rule read:
    input: "piped", "b0"
    output: "read"
    shell: "cat {input} > {output}"
onstart:
    know_pipes(workflow.dag, list(workflow.dag.needrun_jobs()), logger.error)
"""


@pytest.mark.slow
def test_only_jobs_that_read_from_a_pipe_look_for_one(tmp_path: Path) -> None:
    (tmp_path / "Snakefile").write_text(PIPES)
    command = [sys.executable, "-m", "snakemake", "--cores", "2"]
    subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert (tmp_path / "read").read_text() == "through\n"
    asked = (tmp_path / "asked").read_text().splitlines()
    assert sorted(asked) == ["read b0 False", "read piped True"]


class Dag:
    """A graph of jobs: each with those that it depends on."""

    def __init__(self, **dependencies: object) -> None:
        self.dependencies = dependencies


def test_a_snakemake_that_asks_for_no_pipes_is_left_as_it_is() -> None:
    for dag, job in (
        (Dag(job={}), "job"),
        (SimpleNamespace(), SimpleJob()),
        (Dag(), SimpleJob()),
        (SimpleNamespace(dependencies=len), SimpleJob()),
        (SimpleNamespace(dependencies=defaultdict(dict)), FixedJob()),
        (SimpleNamespace(dependencies=defaultdict(dict)), CoroutineJob()),
    ):
        reported: list[str] = []
        know_pipes(dag, [job], reported.append)
        assert len(reported) == 1 and "is_pipe_or_service_input" in reported[0]
        assert getattr(job, "is_pipe_or_service_input", None) != _is_no_pipe


class FixedJob:
    """A job to which nothing can be added."""

    __slots__ = ()

    def is_pipe_or_service_input(self, path: str) -> bool:
        return False


class SimpleJob(FixedJob):
    """A job as Snakemake has them today."""


class CoroutineJob:
    """A job that has to be waited for."""

    async def is_pipe_or_service_input(self, path: str) -> bool:
        return False
