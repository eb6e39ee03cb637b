"""Files that change while they are read: the reader is stopped in the midst, truly."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import hostile_files
import numpy as np
import pytest
import soundfile
from audio_containers import write_audio
from jobs import ended, failure_in, job_of, reader_of, table, workflow

pytestmark = [pytest.mark.slow, pytest.mark.alone]


def cut_in_half(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def empty(path: Path) -> None:
    os.truncate(path, 0)


def append_itself(path: Path) -> None:
    data = path.read_bytes()
    with path.open("ab") as stream:
        stream.write(data)


def overwrite_with_a_letter(path: Path) -> None:
    with path.open("r+b") as stream:
        stream.write(b"Dear DJ, this is not music. " * (path.stat().st_size // 28))


def replace_by_a_letter(path: Path) -> None:
    other = path.with_suffix(".new")
    other.write_text("Dear DJ, this is not music. " * 40)
    other.replace(path)


CHANGES = [cut_in_half, empty, append_itself, overwrite_with_a_letter, replace_by_a_letter]


def change_while_read(source: Path, above: int, change: Callable[[Path], None]) -> None:
    """Change a file while the process below `above` that reads it is stopped."""
    while True:
        reader = reader_of(source, above)
        reader.send_signal(signal.SIGSTOP)
        if str(source) in [file.path for file in reader.open_files()]:
            break
        reader.send_signal(signal.SIGCONT)  # it was between two looks at the file
    change(source)
    reader.send_signal(signal.SIGCONT)


@pytest.mark.parametrize(
    ("suffix", "change"),
    [("wav", change) for change in CHANGES]
    + [(suffix, change) for suffix in ("mp3", "m4a") for change in CHANGES[::3]],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_a_file_that_changes_while_it_is_read_has_features_or_an_error(
    network, tmp_path, suffix, change
):
    source, output = tmp_path / f"song.{suffix}", tmp_path / "out" / "song.npz"
    write_audio(source, seconds=60)
    process = job_of(source, network).start(output, "--time-limit", "30", "--attempts", "3")
    change_while_read(source, process.pid, change)
    code, message = ended(process)
    assert code == 0, message
    assert os.listdir(output.parent) == ["song.npz"]
    failure = failure_in(output)
    assert failure is None or failure.type == "DecodeError"
    if change is replace_by_a_letter:  # who has a file open keeps it
        assert failure is None


def test_the_next_run_analyses_what_the_file_has_become(song, tmp_path):
    music = tmp_path / "music"
    music.mkdir()
    source = music / "song.flac"
    soundfile.write(source, np.tile(song, 12), hostile_files.RATE)
    whole = source.read_bytes()
    shutil.copy(source, music / "other.flac")
    run = subprocess.Popen(workflow(tmp_path), stderr=subprocess.PIPE, text=True)
    change_while_read(source, run.pid, cut_in_half)
    code, message = ended(run)
    assert code == 0, message
    assert {path: row["status"] for path, row in table(tmp_path).items()} == {
        "other.flac": "ok", "song.flac": "error",
    }  # fmt: skip
    source.write_bytes(whole)
    untouched = features_age(tmp_path, "other.flac")
    assert subprocess.run(workflow(tmp_path), capture_output=True).returncode == 0
    rows = table(tmp_path)
    assert rows["song.flac"]["status"] == "ok"
    assert rows["song.flac"]["bpm"] == rows["other.flac"]["bpm"]
    assert features_age(tmp_path, "other.flac") == untouched


def features_age(folder: Path, path: str) -> int:
    track = table(folder)[path]["track"]
    return (folder / "results" / "features" / f"{track}.npz").stat().st_mtime_ns
