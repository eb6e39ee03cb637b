"""A call fails, or the process is killed, while tracks are analysed, corrected or watched.

As test_fault_injection.py does it, for what takes longer to try: the commands of the stages and a
batch, the workbench and the watch. Of each kind of call a few are made to fail, the first and the
last of a process among them. After each: no file of the user's has changed, no correction is
lost, the results can be read, and the next, undisturbed run leaves what one
without faults does.
"""

from __future__ import annotations

import http.client
import itertools
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
import soundfile
from dropgrid import demo
from dropgrid.apply_corrections import document
from dropgrid.apply_corrections.model import Correction
from dropgrid.correcting.session import CorrectionSession
from dropgrid.library import scan, track_id
from dropgrid.records.store import read_key
from dropgrid.results.layout import Results
from dropgrid.results.ownership import claim
from dropgrid.run.plan import make_plan
from dropgrid.settings.config import complete_config
from injection import (
    CALLS,
    assert_all_can_be_read,
    call,
    environment,
    failing,
    has_failed,
    most_calls,
    needs_strace,
    outcome,
    some_of,
    songs,
)
from open_workbench import Workbench, opened
from open_workbench import start as start_workbench

pytestmark = pytest.mark.slow

ONE, OTHER = track_id("a.flac"), track_id("b.flac")
MOST = 3  # calls of a kind that are made to fail
TRIES = ["--attempt", "1", "--attempts", "2"]  # a machine's fault is no answer for a track
BATCH = ["batch", "results/batches/00001.json"]  # of the second run
NETWORKS = ["network", "results/network.npz", "results/key.npz"]
LATER = ["--corrections", "results/corrections", *TRIES]
FEATURES, BPM = f"results/features/{ONE}.npz", f"results/bpm/{ONE}.json"
STRUCTURE, KEY = f"results/structure/{ONE}.json", f"results/key/{ONE}.json"
TICKET = f"results/tracks/{ONE}.json"
COMMANDS = {
    "features": [
        "features", TICKET, "results/network.npz", FEATURES, "--key-network", "results/key.npz",
        *TRIES,
    ],
    "bpm": ["bpm", TICKET, FEATURES, BPM, *LATER],
    "structure": ["structure", TICKET, FEATURES, BPM, STRUCTURE, *LATER],
    "key": ["key", TICKET, FEATURES, KEY, *LATER],
    "batch": [*BATCH, *TRIES],
    "batch, the last try": BATCH,
}  # fmt: skip
EDITS: list[tuple[str, dict[str, Any]]] = [  # the field that each corrects
    ("key", {"op": "key", "key": "Am"}), ("note", {"op": "note", "note": "twice"}),
    ("key", {"op": "key", "key": "Dm"}),
]  # fmt: skip
CORRECTIONS = Path("results", "corrections.json")
Start = Callable[[str], Path]


def plan(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a run writes before its first job: tickets, options, corrections, a batch."""
    with monkeypatch.context() as patch:
        patch.chdir(folder)
        config = complete_config({"library": "music", "results": "results", "tracks_per_job": 2})
        make_plan(scan("music", apart="results"), "results", config, real=True)


@pytest.fixture(scope="module")
def analysed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two short songs that were analysed in a batch, each with a correction."""
    needs_strace()
    top = tmp_path_factory.mktemp("analysed")
    (top / "music").mkdir()
    for number, name in enumerate(("a.flac", "b.flac")):
        seconds = 6.0
        song = demo.compose(seed=number, bpm=124.0 + number, style="house", duration=seconds)
        soundfile.write(top / "music" / name, demo.render(song), 44100)
    claim(top / "results", [str(top / "music")])
    with pytest.MonkeyPatch.context() as patch:
        plan(top, patch)
        for command in (NETWORKS, ["batch", "results/batches/00000.json"]):
            done = call(top, command)
            assert done.returncode == 0, done.stderr
        session = CorrectionSession(Results(top / "results"), top / CORRECTIONS)
        session.edit(ONE, [{"op": "half"}])
        session.edit(OTHER, [{"op": "note", "note": "by ear"}])
        plan(top, patch)
        done = call(top, BATCH)
        assert done.returncode == 0, done.stderr
    return top


@pytest.fixture(scope="module")
def start(analysed: Path, tmp_path_factory: pytest.TempPathFactory) -> Start:
    """Makes a copy of it, in the state that a command begins in."""
    numbers = itertools.count()

    def copy(command: str) -> Path:
        folder = tmp_path_factory.mktemp("run") / str(next(numbers))
        shutil.copytree(analysed, folder, symlinks=True)
        for path in (folder / "results").rglob("*.json"):
            text = path.read_text()
            if str(analysed) in text:
                path.write_text(text.replace(str(analysed), str(folder)))
        results = Results(folder / "results")
        for stage in ("features", "bpm", "structure", "key"):
            if command == stage:
                results.output(stage, ONE).unlink()
            elif command.startswith("batch"):
                shutil.rmtree(results.output(stage, ONE).parent)
        if command in ("features", "batch"):
            shutil.rmtree(results.cache)
        return folder

    return copy


def made(folder: Path) -> dict[str, bytes]:
    """What a command leaves, but for identities, by which a moved file is recognised: killed
    between features and identity a track has none, and is analysed again where it moves."""
    found = outcome(folder)
    return {name: data for name, data in found.items() if "/identity/" not in name}


def assert_nothing_is_lost(folder: Path, analysed: Path) -> None:
    assert songs(folder) == songs(analysed)
    assert (folder / CORRECTIONS).read_bytes() == (analysed / CORRECTIONS).read_bytes()
    assert_all_can_be_read(folder / "results")


@pytest.mark.parametrize("kind", CALLS)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_call_of_an_analysis_may_fail(
    command: str, kind: str, start: Start, analysed: Path
) -> None:
    whole = start(command)
    log = whole.parent / "strace.log"
    done = call(whole, COMMANDS[command], *failing(kind, 0, log))
    assert done.returncode == 0, done.stderr
    expected, count = made(whole), most_calls(log)
    for number in some_of(count, MOST):
        folder = start(command)
        run = call(folder, COMMANDS[command], *failing(kind, number, log))
        assert has_failed(kind, log), number
        assert "Traceback" not in run.stderr, run.stderr
        assert_nothing_is_lost(folder, analysed)
        if command == "batch, the last try":
            assert call(folder, ["retry", "--results", "results"]).returncode == 0
        again = call(folder, COMMANDS[command])
        assert again.returncode == 0, (number, run.stderr, again.stderr)
        assert made(folder) == expected, f"after call {number}"


def stated(folder: Path) -> dict[str, Correction]:
    return document.read(folder / CORRECTIONS).tracks


def answers(process: subprocess.Popen[str]) -> list[bool]:
    """For each edit in a workbench, whether it reported that it was saved."""
    assert process.stdout is not None
    process.stdout.readline()
    workbench = Workbench(process, process.stdout.readline().strip())
    said = []
    for _, step in EDITS:
        said.append(False)
        with suppress(OSError, http.client.HTTPException):
            status, _, _ = workbench.ask(f"api/tracks/{ONE}/edit", {"edits": [step]})
            said[-1] = status == 200
    workbench.end()
    return said


def assert_statements_are_whole(folder: Path, said: list[bool], analysed: Path) -> None:
    """What was reported as saved is there, unless a later edit replaced it, reported or not."""
    before, now = stated(analysed), stated(folder)
    assert now["b.flac"] == before["b.flac"] and now["a.flac"].bpm == before["a.flac"].bpm
    wanted = {"key": {"Am": "A minor", "Dm": "D minor"}, "note": {"twice": "twice"}}
    for field in ("key", "note"):
        allowed = {getattr(before["a.flac"], field)}
        for (name, step), saved in zip(EDITS, said, strict=True):
            if name == field:
                value = wanted[field][step[field]]
                allowed = {value} if saved else {*allowed, value}
        assert getattr(now["a.flac"], field) in allowed, (field, said)


@pytest.mark.alone
@pytest.mark.parametrize("kind", CALLS)
def test_a_call_of_the_workbench_may_fail(kind: str, start: Start, analysed: Path) -> None:
    logs = []
    for number in (1, 2, 4):
        folder = start("open")
        logs.append(folder.parent / "strace.log")
        # Detached, so that signals go to the workbench.
        before = [*failing(kind, number, logs[-1]), "-D"]
        said = answers(start_workbench(folder / "results", before=before))
        assert songs(folder) == songs(analysed)
        assert_all_can_be_read(folder / "results")
        assert_statements_are_whole(folder, said, analysed)
        with opened(folder / "results") as workbench:
            for _, step in EDITS:
                workbench.edit(ONE, step)
            assert workbench.settled(ONE)["state"]["job"] == "idle"
        assert_statements_are_whole(folder, [True] * len(EDITS), analysed)
        assert read_key(folder / KEY).key == "D minor"
    assert any(has_failed(kind, log) for log in logs)


WATCH = ["watch", "music", "--results", "results", "--settle", "0.3", "--cores", "1", "analysis"]
RUN = ["run", "music", "--results", "results", "--cores", "1", "analysis"]


def working_in(folder: Path) -> bool:
    """Whether any process works in a folder."""
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.cwd() == str(folder):
                return True
    return False


def wait_for(what: Callable[[], bool], seconds: float = 300) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.alone
@pytest.mark.parametrize("kind", ["write", "rename", "kill at rename", "kill -9"])
def test_a_call_of_a_watch_may_fail(kind: str, start: Start, analysed: Path) -> None:
    """In the watch, the run that it starts and its jobs, while a new song is analysed; or the
    watch alone is killed in the midst of that run."""
    folder = start("watch")
    shutil.copy(folder / "music" / "a.flac", folder / "music" / "c.flac")
    shutil.rmtree(folder / "results" / "identity")  # so that it is not recognised
    old, before = songs(folder), (folder / CORRECTIONS).read_bytes()
    new = folder / f"results/key/{track_id('c.flac')}.json"
    log, said = folder.parent / "strace.log", folder.parent / "said"
    faults = [] if kind == "kill -9" else [*failing(kind, 3, log), "-D"]
    with said.open("w") as stream:
        watch = subprocess.Popen(
            [*faults, sys.executable, "-m", "dropgrid", *WATCH],
            cwd=folder, stdout=stream, stderr=stream, env=environment(folder),
        )  # fmt: skip
    begun = "tracks to analyse" if kind == "kill -9" else "the run ended with"
    wait_for(lambda: watch.poll() is not None or new.exists() or begun in said.read_text())
    if kind == "kill -9":
        watch.kill()
    else:
        watch.terminate()
    watch.wait()
    wait_for(lambda: not working_in(folder))
    assert songs(folder) == old and (folder / CORRECTIONS).read_bytes() == before
    assert_all_can_be_read(folder / "results")
    assert call(folder, ["retry", "--results", "results"]).returncode == 0
    done = call(folder, RUN)
    assert done.returncode == 0, done.stderr
    assert songs(folder) == old and (folder / CORRECTIONS).read_bytes() == before
    for kept in (BPM, STRUCTURE, KEY):
        assert (folder / kept).read_bytes() == (analysed / kept).read_bytes()
    assert read_key(new).status == "ok"
    assert kind == "kill -9" or has_failed(kind, log)
