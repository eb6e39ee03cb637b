"""An engine of the user's in the real workflow: by module and by file, track by track and in
batches, made again when it changes, and refused in one line before anything starts."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ENGINE = """
import numpy as np

__version__ = "1.0"

def detect(blocks, rate):
    frames = sum(map(len, blocks)) * 100 // rate
    found = np.full((frames, 2), 0.02)
    found[20::50] = (0.9, 0.02)   # 120 BPM from 0.2 s
    found[20::200] = (0.02, 0.9)
    return found

def broken(blocks, rate):
    raise RuntimeError("no weights here")
"""
FASTER = ENGINE.replace("1.0", "1.1").replace("20::50", "20::40").replace("20::200", "20::160")


@pytest.fixture
def folder(tmp_path: Path, songs: Path) -> Path:
    """Two songs, and an engine in a folder with a space in its name that no job's path has."""
    (tmp_path / "music").mkdir()
    for name in ("house.flac", "other.ogg"):
        shutil.copy(songs / name, tmp_path / "music" / name)
    (tmp_path / "my engines").mkdir()
    (tmp_path / "my engines" / "pulse_engine.py").write_text(ENGINE)
    return tmp_path


def configured(folder: Path, method: str, **more: object) -> list[str]:
    """Words of Snakemake: the configuration, and the target of records alone."""
    config = {"library": "music", "bpm": {"method": method}, "key": {"method": "profiles"}} | more
    (folder / "mine.yaml").write_text(json.dumps(config))
    return ["--cores", "2", "--configfile", str(folder / "mine.yaml"), "--", "analysis"]


def rhythms(folder: Path) -> Iterator[dict[str, object]]:
    for file in sorted((folder / "results" / "bpm").glob("*.json")):
        yield json.loads(file.read_text())


def test_a_module_makes_the_records_of_every_track_and_makes_them_again(folder, snakemake):
    path = {"PYTHONPATH": str(folder / "my engines")}
    words = configured(folder, "pulse_engine:detect")
    done = snakemake(folder, *words, environment=path)
    assert done.returncode == 0, done.stderr
    assert len(list((folder / "results" / "features").glob("*.npz"))) == 2
    assert not list(folder.glob("results/batches/*.done"))  # a job a track
    found = list(rhythms(folder))
    assert [record["status"] for record in found] == ["ok", "ok"], found
    assert all(record["bpm"] == 120.0 for record in found)
    assert all(str(record["method"]).startswith("pulse_engine:detect 1.0") for record in found)
    again = snakemake(folder, *words, environment=path)
    assert "Nothing to be done" in again.stdout + again.stderr
    (folder / "my engines" / "pulse_engine.py").write_text(FASTER)
    done = snakemake(folder, *words, environment=path)
    assert done.returncode == 0, done.stderr
    assert [record["bpm"] for record in rhythms(folder)] == [150.0, 150.0]


def test_a_file_makes_the_same_records_in_batches(folder, snakemake):
    words = configured(folder, "my engines/pulse_engine.py:detect", tracks_per_job=2)
    done = snakemake(folder, *words)
    assert done.returncode == 0, done.stderr
    assert list((folder / "results" / "batches").glob("*.done"))
    assert [record["bpm"] for record in rhythms(folder)] == [120.0, 120.0]


def test_an_engine_that_fails_on_every_track_leaves_records_that_say_so(folder, snakemake):
    done = snakemake(folder, *configured(folder, "my engines/pulse_engine.py:broken"))
    assert done.returncode == 0, done.stderr
    for record in rhythms(folder):
        error = record["error"]
        assert isinstance(error, dict) and error["type"] == "EngineError"
        assert "RuntimeError: no weights here" in error["message"]


def test_a_module_that_jobs_cannot_import_stops_the_run_before_it_starts(folder, snakemake):
    """It lies in the working folder, which is on no job's path."""
    shutil.move(folder / "my engines" / "pulse_engine.py", folder / "pulse_engine.py")
    done = snakemake(folder, *configured(folder, "pulse_engine:detect"))
    said = done.stdout + done.stderr
    assert done.returncode != 0 and not (folder / "results" / "bpm").exists()
    assert "bpm.method: pulse_engine:detect: " in said and "No module named 'pulse_engine'" in said
    assert "pulse_engine.py:detect" in said  # what to write instead
