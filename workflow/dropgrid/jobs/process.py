"""Running one piece of work on one track so that nothing it does can harm the batch.

`supervised` forks before anything heavy is imported. The child caps its own memory and does the
work; the parent, a few megabytes of standard library, waits, passes signals on, ends the child
when its time is up, and learns how it ended: an `Outcome`. The child dies with its parent, even
where that is killed with -9, and both end with the workflow that started them, where the
variable DROPGRID_WORKFLOW_PID names its process.

What an outcome means is decided in dropgrid.jobs.policy; dropgrid.jobs.command does both for the
commands. Call from the main thread: only there can signals be passed on.
"""

from __future__ import annotations

import faulthandler
import json
import os
import resource
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import NoReturn

from ..base.errors import TrackError
from ..records.model import TrackFailure
from .policy import Fault, Outcome, classify

GRACE = 1.5  # seconds a child has to clean up after a signal, before it is killed
TICK = 0.25  # seconds between looks at the clock

FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def supervised(
    work: Callable[[], object],
    *,
    stage: str = "features",
    memory_mb: int | None = None,
    seconds: float | None = None,
) -> Outcome:
    """Do work in a child that has at most memory_mb of memory and seconds of time.

    work reports failure by raising. What it raises, or does, never raises here. stage: where
    it is said to have failed if the error itself does not say.
    """
    parent = os.getpid()
    sys.stdout.flush()
    sys.stderr.flush()
    started = time.monotonic()
    reader, writer = os.pipe()
    with _signals_forwarded() as relay:
        pid = os.fork()
        if pid == 0:
            os.close(reader)
            _be_child(work, stage, memory_mb, parent, writer)
        os.close(writer)
        relay.child = pid
        report, timed_out = _listen(reader, relay, pid, seconds)
        relay.child = None
        _, status, usage = os.wait4(pid, 0)
    fault: Fault
    failure: TrackFailure | None
    if relay.received:
        fault, failure = "interrupt", None
    elif timed_out:
        message = f"stopped after {seconds:g} s, the most a track may take"
        fault, failure = "machine", TrackFailure(stage, "TimedOut", message)
    else:
        fault, failure = _verdict(report, os.waitstatus_to_exitcode(status), stage, memory_mb)
    scale = 2**20 if sys.platform == "darwin" else 2**10  # ru_maxrss: bytes there, KB elsewhere
    return Outcome(
        fault,
        failure,
        relay.received[0] if relay.received else 0,
        seconds=time.monotonic() - started,
        cpu_seconds=usage.ru_utime + usage.ru_stime,
        peak_mb=usage.ru_maxrss / scale,
    )


def _verdict(
    report: bytes, code: int, stage: str, memory_mb: int | None
) -> tuple[Fault, TrackFailure | None]:
    """Fault and failure from the child's report, or without one from the way it ended."""
    if report:
        said = json.loads(report)
        failure = TrackFailure(said["stage"], said["type"], said["message"])
        if failure.type == "OutOfMemory" and memory_mb is not None:
            text = f"more than the {memory_mb} MB it may use ({failure.message})"
            failure = TrackFailure(failure.stage, failure.type, text)
        return said["fault"], failure
    if code == 0:
        return "none", None
    how = f"exit code {code}" if code > 0 else signal.Signals(-code).name
    hint = " (by the system, short of memory, or by someone)" if how == "SIGKILL" else ""
    return "machine", TrackFailure(stage, "Crashed", f"ended with {how}{hint}")


class _Relay:
    """Who signals are passed on to, and those received so far."""

    def __init__(self) -> None:
        self.child: int | None = None
        self.received: list[int] = []

    def __call__(self, number: int, _frame: object) -> None:
        self.received.append(number)
        if self.child is not None:
            with suppress(ProcessLookupError):
                os.kill(self.child, number)


@contextmanager
def _signals_forwarded() -> Iterator[_Relay]:
    """Pass signals on to the child instead of dying of them; what was ignored stays so."""
    relay = _Relay()
    before = {
        number: signal.signal(number, relay)
        for number in FORWARDED
        if signal.getsignal(number) != signal.SIG_IGN
    }
    try:
        yield relay
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _listen(reader: int, relay: _Relay, pid: int, seconds: float | None) -> tuple[bytes, bool]:
    """What the child reports until it ends, ending it where it must; True if its time was up."""
    deadline = None if seconds is None else time.monotonic() + seconds
    kill_at: float | None = None
    workflow = _workflow_handle()
    watched = [reader] if workflow is None else [reader, workflow]
    report, timed_out = b"", False
    try:
        while True:
            wait = TICK
            if deadline is not None and not timed_out:
                wait = min(TICK, max(0.0, deadline - time.monotonic()))
            ready, _, _ = select.select([reader] if relay.received else watched, [], [], wait)
            if reader in ready:
                piece = os.read(reader, 65536)
                if not piece:
                    return report, timed_out
                report += piece
            now = time.monotonic()
            if workflow in ready and not relay.received:
                relay(signal.SIGTERM, None)
            if relay.received and kill_at is None:
                os.kill(pid, relay.received[0])  # it may have come before there was a child
                kill_at = now + GRACE
            timed_out = timed_out or (deadline is not None and now >= deadline)
            if timed_out or (kill_at is not None and now >= kill_at):
                os.kill(pid, signal.SIGKILL)
    finally:
        for descriptor in watched:
            os.close(descriptor)


def _workflow_handle() -> int | None:
    """A descriptor that becomes readable when the workflow's process ends, if it is named."""
    with suppress(KeyError, ValueError, OSError, AttributeError):  # Attribute: not on Linux
        return os.pidfd_open(int(os.environ["DROPGRID_WORKFLOW_PID"]))
    return None


class _Interrupted(BaseException):
    """A signal asks the child to end; not an Exception, so that no handler of those stops it."""


def _be_child(
    work: Callable[[], object], stage: str, memory_mb: int | None, parent: int, writer: int
) -> NoReturn:
    """Do the work, report a failure to the parent, and end without the parent's clean-up."""
    code = 1
    try:
        _die_with(parent)
        faulthandler.enable(sys.__stderr__ or 2)  # a crash leaves a stack in the log
        for number in FORWARDED:
            if signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, _interrupt)
        cap_memory(memory_mb)
        work()
        code = 0
    except _Interrupted as interrupted:
        signal.signal(interrupted.args[0], signal.SIG_DFL)
        os.kill(os.getpid(), interrupted.args[0])
    except BaseException as error:
        cap_memory(None)  # what is left to do must not fail for want of memory
        fault, failure = classify(error, stage)
        if fault == "track" and not isinstance(error, TrackError):
            traceback.print_exc()
        os.write(writer, json.dumps({"fault": fault, **vars(failure)}).encode())
    finally:
        with suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _interrupt(number: int, _frame: object) -> None:
    for other in FORWARDED:
        signal.signal(other, signal.SIG_IGN)  # once is enough: let the clean-up finish
    raise _Interrupted(number)


def cap_memory(memory_mb: int | None) -> None:
    """Limit what this process may allocate, or lift the limit; write no core dumps.

    RLIMIT_DATA counts what a process writes to (heap, anonymous mappings), in use or not;
    RLIMIT_AS would also count mapped libraries and files and the reserves of thread stacks and
    heaps, hundreds of megabytes that take no memory. Only the soft limit is set, so that it
    can be lifted again to report the failure.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = hard if memory_mb is None else memory_mb * 2**20
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (wanted, hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


def _die_with(parent: int) -> None:
    """Have the system end this process when its parent ends, however that happens (Linux)."""
    if sys.platform != "linux":
        return
    import ctypes

    PR_SET_PDEATHSIG = 1
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before the call
        os._exit(1)
