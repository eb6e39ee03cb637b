"""Files that are absurdly long, and files whose reading never ends."""

from __future__ import annotations

import fcntl
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import hostile_files
import numpy as np
import pytest
import soundfile
from dropgrid.features import memory
from jobs import ended, failure_in, job_of, reader_of, snakemake_log, table, workflow

pytestmark = [pytest.mark.slow, pytest.mark.alone]
TRIED_AGAIN = 75


def write_minutes(path: Path, minute: np.ndarray, rate: int, count: int) -> None:
    with soundfile.SoundFile(path, "w", rate, 1, subtype="PCM_16") as file:
        for _ in range(count):
            file.write(minute)


def peak_mb(printed: str) -> int:
    return int(re.findall(r"peak (\d+) MB", printed)[-1])


def test_ten_hours_of_silence_take_seconds_and_no_memory(network, tmp_path):
    rate = 11025
    source = tmp_path / "silence.flac"
    write_minutes(source, np.zeros(60 * rate, np.int16), rate, 600)
    first_try = memory.megabytes(memory.minutes(source.name, source.stat().st_size))
    assert first_try < memory.megabytes(1)  # it looks like a short one
    code, printed = job_of(source, network)(tmp_path / "out.npz", "--memory-mb", str(first_try))
    assert code == 0
    assert failure_in(tmp_path / "out.npz").message == "silent throughout"
    assert peak_mb(printed) < first_try


def test_a_file_far_longer_than_its_size_suggests_is_analysed_on_a_later_attempt(tmp_path):
    """Fifteen minutes of clicks take one megabyte, and more memory than a short track."""
    rate = 8000
    minute = np.zeros(60 * rate, np.int16)
    minute[:: rate // 2] = 20_000
    (tmp_path / "music").mkdir()
    write_minutes(tmp_path / "music" / "clicks.flac", minute, rate, 15)
    done = subprocess.run(workflow(tmp_path), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert snakemake_log(tmp_path).count("Trying to restart") in (1, 2)
    [row] = table(tmp_path).values()
    assert (row["status"], float(row["bpm"])) == ("ok", 120.0)


@contextmanager
def held_shut(path: Path) -> Iterator[None]:
    """Keep everyone who opens a file waiting: a lease on it, which Linux asks us to give up.

    It waits 45 s for that, as a rule, and so do they.
    """
    before = signal.signal(signal.SIGIO, signal.SIG_IGN)
    descriptor = os.open(path, os.O_RDWR)
    try:
        try:
            fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        except (AttributeError, OSError):
            pytest.skip("files cannot be leased here")
        yield
    finally:
        os.close(descriptor)
        signal.signal(signal.SIGIO, before)


def test_a_file_that_never_opens_is_given_up_in_time(job, tmp_path):
    output = tmp_path / "out.npz"
    limits = ("--time-limit", "2", "--attempts", "2")
    with held_shut(job.source):
        assert job(output, *limits)[0] == TRIED_AGAIN
        assert not output.exists()
        assert job(output, *limits, "--attempt", "2")[0] == 0
    assert failure_in(output).type == "TimedOut"  # it did not wait until the file opened


@pytest.mark.parametrize(("attempt", "code"), [("1", TRIED_AGAIN), ("2", 0)])
def test_a_job_stopped_in_the_midst_of_its_file_is_given_up_in_time(job, tmp_path, attempt, code):
    output = tmp_path / "out.npz"
    limits = ("--time-limit", "2", "--attempt", attempt, "--attempts", "2")
    process = job.start(output, *limits)
    reader_of(job.source, process.pid).send_signal(signal.SIGSTOP)
    assert ended(process)[0] == code
    assert output.exists() == (code == 0)
    if output.exists():
        assert failure_in(output).type == "TimedOut"


def test_a_pipe_that_took_a_files_place_after_the_scan_is_not_read(job, tmp_path):
    job.source.unlink()
    os.mkfifo(job.source)
    assert job(tmp_path / "out.npz")[0] == 0
    assert "not a file but a pipe" in failure_in(tmp_path / "out.npz").message


def test_jobs_that_hang_are_ended_by_the_workflow_and_done_on_the_next_try(song, tmp_path):
    """A minute is the shortest runtime there is: two jobs hang at once, for 40 s."""
    music = tmp_path / "music"
    names = ("shut.flac", "stopped.flac", "good.flac")
    hostile_files.write(music, {name: hostile_files.flac(song) for name in names})
    command = workflow(tmp_path, "--cores", "3", "--set-resources", "features:runtime=1")
    with held_shut(music / "shut.flac"):
        run = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        reader_of(music / "stopped.flac", run.pid).send_signal(signal.SIGSTOP)
        for _ in range(500):
            if snakemake_log(tmp_path).count("Trying to restart") == 2:
                break
            time.sleep(0.1)
    code, printed = ended(run)
    assert code == 0, printed
    assert {row["status"] for row in table(tmp_path).values()} == {"ok"}
    assert snakemake_log(tmp_path).count("Trying to restart") in (1, 2)
