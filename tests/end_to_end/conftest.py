"""What these tests share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import hostile_files
import installed
import numpy as np
import pytest
from browser import launch_browser
from dropgrid import demo_music
from jobs import Job, job_of
from playwright.sync_api import Browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A Chromium of the module's own: no event loop of its is left for the next module."""
    with launch_browser() as running:
        yield running


@pytest.fixture(scope="session")
def song(house) -> np.ndarray:
    """Eight seconds of a real track, mono."""
    samples = np.asarray(demo_music.render(house))
    mono = samples.mean(axis=1) if samples.ndim == 2 else samples
    return mono[: 8 * hostile_files.RATE]


@pytest.fixture(scope="session")
def network(dropgrid, tmp_path_factory) -> Path:
    """The networks' file."""
    path = tmp_path_factory.mktemp("network") / "network.npz"
    assert dropgrid("network", path).returncode == 0
    return path


@pytest.fixture
def job(song, network, tmp_path) -> Job:
    """The job of one good track."""
    source = tmp_path / "song.flac"
    source.write_bytes(hostile_files.flac(song))
    return job_of(source, network)


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return installed.build_wheel(tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="session")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment that has the wheel, the networks, and none of the extras."""
    return installed.install(wheel, tmp_path_factory.mktemp("bare") / "env", installed.EXTRAS)
