"""The Python API gives what the commands write, and its example runs."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from dropgrid import demo_music
from dropgrid.api import analyze, load_library
from dropgrid.base.errors import ConfigError, RecordError
from dropgrid.records.store import to_json, write_record
from dropgrid.records.track import Track
from library_of_records import PATHS, bpm_record, structure_record, write_results

EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "examples" / "notebook.py"


@pytest.fixture(scope="module")
def analysed(songs: Path) -> Track:
    return analyze(songs / "house.flac")


@pytest.mark.slow
@pytest.mark.smoke
def test_a_file_is_analysed(analysed: Track, songs: Path, house: demo_music.Composition) -> None:
    assert analysed.ok and analysed.file == songs / "house.flac"
    assert analysed.bpm is not None and analysed.structure is not None
    assert analysed.bpm.bpm == pytest.approx(house.bpm, abs=0.02)
    end = analysed.structure.sections[-1].end
    assert end == pytest.approx(analysed.bpm.duration, abs=1e-6)


def as_values(track: Track) -> list[dict[str, Any]]:
    """All records, without what names the file and its decoder."""
    assert track.ok
    records = [json.loads(to_json(r)) for r in (track.bpm, track.structure, track.key) if r]
    assert len(records) == 3
    unlike = ("track", "path", "decoder")
    return [{k: v for k, v in record.items() if k not in unlike} for record in records]


@pytest.mark.slow
@pytest.mark.smoke
def test_an_array_has_the_records_of_its_file(analysed: Track, songs: Path) -> None:
    samples, rate = soundfile.read(songs / "house.flac")
    assert samples.dtype == np.float64
    track = analyze(samples, rate)
    assert as_values(track) == as_values(analysed)
    assert track.file is None and track.record.path == "array.wav"
    assert track.bpm is not None and track.bpm.decoder["sample_rate"] == rate


@pytest.mark.slow
@pytest.mark.smoke
def test_an_array_has_channels_a_rate_and_a_config(songs: Path, tmp_path: Path) -> None:
    samples, rate = soundfile.read(songs / "other.ogg", dtype="float32")
    assert (samples.shape[1], rate) == (2, 22050)
    soundfile.write(tmp_path / "both.wav", samples, rate, "FLOAT")
    config = {"bpm": {"method": "open"}, "key": {"method": "profiles"}}
    track = analyze(samples, rate, config=config)
    assert as_values(track) == as_values(analyze(tmp_path / "both.wav", config))
    assert track.bpm is not None and track.bpm.decoder["channels"] == 2
    mono = analyze(samples.mean(axis=1), rate)
    assert mono.bpm is not None and mono.bpm.decoder["channels"] == 1
    assert mono.bpm.bpm == pytest.approx(140.0, abs=0.05)
    assert as_values(track) == as_values(analyze(samples, rate, config))


@pytest.mark.parametrize(
    ("samples", "rate", "error", "printed"),
    [
        (
            np.zeros(9, np.int16),
            44100,
            TypeError,
            "floats with full scale 1 are needed, not int16",
        ),
        (np.zeros((2, 44100)), 44100, ValueError, r"44100 channels, at most 8; .*\(samples, chan"),
        (np.zeros((9, 0)), 44100, ValueError, "0 channels"),
        (np.zeros((9, 2, 2)), 44100, ValueError, r"shape \(9, 2, 2\)"),
        (np.zeros(9), 44100.5, TypeError, "whole number of Hz"),
        (np.zeros(9), None, TypeError, "whole number of Hz"),
        (np.zeros(9), 400, ValueError, "400 Hz; from 8000 to 192000"),
        ("song.flac", 44100, TypeError, "a file has its own"),
    ],
)
def test_an_array_of_another_kind_is_refused(
    samples: Any, rate: Any, error: type[Exception], printed: str
) -> None:
    with pytest.raises(error, match=printed):
        analyze(samples, rate)


def test_an_array_without_music_gives_error_records() -> None:
    for samples in (np.zeros(0), np.zeros(44100 * 20), np.full(44100, np.nan)):
        track = analyze(samples, 44100)
        assert not track.ok and track.record.error is not None
        assert "dropgrid-array-" not in track.record.error.message


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


@pytest.mark.slow
@pytest.mark.smoke
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


def test_a_file_that_is_not_audio_gives_error_records(tmp_path: Path) -> None:
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


@pytest.mark.slow
@pytest.mark.smoke
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
