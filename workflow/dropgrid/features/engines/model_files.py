"""Find the optional packages: the trained networks, and librosa, which needs none.

The networks are madmom's, licensed CC BY-NC-SA 4.0, and not part of dropgrid. The package
dropgrid-models contains them in converted form. Where madmom 0.16.1 itself is installed, as in a
checkout that compares with it, they are converted from its files. The search imports nothing.
"""

from __future__ import annotations

import importlib.machinery
import sys
from collections.abc import Callable
from pathlib import Path

from ...base.errors import ModelError
from ...base.optional_packages import has, lacking

PACKAGE = "dropgrid_models"
HELP = (
    "install them, for non-commercial use: pip install dropgrid-models (from the folder of "
    "dropgrid's wheels; in its checkout: make setup). Or do without: "
    "bpm: {method: open}, key: {method: profiles}"
)


def find(package: str, name: Path | str = "") -> Path | None:
    """A file or folder of an installed package, or None; does not import the package."""
    spec = importlib.machinery.PathFinder.find_spec(package, sys.path)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        if (path := Path(folder) / name).exists():
            return path
    return None


def ready_made(name: str, convert: Callable[[], bytes]) -> bytes:
    """The bytes of a network: the file `name` of dropgrid-models, or the result of `convert`,
    which reads an installed madmom.

    Raises ModelError, with instructions to install it.
    """
    if ready := find(PACKAGE, name):
        try:
            return ready.read_bytes()
        except OSError as error:
            raise ModelError(f"{ready}: cannot be read ({error.strerror}); {HELP}") from error
    return convert()


def check(name: str, of_madmom: Path) -> None:
    """Raise ModelError, with instructions, unless `ready_made` would find a network.

    of_madmom: its path in madmom's package.
    """
    if not find(PACKAGE, name) and not find("madmom", of_madmom):
        raise ModelError(f"madmom's trained networks are not installed; {HELP}")


def check_librosa() -> None:
    """Raise ModelError, with instructions to install it, unless librosa is installed."""
    if not has("librosa"):
        raise ModelError(lacking("bpm.method: librosa", "librosa"))
