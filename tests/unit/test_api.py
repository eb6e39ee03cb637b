"""The Python API gives what the commands write, and its example runs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from dropgrid import demo
from dropgrid.api import analyze, load_library
from dropgrid.base.errors import ConfigError, RecordError
from dropgrid.records.store import to_json, write_record
from dropgrid.records.track import Track
from library_of_records import PATHS, bpm_record, structure_record, write_results

EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "examples" / "notebook.py"


@pytest.fixture(scope="module")
def analysed(songs: Path) -> Track:
    return analyze(songs / "house.flac")


def test_a_file_is_analysed(analysed: Track, songs: Path, house: demo.Composition) -> None:
    assert analysed.ok and analysed.file == songs / "house.flac"
    assert analysed.bpm is not None and analysed.structure is not None
    assert analysed.bpm.bpm == pytest.approx(house.bpm, abs=0.02)
    end = analysed.structure.sections[-1].end
    assert end == pytest.approx(analysed.bpm.duration, abs=1e-6)


LEAK = """
import sys
from pathlib import Path
from dropgrid.api import analyze
from dropgrid.stages.networks import load_networks

before = set(Path(sys.argv[2]).iterdir())
for _ in range(3):
    assert analyze(sys.argv[1]).ok
held = load_networks.cache_info()
print(held.currsize, held.misses, len(set(Path(sys.argv[2]).iterdir()) - before))
"""


def test_a_file_after_the_other_holds_the_networks_once(songs: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", LEAK, songs / "other.ogg", tmp_path],
        capture_output=True, text=True, env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["1", "1", "1"], done.stdout
    assert list(tmp_path.iterdir()) == []


def test_the_records_are_those_of_the_command(
    analysed: Track, songs: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    from dropgrid.commands.main import main

    assert main(["analyze", str(songs / "house.flac"), "--output", str(tmp_path)]) == 0
    assert re.search(r"intro \d+ bars.*; drop \d+ bars", capfd.readouterr().out)
    (loaded,) = load_library(tmp_path, songs)
    assert analysed.bpm is not None and analysed.structure is not None
    assert loaded.bpm is not None and loaded.structure is not None
    assert to_json(loaded.bpm) == to_json(analysed.bpm)
    assert to_json(loaded.structure) == to_json(analysed.structure)
    assert loaded.file == songs / "house.flac"


def test_a_file_that_is_none_gives_error_records(tmp_path: Path) -> None:
    (tmp_path / "text.mp3").write_text("not audio")
    track = analyze(tmp_path / "text.mp3")
    assert not track.ok
    assert track.record.error is not None and track.record.error.stage == "decode"


def test_a_wrong_option_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="bpm: there is no option speed"):
        analyze(tmp_path / "song.mp3", {"bpm": {"speed": 1}})


def test_a_library_is_loaded_in_its_order_with_its_failures(tmp_path: Path) -> None:
    tracks = load_library(write_results(tmp_path))
    assert [track.path for track in tracks] == list(PATHS)
    assert [track.ok for track in tracks] == [True, True, False, True]
    assert [track.file for track in tracks] == [Path("/music") / path for path in PATHS]
    assert tracks[0].bpm == bpm_record("a house.flac")
    assert tracks[0].structure == structure_record("a house.flac")


def test_one_analysis_alone_is_loaded(tmp_path: Path) -> None:
    for path in ("b.wav", "a.wav"):
        record = structure_record(path)
        write_record(tmp_path / "structure" / f"{record.track}.json", record)
    tracks = load_library(tmp_path)
    assert [(track.path, track.bpm, track.file) for track in tracks] == [
        ("a.wav", None, None),
        ("b.wav", None, None),
    ]


def test_missing_and_broken_records_are_named(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="holds no records; run the workflow first"):
        load_library(tmp_path)
    write_results(tmp_path)
    broken = next((tmp_path / "structure").iterdir())
    broken.write_text("{")
    failed = {track.track: track for track in load_library(tmp_path)}[broken.stem]
    assert not failed.ok and failed.structure is not None
    assert failed.structure.error is not None and broken.name in failed.structure.error.message
    broken.unlink()
    with pytest.raises(RecordError, match=broken.name):
        load_library(tmp_path)


def test_the_example_runs(songs: Path, tmp_path: Path) -> None:
    results = write_results(tmp_path)
    done = subprocess.run(
        [sys.executable, str(EXAMPLE), str(songs / "house.flac"), str(results)],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "house.flac: 126.00 BPM, first downbeat at " in done.stdout
    assert done.stdout.endswith("4 tracks, 1 failed\n   88 BPM: 1\n  128 BPM: 2\n")


def test_the_bytes_are_the_same_on_any_number_of_threads(tmp_path: Path, songs: Path) -> None:
    """Whoever calls from Python has NumPy already, with as many threads as there are cores."""
    code = (
        "import sys, numpy\n"
        "from dropgrid.api import analyze\n"
        "from dropgrid.records.store import to_json\n"
        "sys.stdout.buffer.write(to_json(analyze(sys.argv[1]).bpm))\n"
    )
    made = set()
    for threads in ("1", "2"):
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": threads, "OMP_NUM_THREADS": threads}
        command = [sys.executable, "-c", code, songs / "other.ogg"]
        made.add(subprocess.run(command, env=environment, capture_output=True, check=True).stdout)
    assert len(made) == 1
