"""The warm server: its jobs are those of the command itself, whoever is killed or listens."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from dropgrid.jobs import warm_server
from dropgrid.jobs.warm_server import CLIENT, NAME

pytestmark = pytest.mark.alone

# The process of a run: offers a server whose jobs run the given command, and waits for its end.
RUN = """
import os, sys
from dropgrid.jobs import warm_server
assert warm_server.offer([sys.executable, "-c", sys.argv[1]])
print(os.environ[warm_server.NAME], flush=True)
sys.stdin.read()
"""
# A server like that of `dropgrid serve`, with a command that does as the tests ask.
SERVER = """
import os, sys, time
from dropgrid.jobs import process, warm_server
print("server", os.getpid(), file=sys.stderr, flush=True)

networks = bytearray(100 * 2**20)  # what jobs are forked with

def work():
    print("at work", os.getpid(), flush=True)
    time.sleep(60)

def grow():
    held = []
    while True:
        held.append(bytearray(10 * 2**20))
        print(10 * len(held), flush=True)

def main(words):
    if words[0] == "grow":
        print(process.supervised(grow, memory_mb=int(words[1])).failure.type)
        return 0
    if words[0] == "work":
        outcome = process.supervised(work)
        return 128 + outcome.signal if outcome.signal else 3
    if words[0] == "die":
        os.kill(os.getpid(), 9)
    print(words[1:], os.getcwd(), os.environ.get("SAID"), sys.stdin.read(), os.nice(0))
    print("to the log", file=sys.stderr)
    return 7

raise SystemExit(warm_server.serve(lambda first: first in (b'', b'n'), main))
"""


PATIENCE = 120  # seconds, of a busy machine


def _take_signals() -> None:
    """What a process begun by nohup, or in the background of a script, does not do by itself."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


@pytest.fixture
def run() -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, SERVER],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=_take_signals,
    )  # fmt: skip
    yield process
    process.kill()
    process.communicate()


@pytest.fixture
def path(run: subprocess.Popen[str]) -> str:
    """Where the run's server listens."""
    assert run.stdout is not None
    return run.stdout.readline().strip()


CLIENTS = {"python": [sys.executable, "-I", "-S", str(CLIENT)],
           "compiled": warm_server.client(sys.executable)}  # fmt: skip
client_words: list[str] = CLIENTS["python"]


@pytest.fixture(autouse=True, params=CLIENTS)
def _client(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test with either client."""
    words = CLIENTS[request.param]
    if request.param == "compiled" and words == CLIENTS["python"]:
        pytest.skip("no C compiler here")
    monkeypatch.setattr(sys.modules[__name__], "client_words", words)


def start(path: str, *words: str, **more: object) -> subprocess.Popen[str]:
    environment = {**os.environ, NAME: path, "SAID": "{it} $is 'so'"}
    return subprocess.Popen(
        [*client_words, *words], env=environment, text=True, stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, **{"preexec_fn": _take_signals, **more},
    )  # type: ignore[call-overload]  # fmt: skip


def within(seconds: float, what: Callable[[], bool]) -> bool:
    end = time.monotonic() + seconds
    while not what():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def has_ended(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def at_work(path: str) -> tuple[subprocess.Popen[str], psutil.Process]:
    """A client, and the process below the server that does its work."""
    client = start(path, "work")
    assert client.stdout is not None
    return client, psutil.Process(int(client.stdout.readline().split()[-1]))


def test_a_job_has_the_words_streams_environment_and_folder_of_its_client(path, tmp_path):
    words = ["a b", "", "{x}", "ü\udcff", "--option=\n"]
    client = start(path, "show", *words, cwd=tmp_path)
    said, log = client.communicate("from standard input")
    assert client.returncode == 7
    expected = [words, str(tmp_path), "{it} $is 'so'", "from standard input", os.nice(0)]
    assert said == " ".join(map(str, expected)) + "\n"
    assert log == "to the log\n"
    again = start(path, "show", "x")
    assert again.communicate("")[0].startswith("['x']") and again.returncode == 7


def test_many_jobs_at_once_start_one_server(run, path):
    clients = [start(path, "show", str(number)) for number in range(20)]
    for number, client in enumerate(clients):
        assert client.communicate("")[0].startswith(f"['{number}']")
    assert len(psutil.Process(run.pid).children()) == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_the_client_ends_the_job(path, number):
    client, job = at_work(path)
    client.send_signal(number)
    assert client.wait(PATIENCE) == 128 + number
    assert within(PATIENCE, lambda: has_ended(job))


def test_a_client_that_is_killed_takes_its_job_with_it(path):
    client, job = at_work(path)
    client.kill()
    assert within(PATIENCE, lambda: has_ended(job))


def test_a_job_that_is_killed_fails_and_the_next_one_runs(path):
    client = start(path, "die")
    client.communicate()
    assert client.returncode == 137
    client = start(path, "show")
    client.communicate("")
    assert client.returncode == 7


def test_jobs_outlive_the_server_and_later_ones_run_by_themselves(run, path):
    client, job = at_work(path)
    [server] = psutil.Process(run.pid).children()
    server.kill()
    assert within(PATIENCE, lambda: has_ended(server))
    assert job.is_running() and client.poll() is None
    client.terminate()
    assert client.wait(PATIENCE) == 128 + signal.SIGTERM
    alone = start(path, "--version")
    assert alone.communicate()[0].startswith("dropgrid ")


def test_a_worker_that_is_done_does_the_next_job_and_holds_nothing_of_the_last(
    run, path, tmp_path
):
    def show(**more: object) -> list[int]:
        client = start(path, "show", "x", cwd=tmp_path, **more)
        client.communicate("")  # ends only if no other process has its output open
        assert client.returncode == 7
        [server] = psutil.Process(run.pid).children()
        return [child.pid for child in server.children()]

    [worker] = show()
    assert show() == [worker]
    assert within(PATIENCE, lambda: psutil.Process(worker).cwd() == "/")
    assert not any(str(tmp_path) in held.path for held in psutil.Process(worker).open_files())
    show(preexec_fn=lambda: os.nice(3))
    # It is nicer now: not for others.
    assert within(PATIENCE, lambda: not psutil.pid_exists(worker))


@pytest.mark.parametrize("cap", [50, 300])
def test_the_cap_of_a_job_counts_what_it_was_forked_with_and_holds(path, cap):
    """Its pages are the server's, but the system counts a process's mappings, shared or not."""
    client = start(path, "grow", str(cap))
    *grown, end = client.communicate("")[0].split()
    assert end == "OutOfMemory"
    most = max(map(int, grown), default=0)
    assert most <= max(0, cap - 100) and (cap < 100 or most >= cap - 200)
    client = start(path, "show")
    client.communicate("")
    assert client.returncode == 7


def test_workers_end_when_there_is_news(run, path):
    """The text that `prepare` of this server gives for jobs whose name begins with n."""
    start(path, "show").communicate("")
    [server] = psutil.Process(run.pid).children()
    [worker] = server.children()
    start(path, "news").communicate("")
    assert within(PATIENCE, lambda: has_ended(worker))


def test_idle_workers_end_with_the_run_and_with_a_killed_server(run, path):
    start(path, "show").communicate("")
    [server] = psutil.Process(run.pid).children()
    [worker] = server.children()
    server.kill()
    assert within(PATIENCE, lambda: has_ended(worker))


def test_the_server_ends_with_the_run_however_that_ends(run, path):
    start(path, "show").communicate("")
    [server] = psutil.Process(run.pid).children()
    run.kill()
    run.wait()
    assert within(PATIENCE, lambda: has_ended(server))


def test_sockets_of_dead_runs_are_removed_and_those_of_others_are_not(
    run, path, tmp_path, monkeypatch
):
    dead = subprocess.Popen(["true"])
    dead.wait()
    for name in (f"dropgrid-{dead.pid}-x", f"dropgrid-{os.getpid()}-x", "dropgrid-plan-x"):
        (tmp_path / name).mkdir()
    warm_server._remove_stale(tmp_path)
    assert {p.name for p in tmp_path.iterdir()} == {f"dropgrid-{os.getpid()}-x", "dropgrid-plan-x"}
    folder = Path(path).parent
    assert folder.stat().st_mode & 0o777 == 0o700
    run.communicate("")
    assert not folder.exists()


def listening(folder: Path) -> socket.socket:
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    server.bind(str(folder / "jobs"))
    server.listen()
    return server


def test_a_stale_socket_is_not_a_server(tmp_path):
    tmp_path.chmod(0o700)
    listening(tmp_path).close()
    client = start(str(tmp_path / "jobs"), "--version")
    assert client.communicate()[0].startswith("dropgrid ")


def test_a_socket_in_a_folder_that_others_may_enter_is_not_spoken_to(tmp_path):
    tmp_path.chmod(0o755)
    with listening(tmp_path) as server:
        client = start(str(tmp_path / "jobs"), "--version")
        assert client.communicate()[0].startswith("dropgrid ")
        server.settimeout(0)
        with pytest.raises(BlockingIOError):
            server.accept()


def test_a_server_that_hangs_up_is_done_without(tmp_path):
    tmp_path.chmod(0o700)
    with listening(tmp_path) as server:
        client = start(str(tmp_path / "jobs"), "--version")
        server.accept()[0].close()
        assert client.communicate()[0].startswith("dropgrid ")


def test_half_a_request_harms_nobody(path):
    for sent in (b"", b"x", b"x" * 16, b"w" + bytes(16)):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as half:
            half.connect(path)
            half.sendall(sent)
    client = start(path, "show")
    client.communicate("")
    assert client.returncode == 7


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_another_user_is_not_served(path):
    """Even where the folder lets them in."""
    Path(path).parent.chmod(0o755)
    Path(path).chmod(0o777)
    speak = f"""
import os, socket
os.setuid(65534)
with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as other:
    other.connect({path!r})
    print(other.recv(1))
"""
    done = subprocess.run([sys.executable, "-c", speak], capture_output=True, text=True)
    assert done.stdout == "b''\n", done.stderr


def test_a_path_too_long_for_a_socket_offers_none(tmp_path):
    deep = tmp_path / ("d" * 120)
    deep.mkdir()
    code = "import sys; from dropgrid.jobs import warm_server as w; print(w.offer(['true']))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True,
        env={**os.environ, "TMPDIR": str(deep)},
    )  # fmt: skip
    assert done.stdout == "False\n", done.stderr
