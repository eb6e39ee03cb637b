"""One fault stops neither the other files nor the sense of the message.

Items F and G of forged.md beside this file: one line that names the file or the option.
"""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from dropgrid.base.errors import ConfigError, LibraryError
from dropgrid.commands.main import main
from dropgrid.library import scan, track_id
from dropgrid.records.store import read_bpm, read_structure
from dropgrid.run.machine_limits import worker_cap
from library_of_records import PATHS, write_results

HOUSE = track_id(PATHS[0])


@pytest.fixture
def results(tmp_path: Path) -> Path:
    return write_results(tmp_path / "results")


@pytest.fixture
def songs(tmp_path: Path) -> Path:
    """Two files of noise bursts and one that is no audio."""
    folder = tmp_path / "music"
    folder.mkdir()
    noise = np.random.default_rng(0).normal(0, 0.1, (44100 * 6, 2))
    noise *= (np.arange(len(noise)) % 22050 < 2000)[:, None]
    for name in ("a.wav", "b.flac"):
        soundfile.write(folder / name, noise, 44100)
    (folder / "bad.mp3").write_bytes(b"not audio" * 1000)
    return folder


@pytest.fixture
def config(tmp_path: Path) -> list[str]:
    (tmp_path / "c.yaml").write_text("bpm:\n  method: librosa\n")
    return ["--config", str(tmp_path / "c.yaml")]


def analyze(songs: Path, output: Path, config: list[str], *more: str) -> int:
    files = [str(songs / name) for name in ("a.wav", "bad.mp3", "b.flac")]
    return main(["analyze", *files, "--output", str(output), *config, *more])


def of(output: Path, name: str) -> Path:
    return output / "bpm" / f"{track_id(name)}.json"


def test_a_bad_file_does_not_stop_the_others(songs, tmp_path, config, capfd):
    output = tmp_path / "out"
    assert analyze(songs, output, config) == 1
    assert [read_bpm(of(output, name)).status for name in ("a.wav", "bad.mp3", "b.flac")] == [
        "ok", "error", "ok",
    ]  # fmt: skip
    assert read_structure(output / "structure" / of(output, "bad.mp3").name).status == "error"
    assert capfd.readouterr().err.splitlines()[-1].startswith("dropgrid analyze: bad.mp3: decode")


FAULTS: dict[str, Callable[[], None]] = {
    "a crash": lambda: os.abort(),
    "a timeout": lambda: (_ for _ in ()).throw(TimeoutError(errno.ETIMEDOUT, "timed out")),
    "no memory": lambda: (_ for _ in ()).throw(MemoryError()),
    "a fault of ours": lambda: (_ for _ in ()).throw(ZeroDivisionError("division by zero")),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_one_bad_file_does_not_stop_the_others(songs, tmp_path, config, capfd, monkeypatch, fault):
    from dropgrid.stages import make_features

    original = make_features.compute_features

    def compute(ticket, *networks):
        if ticket.path == "bad.mp3":
            FAULTS[fault]()
        return original(ticket, *networks)

    monkeypatch.setattr(make_features, "compute_features", compute)
    output = tmp_path / "out"
    assert analyze(songs, output, config) == 1
    assert [read_bpm(of(output, name)).status for name in ("a.wav", "bad.mp3", "b.flac")] == [
        "ok", "error", "ok",
    ]  # fmt: skip
    assert "dropgrid analyze: bad.mp3: " in capfd.readouterr().err.splitlines()[-1]


def test_a_full_disk_is_reported_for_each_file(songs, tmp_path, config, capfd, monkeypatch):
    from dropgrid.records import store

    def full(path: Path, data: bytes) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    monkeypatch.setattr(store, "write_atomically", full)
    assert analyze(songs, tmp_path / "out", config) == 1
    printed = capfd.readouterr().err
    lines = [line for line in printed.splitlines() if line.startswith("dropgrid analyze: ")]
    assert len(lines) == 3 and all("No space left on device" in line for line in lines)
    assert "Traceback" not in printed


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], None]]:
    """Makes every rename fail with an errno."""

    def fail(number: int) -> None:
        def replace(source: object, target: object) -> None:
            raise OSError(number, os.strerror(number), str(source), None, str(target))

        monkeypatch.setattr(os, "replace", replace)

    yield fail


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EACCES, errno.EROFS])
@pytest.mark.parametrize("command", ["scan", "table", "report", "evaluate", "summary", "network"])
def test_a_disk_that_fails_is_named_in_one_line(
    tmp_path, results, failing, command, number, capsys
):
    (tmp_path / "music").mkdir()
    (tmp_path / "music" / "a.wav").write_bytes(b"")
    arguments = {
        "scan": [str(tmp_path / "music"), "--results", str(tmp_path / "new")],
        "table": [str(results)],
        "network": [str(tmp_path / "n"), "--method", "librosa"],
    }.get(command, ["--results", str(results)])
    failing(number)
    assert main([command, *arguments]) in (1, 2)
    printed = capsys.readouterr().err
    assert printed.startswith(f"dropgrid {command}: {tmp_path}") and printed.count("\n") == 1, (
        printed
    )
    assert os.strerror(number) in printed and ".tmp" not in printed


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_results_that_are_read_only_are_named(results, capsys):
    results.chmod(0o500)
    try:
        assert main(["table", str(results)]) in (1, 2)
    finally:
        results.chmod(0o700)
    assert capsys.readouterr().err.count("\n") == 1


def dropgrid(*arguments: str, **more: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "dropgrid", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=600, **more)  # type: ignore[call-overload,no-any-return]


def test_an_empty_path_in_the_environment_stops_nothing(results):
    done = dropgrid("summary", "--results", str(results), env={**os.environ, "PATH": ""})
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("closed", ["2>&-", ">&-", "<&- >&- 2>&-"])
def test_closed_streams_stop_nothing(tmp_path, results, closed):
    """What goes wrong is still an exit code, and no file gets what was meant for the terminal."""
    script = f'"$0" -m dropgrid summary --results "$1" {closed}'
    done = subprocess.run(["sh", "-c", script, sys.executable, str(results)], timeout=600)
    assert done.returncode == 0
    script = f'"$0" -m dropgrid summary --results "$1" {closed}'
    done = subprocess.run(["sh", "-c", script, sys.executable, str(tmp_path / "x")], timeout=600)
    assert done.returncode == 2
    assert json.loads((results / "summary.json").read_bytes())["schema"] == "dropgrid/summary"


def test_no_workers_are_refused_by_the_name_of_the_variable():
    with pytest.raises(ConfigError, match="DROPGRID_MAX_WORKERS: 0 is less than 1"):
        worker_cap(-1, {"DROPGRID_MAX_WORKERS": "0"})


@pytest.mark.parametrize("path", ["a\0b.wav", "~nouser/a.wav", "~nosuchuser"])
def test_a_path_of_a_list_that_cannot_be_is_named_by_its_line(tmp_path, path, capsys):
    for name in ("list.csv", "list.tsv"):
        (tmp_path / name).write_text(f"path\nx.wav\n{path}\n")
        with pytest.raises(LibraryError, match=rf"{name}: line [23]: "):
            scan(str(tmp_path / name))
        assert main(["scan", str(tmp_path / name), "--results", str(tmp_path / "r")]) == 2
        assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("source", ["~nouser/music", "a\0b"])
def test_a_library_that_cannot_be_is_named(tmp_path, source, capsys):
    assert main(["scan", source, "--results", str(tmp_path / "r")]) == 2
    printed = capsys.readouterr().err
    assert printed.count("\n") == 1 and "library: " in printed


@pytest.mark.parametrize("value", ["1e-300", "5e-324"])
def test_a_tempo_next_to_nothing_in_a_reference_is_refused(tmp_path, results, value, capsys):
    for name, text in (
        ("r.csv", f"track,bpm\n{HOUSE},{value}\n"),
        ("r.json", f'[{{"track": "{HOUSE}", "bpm": {value}}}]'),
    ):
        (tmp_path / name).write_text(text)
        arguments = ["--results", str(results), "--references", str(tmp_path / name)]
        assert main(["evaluate", *arguments]) == 2
        printed = capsys.readouterr().err
        assert printed.count("\n") == 1 and name in printed and "bpm" in printed
