"""A library over the years, in the real workflow: disks that are away, files that move."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


def contents(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Every file's bytes and age, but for logs and Snakemake's own."""
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "logs" not in path.parts
    }


@pytest.fixture(scope="module")
def analysed(songs, snakemake, tmp_path_factory) -> Path:
    """A folder with a library of three songs, analysed; tests copy it."""
    folder = tmp_path_factory.mktemp("years")
    shutil.copytree(songs, folder / "music")
    done = snakemake(folder, "--cores", "2")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def home(analysed, tmp_path) -> Path:
    """A copy of it with all times kept, Snakemake's memory too."""
    shutil.copytree(analysed, tmp_path / "home")
    return tmp_path / "home"


def test_a_disk_that_is_not_mounted_is_refused_and_changes_nothing(home, snakemake):
    shutil.rmtree(home / "music")
    (home / "music").mkdir()
    before = contents(home / "results")
    for arguments in (("--cores", "2"), ("-n",)):
        done = snakemake(home, *arguments)
        assert done.returncode != 0
        assert "no audio in music (last run: 3 tracks)" in done.stdout + done.stderr
        assert contents(home / "results") == before
    done = snakemake(home, "--cores", "2", allow_empty="true")
    assert done.returncode == 0, done.stderr
    assert (home / "results" / "library.csv").read_text().count("\n") == 1
