"""What became of a job, whose fault it is and what follows from that: the whole policy.

whose fault       examples                                   before the last try  on the last
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
# What libraries say when an allocation has failed: in errors that are no MemoryError, or on
# standard error before they end the process. A thread cannot start where there is no room for its
# stack. Not what the C library says of a heap that is corrupt: "malloc(): invalid size".
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
    """What a stage of the work took: seconds by the clock and of processors, and the most memory
    held until its end, in MB."""

    stage: str
    seconds: float
    cpu_seconds: float
    peak_mb: float


@dataclass(frozen=True)
class Outcome:
    """How a piece of work ended.

    fault: whose fault it is that it failed; "none" where it did not.
    failure: what to tell of it; None after success or an interrupt.
    signal: the signal that interrupted it, otherwise 0.
    seconds, cpu_seconds: of the child. peak_mb: the most memory it held, in MB of 2^20 bytes.
    stages: what each stage took that the work went through, in order; the last is that where it
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
    # A track's own file that is gone or forbidden arrives as a TrackError: other files belong to
    # dropgrid.
    if isinstance(error, RecordError | OSError) and not _decoders(error):
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


def _decoders(error: Exception) -> bool:
    """Whether an error with the number of a machine's is a decoder's verdict on its input."""
    foreign = type(error).__module__.partition(".")[0] == "av"
    return foreign and getattr(error, "errno", None) != errno.ENOMEM


def _speaks_of_memory(error: BaseException) -> bool:
    # Only foreign errors: our own quote file names, which may say anything.
    foreign = not type(error).__module__.startswith("dropgrid") and not isinstance(error, OSError)
    return foreign and _NO_MEMORY.search(str(error)) is not None


def line_on_memory(words: str) -> str | None:
    """The last line that says that memory ran out, of what a process said before its end."""
    lines = [" ".join(line.split()) for line in words.splitlines() if _NO_MEMORY.search(line)]
    return lines[-1][:300] if lines else None
