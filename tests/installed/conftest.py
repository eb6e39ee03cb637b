"""Environments made from nothing by pip: minutes, so only `make installed` runs these tests."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ASKED = bool(os.environ.get("DROPGRID_INSTALLED"))
Fresh = Callable[..., Path]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/installed" in str(item.path) and not ASKED:
            item.add_marker(pytest.mark.skip(reason="takes minutes: make installed"))


@pytest.fixture(scope="session")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both wheels, as `make wheels` builds them."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, str(ROOT / "packaging" / "wheels.py"), str(folder)]
    subprocess.run(command, check=True, capture_output=True)
    assert len(list(folder.glob("*.whl"))) == 2
    return folder


@pytest.fixture(scope="session")
def fresh(dist: Path) -> Fresh:
    """fresh(folder, requirement, ...): an environment with these, of wheels alone; its Python.

    base: the Python that it is made with.
    """

    def make(
        folder: Path, *requirements: str, compiled: bool = True, base: str = sys.executable
    ) -> Path:
        subprocess.run([base, "-m", "venv", folder], check=True)
        python = folder / "bin" / "python"
        # Nothing is compiled. One package of Snakemake's comes as a source, of Python alone.
        options = ["--quiet", "--find-links", str(dist)]
        options += ["--only-binary", ":all:", "--no-binary", "connection-pool"]
        options += [] if compiled else ["--no-compile"]
        environment = {**os.environ, "PATH": str(folder / "bin"), "CC": "false"}
        subprocess.run(
            [python, "-m", "pip", "install", *options, *requirements],
            check=True,
            capture_output=True,
            env=environment,
        )
        return python

    return make


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's library, and `plain`: its records as the checkout makes them."""
    folder = tmp_path_factory.mktemp("demo")
    dropgrid = [sys.executable, "-m", "dropgrid"]
    subprocess.run([*dropgrid, "demo", folder], check=True, capture_output=True)
    subprocess.run(
        [*dropgrid, "run", folder / "music", "--results", folder / "plain", "analysis"],
        check=True, capture_output=True,
    )  # fmt: skip
    return folder
