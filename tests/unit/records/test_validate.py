"""Fields at the limits of what a record may hold."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from dropgrid.base.errors import RecordError
from dropgrid.records import validate
from dropgrid.records.model import BpmRecord, KeyRecord
from dropgrid.records.set_file import Blend, SetTrack, read_set, set_bytes

HEAD: dict[str, Any] = {"track": "a-00000000", "path": "a.flac", "status": "ok"}


def read(**changes: Any) -> BpmRecord:
    return validate.record(BpmRecord, {**HEAD, **changes}, "a-00000000")


@pytest.mark.parametrize(
    "good",
    [
        {"bpm": 1e-6}, {"bpm": validate.MAX_BPM}, {"confidence": 0}, {"confidence": 1.0},
        {"duration": 10.0, "beats": [0, 10.0 + validate.SLACK]}, {"time_signature": "3/4"},
        {"tags": {"title": None, "x": {"y": [1.5, True]}}}, {"beats": [1, 1.0, 2]},
        {"decoder": {"sample_rate": 1, "channels": 2}}, {"bpm_interval": [-1.0, 1.0]},
    ],
)  # fmt: skip
def test_values_within_the_limits_are_accepted(good) -> None:
    record = read(**good)
    for name, value in good.items():
        found = getattr(record, name)
        assert found == (tuple(value) if isinstance(value, list) else value)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"bpm": 1e-7}, "bpm: not from 1e-06"), ({"bpm": validate.MAX_BPM + 1}, "bpm: not from"),
        ({"bpm": True}, "bpm: not a number"),
        ({"confidence": "1"}, "confidence: not a number"),
        ({"decoder": {"sample_rate": 1, "channels": True}}, "channels: not"),
        ({"confidence": 1.01}, "confidence: not from 0 to 1"),
        ({"duration": -1}, "duration: not from 0"), ({"beats": 3}, "beats: not a list: 3"),
        ({"duration": 10.0, "beats": [11.5 + validate.SLACK]}, "beats[0]: not from 0"),
        ({"beats": [0, "x"]}, "beats[1]: not a number: 'x'"),
        ({"beats": [2.0, 1.0, 3.0]}, "beats: not in the order of time"),
        ({"bpm_interval": [1.0]}, "bpm_interval: not 2 numbers"),
        ({"path": "/a"}, "path: not a path"),
        ({"path": "a/../b"}, "below the library"),
        ({"path": ""}, "path: not a path"),
        ({"track": "../x"}, "track: not a track's id"),
        ({"track": "b-00000000"}, "not a-00000000"),
        ({"status": "error"}, "error: a failure where"),
        ({"status": "no"}, "status: none of ok"),
        ({"more": 1}, "more: unknown field"), ({"time_signature": "x"}, "not a time signature"),
        ({"tags": {"title": 3}}, "tags.title: not a text"), ({"tags": []}, "tags: not an object"),
        ({"decoder": {"channels": 0}}, "decoder.channels: not from 1"),
        ({"tags": {"x": [[[[[[[[[[1]]]]]]]]]]}}, "too deep"),
        ({"tags": {"x": float("inf")}}, "tags.x: not from"),
        ({"grid": [{"start": 0.0, "bpm": 1.0, "beats": 1.5, "first_downbeat": None}]},
         "grid[0].beats: not a whole number"),
        ({"grid": [{"start": 0.0}]}, "grid[0].bpm: missing"),
        ({"grid": [1]}, "grid[0]: not an object"),
    ],
)  # fmt: skip
def test_what_lies_without_is_refused_by_name(bad, message) -> None:
    with pytest.raises(validate.Invalid) as raised:
        read(**bad)
    assert message in str(raised.value)


def test_a_long_value_is_cut() -> None:
    for length, cut in ((57, False), (58, True), (400, True)):
        with pytest.raises(validate.Invalid) as raised:
            validate.refuse("place", "wrong", "x" * length)
        assert str(raised.value).endswith("...") is cut
        assert len(str(raised.value)) <= len("place: wrong: ") + 59


def set_file(folder: Path, **changes: Any) -> Path:
    tracks = [SetTrack("a-00000000", "a.flac", 0.0, None, Blend(1, 5.0, 5.0)),
              SetTrack("b-00000001", "b.flac", 5.0, Blend(3, 1.0, 2.0), None)]  # fmt: skip
    values = json.loads(set_bytes(tracks, []))
    values["tracks"][1] |= changes
    (folder / "set.json").write_text(json.dumps(values))
    return folder / "set.json"


def test_a_set_is_read_as_it_was_written(tmp_path: Path) -> None:
    first, second = read_set(set_file(tmp_path))
    assert first.mix_out == Blend(1, 5.0, 5.0) and second.mix_in == Blend(3, 1.0, 2.0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"track": "../b"}, "tracks[1].track: not a track's id"),
        ({"path": "/b.flac"}, "tracks[1].path: not a path below"),
        ({"mix_in": {"bar": 0, "start": 1, "end": 2}}, "tracks[1].mix_in: not a stretch"),
        ({"mix_out": {"bar": 1, "start": 2, "end": 1}}, "tracks[1].mix_out: not a stretch"),
        ({"starts": "x"}, "tracks[1].starts: not a number"),
    ],
)
def test_a_forged_set_is_refused_by_field(tmp_path: Path, changes, message) -> None:
    with pytest.raises(RecordError) as raised:
        read_set(set_file(tmp_path, **changes))
    assert message in str(raised.value)


def test_a_set_that_is_not_there_is_reported(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="there is no such file"):
        read_set(tmp_path / "none.json")


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("tags", 3, "tags: not an object: 3"), ("key", 3, "key: not a text: 3"),
        ("tags", {"x" * 70: []}, None), ("sure", 1, "sure: neither true nor false: 1"),
        ("segments", {}, "segments: not a list"),
        ("tags", {"x" * 70: float("nan")}, f"tags.{'x' * 60}: not from"),
    ],
)  # fmt: skip
def test_each_kind_of_field_is_refused_by_its_own_words(field, value, message) -> None:
    kind = KeyRecord if field in ("key", "sure", "segments") else BpmRecord
    if message is None:
        assert validate.record(kind, {**HEAD, field: value}).tags == value
        return
    with pytest.raises(validate.Invalid) as raised:
        validate.record(kind, {**HEAD, field: value})
    assert str(raised.value).startswith(message)


def test_times_are_checked_at_both_ends_and_in_their_order() -> None:
    for beats, place in [([-1.0, 2.0], "beats[0]"), ([0.0, 5.0, 1e9], "beats[2]")]:
        with pytest.raises(validate.Invalid) as raised:
            read(beats=beats)
        assert str(raised.value).startswith(f"{place}: not from 0")


def test_whole_numbers_reach_to_nanoseconds_and_no_farther() -> None:
    most = int(validate.LARGEST * 1e4)
    check = validate.reader(Ticketed)
    assert check({"mtime_ns": most}, "", 1.0) == Ticketed(most)
    assert check({"mtime_ns": -most}, "", 1.0) == Ticketed(-most)
    for value in (most + 1, -most - 1, True, 1.0):
        with pytest.raises(validate.Invalid, match="mtime_ns: not a whole number"):
            check({"mtime_ns": value}, "", 1.0)


@dataclass(frozen=True)
class Ticketed:
    """An object with a time of modification."""

    mtime_ns: int
