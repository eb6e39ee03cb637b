"""Shared by all tests: paths, short real audio, and fixtures that run the real workflow."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from dropgrid import demo_music

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"
# If two processes let numba compile one function for different types at the same time, they leave
# a cache that crashes its readers. So each worker has its own cache.
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "alone")
os.environ["NUMBA_CACHE_DIR"] = str(ROOT / ".pytest_cache" / "numba" / WORKER)
os.environ["XDG_STATE_HOME"] = str(ROOT / ".pytest_cache" / "state" / WORKER)  # not the user's


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real songs and published numbers next to the checkout; skips without it."""
    if not (SHARED / "music").is_dir():
        pytest.skip("no folder `shared` with real songs beside the checkout")
    return SHARED


@pytest.fixture(scope="session")
def house() -> demo_music.Composition:
    """A short house track at 126 BPM, with its annotations."""
    return demo_music.compose(seed=1, bpm=126.0, style="house", duration=40.0)


@pytest.fixture(scope="session")
def songs(tmp_path_factory: pytest.TempPathFactory, house: demo_music.Composition) -> Path:
    """A folder of three short tracks in three containers, to copy or to read."""
    folder = tmp_path_factory.mktemp("songs")
    drums = demo_music.compose(seed=2, bpm=174.0, style="drum and bass", duration=30.0)
    for name, composition in [("house.flac", house), ("sub/drums.wav", drums)]:
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        soundfile.write(path, demo_music.render(composition), 44100)
    other = demo_music.render(
        demo_music.compose(seed=3, bpm=140.0, style="trance", duration=25.0), rate=22050
    )
    soundfile.write(folder / "other.ogg", np.asarray(other), 22050)
    return folder


Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def snakemake() -> Run:
    """Runs the real workflow: snakemake(folder, "--cores", "2", results="out", ...)."""

    def run(
        folder: Path, *arguments: str, environment: dict[str, str] | None = None, **config: str
    ) -> subprocess.CompletedProcess[str]:
        pairs = [f"{key}={value}" for key, value in config.items()]
        command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"),
                   "--directory", str(folder), *arguments]  # fmt: skip
        if pairs:
            command += ["--config", *pairs]
        return subprocess.run(
            command, capture_output=True, text=True, env={**os.environ, **(environment or {})}
        )

    return run


@pytest.fixture(scope="session")
def dropgrid() -> Run:
    """Runs the real command: dropgrid("analyze", ...)."""

    def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "dropgrid", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True)

    return run
