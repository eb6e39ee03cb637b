"""Beats, cues, locks and keys of Mixxx's databases, read as references."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from dropgrid.base.errors import InvalidReference
from dropgrid.references import mixxx
from mixxx_database import beat_grid, beat_map, changed, database, message, varint


def test_mixxxs_beats_cues_and_lock_are_read(tmp_path: Path) -> None:
    frames = [-(2**63), -100, 11025, 33075, 55125]
    path = database(
        tmp_path, ("/m/a.flac", "BeatMap-1.0", beat_map(frames), 1),
        ("/m/b.flac", "BeatGrid-2.0", beat_grid(120.0, 44100 + 11025), 0),
        ("/m/c.flac", None, None, 0),
    )  # fmt: skip
    mapped, gridded, without = mixxx.read(path)
    assert mapped.beats == (0.25, 0.75, 1.25) and mapped.locked and not gridded.locked
    assert (mapped.bpm, mapped.genre, mapped.tonality) == (120.0, "House", 21)
    assert [(s.start, s.end, s.label) for s in mapped.sections or ()] == [
        (0.0, 4.0, "intro"), (4.0, 10.0, "drop"),
    ]  # fmt: skip
    np.testing.assert_allclose(gridded.beats or (), np.arange(0.25, 10, 0.5), atol=1e-9)
    assert without.beats is None and without.bpm == 120.0


def test_what_mixxx_does_not_know_of_a_track_is_left_open(tmp_path: Path) -> None:
    path = database(
        tmp_path,
        ("/m/b.flac", "BeatMap-9", beat_map([5]), 0),
        ("/m/a.flac", "BeatMap-1.0", beat_map([4410]), 0),
    )
    script = "update library set {}, samplerate = 1000"
    changed(path, script.format("bpm = 0, genre = '', key = null, duration = 0"))
    first, second = mixxx.read(path)  # in the order of the paths
    assert (first.key, second.key) == ("/m/a.flac", "/m/b.flac")
    assert first.beats == (4.41,) and second.beats is None
    assert {first.bpm, first.genre, first.tonality, first.duration, first.sections} == {None}
    changed(path, "update library set samplerate = 0")
    assert mixxx.read(path)[0].beats is None
    changed(path, "update library set mixxx_deleted = 1 where location = 1")
    assert [a.key for a in mixxx.read(path)] == ["/m/a.flac"]


def test_a_message_may_hold_fields_of_all_kinds(tmp_path: Path) -> None:
    others = b"\x10\x05" + b"\x19" + bytes(8) + b"\x25" + bytes(4) + b"\x2a\x02ab"
    blob = message(others + b"\x08" + varint(44100)) + message(b"") + message(b"\x08\x01", 2)
    path = database(
        tmp_path,
        (
            "/m/a.flac",
            "BeatMap-1.1",
            message(b"") + message(others + b"\x08" + varint(44100)) + message(b"\x08\x01", 2),
            0,
        ),
    )
    assert mixxx.read(path)[0].beats == (0.0, 1.0)
    path.unlink()
    path = database(tmp_path, ("/m/a.flac", "BeatMap-1.1", blob, 0))
    with pytest.raises(InvalidReference, match="not later than"):  # the second is at 0
        mixxx.read(path)


def test_mixxxs_grid_without_a_first_beat_begins_at_0(tmp_path: Path) -> None:
    tempo = message(b"\x09" + struct.pack("<d", 60.0))
    path = database(
        tmp_path, ("/m/a.flac", "BeatGrid-2.0", tempo, 0),
        ("/m/b.flac", "BeatGrid-2.0", beat_grid(60.0, -22050), 0),
    )  # fmt: skip
    first, second = mixxx.read(path)
    assert first.beats == tuple(float(i) for i in range(10))
    assert second.beats == tuple(i + 0.5 for i in range(10))
