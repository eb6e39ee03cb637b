"""Runs that are interrupted or killed: they end, leave nothing behind, and go on.

Where a test interrupts work, that work waits for the test (gated_engine): a run never ends first.

The long version of this: python tests/end_to_end/interrupt_run.py --files 200
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import gated_engine
import pytest
from gated_engine import issue_passes, open_gate, waiting
from interrupt_run import (
    ROOT,
    analysed,
    half_files,
    interrupted_run,
    make_library,
    outputs,
    running_in,
    start,
)

pytestmark = [pytest.mark.slow, pytest.mark.alone]


@pytest.fixture(scope="module")
def peace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four short tracks, one of them broken, analysed without any interrupt."""
    folder = tmp_path_factory.mktemp("peace")
    make_library(folder / "music", files=4, bad=1, seconds=5)
    assert start(folder, 2).wait() == 0
    return folder


def wait_until(condition: Callable[[], bool], seconds: float = 300) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.005)
    return False


@pytest.fixture(scope="module")
def gated_peace(peace: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same tracks, analysed by the engine that waits, which never had to."""
    folder = copy_of(peace, tmp_path_factory.mktemp("gated_peace"))
    open_gate(folder)
    assert start_gated(folder, 2).wait() == 0
    return folder


def start_gated(folder: Path, cores: int) -> subprocess.Popen[bytes]:
    """A run whose jobs wait before they go on."""
    return start(folder, cores, gated_engine.OPTION)


def ends_well(folder: Path, cores: int) -> bool:
    """Whether a run whose jobs need not wait ends without an error."""
    open_gate(folder)
    return start_gated(folder, cores).wait() == 0


def copy_of(peace: Path, tmp_path: Path) -> Path:
    (tmp_path / "music").mkdir()
    for path in (peace / "music").iterdir():
        os.link(path, tmp_path / "music" / path.name)
    return tmp_path


def test_the_results_are_the_same_after_interrupts_at_random_moments(peace, tmp_path):
    moments = interrupted_run(tmp_path, peace / "music", 3, seed=1, seconds=8, cores=2)
    for moment in moments:
        assert moment.exits_as_documented, moment
        assert not moment.left_running + moment.half_files + moment.again, moment
    assert outputs(tmp_path) == outputs(peace)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_the_midst_of_a_job_ends_all(peace, tmp_path, number):
    folder = copy_of(peace, tmp_path)
    run = start_gated(folder, 2)
    assert wait_until(lambda: waiting(folder) != [])
    run.send_signal(number)
    assert run.wait(timeout=600) == 128 + number
    assert wait_until(lambda: running_in(folder) == [])
    assert half_files(folder) == []
    said = (folder / "output.log").read_text()
    *_, stood, goes_on = said.splitlines()
    assert re.fullmatch(r"dropgrid: \d of 4 tracks analysed( \(\d failed\))?", stood)
    by = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM"}[number]
    assert goes_on.startswith(f"dropgrid: stopped by {by}; to resume: ")
    assert "Error" not in said and "Terminat" not in said


def ignore_sigint() -> None:
    """As a shell does for what a script runs in the background."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@pytest.mark.parametrize("elsewhere", [False, True], ids=["here", "on a cluster"])
def test_sigterm_ends_a_run_in_the_background_of_a_script(peace, tmp_path, elsewhere):
    """There SIGINT is ignored, which otherwise makes Snakemake cancel its jobs."""
    folder = copy_of(peace, tmp_path)
    cluster = ["--executor", "cluster-generic", "--jobs", "9", "--cluster-generic-submit-cmd",
               "echo job-1; touch submitted; true",
               "--cluster-generic-status-cmd", "echo running;",
               "--cluster-generic-cancel-cmd", "touch"]  # fmt: skip
    where = cluster if elsewhere else ["--cores", "2"]
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"),
               "--directory", str(folder), *where, "--config", gated_engine.OPTION]  # fmt: skip
    with (folder / "output.log").open("wb") as log:
        run = subprocess.Popen(
            command, stdout=log, stderr=log, cwd=folder, preexec_fn=ignore_sigint
        )
    try:
        begun = (folder / "submitted").exists if elsewhere else lambda: waiting(folder) != []
        assert wait_until(begun)
        run.send_signal(signal.SIGINT)
        run.send_signal(signal.SIGTERM)
        assert run.wait(timeout=300) == 128 + signal.SIGTERM
        assert (folder / "job-1").exists() == elsewhere  # touched to cancel it
    finally:
        run.kill()
    assert wait_until(lambda: running_in(folder) == [])


def test_killing_the_run_with_9_ends_its_jobs_and_needs_no_unlocking(peace, gated_peace, tmp_path):
    folder = copy_of(peace, tmp_path)
    run = start_gated(folder, 2)
    assert wait_until(lambda: waiting(folder) != [])
    run.kill()
    run.wait()
    assert wait_until(lambda: running_in(folder) == [])
    assert list((folder / ".snakemake" / "locks").iterdir()) != []
    assert ends_well(folder, 2)
    assert outputs(folder) == outputs(gated_peace)


def test_what_was_written_before_a_kill_with_9_is_not_made_again(peace, gated_peace, tmp_path):
    folder = copy_of(peace, tmp_path)
    issue_passes(folder, 1)
    run = start_gated(folder, 1)
    assert wait_until(lambda: analysed(folder) != {} and waiting(folder) != [])
    run.kill()
    run.wait()
    assert wait_until(lambda: running_in(folder) == [])
    assert list((folder / ".snakemake" / "incomplete").iterdir()) != []
    before = analysed(folder)
    assert len(before) == 1
    assert ends_well(folder, 2)
    assert before.items() <= analysed(folder).items()
    assert outputs(folder) == outputs(gated_peace)


def test_a_job_killed_with_9_is_tried_again(peace, gated_peace, tmp_path):
    folder = copy_of(peace, tmp_path)
    run = start_gated(folder, 1)
    assert wait_until(lambda: waiting(folder) != [])
    os.kill(waiting(folder)[0], signal.SIGKILL)
    open_gate(folder)
    assert run.wait() == 0
    assert "Trying to restart" in snakemake_log(folder)
    assert outputs(folder) == outputs(gated_peace)


def test_a_second_run_beside_a_living_one_is_refused(peace, gated_peace, tmp_path):
    folder = copy_of(peace, tmp_path)
    first = start_gated(folder, 1)
    assert wait_until(lambda: waiting(folder) != [])
    assert start_gated(folder, 1).wait() != 0
    assert "another run uses this folder" in (folder / "output.log").read_text()
    open_gate(folder)
    assert first.wait() == 0
    assert outputs(folder) == outputs(gated_peace)


def test_outputs_cut_short_by_a_power_cut_are_made_again(peace, tmp_path):
    folder = copy_of(peace, tmp_path)
    assert start(folder, 2).wait() == 0
    whole = outputs(folder)
    good = sorted(analysed(folder))[-1].removesuffix(".npz")
    for name in (f"features/{good}.npz", f"structure/{good}.json", "library.csv"):
        path = folder / "results" / name
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert start(folder, 2).wait() == 0
    assert outputs(folder) == whole


def snakemake_log(folder: Path) -> str:
    logs = (folder / ".snakemake" / "log").glob("*.log")
    return "".join(log.read_text() for log in logs) + (folder / "output.log").read_text()
