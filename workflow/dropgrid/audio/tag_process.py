"""Read tags in a separate process with limits on memory and CPU time.

mutagen is careful, but believes sizes and counts: a million frames, texts or chapters take it
minutes, a genre of 12 MB a gigabyte, a compressed frame as much as it inflates to. So what reads
tags runs in a child, `in_tag_process`. The child is started for the first file and reads the next
ones too. A file that it dies of raises TagLimit, and the next file gets a new child. Nothing
happens to the process that asks.

A process without other threads forks its child, which costs a millisecond or two and has mutagen
already where the parent has; one with threads starts a new interpreter.
"""

from __future__ import annotations

import gc
import importlib
import itertools
import json
import os
import resource
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any, NoReturn

SECONDS = 3.0  # of processor time, for the tags of a file
MEMORY_MB = 192  # in addition to the child's memory at its start
PATIENCE = 300.0  # seconds by the clock: of a disk that does not answer
MAX_ANSWER = 2**22  # bytes

Read = Callable[[Path], Any]


class TagLimit(Exception):
    """Reading a file's tags takes more than it may."""


def in_tag_process(read: Read, path: Path) -> Any:
    """What read(path) returns in the tag process.

    read: a function at the top of a module of this package; what it returns has to be JSON. Raises
    TagLimit where it takes too much or its process ends, OSError where that cannot be started.
    What read itself raises becomes a TagLimit too: catch it there.
    """
    global _process
    with _lock:
        if _process is None:
            _process = _TagProcess()
        try:
            return _process.ask(read, path)
        except _Ended as ended:
            raise TagLimit(ended.args[0]) from None
        finally:
            if not _process.answers:  # also where a signal has interrupted us
                _process.close()
                _process = None


def open_first(path: Path) -> None:
    """Open a file's tags in the tag process: if that goes well, this process may open them too.

    Raises TagLimit, OSError. A file that cannot be opened is no matter here.
    """
    in_tag_process(parse_tags, path)


def parse_tags(path: Path) -> None:
    """Parse a file's tags. For the tag process: raises MemoryError."""
    import mutagen

    with suppress(mutagen.MutagenError):
        mutagen.File(path)


def close(forks_only: bool = False) -> None:
    """End the tag process, if there is one; the next file starts another.

    forks_only: a new interpreter, which takes a tenth of a second to start, is kept.
    """
    global _process
    with _lock:
        if _process is not None and not (forks_only and _process.is_interpreter):
            _process.close()
            _process = None


def import_formats() -> None:
    """Import the modules of all formats, which mutagen would do at the first file."""
    import mutagen

    mutagen.File(BytesIO())


class _Ended(Exception):
    """The child has ended, or must, for the reason that is given."""


class _TagProcess:
    """The child. answers: whether it can be asked again."""

    def __init__(self) -> None:
        self.answers = True
        self._code: int | None = None  # its exit code, minus the signal that ended it
        requests, self._to = os.pipe()
        self._from, answers = os.pipe()
        try:
            self._pid, self._popen = _start(requests, answers)
        except BaseException:
            self.forget()
            raise
        finally:
            os.close(requests)
            os.close(answers)

    def ask(self, read: Read, path: Path) -> Any:
        """What read(path) returns. Raises _Ended."""
        self.answers = False
        question = json.dumps([read.__module__, read.__qualname__, os.path.abspath(path)])
        with suppress(BrokenPipeError):  # it has ended: its exit code says why
            os.write(self._to, question.encode() + b"\n")
        answer = json.loads(self._line())
        self.answers = not answer.get("ends", False)
        if "problem" in answer:
            raise _Ended(answer["problem"])
        return answer["found"]

    def _line(self) -> bytes:
        line = bytearray()
        until = time.monotonic() + PATIENCE
        while not line.endswith(b"\n"):
            ready, _, _ = select.select([self._from], [], [], max(0.0, until - time.monotonic()))
            if not ready:
                raise _Ended(f"the file could not be read within {PATIENCE:g} s")
            piece = os.read(self._from, 2**16)
            if not piece:
                raise _Ended(self._why())
            line += piece
            if len(line) > MAX_ANSWER:
                raise _Ended(f"they hold more than {MAX_ANSWER // 2**20} MB")
        return bytes(line)

    def _why(self) -> str:
        code = self._wait()
        if code == -signal.SIGPROF:
            return f"reading them takes more than {SECONDS:g} s"
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return f"reading them ended the process ({how})"

    def _wait(self) -> int:
        if self._code is None and self._popen is not None:
            self._code = self._popen.wait()
        elif self._code is None:
            self._code = os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])
        return self._code

    @property
    def is_interpreter(self) -> bool:
        """Whether it is no fork of this process, but an interpreter of its own."""
        return self._popen is not None

    def forget(self) -> None:
        """Let go of it; in a fork of the process that it belongs to."""
        os.close(self._to)
        os.close(self._from)

    def close(self) -> None:
        self.forget()
        if self._code is None:
            os.kill(self._pid, signal.SIGKILL)
            self._wait()


_lock = threading.Lock()
_process: _TagProcess | None = None


def _forget() -> None:
    """In a fork: the parent's child answers the parent alone."""
    global _lock, _process
    _lock = threading.Lock()
    if _process is not None:
        _process.forget()
        _process = None


os.register_at_fork(after_in_child=_forget)


def _start(requests: int, answers: int) -> tuple[int, subprocess.Popen[bytes] | None]:
    """Start the child with its ends of the pipes: (its id, what waits for it if not we)."""
    if threading.active_count() > 1:  # one of them might be in the midst of anything
        package = str(Path(__file__).parents[2])
        code = (
            f"import sys; sys.path.insert(0, {package!r}); "
            f"from {__name__} import be_child; be_child({requests}, {answers})"
        )
        command = [sys.executable, "-P", "-c", code]
        popen = subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=(requests, answers))
        return popen.pid, popen
    pid = os.fork()
    if pid == 0:
        be_child(requests, answers)
    return pid, None


def be_child(requests: int, answers: int) -> NoReturn:
    """Be the tag process: answer until the other end of the pipe is closed."""
    code = 1
    try:
        for number in (signal.SIGINT, signal.SIGHUP):  # the parent ends this process
            signal.signal(number, signal.SIG_IGN)
        for number in (signal.SIGTERM, signal.SIGPROF):
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        _close_all_but(requests, answers)
        gc.freeze()
        _cap_memory()
        with os.fdopen(requests, "rb") as questions, os.fdopen(answers, "wb") as stream:
            for line in questions:
                stream.write(json.dumps(_answer(json.loads(line))).encode() + b"\n")
                stream.flush()
        code = 0
    finally:
        os._exit(code)


def _answer(question: list[str]) -> dict[str, Any]:
    """What reading a file has found, or the problem; ends: whether this process is spent."""
    module, name, path = question
    signal.setitimer(signal.ITIMER_PROF, SECONDS)  # at its end the system ends the process
    try:
        return {"found": getattr(importlib.import_module(module), name)(Path(path))}
    except MemoryError:
        return {"problem": "reading them takes too much memory", "ends": True}
    except Exception as error:
        return {"problem": str(error) if isinstance(error, TagLimit) else repr(error)}
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _close_all_but(*kept: int) -> None:
    """Close what was inherited: a pipe or lock that stays open would keep others waiting."""
    edges = [2, *sorted(kept), resource.getrlimit(resource.RLIMIT_NOFILE)[0]]
    for low, high in itertools.pairwise(edges):
        os.closerange(low + 1, high)


def _cap_memory() -> None:
    """Let this process have MEMORY_MB more than now, within the limit it has inherited (Linux)."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[5])
    except (OSError, ValueError, IndexError):
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = pages * resource.getpagesize() + MEMORY_MB * 2**20
    limit = wanted if soft == resource.RLIM_INFINITY else min(soft, wanted)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))
