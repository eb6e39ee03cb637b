"""The warm server of a run: a process with all imports done, whose forks run the jobs.

`offer` is called once by the process of a run. It opens a Unix socket in a folder that only this
user may enter, and names it in the environment of the jobs; the first job that knocks has the
server started (`dropgrid serve`), which ends with the run: it holds the end of a pipe that closes
however the run does. A job is a `warm_client`. The *worker* that gets it, a fork of the server,
takes over its arguments, environment, standard streams, folder and niceness, runs the same
sub-command, under the job's own caps, and sends its exit code. It watches its client: signals come
from there, and where the client is gone the job ends.

A worker that is done waits for another job; there are as many workers as concurrent jobs. A job
computes in a fork of the worker (dropgrid.jobs.process), so it leaves nothing behind.
"""

from __future__ import annotations

import atexit
import gc
import os
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from .. import native
from ..native.digest import PROGRAM_SOURCES
from . import process
from .warm_client import ACCEPTED, HEAD, VARIABLE

NAME = os.fsdecode(VARIABLE)
FOLDER = re.compile(r"dropgrid-(\d+)-\w+")  # of a socket: by the number of the run's process
LONGEST = 100  # bytes of a socket's path that every system takes
BACKLOG = 128  # jobs that may wait for the server to start
REQUEST = 5.0  # seconds a client may take to send its request
LAST = 3.0  # seconds the server may take to end, once the run does
JOB = b"."  # a channel: with a connection, do this job; from a worker, done
CLIENT = Path(__file__).with_name("warm_client.py")
PROGRAM = Path(native.__file__).with_name("warm_client")  # warm_client.c

Main = Callable[[list[str]], int]  # runs a command line; its exit code
_started: list[tuple[int, subprocess.Popen[bytes]]] = []  # the run's end of the pipe, the server
_offered: list[str] = []  # the socket of this process


def client(python: str) -> list[str]:
    """The command words before those of a job: the compiled client or, without a current one, the
    Python client, which takes seven milliseconds longer to start."""
    with suppress(OSError, subprocess.SubprocessError):
        result = subprocess.run([PROGRAM, "--sources"], capture_output=True, text=True, timeout=5)
        if os.environ.get(native.WITHOUT) != "0" and result.stdout.strip() == PROGRAM_SOURCES:
            return [str(PROGRAM), python]
    return [python, "-I", "-S", str(CLIENT)]


def offer(command: Sequence[str]) -> bool:
    """Offer a server to the jobs of this process; `command` starts it when the first job connects.

    The command gets the listening socket as standard input and the pipe as standard output. False
    if no socket can be made: jobs then run without a server.
    """
    if not _offered:
        with suppress(OSError):
            _remove_stale(Path(tempfile.gettempdir()))
            folder = tempfile.mkdtemp(prefix=f"dropgrid-{os.getpid()}-")  # 0700
            atexit.register(_end, folder)
            path = os.path.join(folder, "jobs")
            if len(os.fsencode(path)) <= LONGEST:
                listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
                listener.bind(path)
                listener.listen(BACKLOG)
                os.environ[NAME] = path
                _offered.append(path)
                threading.Thread(target=_wait, args=(listener, command), daemon=True).start()
    return bool(_offered)


def _remove_stale(folder: Path) -> None:
    """Remove the sockets that ended runs of this user left behind."""
    for entry in os.scandir(folder):
        found = FOLDER.fullmatch(entry.name)
        if found and entry.is_dir(follow_symlinks=False) and entry.stat().st_uid == os.geteuid():
            try:
                os.kill(int(found[1]), 0)
            except ProcessLookupError:
                shutil.rmtree(entry.path, ignore_errors=True)
            except OSError:
                continue


def _wait(listener: socket.socket, command: Sequence[str]) -> None:
    """Start the server when the first job connects; from then on only the server listens."""
    select.select([listener], [], [])
    reader, writer = os.pipe()
    with suppress(OSError):
        server = subprocess.Popen(command, stdin=listener.fileno(), stdout=reader)
        _started.append((writer, server))
    os.close(reader)
    listener.close()


def _end(folder: str) -> None:
    """End the server with the run, so that its resources and those of its jobs count for the
    run."""
    shutil.rmtree(folder, ignore_errors=True)
    for pipe, server in _started:
        os.close(pipe)
        try:
            server.wait(LAST)
        except subprocess.TimeoutExpired:
            server.kill()


def serve(prepare: Callable[[bytes], bool], main: Main) -> int:
    """Run the server: standard input is the listening socket, standard output the run's pipe.

    prepare: called at the start, and before each job with the first letter of its sub-command;
    returns whether it imported or loaded anything. main: runs a job. Returns when the run is over.
    """
    listener = socket.socket(fileno=os.dup(0))
    run = os.dup(1)
    _shut_streams(2)
    was = _take_signals()
    _keep(prepare(b""))
    workers = _Workers()
    while True:
        waited_for: list[Any] = [listener, run, *workers.channels]
        ready, _, _ = select.select(waited_for, [], [])
        workers.hear(ready)
        if run in ready:
            workers.dismiss()
            _take_leave()
            return 0
        if listener not in ready:
            continue
        connection, _ = listener.accept()
        with connection, suppress(OSError):
            connection.settimeout(REQUEST)
            if not _is_own_client(connection):
                continue
            if prepare(connection.recv(1)):
                _keep(True)
                workers.dismiss()
            if workers.take(connection):
                continue
            here, there = socket.socketpair()
            if os.fork() == 0:
                workers.dismiss()
                here.close()
                listener.close()
                os.close(run)
                _be_worker(there, connection, was, main)
            there.close()
            workers.channels.append(here)


class _Workers:
    """The processes that have done or are doing a job: the channel to each, and the idle ones."""

    def __init__(self) -> None:
        self.channels: list[socket.socket] = []
        self.idle: list[socket.socket] = []

    def hear(self, ready: Sequence[Any]) -> None:
        """A byte from a worker means that it is idle; the end of its channel means that it has
        ended."""
        for channel in [channel for channel in self.channels if channel in ready]:
            try:
                answer = channel.recv(1)
            except OSError:
                answer = b""
            (self.idle.append if answer else self._forget)(channel)

    def take(self, connection: socket.socket) -> bool:
        """Give the job at the other end of a connection to an idle worker; False if there is
        none."""
        while self.idle:
            channel = self.idle.pop()
            with suppress(OSError):
                socket.send_fds(channel, [JOB], [connection.fileno()])
                return True
            self._forget(channel)
        return False

    def dismiss(self) -> None:
        """Make every worker end once it is idle, because its state from the fork is out of
        date."""
        for channel in list(self.channels):
            self._forget(channel)

    def _forget(self, channel: socket.socket) -> None:
        self.channels.remove(channel)
        if channel in self.idle:
            self.idle.remove(channel)
        channel.close()


def _shut_streams(to: int) -> None:
    """Read no more input; redirect output to a descriptor, or discard it if that is negative."""
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null if to < 0 else to, 1)
    if to < 0:
        os.dup2(null, 2)
    os.close(null)


def _keep(news: bool) -> None:
    """Exclude shared objects from garbage collection, which would copy every page of them."""
    if news:
        gc.collect()
        gc.freeze()


def _take_signals() -> dict[int, Any]:
    """Leave Ctrl-C to the jobs and let SIGTERM end the server; return the previous handlers."""
    was: dict[int, Any] = {
        number: signal.getsignal(number) for number in (*process.FORWARDED, signal.SIGCHLD)
    }
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(143))
    signal.signal(signal.SIGCHLD, _reap)
    return was


def _take_leave() -> None:
    """Wait for the idle workers to end, so that their resources count for the server."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    until = time.monotonic() + LAST / 2
    with suppress(ChildProcessError):
        while time.monotonic() < until:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                time.sleep(0.005)


def _reap(_number: int, _frame: object) -> None:
    """Collect the exit states of the jobs' processes that have ended."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _is_own_client(connection: socket.socket) -> bool:
    """Whether the process at the other end belongs to this user; True if the system cannot
    tell."""
    if not hasattr(socket, "SO_PEERCRED"):
        return True  # only this user may enter the folder
    credentials = connection.getsockopt(
        socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")
    )
    return bool(struct.unpack("3i", credentials)[1] == os.geteuid())


def _be_worker(
    channel: socket.socket, connection: socket.socket, signals: dict[int, Any], main: Main
) -> NoReturn:
    """Run the jobs of clients in this process, one after another."""
    while True:
        for number, handler in signals.items():
            signal.signal(number, handler)
        again = _do_job(connection, main)
        for number in process.FORWARDED:
            signal.signal(number, signal.SIG_IGN if number == signal.SIGINT else signal.SIG_DFL)
        connection.close()
        try:
            if not again:
                break
            _shut_streams(-1)
            os.chdir("/")
            channel.sendall(JOB)
            _, handed, _, _ = socket.recv_fds(channel, 1, 1)
            if not handed:
                break
        except OSError:
            break
        connection = socket.socket(fileno=handed[0])
        connection.settimeout(REQUEST)
    os._exit(0)


def _do_job(connection: socket.socket, main: Main) -> bool:
    """Run the command of the client at the other end; return whether this process is unchanged."""
    code, renewed = 1, False
    try:
        arguments, reniced = _take_over(connection)
        connection.settimeout(None)
        connection.sendall(ACCEPTED)  # or it has gone, and nothing is done
        process.client = connection.fileno()
        sys.argv = ["dropgrid", *arguments]
        code = main(arguments)
        renewed = not reniced
    except SystemExit as ended:  # argparse, of a wrong command line
        code = ended.code if isinstance(ended.code, int) else 1
    except OSError as error:
        print(f"dropgrid: a job was not taken over: {error}", file=sys.stderr)
    except BaseException:
        traceback.print_exc()
    process.client = None
    with suppress(Exception):
        sys.stdout.flush()
        sys.stderr.flush()
    with suppress(OSError):
        connection.sendall(bytes([code & 0xFF]))
    return renewed and code < 128


def _take_over(connection: socket.socket) -> tuple[list[str], bool]:
    """Take over the client's state except its process id. Returns the words of its command, and
    whether its niceness is higher than that of this process was, which cannot be undone. Raises
    OSError."""
    head, handed, _, _ = socket.recv_fds(connection, struct.calcsize(HEAD), 4)
    length, words, variables, niceness = struct.unpack(HEAD, head)
    parts = _receive(connection, length).split(b"\0")
    if len(handed) != 4 or len(parts) != words + variables:
        raise OSError("a request that is not whole")
    *streams, folder = handed
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    os.fchdir(folder)
    for descriptor in handed:
        os.close(descriptor)
    os.environ.clear()
    for pair in parts[words:]:
        name, _, value = pair.partition(b"=")
        os.environb[name] = value
    more = niceness - os.getpriority(os.PRIO_PROCESS, 0)
    if more > 0:
        os.nice(more)
    return [os.fsdecode(word) for word in parts[:words]], more > 0


def _receive(connection: socket.socket, length: int) -> bytes:
    pieces: list[bytes] = []
    while (left := length - sum(map(len, pieces))) > 0:
        piece = connection.recv(min(left, 1 << 16))
        if not piece:
            raise OSError("a request that is not whole")
        pieces.append(piece)
    return b"".join(pieces)
