"""A job's way to the run's warm server: `python -I -S warm_client.py SUB-COMMAND ARGUMENTS...`

Starting Python with NumPy costs a job more processor time than its late stages take. This starts
in a few milliseconds, because it imports nothing but built-in modules. It hands its arguments,
environment, standard streams and folder to the server of the run (dropgrid.jobs.warm_server), and
ends with the exit code of the process that the server forks for it. Signals go to that process;
if this one is killed, that one ends too. Where no server answers, the same command runs right
here, to the same bytes.

It runs as a file, outside the package: it must not import anything of it.
"""

from __future__ import annotations

import posix
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _socket import socket

VARIABLE = b"DROPGRID_SERVER"  # where the server's socket lies
PATIENCE = 60.0  # seconds until a server that does not accept is given up: it imports NumPy first
ACCEPTED = b"\n"
HEAD = "=IIIi"  # bytes that follow, words of the command, variables, niceness
KILLED = 137  # the shell's exit code for a process ended by SIGKILL
FORWARDED = (1, 2, 15)  # SIGHUP, SIGINT, SIGTERM


def main(arguments: list[str]) -> int:
    """Have the server run a command; where there is none, run it in the place of this process."""
    path = posix.environ.get(VARIABLE)
    connection = connected(path) if path else None
    if connection is not None and accepted(connection, arguments):
        return result(connection)
    command = [sys.executable, "-P", "-m", "dropgrid", *arguments]
    posix.execve(sys.executable, command, posix.environ)


def connected(path: bytes) -> socket | None:
    """A connection to this user's server at a path; None where there is none."""
    import _socket

    try:
        folder = posix.lstat(path.rpartition(b"/")[0])
        if folder.st_uid != posix.geteuid() or folder.st_mode & 0o077:
            return None  # anybody who may write there may listen there
        connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
        connection.settimeout(PATIENCE)
        connection.connect(path)
    except OSError:
        return None
    return connection


def accepted(connection: socket, arguments: list[str]) -> bool:
    """Hand over all that the job needs; whether there is a process for it now."""
    import _socket
    from _struct import pack

    encoding = sys.getfilesystemencoding()
    words = [word.encode(encoding, "surrogateescape") for word in arguments]
    variables = [name + b"=" + value for name, value in posix.environ.items()]
    body = b"\0".join([*words, *variables])
    niceness = posix.getpriority(posix.PRIO_PROCESS, 0)
    try:
        handed = pack("=4i", 0, 1, 2, posix.open(b".", posix.O_RDONLY))
        connection.send(words[0][:1])  # what it is, before the server has a process for it
        connection.sendmsg(
            [pack(HEAD, len(body), len(words), len(variables), niceness)],
            [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, handed)],
        )
        connection.sendall(body)
        return connection.recv(1) == ACCEPTED
    except OSError:
        return False


def result(connection: socket) -> int:
    """The exit code of the job's process; signals in the meantime are passed on to it."""
    import _signal

    received: list[int] = []

    def hand_on(number: int, _frame: object) -> None:
        received.append(number)
        try:  # noqa: SIM105  # contextlib takes longer to import than all of this
            connection.send(bytes([number]))
        except OSError:  # it has ended: so shall this
            pass

    for number in FORWARDED:
        if _signal.getsignal(number) != _signal.SIG_IGN:
            _signal.signal(number, hand_on)
    connection.settimeout(None)
    try:
        code = connection.recv(1)
    except OSError:
        code = b""
    if code:
        return code[0]
    return 128 + received[0] if received else KILLED


if __name__ == "__main__":
    posix._exit(main(sys.argv[1:]))
