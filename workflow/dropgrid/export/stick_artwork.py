"""The covers of a stick's songs: two small JPEGs of each picture, numbered, twenty in a folder.

A picture keeps its number in later exports, and a number that is in use on the stick is not given
to another picture. So a stick that is pulled out never shows a song with the wrong cover.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..audio.artwork import cover_digest, small_covers
from .stick_songs import Songs, size_of

FOLDER = "PIONEER/Artwork"
NAME_ENDINGS = ("", "_m")  # of the small and the large picture
PER_FOLDER = 20
MAX_NUMBER = 10**6  # of a picture


@dataclass
class Artwork:
    """Numbers and writes the covers. earlier: the numbers of an earlier export, by digest."""

    songs: Songs
    earlier: dict[str, int]
    numbers: dict[str, int] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)

    def add(self, file: Path) -> int:
        """Write the cover of a song unless the stick has it; its number, 0 without a cover."""
        digest = cover_digest(file)
        if not digest or digest in self.refused:
            return 0
        if digest in self.numbers:
            return self.numbers[digest]
        number = self.earlier.get(digest) or self._unused()
        if not all(size_of(self.songs.root / name) for name in _names(number)):
            pictures = small_covers(file)
            if len(pictures) != len(NAME_ENDINGS):
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
        """Remove the pictures of an earlier export that no song uses now."""
        for number in set(self.earlier.values()) - set(self.numbers.values()):
            for name in _names(number):
                (self.songs.root / name).unlink(missing_ok=True)


def _names(number: int) -> Iterator[str]:
    folder = f"{FOLDER}/{number // PER_FOLDER + 1:05d}"
    return (f"{folder}/a{number}{more}.jpg" for more in NAME_ENDINGS)


def numbers_of(mark: dict[str, Any]) -> dict[str, int]:
    """The numbers in a mark, without values that no export can have written."""
    listed = mark.get("artwork")
    found = listed.items() if isinstance(listed, dict) else ()
    return {
        digest: number
        for digest, number in found
        if isinstance(number, int) and not isinstance(number, bool) and 0 < number < MAX_NUMBER
    }
