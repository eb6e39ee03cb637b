"""Half-written outputs and left-over locks are found, and nothing else is touched."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from dropgrid.features import Features, store
from dropgrid.library import RESULTS_MARK as MARK
from dropgrid.records.model import BpmRecord
from dropgrid.records.store import write_record
from dropgrid.results.crash_cleanup import is_whole, remove_broken_files

TRACK = "song-0123abcd"


@pytest.fixture
def results(tmp_path: Path) -> Path:
    write_record(tmp_path / "bpm" / f"{TRACK}.json", BpmRecord(TRACK, "song.wav", "ok"))
    features = Features(1.0, np.zeros((100, 2), np.float32))
    store.save(tmp_path / "features" / f"{TRACK}.npz", features)
    (tmp_path / "library.csv").write_text("track,path\n")
    (tmp_path / "library.parquet").write_bytes(b"PAR1...PAR1")
    return tmp_path


def test_whole_outputs_stay(results: Path) -> None:
    assert remove_broken_files(results) == []


@pytest.mark.parametrize(
    "name", [f"bpm/{TRACK}.json", f"features/{TRACK}.npz", "library.csv", "library.parquet"]
)
@pytest.mark.parametrize("damage", ["empty", "cut", "zeros"])
def test_a_damaged_output_is_removed_and_only_it(results: Path, name: str, damage: str) -> None:
    path = results / name
    data = path.read_bytes()
    after = {"empty": b"", "cut": data[: len(data) * 2 // 3], "zeros": bytes(len(data))}
    path.write_bytes(after[damage])
    assert remove_broken_files(results) == [path]


def test_left_over_temporary_files_are_removed(results: Path) -> None:
    left = results / "features" / f".{TRACK}.npz.4711.tmp"
    left.write_bytes(b"PK\x03\x04half")
    assert remove_broken_files(results) == [left]


def test_of_the_mark_only_what_was_left_over_is_removed(results: Path) -> None:
    (results / MARK).write_bytes(b'{\n  "schema": "dropgrid/results"')
    left = results / f".{MARK}.4711.tmp"
    left.write_bytes((results / MARK).read_bytes())
    assert remove_broken_files(results, temporary=False) == []
    assert remove_broken_files(results) == [left]


def test_files_of_others_are_never_touched(results: Path) -> None:
    for name in ("notes.json", "list.csv", "bpm/mine.json", ".hidden.tmp", "evaluation/x.json"):
        (results / name).parent.mkdir(exist_ok=True)
        (results / name).write_text("not ours")
    assert remove_broken_files(results) == []
    assert is_whole(results / "nowhere.json")


LOSES_THE_FIRST_SIGNAL = """
import time
from dropgrid.run.interrupts import pass_signals_on

pass_signals_on()
try:
    print("ready", flush=True)
    time.sleep(60)
except KeyboardInterrupt:
    print("lost", flush=True)
time.sleep(60)
"""


def test_a_run_that_loses_its_interrupt_is_interrupted_again() -> None:
    command = [sys.executable, "-c", LOSES_THE_FIRST_SIGNAL]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # may be ignored here
    ) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == b"ready\n"
        run.send_signal(signal.SIGINT)
        assert run.stdout.readline() == b"lost\n"
        assert run.wait(timeout=300) == 130


def test_temporary_files_of_jobs_that_may_still_run_elsewhere_are_left(tmp_path):
    (tmp_path / "bpm").mkdir()
    writing = tmp_path / "bpm" / ".t-00000000.json.77.tmp"
    writing.touch()
    assert remove_broken_files(tmp_path, temporary=False) == [] and writing.exists()
    assert remove_broken_files(tmp_path) == [writing] and not writing.exists()
