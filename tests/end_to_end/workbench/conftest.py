"""The workbench of a library of one song in Chromium."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from dropgrid.report.collect import collect
from dropgrid.report.page import build
from open_workbench import Workbench, opened
from workbench_in_chromium import OTHER, SONG, Tab


@pytest.fixture(scope="session")
def analysed(tmp_path_factory, songs, snakemake) -> Path:
    """A folder with a library of two songs and its results."""
    folder = tmp_path_factory.mktemp("workbench")
    (folder / "music").mkdir()
    for name in (SONG, OTHER):
        shutil.copy(songs / name, folder / "music")
    done = snakemake(folder, "--cores", "2", "analysis", library="music", results="results")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def results(analysed, tmp_path) -> Path:
    """A copy of the results that a test may change; the tickets name the music of the original."""
    shutil.copytree(analysed / "results", tmp_path / "results")
    return tmp_path / "results"


@pytest.fixture
def workbench(results) -> Iterator[Workbench]:
    with opened(results) as running:
        yield running


@pytest.fixture
def tab(browser, workbench) -> Iterator[Tab]:
    made = Tab(browser, workbench.address)
    yield made
    made.page.context.close()
    assert made.complaints == []


@pytest.fixture
def static(browser, results) -> Iterator[Tab]:
    """The page that opens from the file system, with editing switched on."""
    page = results / "report" / "index.html"
    page.parent.mkdir(exist_ok=True)
    page.write_bytes(build(collect(results), page))
    made = Tab(browser, page.as_uri())
    made.page.keyboard.press("e")
    yield made
    made.page.context.close()
    assert made.complaints == []
