"""Folders and files one may not read, met by a real run without root's right to read all."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import hostile_files
import pytest
from dropgrid.results.scan_store import read_scan
from jobs import table, workflow
from permissions import obey_permissions

pytestmark = pytest.mark.slow


def run(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = workflow(folder, *options)
    return subprocess.run(command, capture_output=True, text=True, preexec_fn=obey_permissions)


@pytest.fixture(scope="module", autouse=True)
def permissions_count(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Skip where even so everything can be read: an odd system or file system."""
    path = tmp_path_factory.mktemp("permissions") / "locked"
    path.touch(mode=0)
    try:
        done = subprocess.run(["cat", path], capture_output=True, preexec_fn=obey_permissions)
    except (subprocess.SubprocessError, AttributeError):
        pytest.skip("root's rights cannot be given up here")
    if done.returncode == 0:
        pytest.skip("permissions do not count here")


@pytest.fixture(scope="module")
def music(song, tmp_path_factory) -> Iterator[Path]:
    """A library half of which may not be read."""
    folder = tmp_path_factory.mktemp("forbidden") / "music"
    data = hostile_files.flac(song)
    for name in ("shut", "names only", "no names", "open"):
        hostile_files.write(folder / name, {"a.flac": data})
    hostile_files.write(folder, {"good.flac": data, "locked.flac": data, "write only.flac": data})
    modes = {"shut": 0o000, "names only": 0o444, "no names": 0o111, "locked.flac": 0o000,
             "write only.flac": 0o222}  # fmt: skip
    for name, mode in modes.items():
        (folder / name).chmod(mode)
    yield folder
    for name in modes:
        (folder / name).chmod(0o755)


FORBIDDEN = {"locked.flac", "names only/a.flac", "write only.flac"}


@pytest.mark.parametrize("tracks_per_job", ["1", "8"])
def test_what_may_not_be_read_is_listed_and_the_rest_analysed(music, tmp_path, tracks_per_job):
    done = run(tmp_path, "--config", f"library={music}", f"tracks_per_job={tracks_per_job}")
    assert done.returncode == 0, done.stderr
    rows = table(tmp_path)
    assert {path for path, row in rows.items() if row["status"] == "ok"} == {
        "good.flac", "open/a.flac",
    }  # fmt: skip
    assert {path for path, row in rows.items() if row["status"] == "error"} == FORBIDDEN
    failures = table(tmp_path, "failures.csv")
    for path in FORBIDDEN:
        assert failures[path]["stage"] == "decode"
        assert failures[path]["message"] == "the file cannot be read (Permission denied)"
    unread = {problem["path"]: problem["reason"]
              for problem in read_scan(tmp_path / "results")["problems"]}  # fmt: skip
    assert unread == {"no names": "Permission denied", "shut": "Permission denied"}
    assert set(failures) == FORBIDDEN | set(unread)
    for path in unread:
        assert f"cannot be read: {path}: Permission denied" in done.stderr


def test_a_file_that_may_be_read_again_is_analysed_by_the_next_run(song, tmp_path):
    hostile_files.write(tmp_path / "music", {"a.flac": hostile_files.flac(song)})
    (tmp_path / "music" / "a.flac").chmod(0)
    (tmp_path / "music").chmod(0o400)
    assert run(tmp_path).returncode == 0
    (tmp_path / "music").chmod(0o755)
    (tmp_path / "music" / "a.flac").chmod(0o644)
    assert run(tmp_path).returncode == 0
    assert table(tmp_path)["a.flac"]["status"] == "ok"


def test_results_that_may_not_be_written_stop_the_run_with_a_reason(song, tmp_path):
    hostile_files.write(tmp_path / "music", {"a.flac": hostile_files.flac(song)})
    (tmp_path / "results").mkdir(mode=0o555)
    done = run(tmp_path)
    assert done.returncode != 0
    assert "Permission denied" in done.stderr
    assert "Traceback" not in done.stderr
    assert list((tmp_path / "results").iterdir()) == []
