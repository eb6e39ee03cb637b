"""Snakemake's scheduler chooses jobs once for each that ends, among few that are ready."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from dropgrid.run.scheduling import LOOK, look_often

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


@pytest.mark.slow
@pytest.mark.parametrize("lightened", [True, False])
def test_jobs_are_chosen_once_for_each_that_ends(tmp_path: Path, lightened: bool) -> None:
    told = "lighten(workflow.scheduler, 1)" if lightened else "pass"
    (tmp_path / "Snakefile").write_text(SNAKEFILE.replace("LIGHTEN", told))
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
    look_often(executor)
    assert executor.next_seconds_between_status_checks == LOOK < 120
    executor.next_seconds_between_status_checks = 40
    assert executor.next_seconds_between_status_checks == 40
