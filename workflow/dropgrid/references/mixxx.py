"""Reads `mixxx` references: the library of Mixxx, mixxxdb.sqlite.

For each track: BPM, genre, key, the beats, cues named after a section, and whether the user has
locked the grid. Times count from Mixxx's sample 0, which differs from dropgrid's in MP3s. The
database is opened read-only, without its journal: close Mixxx first. It is untrusted: only plain
tables are read, with limits on rows, bytes, steps and seconds. Source: Mixxx's
schema and src/proto/beats.proto, versions 2.3 to 2.5.
"""

from __future__ import annotations

import math
import struct
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..key import notation
from . import checks, cues
from .annotation import Annotation
from .checks import Place
from .sqlite_source import opened

MAX_BEATS = 2**20  # bytes of one track's beats: ten hours of the fastest
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
    with opened(path, "Mixxx") as source:
        source.check_tables(TABLES)
        labels: defaultdict[Any, list[tuple[Any, str]]] = defaultdict(list)
        for track, position, label in source.rows(CUES):
            labels[track].append((position, str(label)))
        rows = source.rows(TRACKS)
        found = checks.within_bounds(
            (_annotation(path, row, labels[row[0]]) for row in rows), path
        )
        return sorted(found, key=lambda annotation: annotation.key)


def _annotation(path: Path, row: tuple, labels: list[tuple[Any, str]]) -> Annotation:
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
            for at, name in labels
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
    """The position of a cue; a database may store it as any type."""
    if isinstance(value, str):
        place.at("cue").refuse(f"its position is a text: {value[:40]!r}")
    return checks.number(value, place.at("cue"))


def _beats(
    version: str, blob: bytes | None, rate: float, duration: float | None, place: Place
) -> tuple[float, ...]:
    """The beats of a track in seconds; none if the version of the beats is unknown."""
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
    """The first field, an int32, of a message; 0 if it is missing."""
    number = dict(_fields(_bytes(value))).get(1, 0)
    if not isinstance(number, int):
        raise ValueError("not a number")
    return number - 2**64 if number >= 2**63 else number


def _bytes(value: bytes | int) -> bytes:
    if isinstance(value, int):
        raise ValueError("a number in place of a message")
    return value


def _fields(data: bytes) -> Iterator[tuple[int, bytes | int]]:
    """The fields of a message of Protocol Buffers: numbers, and bytes for all other types."""
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
