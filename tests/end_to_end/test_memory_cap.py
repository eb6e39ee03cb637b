"""How many jobs really run at once under a cap on their memory or their number."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from pathlib import Path

import audio_containers
import hostile_files
import numpy as np
import psutil
import pytest
from dropgrid.features import memory
from jobs import table, workflow

pytestmark = [pytest.mark.slow, pytest.mark.alone]
TRACKS = 6


@pytest.fixture(scope="module")
def music(song, tmp_path_factory) -> Path:
    """Tracks of the same size."""
    folder = tmp_path_factory.mktemp("cap") / "music"
    data = hostile_files.float_wav(np.tile(song, 6))
    hostile_files.write(folder, {f"{number}.wav": data for number in range(TRACKS)})
    return folder


def declared(music: Path) -> int:
    """The memory that dropgrid estimates for the features of one of them."""
    return memory.megabytes(memory.minutes("0.wav", (music / "0.wav").stat().st_size))


def limits_of_jobs(above: int) -> list[int]:
    """The memory in MB that each job below a process may use now."""
    limits = {}
    for process in psutil.Process(above).children(recursive=True):
        try:
            words = process.cmdline()
            # the client of a job, or the job itself; not the shell around it, nor its children
            if "--memory-mb" in words and "sh" not in process.name():
                limits[process.pid] = int(words[words.index("--memory-mb") + 1]), process.ppid()
        except (psutil.Error, ValueError):
            continue
    return [limit for limit, parent in limits.values() if parent not in limits]


def watched_run(folder: Path, *options: str, **environment: str) -> tuple[int, int]:
    """Run the workflow with four cores; the most jobs, and the most MB they had, at once."""
    jobs = total = 0
    with (folder / "output.log").open("wb") as log:
        command = workflow(folder, "--cores", "4", *options)
        run = subprocess.Popen(command, stderr=log, env=os.environ | environment)
        while run.poll() is None:
            limits = limits_of_jobs(run.pid)
            jobs, total = max(jobs, len(limits)), max(total, sum(limits))
            time.sleep(0.01)
    assert run.returncode == 0, (folder / "output.log").read_text()
    assert [row["status"] for row in table(folder).values()] == ["ok"] * TRACKS
    return jobs, total


def test_jobs_that_pass_the_memory_cap_together_never_run_together(music, tmp_path):
    cap = 2 * declared(music) + 100
    jobs, total = watched_run(
        tmp_path, "--resources", f"mem_mb={cap}", "--config", f"library={music}"
    )
    assert jobs == 2
    assert 2 * declared(music) <= total <= cap


@pytest.mark.parametrize("name", ["m.m4a", "o.ogg"])
def test_the_memory_a_batch_asks_for_suffices_with_a_tenth_to_spare(
    name, tmp_path, snakemake, dropgrid
):
    """On the first try, with one thread and with two; M4A takes the most of all formats."""
    (tmp_path / "music").mkdir()
    path = audio_containers.write_audio(tmp_path / "music" / name, 25.0)
    assert snakemake(tmp_path, "--cores", "1", tracks_per_job="2").returncode == 0
    for threads in (1, 2):
        for made in ("cache", "identity", "features", "bpm", "structure", "key"):
            shutil.rmtree(tmp_path / "results" / made, ignore_errors=True)
        (manifest,) = (tmp_path / "results" / "batches").glob("*.json")
        asked = memory.megabytes(memory.minutes(name, path.stat().st_size), threads=threads)
        limits = ("--threads", str(threads), "--memory-mb", str(round(0.9 * asked)))
        assert dropgrid("batch", manifest, *limits).returncode == 0
        (record,) = (tmp_path / "results" / "key").iterdir()
        assert json.loads(record.read_text())["status"] == "ok", (threads, record.read_text())


def test_the_memory_a_job_asks_for_suffices_in_a_fork_of_the_warm_server(tmp_path, snakemake):
    """It contains what every stage imports, and the networks."""
    (tmp_path / "music").mkdir()
    for name in ("m.m4a", "o.ogg"):
        audio_containers.write_audio(tmp_path / "music" / name, 90.0)
    done = snakemake(tmp_path, "--cores", "2")
    assert done.returncode == 0 and "tried again" not in done.stderr, done.stderr
    assert [row["status"] for row in table(tmp_path).values()] == ["ok", "ok"]


def test_the_memory_of_an_allocation_is_the_cap_by_itself(music, tmp_path):
    """As in a batch system's job; --cores alone would run four."""
    allocation = {"SLURM_JOB_ID": "1", "SLURM_MEM_PER_NODE": "760"}
    jobs, total = watched_run(tmp_path, "--config", f"library={music}", **allocation)
    cap = 0.85 * 760
    assert total <= cap
    assert jobs == cap // declared(music) < 4


def test_where_memory_suffices_the_number_of_workers_is_the_cap(music, tmp_path):
    roomy = ("--resources", "mem_mb=100000", "--config", f"library={music}", "max_workers=4")
    assert watched_run(tmp_path, *roomy, DROPGRID_MAX_WORKERS="3")[0] == 3
