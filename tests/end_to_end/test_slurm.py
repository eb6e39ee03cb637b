"""The workflow on a real Slurm: the bytes of one machine, whatever happens to jobs and nodes.

Needs what tests/slurm/start needs (root on Debian or Ubuntu); skips with its reason elsewhere.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from dropgrid import demo

pytestmark = [pytest.mark.slow, pytest.mark.alone]

ROOT = Path(__file__).resolve().parents[2]
SLURM = ROOT / "tests" / "slurm"
TRACKS = 40
KINDS = ("features", "bpm", "structure", "key")
TO_RESUBMIT = 200  # seconds until a cancelled job is submitted again: two minutes, here more, for
# a busy machine
PATIENCE = 600  # seconds until a run that should have ended is given up


@pytest.fixture(scope="module", autouse=True)
def slurm() -> Iterator[None]:
    """A Slurm of two nodes with two processors each, as long as these tests run."""
    was_up = subprocess.run(["sh", "-c", "squeue >/dev/null 2>&1"]).returncode == 0
    started = subprocess.run([SLURM / "start"], capture_output=True, text=True)
    if started.returncode:
        pytest.skip(started.stderr.strip().splitlines()[-1])
    yield
    if not was_up:
        subprocess.run([SLURM / "stop"], check=True)


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty short tracks, none like another."""
    folder = tmp_path_factory.mktemp("library") / "music"
    folder.mkdir()
    audio = demo.render(demo.compose(seed=1, bpm=126.0, style="house", duration=10.0), rate=22050)
    for i in range(TRACKS):
        soundfile.write(folder / f"{i:02d}.flac", np.asarray(audio[i * 1000 :]), 22050)
    return folder


@pytest.fixture(scope="module")
def expected(music, snakemake, tmp_path_factory) -> dict[str, bytes]:
    """The records of a run on this machine."""
    folder = tmp_path_factory.mktemp("local")
    done = snakemake(folder, "analysis", "--cores", "2", library=str(music), tracks_per_job="10")
    assert done.returncode == 0, done.stderr
    found = records(folder)
    assert len(found) == 2 * TRACKS
    return found


def records(folder: Path) -> dict[str, bytes]:
    paths = [p for kind in ("bpm", "structure") for p in folder.glob(f"results/{kind}/*.json")]
    return {path.name + path.parent.name: path.read_bytes() for path in paths}


class Submission:
    """A run of the workflow through Slurm, in a folder, watched while it goes on."""

    def __init__(self, folder: Path, music: Path, *options: str, profile: str = "slurm") -> None:
        if profile == "slurm":
            options += ("--slurm-init-seconds-before-status-checks", "2")
        command = [
            sys.executable, "-m", "snakemake", "analysis", "--snakefile", ROOT / "Snakefile",
            "--directory", folder, "--profile", ROOT / "workflow" / "profiles" / profile,
            *options, "--config", f"library={music}",
        ]  # fmt: skip
        self.log = folder / "snakemake.log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [str(part) for part in command], stdout=log, stderr=log, cwd=folder
            )

    def wait_until(self, ready: Callable[[], object], seconds: float = PATIENCE) -> None:
        deadline = time.monotonic() + seconds
        while not ready():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.1)

    def finish(self) -> str:
        assert self.process.wait(PATIENCE) == 0, self.log.read_text()
        return self.log.read_text()


def jobs(*options: str) -> list[str]:
    command = ["squeue", "--noheader", "--format=%i", *options]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


def state(job: str) -> str:
    shown = subprocess.run(["scontrol", "show", "job", job], capture_output=True, text=True)
    return shown.stdout.partition("JobState=")[2].split()[0]


def test_a_cancelled_job_and_a_broken_node_cost_only_time(music, expected, tmp_path):
    before = set(jobs("--states=all"))
    run = Submission(tmp_path, music)
    run.wait_until(lambda: list(tmp_path.glob("results/structure/*.json")))
    cancelled, lost = suspended_job(run, "node1"), suspended_job(run, "node2")
    submitted = set(jobs("--states=all"))  # every batch: there are fewer than may be queued
    subprocess.run(["scancel", cancelled], check=True)
    run.wait_until(lambda: set(jobs("--states=all")) - submitted, TO_RESUBMIT)
    subprocess.run([SLURM / "start", "--crash", "node2"], check=True)
    try:
        run.wait_until(lambda: state(lost) == "NODE_FAIL")
    finally:
        subprocess.run([SLURM / "start", "--revive", "node2"], check=True)
    run.finish()
    assert state(cancelled) == "CANCELLED"
    batches = list(tmp_path.glob("results/batches/[0-9]*.done"))
    assert len(set(jobs("--states=all")) - before) >= len(batches) + 2
    assert records(tmp_path) == expected


def suspended_job(run: Submission, node: str) -> str:
    """A job of that node that cannot end before the test has done with it."""
    found: list[str] = []

    def suspend() -> bool:
        found[:] = jobs("--states=running", f"--nodelist={node}")[:1]
        return bool(found) and subprocess.run(["scontrol", "suspend", *found]).returncode == 0

    run.wait_until(suspend)
    return found[0]


@pytest.fixture
def few(music, tmp_path) -> Path:
    """Three of the tracks: one job."""
    folder = tmp_path / "few"
    folder.mkdir()
    for i in range(3):
        (folder / f"{i:02d}.flac").symlink_to(music / f"{i:02d}.flac")
    return folder


def test_a_job_over_its_memory_is_tried_again_with_more(few, expected, tmp_path):
    before = set(jobs("--states=all"))
    first_try = "batch:mem_mb=attempt*1100-900"
    log = Submission(tmp_path, few, "--set-resources", first_try).finish()
    killed, finished = sorted(set(jobs("--states=all")) - before, key=int)
    # Killed by the cluster, or refused by its own cap before the cluster looks: what is first.
    assert (state(killed), state(finished)) == ("FAILED", "COMPLETED"), log
    found = records(tmp_path)
    assert len(found) == 6
    assert found.items() <= expected.items()


def test_the_generic_profile_submits_with_commands(few, expected, tmp_path):
    before = set(jobs("--states=all"))
    options = ("--seconds-between-status-checks", "3")
    Submission(tmp_path, few, *options, profile="cluster-generic").finish()
    [job] = set(jobs("--states=all")) - before
    assert state(job) == "COMPLETED"
    found = records(tmp_path)
    assert len(found) == 6
    assert found.items() <= expected.items()


def test_a_correction_reaches_the_cheap_stages_of_its_track_alone(few, expected, tmp_path):
    Submission(tmp_path, few).finish()
    results = tmp_path / "results"
    correct = [sys.executable, "-m", "dropgrid", "correct", few / "01.flac", "--half"]
    command = [str(word) for word in [*correct, "--results", results]]
    subprocess.run(command, check=True, cwd=tmp_path)
    before = {path: _age(path) for kind in KINDS for path in (results / kind).iterdir()}
    submitted = set(jobs("--states=all"))
    Submission(tmp_path, few).finish()
    assert len(set(jobs("--states=all")) - submitted) == 1
    changed = {path for path, age in before.items() if _age(path) != age}
    assert {path.parent.name for path in changed} == {"bpm", "structure", "key"}
    assert len(changed) == 3 and all(path.stem.startswith("01-") for path in changed)
    record = json.loads(next(results.glob("bpm/01-*.json")).read_text())
    assert (record["bpm"], record["source"]) == (63.0, "corrected")
    others = {name: text for name, text in records(tmp_path).items() if not name.startswith("01-")}
    assert len(others) == 4 and others.items() <= expected.items()


def test_what_has_landed_is_not_analysed_again_after_snakemake_was_killed(
    music, expected, tmp_path
):
    run = Submission(tmp_path, music)
    run.wait_until(lambda: len(list(tmp_path.glob("results/structure/*.json"))) > 10)
    run.process.send_signal(signal.SIGKILL)
    run.process.wait()
    landed = {path: path.stat().st_mtime_ns for path in tmp_path.glob("results/*/*.json")}
    Submission(tmp_path, music).finish()
    assert records(tmp_path) == expected
    kinds = {"bpm", "structure"}
    again = [p for p, age in landed.items() if p.parent.name in kinds if _age(p) != age]
    assert again == []


def _age(path: Path) -> int:
    return os.stat(path).st_mtime_ns
