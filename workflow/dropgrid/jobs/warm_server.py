"""The warm server of a run: a process that has imported everything, and forks one for each job.

`offer` is called once by the process of a run. It opens a Unix socket in a folder that only this
user may enter, and names it in the environment of the jobs; the first job that knocks has the
server started (`dropgrid serve`), which ends with the run: it holds the end of a pipe that closes
however the run does. A job is a `warm_client`. The process that is forked for it takes over its
arguments, environment, standard streams, folder and niceness, runs the same sub-command, under the
job's own caps, and sends its exit code. It watches its client: signals come from there, and where
the client is gone it ends.

Forking keeps the server as it was: nothing that a job does stays in it.
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
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from . import process
from .warm_client import ACCEPTED, HEAD, VARIABLE

NAME = os.fsdecode(VARIABLE)
FOLDER = re.compile(r"dropgrid-(\d+)-\w+")  # of a socket: by the number of the run's process
LONGEST = 100  # bytes of a socket's path that every system takes
BACKLOG = 128  # jobs that may wait for the server to start
REQUEST = 5.0  # seconds a client may take to say what it wants
LAST = 3.0  # seconds the server may take to end, once the run does
CLIENT = Path(__file__).with_name("warm_client.py")

Main = Callable[[list[str]], int]  # runs a command line; its exit code
_started: list[tuple[int, subprocess.Popen[bytes]]] = []  # the run's end of the pipe, the server
_offered: list[str] = []  # the socket of this process


def offer(command: Sequence[str]) -> bool:
    """Have jobs of this process find a server, started by `command` when the first one knocks.

    The command gets the listening socket as standard input and the pipe as standard output.
    False where no socket can be made: jobs then run by themselves.
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
    """Remove the sockets of this user's runs that have ended without doing so."""
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
    """Start the server when the first job knocks; it alone listens then."""
    select.select([listener], [], [])
    reader, writer = os.pipe()
    with suppress(OSError):
        server = subprocess.Popen(command, stdin=listener.fileno(), stdout=reader)
        _started.append((writer, server))
    os.close(reader)
    listener.close()


def _end(folder: str) -> None:
    """End the server with the run: what it and its jobs took is then counted as the run's."""
    shutil.rmtree(folder, ignore_errors=True)
    for pipe, server in _started:
        os.close(pipe)
        try:
            server.wait(LAST)
        except subprocess.TimeoutExpired:
            server.kill()


def serve(prepare: Callable[[bytes], bool], main: Main) -> int:
    """Be the server: standard input is the listening socket, standard output the run's pipe.

    prepare: called at first, and with the first letter of its sub-command before each job's
    process is forked; whether it imported or loaded anything. main: what a job runs. Returns when
    the run is over.
    """
    listener = socket.socket(fileno=os.dup(0))
    run = os.dup(1)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(2, 1)
    was = _take_signals()
    _keep(prepare(b""))
    while True:
        ready, _, _ = select.select([listener.fileno(), run], [], [])
        if run in ready:
            return 0
        connection, _ = listener.accept()
        with connection, suppress(OSError):
            connection.settimeout(REQUEST)
            if not _is_own_client(connection):
                continue
            _keep(prepare(connection.recv(1)))
            if os.fork() == 0:
                listener.close()
                os.close(run)
                _be_job(connection, was, main)


def _keep(news: bool) -> None:
    """Have the collector leave alone what all processes share: it would copy every page of it."""
    if news:
        gc.collect()
        gc.freeze()


def _take_signals() -> dict[int, Any]:
    """Ctrl-C is for the jobs, SIGTERM ends the server; what was to happen before, for the jobs."""
    was: dict[int, Any] = {
        number: signal.getsignal(number) for number in (*process.FORWARDED, signal.SIGCHLD)
    }
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(143))
    signal.signal(signal.SIGCHLD, _reap)
    return was


def _reap(_number: int, _frame: object) -> None:
    """Take leave of the jobs' processes that have ended."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _is_own_client(connection: socket.socket) -> bool:
    """Whether the process at the other end is this user's, where the system tells."""
    if not hasattr(socket, "SO_PEERCRED"):
        return True  # the folder lets nobody else in
    credentials = connection.getsockopt(
        socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")
    )
    return bool(struct.unpack("3i", credentials)[1] == os.geteuid())


def _be_job(connection: socket.socket, signals: dict[int, Any], main: Main) -> NoReturn:
    """Do in this process what the client at the other end would do without a server."""
    code = 1
    try:
        for number, handler in signals.items():
            signal.signal(number, handler)
        arguments = _take_over(connection)
        connection.settimeout(None)
        connection.sendall(ACCEPTED)  # or it has gone, and nothing is done
        process.client = connection.fileno()
        sys.argv = ["dropgrid", *arguments]
        code = main(arguments)
    except SystemExit as ended:  # argparse, of a wrong command line
        code = ended.code if isinstance(ended.code, int) else 1
    except OSError as error:
        print(f"dropgrid: a job was not taken over: {error}", file=sys.stderr)
    finally:
        with suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        with suppress(OSError):
            connection.sendall(bytes([code & 0xFF]))
        os._exit(code & 0xFF)


def _take_over(connection: socket.socket) -> list[str]:
    """Become the client in all but its number; the words of its command. Raises OSError."""
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
    return [os.fsdecode(word) for word in parts[:words]]


def _receive(connection: socket.socket, length: int) -> bytes:
    pieces: list[bytes] = []
    while (left := length - sum(map(len, pieces))) > 0:
        piece = connection.recv(min(left, 1 << 16))
        if not piece:
            raise OSError("a request that is not whole")
        pieces.append(piece)
    return b"".join(pieces)
