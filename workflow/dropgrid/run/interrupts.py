"""End a run immediately on a signal, and start again after a run that was killed.

After a signal, Snakemake waits for running jobs and exits with 1; after a `kill -9` it leaves a
lock that the user has to remove. `guard_run`, called once by the process of the workflow, changes
all three without patching Snakemake:

- SIGINT and SIGTERM are passed on to the jobs repeatedly until the run is over; its exit code is
  then 130 or 143.
- Jobs get the number of the process with which they have to end (dropgrid.jobs.process watches
  it), so that a `kill -9` leaves no job behind.
- Outputs that a killed run wrote are complete and not made again, even if Snakemake has noted
  them as incomplete.
- A file lock in the folder of results shows whether another run uses it, from whatever folder;
  the second run is refused with a message that names the first. The system releases the lock
  however a process ends. If no other run uses the folder, this removes outputs that a crash left
  half written (dropgrid.results.crash_cleanup), and Snakemake's locks, but only those of a dead
  run of dropgrid: another workflow may use the same folder.
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
CLAIM = f"{MARK}.running"  # the same, if the file system has no locks
TYPED = "DROPGRID_TYPED"  # variable: the command that the user typed, if it started this one
NOTE = "dropgrid.json"  # in Snakemake's own folder
REPEAT = 0.2  # seconds between signals to the jobs: a new job may just have started
PATIENCE = 10  # repeats before this process is interrupted again: asyncio can lose a SIGINT

_lock_file: list[int] = []  # descriptors of file locks, open as long as the process lives
received: list[int] = []  # the signals to end that arrived since pass_signals_on


def guard_run(
    results: Path,
    jobs_elsewhere: bool = False,
    folder: Path = Path(".snakemake"),
    module: bool = False,
) -> None:
    """Do all of the above for this process, the main one of Snakemake.

    folder: Snakemake's own. jobs_elsewhere: jobs run on other machines, where jobs of an earlier
    run may still be running. module: dropgrid is a module of another workflow, which handles
    signals and exit code itself.
    """
    follow_this_process()
    if not module:
        pass_signals_on()
    lock_results(results)
    remove_stale_locks(results, folder)
    for path in remove_broken_files(results, temporary=not jobs_elsewhere):
        print(f"dropgrid: {path}: incomplete; removed, will be made again", file=sys.stderr)
    forget_incomplete(results, folder)


def follow_this_process() -> None:
    """Make jobs end with this process (on another machine, the main process has no number)."""
    os.environ["DROPGRID_WORKFLOW_PID"] = str(os.getpid())


def lock_results(results: Path) -> None:
    """Lock the folder of results for as long as this process lives.

    If the file system has no locks, write a file that names this run (dropgrid.base.claims).
    Raises LibraryError, which names the other run, if another process has the lock.
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
        holder = _noted_in(descriptor)
        os.close(descriptor)
        raise LibraryError(f"results: {results}: another run uses this folder: {holder}") from None
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
    """The process that has a lock, as noted in the lock file."""
    return printable(os.pread(descriptor, 4096, 0).decode(errors="replace").strip()) or "unknown"


def _of_another_user(results: Path, how: int) -> str:
    """The message for a lock that this user may not write to: the owner, and a run, if any."""
    lock = results / LOCK
    locked = results if not lock.exists() else lock
    owner = f"belongs to {user_name(locked.stat().st_uid)}; you may not write to it"
    with suppress(OSError):
        descriptor = os.open(lock, how | os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            owner += f"; a run uses this folder: {_noted_in(descriptor)}"
        finally:
            os.close(descriptor)
    return f"results: {locked}: {owner}; name another folder with results=DIR"


def user_name(number: int) -> str:
    """The name of a user, or `user NUMBER` if the system has no name."""
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"user {number}"


def _claim(results: Path) -> None:
    try:
        claims.claim(results.resolve() / CLAIM)
    except claims.Claimed as error:
        raise LibraryError(
            f"results: {results}: another run uses this folder: {printable(str(error))}"
        ) from None
    except OSError as error:
        raise LibraryError(f"results: {results / CLAIM}: {error.strerror}") from error
    atexit.register(claims.release, results.resolve() / CLAIM)


def remove_stale_locks(results: Path, folder: Path) -> None:
    """Remove the locks in Snakemake's folder that a dead run of dropgrid on these results left.

    Each run writes a note into the folder. A lock is from such a run if it is not older than the
    note, the note names these results, and every file that the lock names is in them.
    """
    note = folder / NOTE
    this_run = {"results": str(results.resolve()), "host": socket.gethostname()}
    try:
        before = json.loads(note.read_bytes())
        since = note.stat().st_mtime_ns
        same_results = {key: before[key] for key in this_run} == this_run
    except (OSError, ValueError, KeyError, TypeError):
        same_results, since = False, 0
    for lock in (folder / "locks").glob("*.lock") if same_results else ():
        with suppress(OSError):
            if lock.stat().st_mtime_ns >= since and _locks_only(lock, results, folder):
                lock.unlink()
    write_atomically(note, json.dumps({**this_run, "pid": os.getpid()}).encode(), durable=False)


def _locks_only(lock: Path, results: Path, folder: Path) -> bool:
    """Whether all files that a lock names are in the folder of results."""
    base, root = folder.resolve().parent, results.resolve()
    names = lock.read_text(errors="surrogateescape").splitlines()
    return all((base / name).resolve().is_relative_to(root) for name in names if name)


def forget_incomplete(results: Path, folder: Path) -> None:
    """Remove Snakemake's notes of incomplete outputs for outputs of stages that are complete.

    Snakemake writes a note before a job starts; dropgrid renames an output into place when it is
    complete. The name of a note is a path in Base64, split into several parts if it is long.
    """
    base, top = folder.resolve().parent, folder / "incomplete"
    for note in sorted(top.rglob("*")) if top.is_dir() else ():
        name = "".join(part.removeprefix("@") for part in note.relative_to(top).parts)
        with suppress(ValueError, OSError):
            output = base / base64.urlsafe_b64decode(name).decode()
            if is_output(output, results) and output.exists() and is_whole(str(output)):
                note.unlink()


def pass_signals_on() -> None:
    """From now on, pass SIGINT and SIGTERM to the jobs too, and derive the exit code from them.

    Existing and future handlers stay in place: this uses the wakeup descriptor.
    """
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    atexit.register(_exit_as_interrupted)
    threading.Thread(target=_listen, args=(reader, _interrupting()), daemon=True).start()


def _interrupting() -> signal.Signals:
    """The signal on which Snakemake cancels its jobs immediately.

    SIGINT, or SIGUSR2 if SIGINT is ignored, as shells do for background commands of a script.
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
    """Send SIGTERM to every dropgrid process that this one started, also indirectly."""
    import psutil

    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            # Not to the shells: they end with the command that they wait for.
            if "dropgrid" in " ".join(process.cmdline()) and "sh" not in process.name():
                process.terminate()


def _exit_as_interrupted() -> None:
    if received:
        by = "Ctrl-C" if received[0] == signal.SIGINT else signal.Signals(received[0]).name
        print(f"dropgrid: stopped by {by}; to resume: {_command()}", file=sys.stderr)
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(128 + received[0])


def _command() -> str:
    """The command line of this process as typed, without the path of the program."""
    own = shlex.join([os.path.basename(sys.argv[0]), *sys.argv[1:]])
    return os.environ.get(TYPED, own)
