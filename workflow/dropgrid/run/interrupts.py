"""Ending a run at once when asked to, and starting again after one that could not end itself.

Snakemake waits for running jobs after a signal, exits with 1, and after a `kill -9` leaves a
lock that has to be removed by hand. `guard_run`, called once by the process of the workflow,
mends all three without touching Snakemake:

- SIGINT and SIGTERM are passed on to the jobs, again and again until the run is over; its exit
  code is then 130 or 143.
- Jobs are told which process to end with (dropgrid.jobs.process watches it), so that a `kill -9`
  leaves none behind.
- A file lock, which the system itself releases however a process ends, tells whether any other
  run is alive in this folder; where none is, locks found there are left-overs and are removed,
  and so are outputs that a crash left half written (dropgrid.results.mend).
"""

from __future__ import annotations

import atexit
import fcntl
import logging
import os
import signal
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

from ..results.mend import mend, note_finished

REPEAT = 0.2  # seconds between signals to the jobs: a new one may just have been started
PATIENCE = 10  # of these until this process is interrupted once more: asyncio can lose a SIGINT

_held: list[int] = []  # descriptors of file locks, open as long as the process lives
received: list[int] = []  # the signals that ask this process to end, from pass_signals_on on


def guard_run(
    results: Path, jobs_elsewhere: bool = False, folder: Path = Path(".snakemake")
) -> None:
    """Do all of the above for this process, Snakemake's main one. folder: Snakemake's own.

    jobs_elsewhere: jobs run on other machines, where those of an earlier run may live on.
    """
    follow_this_process()
    pass_signals_on()
    if remove_stale_locks(folder):
        for path in mend(results, temporary=not jobs_elsewhere):
            print(f"dropgrid: {path}: half written, removed to be made again", file=sys.stderr)
        if not jobs_elsewhere:
            note_finished(folder, results)


def follow_this_process() -> None:
    """Have jobs end with this process: on another machine, the main one's number is not its."""
    os.environ["DROPGRID_WORKFLOW_PID"] = str(os.getpid())


def remove_stale_locks(folder: Path) -> bool:
    """Remove Snakemake's locks in folder if no run guarded like this one is alive there.

    True if it is so. Keeps a shared file lock for as long as this process lives.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / "dropgrid.lock", os.O_RDWR | os.O_CREAT, 0o666)
    except OSError:
        return False  # Snakemake will say what is wrong with the folder
    _held.append(descriptor)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        for lock in (folder / "locks").glob("*.lock"):
            with suppress(OSError):
                lock.unlink()
        alone = True
    except OSError:  # another run is alive, or the file system has no locks
        alone = False
    with suppress(OSError):
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    return alone


def pass_signals_on() -> None:
    """From now on SIGINT and SIGTERM reach the jobs too and decide the exit code.

    Whatever handlers there are or will be stay in place: this listens beside them.
    """
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    atexit.register(_exit_as_interrupted)
    threading.Thread(target=_listen, args=(reader,), daemon=True).start()


def _listen(reader: int) -> None:
    while not received:
        received[:] = [n for n in os.read(reader, 64) if n in (signal.SIGINT, signal.SIGTERM)]
    while True:
        for _ in range(PATIENCE):
            end_jobs()
            time.sleep(REPEAT)
        os.kill(os.getpid(), signal.SIGINT)


def end_jobs() -> None:
    """Ask every dropgrid process started by this one, however indirectly, to end."""
    import psutil

    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            # Not the shells: those end with what they wait for, and Snakemake with them.
            if "dropgrid" in " ".join(process.cmdline()) and "sh" not in process.name():
                process.terminate()


def cancel_timers() -> None:
    """Cancel what still waits to run: at the end of a run it would only hold up the exit.

    Snakemake sets a timer of a second (--max-jobs-per-timespan) whenever it starts jobs, and a
    process does not end before its timers have.
    """
    for thread in threading.enumerate():
        if isinstance(thread, threading.Timer):
            thread.cancel()


def _exit_as_interrupted() -> None:
    if received:
        name = signal.Signals(received[0]).name
        print(f"dropgrid: ended by {name}; the same command goes on from here", file=sys.stderr)
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(128 + received[0])
