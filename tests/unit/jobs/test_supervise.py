"""What befalls supervised work, done for real: every test forks, and many of the children die."""

from __future__ import annotations

import argparse
import ctypes
import errno
import faulthandler
import json
import mmap
import os
import signal
import struct
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from dropgrid.base.errors import ConfigError, DecodeError, ModelError, RecordError, UnusableAudio
from dropgrid.jobs import process
from dropgrid.jobs.policy import EXIT_AGAIN, EXIT_RUN, Decision, Outcome, classify, decide
from dropgrid.jobs.process import supervised
from dropgrid.jobs.supervise import add_arguments, supervise_stages, supervise_track
from dropgrid.jobs.usage_log import read_use
from dropgrid.records.model import TrackFailure

pytestmark = pytest.mark.alone
HANGS = 600  # s: of what never ends; whatever ends it is sooner, however busy the machine is


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A child has time to clean up, however busy the machine is."""
    monkeypatch.setattr(process, "GRACE", HANGS / 2)


def raising(error: BaseException) -> Callable[[], None]:
    def work() -> None:
        raise error

    return work


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
    told = capfd.readouterr().err
    assert told.startswith("Traceback") and "in work" in told
    assert told.endswith("ZeroDivisionError: by zero\n")
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


def test_work_that_alone_receives_a_signal_is_not_taken_for_done() -> None:
    outcome = supervised(lambda: os.kill(os.getpid(), signal.SIGTERM))
    assert outcome.failure is not None
    assert outcome.failure.message == "ended with SIGTERM"


def test_work_that_exits_without_a_word_is_not_taken_for_done() -> None:
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


def test_the_use_of_time_and_memory_is_told() -> None:
    def work() -> None:
        block = bytearray(b"x") * (64 * 2**20)
        while time.process_time() < 0.2:
            sum(block[:1000])

    outcome = supervised(work)
    assert outcome.cpu_seconds >= 0.2
    assert outcome.peak_mb >= 64
    assert [use.cpu_seconds for use in outcome.stages] == [outcome.cpu_seconds]
    assert outcome.stages[0].peak_mb == outcome.peak_mb


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_the_parent_ends_the_child_and_lets_it_clean_up(
    tmp_path: Path, number: signal.Signals
) -> None:
    def work() -> None:
        try:
            os.kill(os.getppid(), number)
            time.sleep(HANGS)
        finally:
            (tmp_path / "cleaned").touch()

    before = signal.signal(number, signal.SIG_DFL)  # in the background it may be ignored
    outcome = supervised(work)
    signal.signal(number, before)
    assert outcome.fault == "interrupt"
    assert decide(outcome, last_attempt=True) == Decision(record=False, exit_code=128 + number)
    assert (tmp_path / "cleaned").exists()


def test_a_signal_that_came_before_there_was_a_child_reaches_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fork = os.fork

    def signalled_first() -> int:
        os.kill(os.getpid(), signal.SIGTERM)
        return fork()

    def work() -> None:
        try:
            (tmp_path / "begun").touch()
            time.sleep(HANGS)
        finally:
            (tmp_path / "cleaned").touch()

    monkeypatch.setattr(os, "fork", signalled_first)
    monkeypatch.setattr(process, "TICK", 30.0)
    outcome = supervised(work)
    assert (outcome.fault, outcome.signal) == ("interrupt", signal.SIGTERM)
    assert outcome.seconds < HANGS / 2
    assert (tmp_path / "cleaned").exists() or not (tmp_path / "begun").exists()


def test_a_signal_that_comes_before_the_child_can_take_it_is_not_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def as_a_child_begins(parent: int) -> None:
        os.kill(parent, signal.SIGTERM)
        time.sleep(0.5)  # the parent passes it on

    monkeypatch.setattr(process, "_die_with", as_a_child_begins)
    outcome = supervised(lambda: time.sleep(HANGS))
    assert (outcome.fault, outcome.signal) == ("interrupt", signal.SIGTERM)
    assert outcome.seconds < HANGS / 2


@pytest.mark.parametrize("again", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_does_not_end_the_clean_up(tmp_path: Path, again: signal.Signals) -> None:
    def work() -> None:
        try:
            os.kill(os.getppid(), signal.SIGTERM)
            time.sleep(HANGS)
        finally:
            os.kill(os.getpid(), again)
            time.sleep(0.1)
            (tmp_path / "cleaned").touch()

    before = signal.signal(signal.SIGINT, signal.SIG_DFL)  # in the background it may be ignored
    outcome = supervised(work)
    signal.signal(signal.SIGINT, before)
    assert (outcome.fault, outcome.signal) == ("interrupt", signal.SIGTERM)
    assert (tmp_path / "cleaned").exists()


def test_a_child_deaf_to_signals_is_ended_after_a_moment(monkeypatch) -> None:
    monkeypatch.setattr(process, "GRACE", 0.2)

    def work() -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.kill(os.getppid(), signal.SIGTERM)
        time.sleep(HANGS)

    outcome = supervised(work)
    assert (outcome.fault, outcome.signal) == ("interrupt", signal.SIGTERM)
    assert outcome.seconds < HANGS / 2


def test_signal_handlers_are_put_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    supervised(lambda: None)
    assert signal.getsignal(signal.SIGTERM) == before


SLEEPER = textwrap.dedent("""
    import os, sys, time
    from pathlib import Path
    from dropgrid.jobs.process import supervised

    def work():
        Path(sys.argv[1]).write_text(str(os.getpid()))
        time.sleep(600)

    supervised(work)
""")


def wait_until(condition: Callable[[], bool], seconds: float = HANGS / 2) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return False


def runs(pid: int) -> bool:
    """Whether there is such a process and it is not merely waiting to be reaped."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ties a child to its parent")
def test_killing_the_parent_with_9_ends_the_child(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    parent = subprocess.Popen([sys.executable, "-c", SLEEPER, note])
    assert wait_until(lambda: note.exists() and note.read_text() != "")
    parent.kill()
    parent.wait()
    assert wait_until(lambda: not runs(int(note.read_text())))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets processes be watched")
def test_the_end_of_the_workflow_ends_parent_and_child(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    workflow = subprocess.Popen(["sleep", str(HANGS)])
    environment = {**os.environ, "DROPGRID_WORKFLOW_PID": str(workflow.pid)}
    parent = subprocess.Popen([sys.executable, "-c", SLEEPER, note], env=environment)
    assert wait_until(lambda: note.exists() and note.read_text() != "")
    assert runs(parent.pid)
    workflow.kill()
    workflow.wait()
    assert parent.wait(timeout=HANGS / 2) is not None
    assert wait_until(lambda: not runs(int(note.read_text())))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets processes be watched")
def test_work_that_begins_after_the_workflow_has_ended_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    monkeypatch.setenv("DROPGRID_WORKFLOW_PID", str(gone.pid))
    begun = time.monotonic()
    outcome = supervised(lambda: time.sleep(HANGS))
    assert (outcome.fault, outcome.signal) == ("interrupt", signal.SIGTERM)
    assert time.monotonic() - begun < HANGS / 2


def stages_of(arguments: list[str], *work: tuple[str, Callable[[], object]]) -> tuple[int, list]:
    """Several stages under supervision; the exit code, and (stage, failure) as recorded."""
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    recorded: list[tuple[str, TrackFailure]] = []
    doing = dict(work)
    code = supervise_stages(
        lambda stage: doing[stage](), lambda *failed: recorded.append(failed), list(doing),
        parser.parse_args(arguments),
    )  # fmt: skip
    return code, recorded


def test_the_stages_of_a_track_share_a_process(tmp_path: Path, capfd) -> None:
    def note(stage: str) -> Callable[[], object]:
        return lambda: (tmp_path / stage).write_text(f"{os.getpid()}")

    def burn() -> None:
        note("bpm")()
        end = time.process_time() + 0.3
        while time.process_time() < end:
            pass

    done = stages_of([], ("features", note("features")), ("bpm", burn), ("key", note("key")))
    assert done == (0, [])
    assert len({(tmp_path / stage).read_text() for stage in ("features", "bpm", "key")}) == 1
    log = tmp_path / "log"
    log.write_text(capfd.readouterr().err)
    used = dict(read_use(log))
    assert list(used) == ["features", "bpm", "key"]
    assert used["bpm"].cpu_seconds >= 0.3 > used["features"].cpu_seconds + used["key"].cpu_seconds


def test_a_stage_that_failed_for_good_is_followed_by_the_next(tmp_path: Path) -> None:
    done = stages_of(
        [], ("features", raising(DecodeError("cut short"))), ("bpm", lambda: None),
        ("structure", lambda: os.abort()), ("key", lambda: (tmp_path / "key").touch()),
    )  # fmt: skip
    assert done[0] == 0 and (tmp_path / "key").exists()
    assert [(stage, failure.type) for stage, failure in done[1]] == [
        ("features", "DecodeError"), ("structure", "Crashed"),
    ]  # fmt: skip
    assert done[1][1][1].stage == "structure"


def test_a_stage_that_is_to_be_tried_again_is_the_last(tmp_path: Path) -> None:
    done = stages_of(
        ["--attempts", "3"], ("features", lambda: None), ("bpm", os.abort),
        ("key", lambda: (tmp_path / "key").touch()),
    )  # fmt: skip
    assert done == (EXIT_AGAIN, []) and not (tmp_path / "key").exists()


def test_each_stage_has_its_own_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """By a clock that the child moves on, however busy the machine is."""
    ahead = mmap.mmap(-1, 8)  # of both processes: seconds
    real = time.monotonic

    def clock() -> float:
        return real() + struct.unpack("d", ahead[:8])[0]

    def take(seconds: float) -> Callable[[], None]:
        def work() -> None:
            time.sleep(0.6)  # the parent has heard that the stage began
            ahead[:8] = struct.pack("d", struct.unpack("d", ahead[:8])[0] + seconds)

        return work

    monkeypatch.setattr(process, "time", SimpleNamespace(monotonic=clock))
    limits = ["--time-limit", "1000"]
    assert stages_of(limits, ("features", take(700)), ("bpm", take(700))) == (0, [])

    def hang() -> None:
        take(1200)()
        time.sleep(HANGS)

    code, [(stage, failure)] = stages_of(limits, ("bpm", take(700)), ("key", hang))
    assert (code, stage, failure.type) == (0, "key", "TimedOut")


def test_the_parent_stays_small_and_its_start_imports_nothing_heavy() -> None:
    code = (
        "import sys, dropgrid.jobs.process as s; s.supervised(lambda: None); print(*sys.modules)"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"numpy", "soundfile", "llvmlite", "scipy", "ctypes"} & set(loaded)


# The policy, without processes.


def test_a_machines_fault_deep_in_the_causes_counts() -> None:
    try:
        try:
            raise OSError(errno.EIO, "Input/output error")
        except OSError as cause:
            raise DecodeError("cannot be read") from cause
    except DecodeError as error:
        assert classify(error, "features") == (
            "machine",
            TrackFailure("decode", "OSError", "cannot be read"),
        )


def test_a_fault_met_while_another_was_handled_counts_unless_it_was_set_aside() -> None:
    def then(error: DecodeError) -> DecodeError:
        try:
            raise OSError(errno.EIO, "Input/output error")
        except OSError:
            try:
                raise error
            except DecodeError as raised:
                return raised

    assert classify(then(DecodeError("cannot be read")), "features")[0] == "machine"
    aside = then(DecodeError("not audio"))
    aside.__suppress_context__ = True  # as `raise ... from None` does
    assert classify(aside, "features") == (
        "track",
        TrackFailure("decode", "DecodeError", "not audio"),
    )


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "machine"),
        (OSError(errno.EFBIG, "File too large"), "machine"),
        (OSError(errno.EACCES, "Permission denied"), "machine"),
        (FileNotFoundError(errno.ENOENT, "No such file"), "machine"),
        (MemoryError(), "machine"),
        (RuntimeError("std::bad_alloc"), "machine"),
        (RuntimeError("can't start new thread"), "machine"),
        (DecodeError("malloc.mp3 is not audio"), "track"),
        (RecordError("features.npz: cut short"), "machine"),
        (UnusableAudio("silent"), "track"),
        (ModelError("changed"), "run"),
        (ConfigError("bpm.min_bpm"), "run"),
        (ImportError("no numpy"), "run"),
        (SyntaxError("broken install"), "run"),
        (IndexError("7"), "track"),
    ],
)
def test_whose_fault_an_exception_is(error: BaseException, fault: str) -> None:
    assert classify(error, "features")[0] == fault


def test_a_message_of_any_length_is_one_line_of_a_thousand_characters_at_most() -> None:
    failure = classify(IndexError("far\n\taway " * 200), "features")[1]
    assert len(failure.message) == 1000
    assert failure.message.startswith("far away far away")
    assert classify(IndexError(), "features")[1].message == "IndexError"


FAILURE = TrackFailure("features", "OutOfMemory", "too much")


def test_the_policy_is_the_table_of_the_docstring() -> None:
    def of(fault: str, last: bool) -> tuple[bool, int]:
        outcome = Outcome(fault, FAILURE, signal=15 if fault == "interrupt" else 0)
        decision = decide(outcome, last_attempt=last)
        return decision.record, decision.exit_code

    assert [of("none", last) for last in (False, True)] == [(False, 0)] * 2
    assert [of("track", last) for last in (False, True)] == [(True, 0)] * 2
    assert [of("machine", last) for last in (False, True)] == [(False, EXIT_AGAIN), (True, 0)]
    assert [of("run", last) for last in (False, True)] == [(False, EXIT_RUN)] * 2
    assert [of("interrupt", last) for last in (False, True)] == [(False, 143)] * 2
    assert decide(Outcome("none"), last_attempt=True) == Decision(record=False, exit_code=0)


def arguments(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args(words)


def test_out_of_memory_is_tried_again_and_recorded_on_the_last_attempt(
    capsys: pytest.CaptureFixture[str],
) -> None:
    recorded: list[TrackFailure] = []

    def go(attempt: str) -> int:
        given = arguments("--memory-mb", "200", "--attempt", attempt, "--attempts", "2")
        return supervise_track(
            lambda: bytearray(400 * 2**20), recorded.append, stage="features", arguments=given
        )

    assert go("1") == EXIT_AGAIN
    assert recorded == []
    assert "to be tried again" in capsys.readouterr().err
    assert go("2") == 0
    assert [failure.type for failure in recorded] == ["OutOfMemory"]


def test_a_failure_that_cannot_be_recorded_fails_the_job(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def record(_failure: TrackFailure) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    code = supervise_track(
        raising(DecodeError("no")), record, stage="features", arguments=arguments()
    )
    assert code == EXIT_AGAIN
    assert "No space left on device" in capsys.readouterr().err
