"""What a dry run plans to write: a temporary folder that stands for the results."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from ..results.artefacts import ARTEFACTS, Artefact


def shadow_of(results: Path) -> Path:
    """A temporary folder that stands for results: links to files that are only read, copies of
    the others."""
    shadow = Path(tempfile.mkdtemp(prefix="dropgrid-plan-"))
    atexit.register(shutil.rmtree, shadow, ignore_errors=True)
    for artefact in ARTEFACTS.values():
        if artefact.dry_run == "folder":  # or the file itself, if it has no folder
            name = artefact.path if artefact.folder == "." else artefact.folder
            if (results / name).exists():
                (shadow / name).symlink_to((results / name).absolute())
        elif artefact.dry_run:
            folder = shadow / artefact.folder
            folder.mkdir(exist_ok=True)
            for source in _files(results / artefact.folder, artefact):
                if artefact.dry_run == "links":
                    (folder / source.name).symlink_to(source.absolute())
                else:
                    shutil.copy2(source, folder / source.name)
    return shadow


def _files(folder: Path, artefact: Artefact) -> list[Path]:
    """The regular files of an artefact in a folder."""
    with suppress(OSError), os.scandir(folder) as listing:
        return [
            folder / entry.name
            for entry in listing
            if artefact.name.fullmatch(entry.name) and entry.is_file(follow_symlinks=False)
        ]
    return []


def is_same(planned: Path, real: Path) -> bool:
    """Whether a planned file is a link to the file in results, or has the same bytes."""
    if planned.is_symlink():
        return True
    try:
        return planned.read_bytes() == real.read_bytes()
    except OSError:
        return False
