"""Texts and rows of a DeviceSQL database, as rekordbox writes them.

All numbers are little-endian. A row may begin with the distance to its page's row index
(`shift`: 32 for each row before it in its page).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

MAX_SHORT = 126  # bytes of an ASCII text whose first byte contains its length
MAX_TEXT = 1000  # characters of any text, because a row must fit into a page
TRACK_SLACK, NAME_SLACK = 52, 6  # free bytes after a row of tracks, of artists and albums


@dataclass(frozen=True)
class TrackRow:
    """A track of the database. Ids are those of its other tables, 0 for none.

    tempo: BPM. rate: Hz. bitrate: kbit/s. duration: whole seconds. depth: bits. file_type: see
    FILE_TYPES. remixer, composer: numbers of artists. number: on the album. file_path,
    analyze_path: from the stick's root. added, analyzed: YYYY-MM-DD.
    """

    id: int
    title: str
    file_name: str
    file_path: str
    analyze_path: str
    file_size: int
    file_type: int
    tempo: float
    duration: int
    rate: int = 44100
    bitrate: int = 0
    depth: int = 16
    artist: int = 0
    album: int = 0
    genre: int = 0
    key: int = 0
    label: int = 0
    colour: int = 0
    rating: int = 0
    year: int = 0
    added: str = ""
    analyzed: str = ""
    comment: str = ""
    remixer: int = 0
    composer: int = 0
    number: int = 0
    artwork: int = 0


FILE_TYPES = {".mp3": 1, ".m4a": 4, ".flac": 5, ".wav": 11, ".aif": 12, ".aiff": 12}


def text(value: str) -> bytes:
    """A text: short or long ASCII, or UTF-16. Line breaks and zeros become spaces."""
    value = "".join(" " if ord(c) < 32 else c for c in value)[:MAX_TEXT]
    if value.isascii():
        data = value.encode("ascii")
        if len(data) <= MAX_SHORT:
            return bytes([2 * (len(data) + 1) + 1]) + data
        return struct.pack("<BHB", 0x40, len(data) + 4, 0) + data
    data = value.encode("utf-16-le", "replace")
    return struct.pack("<BHB", 0x90, len(data) + 4, 0) + data


def padded(row: bytes, slack: int = 0) -> bytes:
    """A row with `slack` free bytes after it, padded to a multiple of four bytes."""
    length = -(-(len(row) + slack) // 4) * 4
    return row.ljust(length, b"\0")


def track_row(track: TrackRow, shift: int) -> bytes:
    """A row of the table of tracks."""
    head = struct.pack(
        "<HHIIIIIHHIIIIIIIIIIIIHHHHHHBBHH",
        0x24, shift, 0x000C0700, track.rate, track.composer, track.file_size,
        0, 0, 0,  # their meaning is not known; players accept 0
        track.artwork, track.key, 0, track.label, track.remixer, track.bitrate, track.number,
        round(100 * track.tempo),
        track.genre, track.album, track.artist, track.id,
        0, 0, track.year, track.depth, track.duration, 41, track.colour, track.rating,
        track.file_type, 3,
    )  # fmt: skip
    texts = [
        "", "", "1", "1", "", "", "", "ON", "", "", track.added, "", "", "",
        track.analyze_path, track.analyzed, track.comment, track.title, "", track.file_name,
        track.file_path,
    ]  # fmt: skip
    return padded(_with_texts(head, texts), TRACK_SLACK)


def _with_texts(head: bytes, texts: Sequence[str]) -> bytes:
    """A row's head, the offsets of its texts, and the texts."""
    data = [text(value) for value in texts]
    places, at = [], len(head) + 2 * len(texts)
    for item in data:
        places.append(at)
        at += len(item)
    return head + struct.pack(f"<{len(texts)}H", *places) + b"".join(data)


def artist_row(number: int, name: str, shift: int) -> bytes:
    """A row of the table of artists."""
    return padded(struct.pack("<HHIBB", 0x60, shift, number, 3, 10) + text(name), NAME_SLACK)


def album_row(number: int, name: str, artist: int, shift: int) -> bytes:
    """A row of the table of albums."""
    head = struct.pack("<HHIIIIBB", 0x80, shift, 0, artist, number, 0, 3, 22)
    return padded(head + text(name), NAME_SLACK)


def name_row(number: int, name: str) -> bytes:
    """A row of the tables of genres and labels."""
    return padded(struct.pack("<I", number) + text(name))


def artwork_row(number: int, path: str) -> bytes:
    """A row of the table of artwork; path: from the stick's root."""
    return name_row(number, path)


def key_row(number: int, name: str) -> bytes:
    """A row of the table of keys."""
    return padded(struct.pack("<II", number, number) + text(name))


def colour_row(number: int, name: str) -> bytes:
    """A row of the table of colours."""
    return padded(struct.pack("<IBBH", 0, number, number, 0) + text(name))


def playlist_row(number: int, name: str, parent: int, place: int, is_folder: bool) -> bytes:
    """A row of the tree of playlists; parent: 0 for the root."""
    return padded(struct.pack("<IIIII", parent, 0, place, number, is_folder) + text(name))


def entry_row(place: int, track: int, playlist: int) -> bytes:
    """A row that puts a track into a playlist, places from 1."""
    return struct.pack("<III", place, track, playlist)


def column_row(number: int, code: int, name: str) -> bytes:
    """A row of the table of the columns that players can browse by; its text has delimiters."""
    marked = f"\ufffa{name}\ufffb".encode("utf-16-le")
    head = struct.pack("<HHBHB", number, code, 0x90, len(marked) + 4, 0)
    return padded(head + marked)


def history_row(date: str) -> bytes:
    """The row of the table of synchronisations; date: YYYY-MM-DD."""
    head = struct.pack("<HHII", 0x280, 0, 0, 0)
    return padded(head + text(date) + b"\x19\x1e" + text("1000") + b"\x03", 9)
