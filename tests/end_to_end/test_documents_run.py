"""The commands of README and documents, run as they stand, one document after another.

A block that needs another machine, or the songs beside the checkout, says so in the text's
source: `<!-- elsewhere: a cluster -->` before it. `make` is the user's set-up, done already.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from audio_containers import write_audio

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "config" / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
]
BLOCK = re.compile(r"(<!-- elsewhere: [^>]+ -->\n+)?^ *```(\w*)\n(.*?)^ *```", re.S | re.M)
OURS = re.compile(r"^ *(dropgrid|snakemake|pip|podman|make|python) ", re.M)


def blocks(path: Path) -> list[str]:
    """The shell blocks of a document that can be run here."""
    found = [m for m in BLOCK.finditer(path.read_text()) if m[2] == "sh" and not m[1]]
    return [re.sub(r"^make .*?(&& |$)", "", match[3], flags=re.M) for match in found]


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory, songs: Path) -> Path:
    """A home folder with Music and a checkout in it, where the library was analysed once."""
    folder = tmp_path_factory.mktemp("home")
    shutil.copytree(songs, folder / "Music")
    (folder / "Music" / "house.flac").rename(folder / "Music" / "song.flac")
    here = folder / "dropgrid"
    here.mkdir()
    for name in ("Snakefile", "workflow", "config", "profiles", "benchmarks", "demo", "docs"):
        if (ROOT / name).exists():
            (here / name).symlink_to(ROOT / name)
    (here / ".venv" / "bin").mkdir(parents=True)
    (here / ".venv" / "bin" / "activate").touch()
    shutil.copy(folder / "Music" / "song.flac", here)
    write_audio(here / "another.mp3")
    (here / "annotations").mkdir()
    (here / "annotations" / "a.csv").write_text("path,bpm\nsong.flac,126\n")
    run(folder, "dropgrid run ~/Music --results results --cores 2")
    return folder


def run(home: Path, script: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "HOME": str(home),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=home / "dropgrid", env=environment, capture_output=True, text=True, timeout=900,
    )  # fmt: skip
    assert done.returncode == 0, f"{script}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_the_commands_of_a_document_run(path: Path, home: Path, tmp_path: Path) -> None:
    found = blocks(path)
    if not found:
        pytest.skip("no commands")
    copy = tmp_path / "home"
    shutil.copytree(home, copy, symlinks=True)
    for script in found:
        run(copy, script)


def test_every_block_of_commands_says_that_it_is_one() -> None:
    """Else it would not be run: a block without a language contains no command of dropgrid."""
    for path in DOCUMENTS:
        for match in BLOCK.finditer(path.read_text()):
            if match[2] == "" and not match[1]:
                assert not OURS.search(match[3]), f"{path.name}: {match[3]}"
