"""A library of one analysed song, and the workbench on it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from open_workbench import Workbench, opened
from workbench_of_a_song import SECRET, SONG


@pytest.fixture(scope="session")
def analysed(tmp_path_factory, songs, snakemake) -> Path:
    """A folder with a library of one song, its results, and a file that is neither."""
    folder = tmp_path_factory.mktemp("workbench")
    (folder / "music").mkdir()
    shutil.copy(songs / SONG, folder / "music")
    (folder / "secret.txt").write_bytes(SECRET)
    (folder / "music" / "secret.txt").write_bytes(SECRET)
    done = snakemake(folder, "--cores", "2", "analysis", library="music", results="results")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def folder(analysed, tmp_path) -> Path:
    """A copy that a test may change; the tickets name the music of the original."""
    shutil.copytree(analysed / "results", tmp_path / "results")
    (tmp_path / "results" / "secret.txt").write_bytes(SECRET)
    (tmp_path / "secret.txt").write_bytes(SECRET)
    return tmp_path


@pytest.fixture
def workbench(folder) -> Iterator[Workbench]:
    with opened(folder / "results") as running:
        yield running
