"""An engine that waits for the test that uses it, so that a run is certainly active meanwhile.

A run gets it by the option OPTION. Each of its jobs leaves a note in the folder it works in and
waits there until a pass is issued or the gate is opened. It finds beats at 126 BPM in any file.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

GATE = "gate"  # a folder in the folder of a run
BPM = 126.0
FRAME_RATE = 100
OPTION = f"bpm={{method: '{Path(__file__).resolve()}:detect'}}"  # after --config


def detect(blocks: Iterator[np.ndarray], rate: int) -> np.ndarray:
    """Activations (frames,), once the test lets this job pass."""
    frames = sum(len(block) for block in blocks) * FRAME_RATE // rate
    _wait(Path(GATE))
    found = np.zeros(frames, np.float32)
    beats = np.arange(0, frames / FRAME_RATE - 0.01, 60 / BPM)
    found[np.round(beats * FRAME_RATE).astype(int)] = 0.9
    return found


def _wait(gate: Path) -> None:
    gate.mkdir(exist_ok=True)
    note = gate / f"waiting-{os.getpid()}"
    note.touch()
    while not ((gate / "open").exists() or _takes_a_pass(gate)):
        time.sleep(0.01)
    note.unlink()


def _takes_a_pass(gate: Path) -> bool:
    for one in gate.glob("pass-*"):
        try:
            one.unlink()
            return True
        except FileNotFoundError:  # another job took it
            continue
    return False


def issue_passes(folder: Path, count: int) -> None:
    """Let `count` jobs of a run in a folder pass, now or when they arrive."""
    (folder / GATE).mkdir(exist_ok=True)
    for number in range(count):
        (folder / GATE / f"pass-{number}").touch()


def open_gate(folder: Path) -> None:
    """Let all jobs of runs in a folder pass."""
    (folder / GATE).mkdir(exist_ok=True)
    (folder / GATE / "open").touch()


def waiting(folder: Path) -> list[int]:
    """The ids of the waiting processes, including those that were killed while they waited."""
    return sorted(int(path.name.rpartition("-")[2]) for path in (folder / GATE).glob("waiting-*"))
