"""The container. Where no builder is available the same tree is made as a virtual environment: the
same packages, installed the same way, the same environment variables, another user than root."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CONTAINERFILE = ROOT / "packaging" / "container" / "Containerfile"
USER = 1000


def instructions() -> dict[str, list[str]]:
    """The instructions of the Containerfile, those of one name in a list, on one line each."""
    text = re.sub(r"\\\n\s*", "", re.sub(r"^#.*\n", "", CONTAINERFILE.read_text(), flags=re.M))
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        if line:
            name, _, rest = line.partition(" ")
            found.setdefault(name, []).append(rest)
    return found


def python_for_all() -> str:
    """A Python that another user may run; skips where each lies in root's own folder."""
    for python in (sys.executable, "/usr/bin/python3"):
        with suppress(OSError, subprocess.SubprocessError):
            command = [python, "-c", "import ensurepip, sys; sys.exit(sys.version_info < (3, 11))"]
            subprocess.run(command, user=USER, group=USER, check=True, capture_output=True)
            return python
    pytest.skip("no Python here that another user than root may run")


@pytest.fixture
def room() -> Iterator[Path]:
    """A folder that others than root may enter."""
    folder = Path(tempfile.mkdtemp(prefix="dropgrid-container-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def test_it_asks_for_what_it_says() -> None:
    found = instructions()
    assert found["FROM"] == ["python:3.12-slim"]
    assert found["USER"] == [f"{USER}:{USER}"]
    assert found["ENTRYPOINT"] == ['["dropgrid"]']
    [build] = found["RUN"]
    assert '--find-links /wheels "dropgrid[$EXTRAS]"' in build


def test_the_script_says_that_there_is_nothing_to_build_with(tmp_path: Path) -> None:
    if any(shutil.which(builder) for builder in ("podman", "buildah")):
        pytest.skip("there is a builder of containers here")
    (tmp_path / "packaging" / "container").mkdir(parents=True)
    script = shutil.copy(CONTAINERFILE.with_name("build"), tmp_path / "packaging" / "container")
    done = subprocess.run([script], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (1, "there are no wheels: make wheels\n")
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / "dropgrid-0.2.0-py3-none-any.whl").touch()
    done = subprocess.run([script], capture_output=True, text=True, env={"PATH": "/usr/bin:/bin"})
    assert (done.returncode, "no builder of containers" in done.stderr) == (69, True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
@pytest.mark.parametrize("extras", ["models", ""], ids=["networks", "free"])
def test_the_same_tree_runs_as_its_user(extras: str, fresh, demo: Path, room: Path) -> None:
    print("no container is built: its tree is made as a virtual environment")
    fresh(room / "env", f"dropgrid[{extras}]", compiled=False, base=python_for_all())
    (room / "tmp").mkdir()
    (room / "tmp").chmod(0o1777)
    (room / "results").mkdir()
    (room / "results").chmod(0o777)
    shutil.copytree(demo / "music" / "house", room / "music")
    [variables] = instructions()["ENV"]
    environment = dict(pair.split("=") for pair in variables.split())
    environment = {name: v.replace("/tmp", f"{room}/tmp") for name, v in environment.items()}
    environment |= {"PATH": f"{room}/env/bin:/usr/bin:/bin", "TMPDIR": f"{room}/tmp"}
    words = ["run", "music", "--results", "results", "--cores", "2"]
    if not extras:
        words += ["--config", "bpm={method: open}", "key={method: profiles}"]
    ran = subprocess.run(
        [room / "env" / "bin" / "dropgrid", *words], cwd=room, env=environment,
        user=USER, group=USER, extra_groups=[], capture_output=True, text=True,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert "3 tracks, 3 analysed, 0 failed" in ran.stderr
    made = list((room / "results" / "bpm").iterdir())
    assert {path.stat().st_uid for path in made} == {USER}
    # It may not write into the parent folder of the results, so Snakemake works in them.
    assert (room / "results" / ".snakemake").is_dir()
    assert not (room / ".snakemake").exists()
