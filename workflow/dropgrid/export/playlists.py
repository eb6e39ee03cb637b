"""The playlists of an export: the library's folders, BPM ranges, keys, and the user's playlists.

All formats with playlists have the same. Tracks are numbered from 1 in the order of the export.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from ..base.errors import ConfigError
from ..records.track import Track
from ..references.matching import Tracks
from ..references.playlist_file import read_list
from .sets import tracks_of

if TYPE_CHECKING:
    from .options import ExportOptions

NO_KEY = "no key"


@dataclass(frozen=True)
class Playlist:
    """A playlist of tracks, or a folder of playlists; a folder of the library may be both."""

    name: str
    tracks: tuple[int, ...] = ()
    inside: tuple[Playlist, ...] = ()


@dataclass
class Playlists:
    """Collects what the playlists need from each track during an export."""

    options: ExportOptions
    folders: dict[str, list[int]] = field(default_factory=dict)
    tempos: list[float | None] = field(default_factory=list)
    keys: dict[str, list[int]] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    paths: dict[str, str] = field(default_factory=dict)

    def add(self, track: Track) -> int:
        """Add a track; its number."""
        self.tempos.append(track.bpm.bpm if track.bpm else None)
        number = len(self.tempos)
        self.numbers[track.track] = number
        if self.options.playlists:
            self.paths[track.track] = track.path
        self.folders.setdefault(str(PurePosixPath(track.path).parent), []).append(number)
        if self.options.by_key:
            name = (track.key and track.key.camelot) or NO_KEY
            self.keys.setdefault(name, []).append(number)
        return number

    def lists(self) -> tuple[Playlist, ...]:
        """At most three folders of playlists, then the user's playlists. Raises ConfigError."""
        folders = {name: numbers for name, numbers in self.folders.items() if name != "."}
        ranges = tuple(
            Playlist(f"{name} BPM", self._between(low, high))
            for name, (low, high) in self.options.ranges().items()
        )
        keys = tuple(
            Playlist(name, tuple(self.keys[name])) for name in sorted(self.keys, key=_place)
        )
        found = [
            Playlist("Folders", inside=tree(folders)),
            Playlist("BPM", inside=ranges),
            Playlist("Key", inside=keys),
        ]
        return (*(entry for entry in found if entry.inside), *self._of_user())

    def _between(self, low: float, high: float) -> tuple[int, ...]:
        return tuple(i for i, bpm in enumerate(self.tempos, 1) if bpm and low <= bpm < high)

    def _of_user(self) -> list[Playlist]:
        """The playlists in the user's options, in that order, with the tracks that are exported.
        A set comes first."""
        known = Tracks(self.paths)
        found = []
        for name in self.options.playlists:
            path = Path(name).expanduser()
            try:
                entries = read_list(path)
            except OSError as error:
                raise ConfigError(f"--playlists {path}: {error.strerror}") from error
            tracks = (known.find(entry)[0] for entry in entries)
            numbers = [self.numbers[track] for track in tracks if track is not None]
            found.append(Playlist(path.stem, tuple(dict.fromkeys(numbers))))
        if self.options.set:
            played = (track.track for track in tracks_of(self.options.set))
            numbers = [self.numbers[track] for track in played if track in self.numbers]
            name = Path(self.options.set).stem
            found.insert(0, Playlist(name, tuple(dict.fromkeys(numbers))))
        return found


def tree(folders: Mapping[str, list[int]]) -> tuple[Playlist, ...]:
    """The library's folders as nested playlists."""
    inner: dict[str, dict[str, list[int]]] = {}
    for name, numbers in folders.items():
        top, _, rest = name.partition("/")
        inner.setdefault(top, {})[rest] = numbers
    return tuple(
        Playlist(
            top,
            tuple(below.get("", ())),
            tree({name: numbers for name, numbers in below.items() if name}),
        )
        for top, below in sorted(inner.items())
    )


def _place(camelot: str) -> tuple[int, str]:
    """The sort key of a Camelot key; NO_KEY comes last."""
    number = camelot[:-1]
    return (int(number), camelot) if number.isdigit() else (99, camelot)
