"""Answers of dropgrid's methods and of other systems for a folder of audio.

Answers are kept for each version and track and not computed again: those of other systems in
WORK/answers/PACKAGE VERSION/, dropgrid's in WORK/NAME-DIGEST/, by the digest of its code.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import dropgrid
from dropgrid.base.errors import ConfigError
from dropgrid.estimators import system_of
from dropgrid.estimators.process import environment
from dropgrid.library import track_id

PRODUCT = "dropgrid"
METHODS = {PRODUCT: "madmom", "dropgrid-open": "open", "dropgrid-librosa": "librosa"}
PEERS = ("madmom", "mixxx", "essentia", "librosa", "aubio")
SECONDS = 3600  # the most a system may take for a track


@dataclass(frozen=True)
class Answers:
    """title: the system as a table names it; folder: its JAMS files."""

    title: str
    folder: Path


def of_methods(songs: Sequence[Path], library: Path, work: Path) -> dict[str, Answers]:
    """dropgrid's answers by METHODS."""
    found = {}
    for name, method in METHODS.items():
        results = results_of(name, work)
        config, folder = work / f"{name}.yaml", results.with_suffix(".jams")
        key = "madmom" if name == PRODUCT else "profiles"
        config.write_text(f"bpm: {{method: {method}}}\nkey: {{method: {key}}}\n")
        waiting = [
            song for song in songs if not (results / "key" / _record(song, library)).exists()
        ]
        if waiting:
            words = ("--library", library, "--output", results, "--config", config)
            call("analyze", *waiting, *words, allowed=(0, 1))
        call("export", "jams", "--results", results, "--output", folder)
        found[name] = Answers(f"dropgrid, method `{method}`", folder)
    return found


def results_of(name: str, work: Path) -> Path:
    """The folder of a method's records, as made by the code of today."""
    return work / f"{name}-{_digest()}"


@cache
def _digest() -> str:
    """Of dropgrid's code: the first digits of a SHA-256."""
    found = hashlib.sha256()
    for file in sorted(Path(dropgrid.__file__).parent.rglob("*")):
        if file.suffix in (".py", ".c", ".h"):
            found.update(file.read_bytes())
    return found.hexdigest()[:8]


def _record(song: Path, library: Path) -> str:
    return f"{track_id(song.relative_to(library).as_posix())}.json"


def of_peers(
    requests: Sequence[str], songs: Sequence[Path], library: Path, work: Path
) -> dict[str, Answers]:
    """Other systems' answers. requests: SYSTEM, or SYSTEM=PYTHON where it has an environment of
    its own. A system that is not installed is left out, with a line that says so."""
    found = {}
    for request in requests:
        name, _, python = request.partition("=")
        system, interpreter = system_of(name), Path(python or sys.executable)
        try:
            with tempfile.TemporaryDirectory() as folder:
                tools = environment(system, interpreter, None, Path(folder)).tools
        except ConfigError as error:
            print(f"left out: {error}", file=sys.stderr)
            continue
        folder = work / "answers" / tools
        waiting = [song for song in songs if not _answered(folder, song, library)]
        if waiting:  # each answer is written as it comes, and kept if the run is interrupted
            call(
                "estimate", "--with", name, *waiting, "--library", library, "--output", folder,
                "--python", interpreter, "--time-limit", SECONDS, allowed=(0, 1),
            )  # fmt: skip
        found[name] = Answers(tools, folder)
    return found


def _answered(folder: Path, song: Path, library: Path) -> bool:
    return (folder / _record(song, library)).with_suffix(".jams").exists()


def estimates(answers: dict[str, Answers]) -> list[str]:
    """The words after --estimates."""
    return [f"{name}={given.folder}" for name, given in answers.items()]


def call(*words: object, allowed: Sequence[int] = (0,)) -> None:
    """Run a dropgrid command; what it says goes to standard error."""
    command = [sys.executable, "-m", "dropgrid", *map(str, words)]
    code = subprocess.run(command, stdout=sys.stderr).returncode
    if code not in allowed:
        raise SystemExit(f"dropgrid {words[0]} failed with {code}")
