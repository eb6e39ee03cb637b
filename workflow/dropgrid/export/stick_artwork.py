"""The covers of a stick's songs: two small JPEGs of each picture, numbered, twenty in a folder.

A picture keeps its number from export to export, and a number that is taken on the stick goes to
no other picture: a stick that is pulled out shows no song with another's cover.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..audio.artwork import cover_digest, small_covers
from .stick_songs import Songs, size_of

FOLDER = "PIONEER/Artwork"
ENDINGS = ("", "_m")  # of the names of the small and the large picture
IN_A_FOLDER = 20
MOST = 10**6  # pictures


@dataclass
class Artwork:
    """songs: the stick's; earlier: numbers by digest of what an earlier export wrote."""

    songs: Songs
    earlier: dict[str, int]
    numbers: dict[str, int] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)

    def add(self, file: Path) -> int:
        """Write the cover of a song, unless it is there; its number, 0 for none."""
        digest = cover_digest(file)
        if not digest or digest in self.refused:
            return 0
        if digest in self.numbers:
            return self.numbers[digest]
        number = self.earlier.get(digest) or self._unused()
        if not all(size_of(self.songs.root / name) for name in _names(number)):
            pictures = small_covers(file)
            if len(pictures) != len(ENDINGS):
                self.refused.add(digest)
                return 0
            for name, picture in zip(_names(number), pictures, strict=True):
                self.songs.write(name, picture)
        self.numbers[digest] = number
        return number

    def _unused(self) -> int:
        number = max([0, *self.earlier.values(), *self.numbers.values()]) + 1
        while any((self.songs.root / name).exists() for name in _names(number)):
            number += 1
        return number

    def rows(self) -> list[tuple[int, str]]:
        """(number, path from the stick's root) of every picture, for the database."""
        return [(number, f"/{next(_names(number))}") for number in sorted(self.numbers.values())]

    def remove_old(self) -> None:
        """Remove the pictures of an earlier export that no song has any more."""
        for number in set(self.earlier.values()) - set(self.numbers.values()):
            for name in _names(number):
                (self.songs.root / name).unlink(missing_ok=True)


def _names(number: int) -> Iterator[str]:
    folder = f"{FOLDER}/{number // IN_A_FOLDER + 1:05d}"
    return (f"{folder}/a{number}{more}.jpg" for more in ENDINGS)


def numbers_of(mark: dict[str, Any]) -> dict[str, int]:
    """The numbers that a mark lists, but for what no export can have written."""
    listed = mark.get("artwork")
    found = listed.items() if isinstance(listed, dict) else ()
    return {
        digest: number
        for digest, number in found
        if isinstance(number, int) and not isinstance(number, bool) and 0 < number < MOST
    }
