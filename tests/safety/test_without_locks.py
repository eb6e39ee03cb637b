"""File systems that refuse locks (ENOLCK): the second to come is refused all the same."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from dropgrid.apply_corrections import document
from dropgrid.base import claims
from open_workbench import opened, start

NO_LOCKS = """
import errno, fcntl

def flock(descriptor, how):
    raise OSError(errno.ENOLCK, "No locks available")

fcntl.flock = flock
"""


@pytest.fixture
def no_locks(tmp_path, monkeypatch) -> Callable[[], None]:
    """Every Python that is started from now on finds no locks."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(NO_LOCKS)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))


def command(*words: str | Path) -> list[str]:
    return [sys.executable, "-m", "dropgrid", *map(str, words)]


@pytest.mark.slow
def test_a_second_run_is_refused_and_the_first_is_whole(no_locks, songs, tmp_path):
    shutil.copytree(songs, tmp_path / "music")
    words = command("run", tmp_path / "music", "--results", tmp_path / "results", "analysis")
    with (tmp_path / "log").open("wb") as log:
        first = subprocess.Popen(words, stdout=log, stderr=log)
    claim = tmp_path / "results" / ".dropgrid.running"
    try:
        while not claim.exists():
            assert first.poll() is None, (tmp_path / "log").read_text()
            time.sleep(0.01)
        os.kill(first.pid, signal.SIGSTOP)  # it is at work for as long as the second needs
        second = subprocess.run(words, capture_output=True, text=True)
        os.kill(first.pid, signal.SIGCONT)
        assert second.returncode != 0
        assert f"another run uses this folder: process {first.pid} on" in second.stderr
        assert str(claim) in second.stderr
        assert first.wait() == 0, (tmp_path / "log").read_text()
    finally:
        first.kill()
    assert not claim.exists()


@pytest.mark.slow
def test_what_a_killed_run_left_does_not_keep_the_next_from_its_work(no_locks, songs, tmp_path):
    (tmp_path / "music").mkdir()
    shutil.copy(songs / "other.ogg", tmp_path / "music")
    words = command("run", tmp_path / "music", "--results", tmp_path / "results", "analysis")
    claim = tmp_path / "results" / ".dropgrid.running"
    first = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not claim.exists():
        assert first.poll() is None
        time.sleep(0.01)
    first.kill()
    first.wait()
    assert claim.exists()
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert not claim.exists()

    record = next((tmp_path / "results" / "bpm").iterdir())
    assert json.loads(record.read_text())["status"] == "ok"
    with opened(tmp_path / "results") as workbench:
        second = start(tmp_path / "results")
        _, message = second.communicate(timeout=600)
        assert second.returncode == 2 and "a workbench is open on them" in message
        [track] = [row["id"] for row in workbench.json("api/library")["tracks"]]
        workbench.edit(track, {"op": "half"})
    with opened(tmp_path / "results"):
        pass
    assert list((tmp_path / "results").rglob("*.claim")) == []


def test_two_writers_of_a_file_of_corrections_take_turns(tmp_path, monkeypatch):
    def none(*_given: object) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(document.fcntl, "flock", none)
    monkeypatch.setattr(document, "LOCK_TIMEOUT", 0.2)
    file = tmp_path / "corrections.json"
    message = "another program is writing it"
    with (
        document.changing(file),
        pytest.raises(document.InvalidCorrection, match=message),
        document.changing(file),
    ):
        pass
    with document.changing(file):
        pass


def test_a_claim_is_of_one_process_as_long_as_it_lives(tmp_path):
    path = tmp_path / "claim"
    claims.claim(path)
    mine = path.read_bytes()
    with pytest.raises(claims.Claimed, match=f"process {os.getpid()} on {socket.gethostname()}"):
        claims.claim(path)
    claims.release(path)
    assert not path.exists()
    message = json.loads(mine)
    for change in ({"began": "another boot 1"}, {"pid": 2**22 + 1}, {"pid": 10**400}):
        path.write_text(json.dumps(message | change))
        claims.claim(path)
        assert path.read_bytes() == mine
        claims.release(path)
    for other in (json.dumps(message | {"host": "elsewhere"}).encode(), b"", b"[]", b"the user's"):
        path.write_bytes(other)
        with pytest.raises(claims.Claimed, match="if that is not so, delete"):
            claims.claim(path)
        claims.release(path)
        assert path.read_bytes() == other
    assert list(tmp_path.iterdir()) == [path]


def test_of_many_who_find_a_stale_claim_one_gets_it(tmp_path):
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom dropgrid.base import claims\n"
        "sys.stdin.readline()\n"
        "try:\n    claims.claim(Path(sys.argv[1]))\n    print('mine', flush=True)\n"
        "except claims.Claimed:\n    print('refused', flush=True)\n"
        "sys.stdin.readline()"
    )
    path = tmp_path / "claim"
    for _ in range(5):
        path.write_text(json.dumps({"pid": 1, "began": "never", "host": socket.gethostname()}))
        rivals = [
            subprocess.Popen([sys.executable, "-c", code, str(path)], text=True,
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(6)
        ]  # fmt: skip
        for rival in rivals:
            rival.stdin.write("go\n")
            rival.stdin.flush()
        message = [rival.stdout.readline().strip() for rival in rivals]
        for rival in rivals:
            rival.communicate("end\n")
        assert sorted(message) == ["mine"] + ["refused"] * 5
        path.unlink()
