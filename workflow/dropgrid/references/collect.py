"""Finds the reference files of the list, and reads each with the reader of its format."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..base.errors import InvalidReference
from . import (
    engine_database,
    jams,
    mixxx,
    plain_json,
    player_stick,
    rekordbox,
    tabular,
    textual,
    traktor,
)
from .annotation import Annotation
from .serato import SERATO

TAGS = "tags"  # in the list of sources: the BPM and key tags of the audio files
CORRECTIONS = "corrections"  # in the same list: the user's corrections and confirmations
WORDS = (TAGS, SERATO, CORRECTIONS)  # sources that are no files
FORMATS = (
    CORRECTIONS,
    "json",
    "jams",
    "csv",
    "beats",
    "lab",
    "key",
    "rekordbox",
    "traktor",
    "mixxx",
    "usb",
    "engine",
    SERATO,
    TAGS,
)  # most trusted first
READERS: dict[str, Callable[[Path], list[Annotation]]] = {
    ".json": plain_json.read,
    ".jams": jams.read,
    ".csv": tabular.read,
    ".tsv": tabular.read,
    ".beats": textual.read,
    ".txt": textual.read,
    ".lab": textual.read,
    ".key": textual.read_key,
    ".xml": rekordbox.read,
    ".nml": traktor.read,
    ".sqlite": mixxx.read,
    ".pdb": player_stick.read,
    ".db": engine_database.read,
}
# The file that identifies a stick for players; other files on it are not references.
ON_STICKS = ("PIONEER/rekordbox/export.pdb", "Engine Library/Database2/m.db")


@dataclass(frozen=True, order=True)
class Rank:
    """How much an annotation is trusted; a smaller rank is more trusted."""

    source: int  # position in the list of sources
    format: int  # position in FORMATS

    @classmethod
    def of(cls, source: int, annotation: Annotation) -> Rank:
        """The rank of an annotation from the source at this position."""
        return cls(source, FORMATS.index(annotation.format))


def read_sources(sources: Sequence[str]) -> list[tuple[Rank, Annotation]]:
    """All annotations of the given files and folders; the caller handles WORDS.

    Raises InvalidReference for any error: nothing is skipped silently.
    """
    return [
        (Rank.of(i, annotation), annotation)
        for i, source in enumerate(sources)
        if source not in WORDS
        for path in _files(Path(source).expanduser())
        for annotation in READERS[path.suffix.lower()](path)
    ]


def _files(path: Path) -> Iterator[Path]:
    on_stick = [path / name for name in ON_STICKS if (path / name).is_file()]
    if on_stick:
        yield from on_stick
    elif path.is_dir():
        for folder, folders, names in os.walk(path):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(names):
                if not name.startswith(".") and _is_reference(name):
                    yield Path(folder) / name
    elif not path.exists():
        raise InvalidReference(f"{path}: there is no such file or folder")
    elif path.suffix.lower() not in READERS:
        raise InvalidReference(
            f"{path}: not a reference format; known: {' '.join(READERS)}, or {' or '.join(WORDS)}"
        )
    else:
        yield path


def _is_reference(name: str) -> bool:
    """Whether a file in a folder is a reference. Player databases have fixed names, because
    unrelated files have the same suffixes (Thumbs.db)."""
    suffix = Path(name).suffix.lower()
    return suffix in READERS and (suffix not in (".db", ".pdb") or name in ("m.db", "export.pdb"))
