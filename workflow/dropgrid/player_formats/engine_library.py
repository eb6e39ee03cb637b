"""`Engine Library/Database2/m.db`: writes tracks and playlists into Engine DJ's database.

It keeps what the database already contains: track numbers, play counts, and other programs'
playlists. Rows are inserted through Engine's triggers.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from .engine_schema import statements

BLOBS = ("trackData", "overviewWaveFormData", "beatData", "quickCues", "loops")
SET_ON_PLAYERS = ("beatData", "quickCues", "loops")


@dataclass(frozen=True)
class EngineTrack:
    """A row: the columns of Track except the path, and the blobs of its performance data by
    column."""

    path: str
    columns: Mapping[str, Any]
    blobs: Mapping[str, bytes]


@dataclass(frozen=True)
class EngineList:
    """A playlist, or a folder of playlists; tracks: paths."""

    name: str
    tracks: tuple[str, ...] = ()
    inside: tuple[EngineList, ...] = field(default=())


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """A database in one transaction, which is committed if there is no exception."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode=MEMORY")  # the file is dropgrid's copy
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("BEGIN")
        yield connection
        connection.execute("COMMIT")
    finally:
        connection.close()


def create(path: Path, version: str, uuid: UUID) -> None:
    """A new database of a version, without tracks."""
    numbers = [int(part) for part in version.split(".")]
    played = int.from_bytes(uuid.bytes[:8], "big", signed=True)
    connection = sqlite3.connect(path)
    try:
        connection.executescript(statements(version))
        connection.execute(
            "INSERT INTO Information VALUES(1, ?, ?, ?, ?, ?, NULL)",
            (str(uuid), *numbers, played),
        )
        connection.commit()
    finally:
        connection.close()


def tracks_in(connection: sqlite3.Connection) -> dict[str, int]:
    """The numbers of the tracks, by path."""
    return dict(connection.execute("SELECT path, id FROM Track WHERE path IS NOT NULL"))


def set_digests(connection: sqlite3.Connection, number: int) -> dict[str, str]:
    """Digests of the fields of a track that a player can set, by column."""
    names = ", ".join(SET_ON_PLAYERS)
    query = f"SELECT {names} FROM PerformanceData WHERE trackId = ?"
    row = connection.execute(query, (number,)).fetchone() or (None,) * len(SET_ON_PLAYERS)
    return {name: digest(blob) for name, blob in zip(SET_ON_PLAYERS, row, strict=True)}


def digest(blob: Any) -> str:
    """A digest that identifies a blob."""
    data = blob if isinstance(blob, bytes) else b""
    return hashlib.sha256(data).hexdigest()[:16]


def put_track(
    connection: sqlite3.Connection, track: EngineTrack, number: int | None, keep: Sequence[str]
) -> int:
    """Write a track and return its number. number: None for a new track; keep: blobs that are not
    changed."""
    if number is None:
        names = ["path", *track.columns]
        marks = ", ".join("?" * len(names))
        cursor = connection.execute(
            f"INSERT INTO Track ({', '.join(names)}, dateAdded) "
            f"VALUES ({marks}, CAST(strftime('%s') AS INTEGER))",
            (track.path, *track.columns.values()),
        )
        number = int(cursor.lastrowid or 0)
    else:
        _update(connection, "Track", "id", number, track.columns)
    blobs = {name: blob for name, blob in track.blobs.items() if name not in keep}
    _update(connection, "PerformanceData", "trackId", number, blobs)
    return number


def _update(
    connection: sqlite3.Connection, table: str, key: str, number: int, values: Mapping[str, Any]
) -> None:
    """Update a row, unless it already has these values."""
    query = f"SELECT {', '.join(values)} FROM {table} WHERE {key} = ?"
    row = connection.execute(query, (number,)).fetchone() if values else None
    if row is None or row == tuple(values.values()):
        return
    sets = ", ".join(f"{name} = ?" for name in values)
    connection.execute(f"UPDATE {table} SET {sets} WHERE {key} = ?", (*values.values(), number))


def remove_track(connection: sqlite3.Connection, number: int) -> None:
    """Remove a track from the database and from all playlists."""
    connection.execute("DELETE FROM PlaylistEntity WHERE trackId = ?", (number,))
    connection.execute("DELETE FROM Track WHERE id = ?", (number,))


def put_lists(
    connection: sqlite3.Connection, lists: Sequence[EngineList], numbers: Mapping[str, int],
    moment: str, parent: int = 0,
) -> list[int]:  # fmt: skip
    """Write playlists below a parent; the numbers of the top ones. moment: the time of the change.

    A name that a playlist with the same parent already has gets a number, because Engine requires
    unique names.
    """
    (identity,) = connection.execute("SELECT uuid FROM Information").fetchone()
    used_names = {
        name
        for (name,) in connection.execute(
            "SELECT title FROM Playlist WHERE parentListId = ?", (parent,)
        )
    }
    made = []
    for entry in lists:
        name, count = entry.name, 1
        while name in used_names:
            count += 1
            name = f"{entry.name} ({count})"
        used_names.add(name)
        cursor = connection.execute(
            "INSERT INTO Playlist (title, parentListId, isPersisted, nextListId, lastEditTime, "
            "isExplicitlyExported) VALUES (?, ?, 1, 0, ?, 1)",
            (name, parent, moment),
        )
        number = int(cursor.lastrowid or 0)
        made.append(number)
        _fill(connection, number, [numbers[path] for path in entry.tracks], identity)
        put_lists(connection, entry.inside, numbers, moment, number)
    return made


def _fill(
    connection: sqlite3.Connection, number: int, tracks: Sequence[int], identity: str
) -> None:
    """Add tracks to a playlist, each linked to the next, so from the last to the first."""
    following = 0
    for track in reversed(list(dict.fromkeys(tracks))):
        cursor = connection.execute(
            "INSERT INTO PlaylistEntity (listId, trackId, databaseUuid, nextEntityId, "
            "membershipReference) VALUES (?, ?, ?, ?, 0)",
            (number, track, identity, following),
        )
        following = int(cursor.lastrowid or 0)


def remove_lists(connection: sqlite3.Connection, numbers: Sequence[int]) -> None:
    """Remove playlists and everything below them."""
    for number in numbers:
        connection.execute("DELETE FROM Playlist WHERE id = ?", (number,))
