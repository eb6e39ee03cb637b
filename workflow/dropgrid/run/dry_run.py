"""What a run would write, for one that only looks: a temporary folder beside the results."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from ..records.model import ANALYSES


def shadow_of(results: Path) -> Path:
    """A temporary folder that stands for results: links to what is read, copies of the rest."""
    shadow = Path(tempfile.mkdtemp(prefix="dropgrid-plan-"))
    atexit.register(shutil.rmtree, shadow, ignore_errors=True)
    for name in ("features", *ANALYSES, "network.npz", "key.npz"):
        if (results / name).exists():
            (shadow / name).symlink_to((results / name).absolute())
    for folder in ("tracks", "batches", "options", "corrections"):
        (shadow / folder).mkdir()
    for name in _names(results / "tracks"):
        (shadow / "tracks" / name).symlink_to((results / "tracks" / name).absolute())
    for folder in ("batches", "options", "corrections"):
        for name in _names(results / folder):
            shutil.copy2(results / folder / name, shadow / folder / name)
    if (results / "scan.json").is_file():
        shutil.copy2(results / "scan.json", shadow / "scan.json")
    return shadow


def _names(folder: Path) -> list[str]:
    """The plain files of ours in a folder."""
    try:
        with os.scandir(folder) as listing:
            return [
                e.name
                for e in listing
                if e.name.endswith((".json", ".done")) and e.is_file(follow_symlinks=False)
            ]
    except OSError:
        return []


def is_same(planned: Path, real: Path) -> bool:
    """Whether a planned file is the one in results, or a copy of it."""
    if planned.is_symlink():
        return True
    try:
        return planned.read_bytes() == real.read_bytes()
    except OSError:
        return False
