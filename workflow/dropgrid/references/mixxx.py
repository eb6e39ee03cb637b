"""Reads `mixxx` references: the library of Mixxx, mixxxdb.sqlite.

Of each track: BPM, genre, key, the beats, cues named after a section, and whether its user has
locked the grid. Times count from Mixxx's sample 0, which in MP3s is another than ours. The
database is opened for reading alone, as it lies on the disk, without its journal: close Mixxx
first. It may come from anyone: plain tables alone are read, within bounds of rows, bytes, steps
and seconds. Source: Mixxx's own schema and src/proto/beats.proto, versions 2.3 to 2.5.
"""

from __future__ import annotations

import math
import os
import sqlite3
import stat
import struct
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ..base.errors import InvalidReference
from ..key import notation
from . import checks, cues
from .annotation import Annotation
from .checks import Place

HEAD = b"SQLite format 3\0"
MAX_FILE = 4 * 2**30  # bytes of a database: a library of a million tracks
MAX_BEATS = 2**20  # bytes of one track's beats: ten hours of the fastest
MAX_VALUE = 8 * 2**20  # bytes of any value or row
MAX_ROWS = 2_000_000  # tracks, and again cues
STEPS, STEPS_PER_BYTE = 20_000_000, 10  # of SQLite's machine: a real library takes 1 or 2 a byte
MAX_SECONDS = 300.0
TABLES = ("cues", "library", "track_locations")
TRACKS = """
    select l.id, t.location, l.samplerate, l.duration, l.bpm, l.bpm_lock, l.genre, l.key,
           l.beats_version, l.beats
    from library l join track_locations t on l.location = t.id
    where not l.mixxx_deleted
"""
CUES = "select track_id, position, label from cues where label != '' and position >= 0"


def read(path: Path) -> list[Annotation]:
    """The annotations of a Mixxx database, in the order of the paths. Raises InvalidReference."""
    size = _checked_size(path)
    try:
        address = f"file:{quote(str(path.absolute()))}?mode=ro&immutable=1"
        connection = sqlite3.connect(address, uri=True)
    except sqlite3.Error as error:
        raise InvalidReference(f"{path}: cannot be read ({error})") from error
    try:
        _limit(connection, size)
        _check_tables(connection, path)
        marks: defaultdict[Any, list[tuple[Any, str]]] = defaultdict(list)
        for track, position, label in _rows(connection, CUES, path, size):
            marks[track].append((position, str(label)))
        rows = _rows(connection, TRACKS, path, size)
        found = checks.within_bounds((_annotation(path, row, marks[row[0]]) for row in rows), path)
        return sorted(found, key=lambda annotation: annotation.key)
    except sqlite3.Error as error:
        reason = str(error)
        if "interrupted" in reason:
            reason = "it takes longer than its size can ask for"
        raise InvalidReference(
            f"{path}: not a database of Mixxx that can be read: {reason}"
        ) from error
    finally:
        connection.close()


def _checked_size(path: Path) -> int:
    """Bytes of a database. Raises InvalidReference for what is none; waits for no pipe."""
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as stream:
            status = os.fstat(stream.fileno())
            if not stat.S_ISREG(status.st_mode):
                Place(path).refuse("not a file but a pipe, a device or the like")
            if stream.read(len(HEAD)) != HEAD:
                Place(path).refuse("not a database of Mixxx (SQLite 3)")
    except OSError as error:
        raise InvalidReference(f"{path}: cannot be read ({error.strerror})") from error
    if status.st_size > MAX_FILE:
        Place(path).refuse(f"{status.st_size >> 20} MiB is too much for a library of Mixxx")
    return status.st_size


def _limit(connection: sqlite3.Connection, size: int) -> None:
    """Bound what a database may cost: steps and seconds of SQLite's machine, bytes of a value."""
    steps = iter(range((STEPS + STEPS_PER_BYTE * size) // 1_000_000))
    end = time.monotonic() + MAX_SECONDS
    connection.set_progress_handler(
        lambda: next(steps, None) is None or time.monotonic() > end, 1_000_000
    )
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_VALUE)
    connection.execute("pragma trusted_schema = off")
    connection.execute("pragma cell_size_check = on")


def _check_tables(connection: sqlite3.Connection, path: Path) -> None:
    """Refuse whatever is no plain table: a view or a computed column is a program, not data."""
    plain = dict(
        connection.execute(
            "select lower(name), type = 'table' and rootpage > 0 from sqlite_master"
            " where type in ('table', 'view')"
        )
    )
    for name in TABLES:
        if name not in plain:
            Place(path).refuse(f"not a database of Mixxx that can be read: no such table: {name}")
        columns = connection.execute(f"pragma table_xinfo({name})").fetchall()
        if not plain[name] or any(hidden for *_, hidden in columns):
            Place(path).refuse(f"not a database of Mixxx: {name} is not a plain table")


def _rows(connection: sqlite3.Connection, query: str, path: Path, size: int) -> Iterator[tuple]:
    """The rows of a query, as long as they hold no more than the file does."""
    left = 2 * size  # of a path that two tracks share both copies count
    for count, row in enumerate(connection.execute(query), start=1):
        left -= sum(len(value) for value in row if isinstance(value, str | bytes))
        if count > MAX_ROWS or left < 0:
            Place(path).refuse("its tables hold more than the file does, or too many rows")
        yield row


def _annotation(path: Path, row: tuple, marks: list[tuple[Any, str]]) -> Annotation:
    _, location, rate, length, bpm, locked, genre, key, version, blob = row
    place = Place(path).at(str(location))
    if not isinstance(location, str):
        place.refuse("not a path")
    duration = checks.time(length, place.at("duration")) if length else None
    beats: tuple[float, ...] = ()
    named: list[tuple[float, str, Place]] = []
    if rate:
        frames = checks.number(rate, place.at("samplerate"))
        if not 1000 <= frames <= 10**6:
            place.at("samplerate").refuse(f"not a rate of samples: {rate!r}")
        beats = _beats(str(version or ""), blob, frames, duration, place.at("beats"))
        # Positions count the samples of two channels.
        named = [
            (checks.time(_samples(at, place) / 2 / frames, place.at("cue")), name, place)
            for at, name in marks
        ]
    return Annotation(
        key=str(location),
        source=str(path),
        format="mixxx",
        bpm=checks.bpm(bpm, place.at("bpm")) if bpm else None,
        beats=beats or None,
        sections=cues.sections(named, duration) or None,
        duration=duration,
        genre=str(genre) if genre else None,
        tonality=notation.parse(str(key or "")),
        locked=bool(locked),
        player="mixxx",
    )


def _samples(value: Any, place: Place) -> float:
    """The position of a cue, which a database may hold as any type."""
    if isinstance(value, str):
        place.at("cue").refuse(f"its position is a text: {value[:40]!r}")
    return checks.number(value, place.at("cue"))


def _beats(
    version: str, blob: bytes | None, rate: float, duration: float | None, place: Place
) -> tuple[float, ...]:
    """The beats of a track in seconds; none in a version of beats that is not known."""
    if not blob or not isinstance(blob, bytes):
        return ()
    if len(blob) > MAX_BEATS:
        place.refuse(f"{len(blob)} bytes are too many")
    try:
        if version.startswith("BeatMap-1."):
            frames = [_frame(value) for number, value in _fields(blob) if number == 1]
            return checks.times((frame / rate, place) for frame in frames if frame >= 0)
        if version.startswith("BeatGrid-") and duration:
            values = dict(_fields(blob))
            tempo = struct.unpack("<d", _bytes(dict(_fields(_bytes(values[1])))[1]))[0]
            interval = 60 / checks.bpm(tempo, place)
            first = _frame(values[2]) / rate if 2 in values else 0.0
            start = first - math.floor(first / interval + 1e-9) * interval
            count = cues.count_of(start, duration, interval)
            return checks.times((max(0.0, start + n * interval), place) for n in range(count))
    except (ValueError, KeyError, TypeError, struct.error) as error:
        place.refuse(f"beats that cannot be read ({error})")
    return ()


def _frame(value: bytes | int) -> int:
    """The number of a message of one int32, its first field; 0 where it is left out."""
    number = dict(_fields(_bytes(value))).get(1, 0)
    if not isinstance(number, int):
        raise ValueError("not a number")
    return number - 2**64 if number >= 2**63 else number


def _bytes(value: bytes | int) -> bytes:
    if isinstance(value, int):
        raise ValueError("a number in place of a message")
    return value


def _fields(data: bytes) -> Iterator[tuple[int, bytes | int]]:
    """The fields of a message of Protocol Buffers: numbers, and bytes of whatever else."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        kind = key & 7
        if kind == 0:
            value, at = _varint(data, at)
            yield key >> 3, value
            continue
        size = {1: 8, 5: 4}.get(kind)
        if kind == 2:
            size, at = _varint(data, at)
        if size is None or at + size > len(data):
            raise ValueError("not a whole message")
        yield key >> 3, data[at : at + size]
        at += size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            raise ValueError("a number is cut short")
        byte, at = data[at], at + 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ValueError("a number without end")
