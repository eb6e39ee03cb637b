"""Run work on one track in a child process, so that no failure can harm the batch.

`supervised` forks. The child limits its own memory and does the work. The parent waits, forwards
signals, ends the child when its time is up, and records the stages it reached (`enter_stage`) and
how it ended: an `Outcome`. The child ends with its parent, even after kill -9. Both end with the
workflow that started them, if the variable DROPGRID_WORKFLOW_PID gives the id of its process.

dropgrid.jobs.policy decides what an outcome means; dropgrid.jobs.supervise does both for the
commands. Call from the main thread: only the main thread can forward signals.
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
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, NoReturn

from ..base.errors import TrackError
from ..records.model import TrackFailure
from .crashes import Crash
from .last_words import LastWords
from .policy import Fault, Outcome, StageUse, classify, line_on_memory

GRACE = 1.5  # seconds a child has to clean up after a signal, before it is killed
TICK = 0.25  # seconds between looks at the clock
MAXRSS_IN_MB = 2**20 if sys.platform == "darwin" else 2**10  # ru_maxrss: bytes there, KB elsewhere

# The report of a child that has no memory left to write a report.
NO_MEMORY = b'{"fault": "machine", "stage": "", "type": "OutOfMemory", "message": "MemoryError"}\n'
FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def supervised(
    work: Callable[[], object],
    *,
    stage: str = "features",
    memory_mb: int | None = None,
    seconds: float | None = None,
) -> Outcome:
    """Do work in a child with at most memory_mb of memory and `seconds` of time.

    work reports failure by raising; no exception or crash in the child raises here. stage: the
    stage for failures until work calls enter_stage, unless the error names another stage. seconds:
    the limit for each stage.
    """
    parent = os.getpid()
    sys.stdout.flush()
    sys.stderr.flush()
    started = time.monotonic()
    reader, writer = os.pipe()
    words, crash = LastWords(), Crash()
    with _signals_forwarded() as relay:
        # Signals are blocked until the child can handle them and this process knows the child.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, FORWARDED)
        pid = os.fork()
        if pid == 0:
            os.close(reader)
            words.speak()
            crash.pause_on_crash()
            _be_child(work, stage, memory_mb, parent, writer, mask)
        relay.child = pid
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        os.close(writer)
        words.listen()
        crash.listen()
        reports = _Reports(stage, started, words, crash)
        timed_out = _listen(reader, relay, pid, seconds, reports)
        report = words.close()
        crash.close()
        relay.child = None
        _, status, usage = os.wait4(pid, 0)
    fault: Fault
    failure: TrackFailure | None
    if relay.received:
        fault, failure = "interrupt", None
    elif timed_out:
        message = f"stopped after {seconds:g} s, the most a track may take"
        fault, failure = "machine", TrackFailure(reports.stage, "TimedOut", message)
    else:
        fault, failure = _verdict(reports, report, os.waitstatus_to_exitcode(status), memory_mb)
    cpu_seconds, peak_mb = usage.ru_utime + usage.ru_stime, usage.ru_maxrss / MAXRSS_IN_MB
    reports.enter("", cpu_seconds, peak_mb)
    return Outcome(
        fault,
        failure,
        relay.received[0] if relay.received else 0,
        seconds=time.monotonic() - started,
        cpu_seconds=cpu_seconds,
        peak_mb=peak_mb,
        stages=tuple(reports.uses),
    )


def enter_stage(stage: str) -> None:
    """In the child: report to the parent that the work enters this stage."""
    global _stage
    _stage = stage
    usage = resource.getrusage(resource.RUSAGE_SELF)
    usage_now = {"cpu": usage.ru_utime + usage.ru_stime, "peak_mb": usage.ru_maxrss / MAXRSS_IN_MB}
    _tell({"enters": stage, **usage_now})


client: int | None = None  # the socket whose other end started this process, if one did
_writer = -1  # in the child: the pipe to its parent, and
_stage = ""  # the stage it is at


def _tell(report: dict[str, object]) -> None:
    if _writer >= 0:
        os.write(_writer, json.dumps(report).encode() + b"\n")


class _Reports:
    """What the child has reported so far: its stages and a failure, each a line of JSON, its
    standard error, and a crash."""

    def __init__(self, stage: str, started: float, words: LastWords, crash: Crash) -> None:
        self.stage, self.words, self.crash = stage, words, crash
        self.uses: list[StageUse] = []
        self.failure: dict[str, str] = {}
        self._since = started, 0.0
        self._rest = b""

    def add(self, piece: bytes) -> None:
        """Process bytes from the pipe."""
        *lines, self._rest = (self._rest + piece).split(b"\n")
        for line in lines:
            report = json.loads(line)
            if "enters" not in report:
                self.failure = report
                continue
            self.enter(report["enters"], report["cpu"], report["peak_mb"])

    def enter(self, stage: str, cpu: float, peak_mb: float) -> None:
        """Finish the account of the previous stage; cpu: CPU seconds used so far."""
        now = time.monotonic()
        since, before = self._since
        self.uses.append(StageUse(self.stage, now - since, max(0.0, cpu - before), peak_mb))
        self.stage, self._since = stage, (now, cpu)


def _verdict(
    reports: _Reports, last_words: str, code: int, memory_mb: int | None
) -> tuple[Any, TrackFailure | None]:
    """Fault and failure from the child's report or, without a report, from how it ended."""

    def out_of_memory(stage: str, why: str) -> tuple[Fault, TrackFailure]:
        if memory_mb is not None:
            why = f"more than the {memory_mb} MB it may use ({why})"
        return "machine", TrackFailure(stage, "OutOfMemory", why)

    if report := reports.failure:
        failure = TrackFailure(report["stage"] or reports.stage, report["type"], report["message"])
        if failure.type == "OutOfMemory":
            return out_of_memory(failure.stage, failure.message)
        return report["fault"], failure
    if code == 0:
        return "none", None
    if line := line_on_memory(last_words):
        return out_of_memory(reports.stage, line)
    number = reports.crash.signal or (signal.Signals(-code) if code < 0 else None)
    how = number.name if number else f"exit code {code}"
    if reports.crash.is_at(memory_mb) and number not in (signal.SIGKILL, *FORWARDED):
        return out_of_memory(
            reports.stage, f"ended with {how}, {reports.crash.counted_mb:.0f} MB in use"
        )
    hint = " (by the system, short of memory, or by someone)" if how == "SIGKILL" else ""
    return "machine", TrackFailure(reports.stage, "Crashed", f"ended with {how}{hint}")


class _Relay:
    """The process that gets forwarded signals, and the signals received so far."""

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
    """Forward signals to the child instead of ending; ignored signals stay ignored."""
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


def _listen(
    reader: int, relay: _Relay, pid: int, seconds: float | None, reports: _Reports
) -> bool:
    """Read the child's reports until it ends, and end it if necessary; True if its time was up."""
    deadline = None if seconds is None else time.monotonic() + seconds
    kill_at: float | None = None
    workflow = _workflow_handle()
    words, crash = reports.words, reports.crash
    watched = {reader, words.reader, crash.reader}
    watched |= {handle for handle in (workflow, client) if handle is not None}
    timed_out = False
    try:
        while True:
            wait = TICK
            if deadline is not None and not timed_out:
                wait = min(TICK, max(0.0, deadline - time.monotonic()))
            ready, _, _ = select.select(watched, [], [], wait)
            if words.reader in ready and not words.pass_on():
                watched.discard(words.reader)
            crash.look(pid, readable=crash.reader in ready)
            if reader in ready:
                piece = os.read(reader, 65536)
                if not piece:
                    return timed_out
                stage = reports.stage
                reports.add(piece)
                if seconds is not None and reports.stage != stage:
                    deadline = time.monotonic() + seconds
            now = time.monotonic()
            if workflow in ready:
                watched.discard(workflow)  # it stays readable
                if not relay.received:
                    relay(signal.SIGTERM, None)
            if client in ready:
                watched.discard(client)
                if not relay.received:
                    relay(_signal_from(client), None)
            if relay.received and kill_at is None:
                os.kill(pid, relay.received[0])  # it may have arrived before the child existed
                kill_at = now + GRACE
            timed_out = timed_out or (deadline is not None and now >= deadline)
            if timed_out or (kill_at is not None and now >= kill_at):
                os.kill(pid, signal.SIGKILL)
    finally:
        for descriptor in (reader, workflow):
            if descriptor is not None:
                os.close(descriptor)


def _signal_from(client: int | None) -> int:
    """The signal that a client forwards; SIGTERM if the client has ended."""
    report = b""
    with suppress(OSError):
        report = os.read(client, 1) if client is not None else b""
    return report[0] if report and report[0] in FORWARDED else signal.SIGTERM


def _workflow_handle() -> int | None:
    """A descriptor that becomes readable when the workflow's process ends; None if unknown."""
    try:
        return os.pidfd_open(int(os.environ["DROPGRID_WORKFLOW_PID"]))
    except ProcessLookupError:  # it has ended already
        return os.open(os.devnull, os.O_RDONLY)
    except (KeyError, ValueError, OSError, AttributeError):  # Attribute: not on Linux
        return None


class _Interrupted(BaseException):
    """A signal asks the child to end; no Exception, so `except Exception` does not catch it."""


def _be_child(
    work: Callable[[], object],
    stage: str,
    memory_mb: int | None,
    parent: int,
    writer: int,
    mask: Iterable[int],
) -> NoReturn:
    """Do the work, report a failure to the parent, and end without the parent's clean-up."""
    global _writer, _stage
    code, _writer, _stage = 1, writer, stage
    try:
        _die_with(parent)
        faulthandler.enable(sys.__stderr__ or 2)  # a crash leaves a stack in the log
        for number in FORWARDED:
            if signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, _interrupt)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        cap_memory(memory_mb)
        work()
        code = 0
    except _Interrupted as interrupted:
        signal.signal(interrupted.args[0], signal.SIG_DFL)
        os.kill(os.getpid(), interrupted.args[0])
    except BaseException as error:
        cap_memory(None)  # the remaining steps must not fail for lack of memory
        try:
            fault, failure = classify(error, _stage)
            if fault == "track" and not isinstance(error, TrackError):
                traceback.print_exc()
            _tell({"fault": fault, **vars(failure)})
        except MemoryError:  # possible under a limit that only the system can lift
            os.write(writer, NO_MEMORY)
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

    RLIMIT_DATA counts writable memory (heap, anonymous mappings), used or not, including memory
    from before the fork, although those pages are shared. RLIMIT_AS would also count mapped
    libraries and files and the reserves of thread stacks and heaps: hundreds of megabytes that use
    no memory. Only the soft limit is set, so that it can be lifted again to report the failure.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = hard if memory_mb is None else memory_mb * 2**20
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (wanted, hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


def _die_with(parent: int) -> None:
    """Make the system end this process when its parent ends, for whatever reason (Linux)."""
    if sys.platform != "linux":
        return
    import ctypes

    PR_SET_PDEATHSIG = 1
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before the call
        os._exit(1)
