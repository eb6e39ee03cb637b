"""Databases of Mixxx's schema, as far as it is read, with the beats of their tracks."""

from __future__ import annotations

import sqlite3
import struct
from pathlib import Path


def varint(number: int) -> bytes:
    number %= 2**64
    out = b""
    while number >= 0x80:
        out, number = out + bytes([number & 0x7F | 0x80]), number >> 7
    return out + bytes([number])


def message(data: bytes, field: int = 1) -> bytes:
    return bytes([field << 3 | 2]) + varint(len(data)) + data


def beat_map(frames: list[int]) -> bytes:
    return b"".join(message(b"\x08" + varint(frame)) for frame in frames)


def beat_grid(bpm: float, first: int) -> bytes:
    tempo = message(b"\x09" + struct.pack("<d", bpm))
    return tempo + message(b"\x08" + varint(first), 2)


def database(folder: Path, *tracks: tuple) -> Path:
    """A database of Mixxx's schema, as far as it is read."""
    path = folder / "mixxxdb.sqlite"
    connection = sqlite3.connect(path)
    connection.executescript(
        "create table track_locations (id integer primary key, location text);"
        "create table library (id integer primary key, location integer, samplerate integer,"
        " duration float, bpm float, bpm_lock integer, genre text, key text, beats_version text,"
        " beats blob, mixxx_deleted integer default 0);"
        "create table cues (track_id integer, position integer, label text);"
    )
    for number, (location, version, beats, lock) in enumerate(tracks, start=1):
        connection.execute("insert into track_locations values (?, ?)", (number, location))
        connection.execute(
            "insert into library values (?, ?, 44100, 10.0, 120, ?, 'House', 'Am', ?, ?, 0)",
            (number, number, lock, version, beats),
        )
    connection.execute("insert into cues values (1, 0, 'Intro')")
    connection.execute("insert into cues values (1, ?, 'Drop 1')", (2 * 4 * 44100,))
    connection.commit()
    connection.close()
    return path


def changed(path: Path, script: str) -> Path:
    connection = sqlite3.connect(path)
    connection.executescript(script)
    connection.commit()
    connection.close()
    return path
