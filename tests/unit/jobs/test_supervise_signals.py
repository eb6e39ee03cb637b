"""A job under supervision, and signals: to it, to its parent, and from the workflow."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from dropgrid.jobs import process
from dropgrid.jobs.policy import Decision, decide
from dropgrid.jobs.process import supervised
from jobs_that_fail import HANGS, runs, wait_until

pytestmark = [pytest.mark.alone, pytest.mark.usefixtures("patience")]


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
        assert wait_until(lambda: signal.SIGTERM in signal.sigpending())  # the parent passed it on

    monkeypatch.setattr(process, "_die_with", as_a_child_begins)
    outcome = supervised(lambda: time.sleep(HANGS))
    assert (outcome.fault, outcome.signal) == ("interrupt", signal.SIGTERM)


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
