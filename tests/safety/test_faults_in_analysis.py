"""A call fails, or the process is killed, while tracks are analysed.

As test_fault_injection.py does it, for what takes longer to try: the commands of the stages and a
batch. Of each kind of call a few are made to fail, the first and the
last of a process among them. After each: no file of the user's has changed, nothing that was
stated is lost, what lies in the results can be read, and the next, undisturbed run leaves what one
without faults does.
"""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import soundfile
from dropgrid import demo
from dropgrid.correcting.session import Desk
from dropgrid.library import scan, track_id
from dropgrid.results.layout import Results
from dropgrid.results.ownership import claim
from dropgrid.run.plan import make_plan
from dropgrid.settings.config import complete_config
from injection import (
    CALLS,
    assert_all_can_be_read,
    call,
    failing,
    has_failed,
    most_calls,
    needs_strace,
    outcome,
    some_of,
    songs,
)

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
CORRECTIONS = Path("results", "corrections.json")
Start = Callable[[str], Path]


def plan(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a run writes before its first job: tickets, options, what is stated, a batch."""
    with monkeypatch.context() as patch:
        patch.chdir(folder)
        config = complete_config({"library": "music", "results": "results", "tracks_per_job": 2})
        make_plan(scan("music", apart="results"), "results", config, real=True)


@pytest.fixture(scope="module")
def analysed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two short songs that were analysed in a batch, of each of which something was stated."""
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
        desk = Desk(Results(top / "results"), top / CORRECTIONS)
        desk.edit(ONE, [{"op": "half"}])
        desk.edit(OTHER, [{"op": "note", "note": "by ear"}])
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
    """What a command leaves, but for identities, by which a file that moves is known again: killed
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
