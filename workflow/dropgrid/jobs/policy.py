"""The policy for failed jobs: classify the cause of a failure and decide what to do.

cause             examples                                   before the last try  on the last
track             not audio, cut short, silent, unreadable   recorded             recorded
machine           out of memory, disk full, I/O error,       tried again          recorded
                  crash, killed, out of time, damaged input
run               wrong option, no models, broken install    gives up             gives up
interrupt         SIGINT, SIGTERM, SIGHUP                    128 + signal         128 + signal
"""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ..base.errors import ConfigError, LibraryError, ModelError, RecordError, TrackError
from ..records.model import TrackFailure

EXIT_AGAIN = 75  # EX_TEMPFAIL of sysexits.h: the machine's fault, worth another try
EXIT_RUN = 2  # the run itself cannot do its job: trying again is no use
MACHINE_ERRNOS = frozenset({
    errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS, errno.ENOMEM,
    errno.EAGAIN, errno.EMFILE, errno.ENFILE, errno.ESTALE, errno.ETIMEDOUT, errno.EREMOTEIO,
    errno.ENODEV, errno.ENXIO, errno.EHOSTDOWN, errno.ENOTCONN, errno.ECONNRESET,
})  # fmt: skip
# Messages of libraries after a failed allocation: in errors other than MemoryError, or on standard
# error before they end the process. A thread cannot start if there is no memory for its stack.
# The C library's messages about a corrupt heap do not match: "malloc(): invalid size".
_NO_MEMORY = re.compile(
    r"""bad[_ ]alloc | out \s of \s memory | memory \s exhausted | not \s enough \s memory
    | (?: (?: unable | failed ) \s to | (?: could | can ) (?: \s? not | n?'t ) ) \s (?:re)?allocate
    | alloc (?:ation)? (?: \s? \(\) )? (?: \s [\w.]+ ){0,3} \s fail
    | can't \s start \s new \s thread | thread \s creation \s failed | pthread_create \s failed
    | resource \s temporarily \s unavailable""",
    re.IGNORECASE | re.VERBOSE,
)
Fault = Literal["none", "track", "machine", "run", "interrupt"]


@dataclass(frozen=True)
class StageUse:
    """Resources that a stage used: wall-clock and CPU seconds, and the peak of memory until its
    end, in MB."""

    stage: str
    seconds: float
    cpu_seconds: float
    peak_mb: float


@dataclass(frozen=True)
class Outcome:
    """How a piece of work ended.

    fault: the cause of the failure; "none" after success.
    failure: for the record and the log; None after success or an interrupt.
    signal: the signal that interrupted it, otherwise 0.
    seconds, cpu_seconds: of the child. peak_mb: its peak of memory, MB of 2^20 bytes.
    stages: the resources of each stage in order; the last is the stage in which the work
    ended.
    """

    fault: Fault
    failure: TrackFailure | None = None
    signal: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_mb: float = 0.0
    stages: tuple[StageUse, ...] = ()


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
    """Classify an exception: the cause, and the failure to report.

    A machine's fault counts anywhere in the chain of causes: a DecodeError caused by an EIO is
    the disk's fault. The same number in an FFmpeg error describes the content of the file (errors
    of the disk arrive as Python's own). If no other rule applies, the track is at fault, at
    `stage`.
    """
    message = " ".join(str(error).split())[:1000] or type(error).__name__
    where = error.stage if isinstance(error, TrackError) else stage
    for cause in _chain(error):
        if isinstance(cause, MemoryError) or _speaks_of_memory(cause):
            return "machine", TrackFailure(where, "OutOfMemory", message)
        if isinstance(cause, OSError) and cause.errno in MACHINE_ERRNOS and not _decoders(cause):
            return "machine", TrackFailure(where, type(cause).__name__, message)
    # A track's own file that is gone or forbidden arrives as a TrackError: other files belong to
    # dropgrid.
    if isinstance(error, RecordError | OSError) and not _decoders(error):
        return "machine", TrackFailure(where, type(error).__name__, message)
    if isinstance(error, ConfigError | LibraryError | ModelError | ImportError | SyntaxError):
        return "run", TrackFailure(where, type(error).__name__, message)
    return "track", TrackFailure(where, type(error).__name__, message)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An exception, its cause, the cause of that, and so on; a loop ends it."""
    visited: set[int] = set()
    while error is not None and id(error) not in visited:
        visited.add(id(error))
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _decoders(error: Exception) -> bool:
    """Whether an error with the number of a machine's is a decoder's verdict on its input."""
    foreign = type(error).__module__.partition(".")[0] == "av"
    return foreign and getattr(error, "errno", None) != errno.ENOMEM


def _speaks_of_memory(error: BaseException) -> bool:
    # Not dropgrid's own errors: they quote file names, which may contain any text.
    foreign = not type(error).__module__.startswith("dropgrid") and not isinstance(error, OSError)
    return foreign and _NO_MEMORY.search(str(error)) is not None


def line_on_memory(words: str) -> str | None:
    """The last line of a process's standard error that reports a lack of memory, or None."""
    lines = [" ".join(line.split()) for line in words.splitlines() if _NO_MEMORY.search(line)]
    return lines[-1][:300] if lines else None
