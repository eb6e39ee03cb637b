"""Synthesise a small library with exact references, to try dropgrid on.

Writes FOLDER/music (eleven tracks from 87 to 176 BPM in the usual containers, and two broken
files) and FOLDER/references. Existing files are kept.
"""

from __future__ import annotations

import argparse
from pathlib import Path

HELP = "synthesise a small library to try dropgrid on"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("folder", type=Path, help="where to put it, for example: demo")


def run(arguments: argparse.Namespace) -> int:
    """Run the command; its exit code."""
    from ..base.errors import LibraryError
    from ..demo_music.library import BROKEN, TRACKS, write_library

    folder: Path = arguments.folder
    try:
        written = write_library(folder)
    except OSError as error:
        raise LibraryError(f"{folder}: the library cannot be written ({error})") from error
    what = f"{len(TRACKS)} tracks and {len(BROKEN)} broken files"
    print(f"{folder / 'music'}: {what}, {'written' if written else 'there already'}")
    print(f"{folder / 'references'}: what is true of them")
    return 0
