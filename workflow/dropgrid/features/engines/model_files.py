"""What is installed beside dropgrid: the trained networks, and what does without them.

The networks are madmom's, CC BY-NC-SA 4.0, and no part of dropgrid. They come ready made with the
package dropgrid-models; where madmom 0.16.1 itself is installed, as in a checkout that compares
with it, they are made from its own files. Nothing is imported to look.
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
    """A file or folder of an installed package; None where there is none. Does not import it."""
    spec = importlib.machinery.PathFinder.find_spec(package, sys.path)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        if (path := Path(folder) / name).exists():
            return path
    return None


def ready_made(name: str, convert: Callable[[], bytes]) -> bytes:
    """The bytes of a network: the file `name` of dropgrid-models, or what `convert` makes of an
    installed madmom's.

    Raises ModelError, saying how to get it.
    """
    if ready := find(PACKAGE, name):
        try:
            return ready.read_bytes()
        except OSError as error:
            raise ModelError(f"{ready}: cannot be read ({error.strerror}); {HELP}") from error
    return convert()


def check(name: str, of_madmom: Path) -> None:
    """Raise ModelError, saying how to get it, unless `ready_made` would find a network.

    of_madmom: where it lies in madmom's package.
    """
    if not find(PACKAGE, name) and not find("madmom", of_madmom):
        raise ModelError(f"madmom's trained networks are not installed; {HELP}")


def check_librosa() -> None:
    """Raise ModelError, saying how to get it, unless librosa is installed."""
    if not has("librosa"):
        raise ModelError(lacking("bpm.method: librosa", "librosa"))
