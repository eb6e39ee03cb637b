"""Serato's crates: the library's folders, BPM ranges, keys and your playlists as `.crate` files.

The output is a folder `_Serato_/Subcrates`; copy it into `_Serato_` on the drive with the songs.
The file name of a nested crate contains `%%`. Paths are relative to the drive's root. Grid and
cues are in the songs' tags (`dropgrid tag write --serato`). Format: Holzhaus/serato-tags.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from ..records.track import Track
from .pieces import piece
from .places import volume_and_folders
from .playlists import Playlist, Playlists
from .stick_songs import safe_name

if TYPE_CHECKING:
    from .options import ExportOptions

NAME = "serato-crates"
HELP = "Serato crates of folders, BPM ranges, keys and your playlists (a folder)"
FILE = "serato-crates"
IN_PIECES = True
NEEDS = frozenset({"file"})
OPTIONS = ("bpm_ranges", "by_key", "playlists")
TOP_CRATE = "dropgrid"  # the crate that contains all others
COLUMNS = ("song", "bpm", "key", "artist", "comment", "length", "album")  # in the order shown


def render(
    tracks: Iterable[Track], options: ExportOptions
) -> tuple[int, dict[str, Iterable[bytes]]]:
    """A crate for each playlist, inside a crate of all tracks."""
    playlists = Playlists(options)
    paths: list[str] = []
    for track in tracks:
        playlists.add(track)
        paths.append(_path(track))
        piece(track, bytes)  # no text is needed: the cached path is enough
    everything = Playlist(TOP_CRATE, tuple(range(1, len(paths) + 1)), playlists.lists())
    files = {
        f"_Serato_/Subcrates/{name}.crate": [crate(paths[i - 1] for i in numbers)]
        for name, numbers in _flat([everything], "").items()
    }
    return len(paths), dict(files)


def file(options: ExportOptions) -> str:
    """A folder of crates."""
    return FILE


def crate(paths: Iterable[str]) -> bytes:
    """The bytes of a crate."""
    tracks = (_field(b"otrk", _field(b"ptrk", _text(path))) for path in paths)
    return MARK + b"".join(tracks)


def _flat(lists: Sequence[Playlist], above: str) -> dict[str, tuple[int, ...]]:
    """The tracks of each crate, by file name; a crate of crates has the tracks of all of them."""
    found: dict[str, tuple[int, ...]] = {}
    for entry in lists:
        name = above + safe_name(entry.name).replace("%%", "%")
        inner = _flat(entry.inside, f"{name}%%")
        of_all = (number for numbers in inner.values() for number in numbers)
        found[name] = entry.tracks or tuple(sorted(set(of_all)))
        found |= inner
    return found


def _path(track: Track) -> str:
    """The path of a song from the root of its drive."""
    assert track.file is not None  # NEEDS says so
    _, folders, name = volume_and_folders(track.file)
    return "/".join([*folders, name])


def _field(name: bytes, data: bytes) -> bytes:
    return name + struct.pack(">I", len(data)) + data


def _text(value: str) -> bytes:
    return value.encode("utf-16-be", "replace")


def _head() -> bytes:
    data = _field(b"vrsn", _text("1.0/Serato ScratchLive Crate"))
    data += _field(b"osrt", _field(b"tvcn", _text("song")) + _field(b"brev", b"\0"))
    for column in COLUMNS:
        data += _field(b"ovct", _field(b"tvcn", _text(column)) + _field(b"tvcw", _text("0")))
    return data


MARK = _head()
