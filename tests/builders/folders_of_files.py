"""Folders of small files, and their contents."""

from __future__ import annotations

import os
from pathlib import Path

from dropgrid.settings.config import load_config

CONFIG = load_config()


def contents(folder: Path) -> dict[str, bytes | str]:
    """Every file and link below a folder, with its content or target."""
    found: dict[str, bytes | str] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            found[str(path.relative_to(folder))] = os.readlink(path)
        elif path.is_file():
            found[str(path.relative_to(folder))] = path.read_bytes()
    return found


def fill(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(f"the user's {name}".encode())
