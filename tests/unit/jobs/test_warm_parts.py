"""The parts of the warm server and its client, each with a socket of its own."""

from __future__ import annotations

import os
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from dropgrid import native
from dropgrid.jobs import warm_client, warm_server
from dropgrid.native.digest import PROGRAM_SOURCES

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    here, there = socket.socketpair()
    with here, there:
        yield here, there


def listening(folder: Path) -> socket.socket:
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    server.bind(str(folder / "jobs"))
    server.listen()
    return server


@pytest.mark.parametrize(
    ("mode", "speaks"), [(0o700, True), (0o500, True), (0o710, False), (0o701, False)]
)
def test_a_client_speaks_only_into_a_folder_of_its_users_own(
    mode: int, speaks: bool, tmp_path: Path
) -> None:
    with listening(tmp_path):
        tmp_path.chmod(mode)
        connection = warm_client.connected(os.fsencode(tmp_path / "jobs"))
        tmp_path.chmod(0o700)
        assert (connection is not None) == speaks
        if connection is not None:
            assert connection.gettimeout() == 60.0  # for the server's imports
            connection.close()
    assert warm_client.connected(os.fsencode(tmp_path / "jobs")) is None
    assert warm_client.connected(b"/no/such/folder/jobs") is None


@pytest.mark.parametrize(("answer", "taken"), [(b"\n", True), (b"x", False), (b"", False)])
def test_a_client_hands_over_words_variables_streams_folder_and_niceness(
    answer: bytes, taken: bool, pair: Pair, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    here, there = pair
    there.sendall(answer)
    if not answer:
        there.shutdown(socket.SHUT_WR)
    words = ["features", "", "ü\udcff", "a=b"]
    assert warm_client.accepted(here, words) is taken
    assert there.recv(1) == b"f"
    head, handed, _, _ = socket.recv_fds(there, struct.calcsize(warm_client.HEAD), 4)
    length, count, variables, niceness = struct.unpack(warm_client.HEAD, head)
    body = warm_server._receive(there, length).split(b"\0")
    assert [os.fsdecode(word) for word in body[:count]] == words
    assert dict(pair.split(b"=", 1) for pair in body[count:]) == dict(os.environb)
    assert variables == len(os.environ) and niceness == os.getpriority(os.PRIO_PROCESS, 0)
    for descriptor, own in zip(handed, (0, 1, 2), strict=False):
        assert os.path.sameopenfile(descriptor, own)
    assert os.path.samestat(os.fstat(handed[3]), os.stat(tmp_path))
    for descriptor in handed:
        os.close(descriptor)


def test_a_server_that_has_gone_accepts_nothing(pair: Pair) -> None:
    here, there = pair
    there.close()
    assert not warm_client.accepted(here, ["bpm"])


@pytest.mark.parametrize(
    ("sent", "code"), [(b"\x00", 0), (b"\x07", 7), (b"\xff", 255), (b"", 137)]
)
def test_the_exit_code_is_the_servers_and_without_one_the_job_was_killed(
    sent: bytes, code: int, pair: Pair
) -> None:
    here, there = pair
    there.sendall(sent)
    there.close()
    before = {number: signal.getsignal(number) for number in warm_client.FORWARDED}
    try:
        assert warm_client.result(here) == code
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@pytest.mark.parametrize("number", warm_client.FORWARDED)
def test_signals_are_handed_on_and_become_the_exit_code_of_a_job_without_one(
    number: int, pair: Pair
) -> None:
    here, there = pair
    ignored = signal.SIGHUP if number != signal.SIGHUP else signal.SIGINT
    before = {each: signal.getsignal(each) for each in warm_client.FORWARDED}
    signal.signal(ignored, signal.SIG_IGN)
    heard: list[bytes] = []

    def server() -> None:
        heard.append(there.recv(1))
        there.close()

    # The client sets its handlers and then waits without a limit: the signal goes to a waiting
    # client, because a thread that it can start only then sends it.
    settimeout = socket.socket.settimeout

    class Waiting(socket.socket):
        def settimeout(self, seconds: float | None) -> None:
            settimeout(self, seconds)
            assert seconds is None
            assert signal.getsignal(ignored) == signal.SIG_IGN
            threading.Thread(target=server).start()
            os.kill(os.getpid(), number)

    try:
        with Waiting(fileno=os.dup(here.fileno())) as waiting:
            here.close()
            assert warm_client.result(waiting) == 128 + number
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
    assert heard == [bytes([number])]


def test_a_request_is_received_whole_or_not_at_all(pair: Pair) -> None:
    here, there = pair
    body = os.urandom(200_000)
    sender = threading.Thread(target=there.sendall, args=(body + b"more",))
    sender.start()
    assert warm_server._receive(here, len(body)) == body
    sender.join()
    assert warm_server._receive(here, 0) == b""
    assert here.recv(9) == b"more"  # nothing is taken that was not asked for
    there.sendall(b"half")
    there.shutdown(socket.SHUT_WR)
    with pytest.raises(OSError, match="not whole"):
        warm_server._receive(here, 5)


def test_idle_workers_get_jobs_and_those_that_have_ended_are_forgotten(pair: Pair) -> None:
    workers = warm_server._Workers()
    assert not workers.take(pair[0])
    ends = []
    for _ in range(3):
        here, there = socket.socketpair()
        workers.channels.append(here)
        ends.append(there)
    first, second, third = workers.channels
    for end in ends[:2]:
        end.sendall(warm_server.JOB)
    workers.hear([first, second, "another descriptor"])
    assert workers.idle == [first, second] and workers.channels == [first, second, third]
    assert workers.take(pair[0])
    word, handed, _, _ = socket.recv_fds(ends[1], 9, 9)
    assert word == b"." and len(handed) == 1
    assert os.path.sameopenfile(handed[0], pair[0].fileno())
    os.close(handed[0])
    assert workers.idle == [first]
    ends[0].close()  # this one is killed while it is idle
    assert not workers.take(pair[0])
    assert workers.channels == [second, third] and workers.idle == []
    ends[2].close()
    workers.hear([third])
    assert workers.channels == [second] and third.fileno() == -1
    workers.dismiss()
    assert workers.channels == [] and ends[1].recv(1) == b""
    ends[1].close()


def test_the_compiled_client_is_used_only_where_it_is_current(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(native.WITHOUT, raising=False)
    plain = ["python", "-I", "-S", str(warm_server.CLIENT)]
    program = tmp_path / "client"
    monkeypatch.setattr(warm_server, "PROGRAM", program)
    assert warm_server.client("python") == plain  # there is none
    program.write_text(f'#!/bin/sh\n[ "$*" = --sources ] && echo {PROGRAM_SOURCES}\n')
    program.chmod(0o755)
    assert warm_server.client("python") == [str(program), "python"]
    monkeypatch.setenv(native.WITHOUT, "0")
    assert warm_server.client("python") == plain
    monkeypatch.delenv(native.WITHOUT)
    program.write_text("#!/bin/sh\necho of other sources\n")
    assert warm_server.client("python") == plain


def test_a_server_that_does_not_end_with_the_run_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warm_server, "LAST", 0.01)
    reader, writer = os.pipe()
    deaf = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    monkeypatch.setattr(warm_server, "_started", [(writer, deaf)])
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "jobs").touch()
    warm_server._end(str(tmp_path / "folder"))
    assert deaf.wait() == -signal.SIGKILL
    assert os.read(reader, 1) == b""  # the run's end of the pipe is closed
    os.close(reader)
    assert not (tmp_path / "folder").exists()


def test_a_server_has_time_to_end_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, writer = os.pipe()
    waits = "import os; os.read(0, 1); raise SystemExit(5)"
    server = subprocess.Popen([sys.executable, "-c", waits], stdin=reader)
    os.close(reader)
    monkeypatch.setattr(warm_server, "_started", [(writer, server)])
    monkeypatch.setattr(warm_server, "LAST", 600.0)
    warm_server._end(str(tmp_path))
    assert server.returncode == 5


def test_the_user_of_a_connection_is_known(pair: Pair) -> None:
    assert warm_server._is_own_client(pair[0])


@pytest.mark.parametrize(("to", "out"), [(2, 2), (-1, -1)])
def test_streams_of_a_server_go_to_the_log_and_those_of_an_idle_worker_nowhere(
    to: int, out: int
) -> None:
    code = (
        "import os, sys; from dropgrid.jobs import warm_server as w\n"
        f"w._shut_streams({to}); print('said', flush=True); print('log', file=sys.stderr)\n"
        "os.write(2, os.read(0, 9) + b'.')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], input="from standard input", capture_output=True, text=True
    )
    assert done.stdout == ""
    assert done.stderr == ("" if out < 0 else "said\nlog\n.")
