"""Every system call that writes fails once: nothing of the user's is lost or half written.

In the manner of SQLite's tests: a command runs under strace, which lets the Nth write, rename,
fsync or unlink of the whole process fail, or kills it there, for N from 1 until none is left.
After each:
every song is whole, old or new; what lies in the results can be read; the message is no traceback;
and the next, undisturbed run ends with the bytes that a run without faults leaves.

Opening files is not made to fail here: most opens are Python's own. Skips without strace.
"""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from injection import (
    CALLS,
    assert_all_can_be_read,
    call,
    failing,
    has_failed,
    needs_strace,
    outcome,
    songs,
)
from test_tag_writing import library, song

pytestmark = pytest.mark.slow

COMMANDS: dict[str, list[str]] = {
    "scan": ["scan", "music", "--results", "results"],
    "table": ["table", "results", "--analyses", "bpm", "structure"],
    "report": ["report", "--results", "results"],
    "export": ["export", "lab", "--results", "results", "--output", "labels"],
    "export rekordbox": ["export", "rekordbox", "--results", "results", "--output", "all.xml"],
    "prune": ["prune", "--results", "results"],
    "tag write": ["tag", "write", "--results", "results"],
    "tag restore": ["tag", "restore", "--results", "results"],
    "retry": ["retry", "--results", "results"],
}
MOST = 60  # calls that are made to fail; past this the command is too chatty to go on


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Makes a copy of a small library with results, in the state that a command begins in."""
    needs_strace()
    top = tmp_path_factory.mktemp("start")
    for name in ("a.flac", "b.mp3"):
        song(top, name)
    library(top)
    numbers = itertools.count()

    def copy(command: str) -> Path:
        folder = tmp_path_factory.mktemp("run") / str(next(numbers))
        shutil.copytree(top, folder, symlinks=True)
        for ticket in (folder / "results" / "tracks").iterdir():
            ticket.write_text(ticket.read_text().replace(str(top), str(folder)))
        scan = folder / "results" / "scan.json"
        scan.write_text(scan.read_text().replace(str(top), str(folder)))
        if command == "scan":
            shutil.rmtree(folder / "results")
        if command == "prune":
            (folder / "music" / "b.mp3").unlink()
            assert call(folder, COMMANDS["scan"]).returncode == 0
        if command == "tag restore":
            assert call(folder, COMMANDS["tag write"]).returncode == 0
        return folder

    return copy


def assert_nothing_is_half_written(folder: Path, old: dict, new: dict) -> None:
    for name, data in songs(folder).items():
        assert data in (old[name], new[name]), f"{name} is neither old nor new"
    assert songs(folder).keys() == old.keys()
    assert_all_can_be_read(folder / "results")


@pytest.mark.parametrize("kind", CALLS)
@pytest.mark.parametrize("command", COMMANDS)
def test_each_call_may_fail(command: str, kind: str, start: Callable[[str], Path]) -> None:
    whole = start(command)
    old = songs(whole)
    assert call(whole, COMMANDS[command]).returncode == 0
    new, expected = songs(whole), outcome(whole)
    tried = 0
    for number in range(1, MOST + 1):
        folder = start(command)
        log = folder.parent / "strace.log"
        run = call(folder, COMMANDS[command], *failing(kind, number, log))
        if not has_failed(kind, log):
            break
        tried += 1
        assert "Traceback" not in run.stderr, run.stderr
        assert_nothing_is_half_written(folder, old, new)
        again = call(folder, COMMANDS[command])
        done = "there is no such backup" in again.stderr  # all was restored before the fault
        assert again.returncode == 0 or done, (number, run.stderr, again.stderr)
        assert outcome(folder) == expected, f"after call {number}"
    assert tried < MOST
    print(f"{command}: {tried} calls of {kind} failed")
