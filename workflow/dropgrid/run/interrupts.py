"""Ending a run at once when asked to, and starting again after one that could not end itself.

Snakemake waits for running jobs after a signal, exits with 1, and after a `kill -9` leaves a
lock that has to be removed by hand. `guard_run`, called once by the process of the workflow,
mends all three without touching Snakemake:

- SIGINT and SIGTERM are passed on to the jobs, again and again until the run is over; its exit
  code is then 130 or 143.
- Jobs are told which process to end with (dropgrid.jobs.process watches it), so that a `kill -9`
  leaves none behind.
- What a killed run was about to write and did write is whole, and not made again, whatever
  Snakemake's notes of incomplete files say.
- A file lock in the folder of results, which the system itself releases however a process ends,
  shows whether another run is at work there, from whatever folder; the second one is refused and
  says who runs. Where none is, outputs that a crash left half written are removed
  (dropgrid.results.crash_cleanup), and so are Snakemake's locks, but only those of a dead run of
  dropgrid's: the folder may be another workflow's as well.
"""

from __future__ import annotations

import atexit
import base64
import fcntl
import json
import logging
import os
import pwd
import shlex
import signal
import socket
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

from ..base import claims
from ..base.errors import LibraryError
from ..base.files import write_atomically
from ..base.text import printable
from ..results.crash_cleanup import is_output, is_whole, remove_broken_files
from ..results.ownership import MARK

LOCK = f"{MARK}.lock"  # in the folder of results
CLAIM = f"{MARK}.running"  # there, where the file system has no locks
TYPED = "DROPGRID_TYPED"  # variable: the command that was typed, where another one runs for it
NOTE = "dropgrid.json"  # in Snakemake's own folder
REPEAT = 0.2  # seconds between signals to the jobs: a new one may just have been started
PATIENCE = 10  # of these until this process is interrupted once more: asyncio can lose a SIGINT

_lock_file: list[int] = []  # descriptors of file locks, open as long as the process lives
received: list[int] = []  # the signals that ask this process to end, from pass_signals_on on


def guard_run(
    results: Path,
    jobs_elsewhere: bool = False,
    folder: Path = Path(".snakemake"),
    module: bool = False,
) -> None:
    """Do all of the above for this process, Snakemake's main one. folder: Snakemake's own.

    jobs_elsewhere: jobs run on other machines, where those of an earlier run may live on.
    module: the run is another workflow's, and so are its signals and its exit code.
    """
    follow_this_process()
    if not module:
        pass_signals_on()
    lock_results(results)
    remove_stale_locks(results, folder)
    for path in remove_broken_files(results, temporary=not jobs_elsewhere):
        print(f"dropgrid: {path}: half written, removed to be made again", file=sys.stderr)
    forget_incomplete(results, folder)


def follow_this_process() -> None:
    """Have jobs end with this process: on another machine, the main one's number is not its."""
    os.environ["DROPGRID_WORKFLOW_PID"] = str(os.getpid())


def lock_results(results: Path) -> None:
    """Keep a lock on the folder of results for as long as this process lives.

    Where the file system has no locks, a file that says who is at work (dropgrid.base.claims).
    Raises LibraryError, saying who runs, where another process has it.
    """
    how = os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        descriptor = os.open(results / LOCK, how | os.O_RDWR | os.O_CREAT, 0o666)
    except PermissionError as error:
        raise LibraryError(_of_another_user(results, how)) from error
    except OSError as error:
        raise LibraryError(f"results: {results / LOCK}: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        who = _noted_in(descriptor)
        os.close(descriptor)
        raise LibraryError(f"results: {results}: another run is at work there: {who}") from None
    except OSError:
        os.close(descriptor)
        _claim(results)
        return
    _lock_file.append(descriptor)
    me = f"process {os.getpid()} of {user_name(os.geteuid())} on {socket.gethostname()}"
    me += f", started in {os.getcwd()}"
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, me.encode(errors="replace"), 0)


def _noted_in(descriptor: int) -> str:
    """Who holds a lock, as its file says."""
    return printable(os.pread(descriptor, 4096, 0).decode(errors="replace").strip()) or "unknown"


def _of_another_user(results: Path, how: int) -> str:
    """Why a lock that may not be written to keeps this run from the results: whose they are."""
    lock = results / LOCK
    whose = results if not lock.exists() else lock
    owner = f"belongs to {user_name(whose.stat().st_uid)}, and may not be written to"
    with suppress(OSError):
        descriptor = os.open(lock, how | os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            owner += f"; a run is at work there: {_noted_in(descriptor)}"
        finally:
            os.close(descriptor)
    return f"results: {whose}: {owner}; name another folder with results=DIR"


def user_name(number: int) -> str:
    """The name of a user, or where the system knows none, the number."""
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"user {number}"


def _claim(results: Path) -> None:
    try:
        claims.claim(results.resolve() / CLAIM)
    except claims.Claimed as error:
        raise LibraryError(
            f"results: {results}: another run is at work there: {printable(str(error))}"
        ) from None
    except OSError as error:
        raise LibraryError(f"results: {results / CLAIM}: {error.strerror}") from error
    atexit.register(claims.release, results.resolve() / CLAIM)


def remove_stale_locks(results: Path, folder: Path) -> None:
    """Remove the locks in Snakemake's folder that a dead run of dropgrid on these results left.

    Each run notes itself in the folder. A lock is such a run's if it is not older than the note,
    the note names these results, and every file that the lock names lies in them.
    """
    note = folder / NOTE
    mine = {"results": str(results.resolve()), "host": socket.gethostname()}
    try:
        before = json.loads(note.read_bytes())
        since = note.stat().st_mtime_ns
        known = {key: before[key] for key in mine} == mine
    except (OSError, ValueError, KeyError, TypeError):
        known, since = False, 0
    for lock in (folder / "locks").glob("*.lock") if known else ():
        with suppress(OSError):
            if lock.stat().st_mtime_ns >= since and _is_of(lock, results, folder):
                lock.unlink()
    write_atomically(note, json.dumps({**mine, "pid": os.getpid()}).encode(), durable=False)


def _is_of(lock: Path, results: Path, folder: Path) -> bool:
    """Whether all files that a lock names lie in the folder of results, or stand for its music."""
    base, root = folder.resolve().parent, results.resolve()
    names = lock.read_text(errors="surrogateescape").splitlines()
    return all((base / name).resolve().is_relative_to(root) for name in names if name)


def forget_incomplete(results: Path, folder: Path) -> None:
    """Remove Snakemake's notes that outputs of stages may be half written, where they are whole.

    It notes what a job is about to write; dropgrid's outputs are renamed into place once they are
    written. Their names are paths in Base64, cut into parts where they are long.
    """
    base, top = folder.resolve().parent, folder / "incomplete"
    for note in sorted(top.rglob("*")) if top.is_dir() else ():
        name = "".join(part.removeprefix("@") for part in note.relative_to(top).parts)
        with suppress(ValueError, OSError):
            output = base / base64.urlsafe_b64decode(name).decode()
            if is_output(output, results) and output.exists() and is_whole(str(output)):
                note.unlink()


def pass_signals_on() -> None:
    """From now on SIGINT and SIGTERM reach the jobs too and decide the exit code.

    Whatever handlers there are or will be stay in place: this listens beside them.
    """
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    atexit.register(_exit_as_interrupted)
    threading.Thread(target=_listen, args=(reader, _interrupting()), daemon=True).start()


def _interrupting() -> signal.Signals:
    """The signal that has Snakemake cancel its jobs at once, as SIGINT has.

    Another one where SIGINT is ignored: a shell has it so in what a script runs in the background.
    """
    if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:
        return signal.SIGINT
    signal.signal(signal.SIGUSR2, signal.default_int_handler)
    return signal.SIGUSR2


def _listen(reader: int, interrupting: signal.Signals) -> None:
    while not received:
        received[:] = [n for n in os.read(reader, 64) if n in (signal.SIGINT, signal.SIGTERM)]
    while True:
        for _ in range(PATIENCE):
            end_jobs()
            time.sleep(REPEAT)
        os.kill(os.getpid(), interrupting)


def end_jobs() -> None:
    """Ask every dropgrid process started by this one, however indirectly, to end."""
    import psutil

    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            # Not the shells: those end with what they wait for, and Snakemake with them.
            if "dropgrid" in " ".join(process.cmdline()) and "sh" not in process.name():
                process.terminate()


def _exit_as_interrupted() -> None:
    if received:
        by = "Ctrl-C" if received[0] == signal.SIGINT else signal.Signals(received[0]).name
        print(f"dropgrid: stopped by {by}; to go on from here: {_command()}", file=sys.stderr)
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(128 + received[0])


def _command() -> str:
    """The command line of this process as it was typed; not where its program lies."""
    own = shlex.join([os.path.basename(sys.argv[0]), *sys.argv[1:]])
    return os.environ.get(TYPED, own)
