"""Running one piece of work on one track so that nothing it does can harm the batch.

`supervised` forks before anything heavy is imported. The child caps its own memory and does the
work; the parent, a few megabytes of standard library, waits, passes signals on, ends the child
when its time is up, and learns how it ended: an `Outcome`. The child dies with its parent, even
where that is killed with -9, and both end with the workflow that started them, where the
variable DROPGRID_WORKFLOW_PID names its process.

`decide` says what an outcome means; it is the whole policy:

    whose fault       examples                                   before the last try  on the last
    track             not audio, cut short, silent, unreadable   recorded             recorded
    machine           out of memory, disk full, I/O error,       tried again          recorded
                      crash, killed, out of time, damaged input
    run               wrong option, no models, broken install    gives up             gives up
    interrupt         SIGINT, SIGTERM, SIGHUP                    128 + signal         128 + signal

`supervise_track` is what the commands call; it does both:

    def run(arguments):
        def work() -> None:
            from ..features import extract, store  # heavy imports belong in here
            store.save(output, extract(path), ...)

        def record_failure(failure: TrackFailure) -> None:
            store.save(output, failure)

        return supervise_track(work, record_failure, stage="features", arguments=arguments)

`work` must write its result atomically and last. `record_failure` runs in the parent, which is
unharmed by whatever befell the child. Options of the command line: `add_arguments`.
Call from the main thread: only there can signals be passed on.
"""

from __future__ import annotations

import argparse
import errno
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
from dataclasses import dataclass
from typing import Literal, NoReturn

from .errors import ConfigError, LibraryError, ModelError, RecordError, TrackError
from .records import TrackFailure

EXIT_AGAIN = 75  # EX_TEMPFAIL of sysexits.h: the machine's fault, worth another try
EXIT_RUN = 2  # the run itself cannot do its job: trying again is no use
GRACE = 1.5  # seconds a child has to clean up after a signal, before it is killed
TICK = 0.25  # seconds between looks at the clock

FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
MACHINE_ERRNOS = frozenset({
    errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS, errno.ENOMEM,
    errno.EAGAIN, errno.EMFILE, errno.ENFILE, errno.ESTALE, errno.ETIMEDOUT, errno.EREMOTEIO,
    errno.ENODEV, errno.ENXIO, errno.EHOSTDOWN, errno.ENOTCONN, errno.ECONNRESET,
})  # fmt: skip
# What libraries say, in errors that are no MemoryError, when an allocation has failed.
MEMORY_WORDS = ("bad_alloc", "bad allocation", "to allocate", "cannot allocate", "malloc")

Fault = Literal["none", "track", "machine", "run", "interrupt"]


@dataclass(frozen=True)
class Outcome:
    """How a piece of work ended.

    fault: whose fault it is that it failed; "none" where it did not.
    failure: what to tell of it; None after success or an interrupt.
    signal: the signal that interrupted it, otherwise 0.
    seconds, cpu_seconds: of the child. peak_mb: the most memory it held, in MB of 2^20 bytes.
    """

    fault: Fault
    failure: TrackFailure | None = None
    signal: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_mb: float = 0.0


@dataclass(frozen=True)
class Decision:
    """What to do about an outcome: end with exit_code, after recording the failure or not."""

    record: bool
    exit_code: int


def decide(outcome: Outcome, *, last_attempt: bool) -> Decision:
    """What an outcome means: see the table in the module's docstring."""
    if outcome.fault == "track" or (outcome.fault == "machine" and last_attempt):
        return Decision(record=True, exit_code=0)
    if outcome.fault == "machine":
        return Decision(record=False, exit_code=EXIT_AGAIN)
    if outcome.fault == "run":
        return Decision(record=False, exit_code=EXIT_RUN)
    return Decision(record=False, exit_code=128 + outcome.signal if outcome.signal else 0)


def classify(error: BaseException, stage: str) -> tuple[Fault, TrackFailure]:
    """Whose fault an exception is, and how to tell it.

    A machine's fault counts wherever it is in the chain of causes: a DecodeError because of
    an EIO is the disk's. But what FFmpeg calls so is its word for what it found in the file (a
    disk's own error reaches us as Python's). What no other rule covers is the track's fault, at
    `stage`.
    """
    message = " ".join(str(error).split())[:1000] or type(error).__name__
    where = error.stage if isinstance(error, TrackError) else stage
    for cause in _chain(error):
        if isinstance(cause, MemoryError) or _speaks_of_memory(cause):
            return "machine", TrackFailure(where, "OutOfMemory", message)
        if isinstance(cause, OSError) and cause.errno in MACHINE_ERRNOS and not _decoders(cause):
            return "machine", TrackFailure(where, type(cause).__name__, message)
    if isinstance(error, RecordError):
        return "machine", TrackFailure(where, type(error).__name__, message)
    if isinstance(error, ConfigError | LibraryError | ModelError | ImportError | SyntaxError):
        return "run", TrackFailure(where, type(error).__name__, message)
    return "track", TrackFailure(where, type(error).__name__, message)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An exception, its cause, the cause of that, and so on; a loop ends it."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _decoders(error: OSError) -> bool:
    """Whether an error with the number of a machine's is a decoder's verdict on its input."""
    return type(error).__module__.partition(".")[0] == "av" and error.errno != errno.ENOMEM


def _speaks_of_memory(error: BaseException) -> bool:
    # Only foreign errors: our own quote file names, which may say anything.
    foreign = not type(error).__module__.startswith("dropgrid") and not isinstance(error, OSError)
    return foreign and any(word in str(error).lower() for word in MEMORY_WORDS)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of every supervised command."""
    group = parser.add_argument_group("limits")
    group.add_argument("--memory-mb", type=int, metavar="MB", help="most memory to use")
    group.add_argument("--time-limit", type=float, metavar="SECONDS", help="most time to take")
    group.add_argument(
        "--attempt", type=int, default=1, metavar="N", help="which try this is (default: 1)"
    )
    group.add_argument(
        "--attempts", type=int, default=1, metavar="N", help="how many there are (default: 1)"
    )


def supervise_track(
    work: Callable[[], object],
    record_failure: Callable[[TrackFailure], None],
    *,
    stage: str,
    arguments: argparse.Namespace,
) -> int:
    """Do work under supervision and deal with how it ended; the exit code of the command.

    stage: where a failure is said to have happened if the error itself does not say.
    arguments: has what add_arguments adds.
    """
    outcome = supervised(
        work, stage=stage, memory_mb=arguments.memory_mb, seconds=arguments.time_limit
    )
    decision = decide(outcome, last_attempt=arguments.attempt >= arguments.attempts)
    if decision.record and outcome.failure is not None:
        try:
            record_failure(outcome.failure)
        except OSError as error:  # disk full, no permission: the failure must not be lost
            print(f"dropgrid: the failure cannot be recorded: {error}", file=sys.stderr)
            decision = Decision(record=False, exit_code=EXIT_AGAIN)
    _tell(outcome, decision, stage)
    return decision.exit_code


def _tell(outcome: Outcome, decision: Decision, stage: str) -> None:
    """The last lines of a job's log: what went wrong and what follows, and what it took."""
    if outcome.failure is not None:
        follows = "recorded" if decision.record else "not recorded"
        if decision.exit_code == EXIT_AGAIN:
            follows = "to be tried again"
        failure = outcome.failure
        print(
            f"dropgrid: {failure.stage}: {failure.type}: {failure.message} ({follows})",
            file=sys.stderr,
        )
    print(
        f"dropgrid: {stage} took {outcome.seconds:.2f} s, cpu {outcome.cpu_seconds:.2f} s, "
        f"peak {outcome.peak_mb:.0f} MB",
        file=sys.stderr,
    )


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
