"""A job under supervision: what becomes of its failures, memory and time."""

from __future__ import annotations

import ctypes
import faulthandler
import json
import mmap
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from dropgrid.base.errors import DecodeError
from dropgrid.jobs.process import supervised
from dropgrid.records.model import TrackFailure
from jobs_that_fail import HANGS, raising

pytestmark = [pytest.mark.alone, pytest.mark.usefixtures("patience")]


def test_work_that_succeeds_is_nobodys_fault_and_leaves_its_file(tmp_path: Path) -> None:
    outcome = supervised(lambda: (tmp_path / "out").write_text("done"))
    assert (outcome.fault, outcome.failure) == ("none", None)
    assert (tmp_path / "out").read_text() == "done"


def test_work_happens_in_another_process(tmp_path: Path) -> None:
    supervised(lambda: (tmp_path / "pid").write_text(str(os.getpid())))
    assert int((tmp_path / "pid").read_text()) != os.getpid()


def test_a_broken_file_is_the_tracks_fault_with_stage_type_and_message() -> None:
    outcome = supervised(raising(DecodeError("no audio in\nhere")), stage="features")
    assert outcome.fault == "track"
    assert outcome.failure == TrackFailure("decode", "DecodeError", "no audio in here")


def test_an_unforeseen_error_is_the_tracks_fault_at_the_commands_stage() -> None:
    outcome = supervised(raising(ZeroDivisionError("by zero")), stage="bpm")
    assert outcome.failure == TrackFailure("bpm", "ZeroDivisionError", "by zero")
    assert outcome.fault == "track"


def test_the_log_tells_where_an_unforeseen_error_came_from_and_of_a_tracks_own_nothing(
    capfd: pytest.CaptureFixture[str],
) -> None:
    supervised(raising(ZeroDivisionError("by zero")))
    reported = capfd.readouterr().err
    assert reported.startswith("Traceback") and "in work" in reported
    assert reported.endswith("ZeroDivisionError: by zero\n")
    supervised(raising(DecodeError("no audio in here")))
    assert capfd.readouterr().err == ""


def test_more_memory_than_allowed_is_out_of_memory() -> None:
    outcome = supervised(lambda: bytearray(400 * 2**20), memory_mb=200)
    assert outcome.fault == "machine"
    assert outcome.failure is not None
    assert outcome.failure.type == "OutOfMemory"
    assert "200 MB" in outcome.failure.message


def in_a_fresh_process(work: str, memory_mb: int) -> list[str]:
    """Fault, type of the failure and peak of work, a lambda; free of what the tests hold."""
    code = (
        "import os\nfrom dropgrid.jobs.process import supervised\n"
        f"o = supervised({work}, memory_mb={memory_mb})\n"
        "print(o.fault, o.failure and o.failure.type, int(o.peak_mb))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_memory_taken_in_small_pieces_is_capped_too() -> None:
    work = "lambda: [os.urandom(100_000) for _ in range(100_000)]"
    fault, kind, peak = in_a_fresh_process(work, memory_mb=150)
    assert (fault, kind) == ("machine", "OutOfMemory")
    assert int(peak) < 200


def test_memory_within_the_cap_is_given() -> None:
    assert in_a_fresh_process("lambda: bytearray(100 * 2**20)", memory_mb=200)[0] == "none"


LIMITED = """
import json, resource, sys
from dropgrid.jobs.process import supervised
soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
resource.setrlimit(resource.RLIMIT_DATA, (800 * 2**20, 800 * 2**20))
limits = lambda: [resource.getrlimit(n) for n in (resource.RLIMIT_DATA, resource.RLIMIT_CORE)]
heard = supervised(lambda: print(json.dumps(limits()), flush=True), memory_mb=int(sys.argv[1]))
print(json.dumps([heard.fault, hard, limits()]))
"""


@pytest.mark.parametrize(("asked", "given"), [(4000, 800), (300, 300)])
def test_a_cap_stays_within_a_hard_limit_and_no_core_is_dumped(asked: int, given: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(asked)], capture_output=True, text=True, check=True
    )
    child, (fault, hard, parent) = map(json.loads, done.stdout.splitlines())
    assert fault == "none"
    assert child == [[given * 2**20, 800 * 2**20], [0, hard]]
    assert parent == [[800 * 2**20] * 2, [hard, hard]]


def test_the_parent_keeps_no_cap() -> None:
    supervised(lambda: None, memory_mb=50)
    assert len(bytearray(200 * 2**20)) == 200 * 2**20


def test_a_crash_in_a_library_is_the_machines_fault() -> None:
    def work() -> None:
        faulthandler.disable()  # keeps the test's own output clean
        ctypes.string_at(0)

    outcome = supervised(work, stage="features")
    assert outcome.fault == "machine"
    assert outcome.failure == TrackFailure("features", "Crashed", "ended with SIGSEGV")


def test_a_mapped_file_cut_short_under_its_reader_is_the_machines_fault(tmp_path: Path) -> None:
    path = tmp_path / "mapped"
    path.write_bytes(bytes(100_000))

    def work() -> None:
        faulthandler.disable()
        with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, prot=mmap.PROT_READ) as data:
            os.truncate(path, 0)
            data[50_000]

    outcome = supervised(work, stage="features")
    assert outcome.fault == "machine"
    assert outcome.failure == TrackFailure("features", "Crashed", "ended with SIGBUS")


def test_work_that_is_killed_is_the_machines_fault() -> None:
    outcome = supervised(lambda: os.kill(os.getpid(), signal.SIGKILL))
    assert outcome.failure is not None
    assert outcome.fault == "machine"
    assert outcome.failure.message.startswith("ended with SIGKILL")


def test_work_that_alone_receives_a_signal_is_not_mistaken_for_done() -> None:
    outcome = supervised(lambda: os.kill(os.getpid(), signal.SIGTERM))
    assert outcome.failure is not None
    assert outcome.failure.message == "ended with SIGTERM"


def test_work_that_exits_without_a_word_is_not_mistaken_for_done() -> None:
    outcome = supervised(lambda: os._exit(3))
    assert outcome.failure is not None
    assert outcome.failure.message == "ended with exit code 3"


def test_work_that_hangs_is_ended_even_where_it_ignores_signals() -> None:
    def work() -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        time.sleep(HANGS)

    outcome = supervised(work, seconds=0.3)
    assert outcome.fault == "machine"
    assert outcome.failure is not None
    assert outcome.failure.type == "TimedOut"
    assert outcome.seconds < HANGS / 2


def test_the_use_of_time_and_memory_is_reported() -> None:
    def work() -> None:
        block = bytearray(b"x") * (64 * 2**20)
        while time.process_time() < 0.2:
            sum(block[:1000])

    outcome = supervised(work)
    assert outcome.cpu_seconds >= 0.2
    assert outcome.peak_mb >= 64
    assert [use.cpu_seconds for use in outcome.stages] == [outcome.cpu_seconds]
    assert outcome.stages[0].peak_mb == outcome.peak_mb
