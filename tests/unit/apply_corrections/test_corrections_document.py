"""The user's file: readable, comparable, never half written, no edit of another lost."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from dropgrid.apply_corrections import document, fingerprints
from dropgrid.apply_corrections.document import Document
from dropgrid.apply_corrections.model import (
    BAR_LENGTHS,
    Confirmed,
    Correction,
    GridEntry,
    InvalidCorrection,
    SectionStart,
)
from dropgrid.features import Features
from dropgrid.settings.paths import SCHEMAS

FULL = Correction(
    fingerprint="1-ab", bpm=90.0, downbeat=0.412, beats_per_bar=3,
    sections=(SectionStart(0.0, "intro"), SectionStart(30.4, "drop")), drops=(30.4,),
    key="A minor", note='Ünï "quoted"\n', unknown={"mood": ["warm", {"x": 1}]},
    confirmed=Confirmed("ab", (GridEntry(0.0, 90.0, 0.4),), (SectionStart(0.0, "intro"),)),
)  # fmt: skip
PIECES = Correction(grid=(GridEntry(0.0, 90.0, 0.4), GridEntry(60.0, 100.0, None, 3, 80.0)))


def test_what_is_written_is_read_again(tmp_path):
    path = tmp_path / "corrections.json"
    with document.changing(path) as corrected:
        corrected.put("b/Ünï.mp3", FULL)
        corrected.put("a.flac", PIECES)
        corrected.unknown["made_with"] = "an editor"
    again = document.read(path)
    assert again.tracks == {"a.flac": PIECES, "b/Ünï.mp3": FULL}
    assert again.unknown == {"made_with": "an editor"}
    assert document.to_bytes(again) == path.read_bytes()


def test_the_file_is_what_its_schema_says():
    schema = json.loads((SCHEMAS / "corrections.schema.json").read_text())
    data = document.to_bytes(Document({"a": FULL, "b": PIECES}))
    validator = jsonschema.Draft202012Validator(schema)
    validator.validate(json.loads(data))
    for length in BAR_LENGTHS:
        values = {"a": Correction(beats_per_bar=length), "b": Correction(grid=(
            GridEntry(0.0, 120.0, 0.5, length),
        ))}  # fmt: skip
        validator.validate(json.loads(document.to_bytes(Document(values))))


def test_a_changed_correction_changes_one_line():
    before = document.to_bytes(Document({"a": FULL, "b": Correction(bpm=90.0)})).splitlines()
    after = document.to_bytes(Document({"b": Correction(bpm=91.0), "a": FULL})).splitlines()
    assert sum(x != y for x, y in zip(before, after, strict=True)) == 1
    assert b'        {"start": 30.4, "label": "drop"}' in before
    assert "Ünï".encode() in b"".join(before)  # as people write it


def test_the_previous_version_is_kept(tmp_path):
    path = tmp_path / "corrections.json"
    for bpm in (90.0, 91.0, 92.0):
        with document.changing(path) as corrected:
            corrected.put("a", Correction(bpm=bpm))
    previous = document.read(document.previous_of(path))
    assert previous.tracks["a"].bpm == 91.0


def test_nothing_is_written_where_nothing_changed(tmp_path):
    path = tmp_path / "corrections.json"
    with document.changing(path):
        pass
    assert not path.exists()
    with document.changing(path) as corrected:
        corrected.put("a", FULL)
    written = path.stat().st_mtime_ns
    with document.changing(path) as corrected:
        corrected.put("a", FULL)
    assert path.stat().st_mtime_ns == written


def test_an_error_in_between_leaves_the_file_alone(tmp_path):
    path = tmp_path / "corrections.json"
    with pytest.raises(RuntimeError), document.changing(path) as corrected:
        corrected.put("a", FULL)
        raise RuntimeError
    assert not path.exists()


def add_many(path: Path, name: str, count: int) -> None:
    for i in range(count):
        with document.changing(path) as corrected:
            corrected.put(f"{name}/{i}", Correction(bpm=100.0))


def test_writers_at_the_same_time_lose_nothing(tmp_path):
    path = tmp_path / "corrections.json"
    writers = [multiprocessing.Process(target=add_many, args=(path, name, 20)) for name in "abc"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len(document.read(path).tracks) == 60


def test_a_writer_that_is_killed_leaves_a_whole_file_and_no_lock(tmp_path):
    path = tmp_path / "corrections.json"
    for number in range(5):
        known = len(document.read(path).tracks) if number else 0
        writer = multiprocessing.Process(target=add_many, args=(path, f"at {number}", 10_000))
        writer.start()
        while not path.exists() or len(document.read(path).tracks) <= known + 2 * number:
            assert writer.is_alive()
        os.kill(writer.pid or 0, signal.SIGKILL)
        writer.join()
        before = document.read(path).tracks
        with document.changing(path) as corrected:
            assert corrected.tracks == before
            corrected.put(f"after {number}", Correction(bpm=90.0))
    assert {f"after {number}" for number in range(5)} <= document.read(path).tracks.keys()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not JSON"),
        ("[]", "not a corrections file"),
        ('{"schema": "dropgrid/bpm"}', "not a corrections file"),
        ('{"schema": "dropgrid/corrections"}', "schema_version: not 1"),
        ("[" * 100_000, "nested too deep"),
    ],
)
def test_another_file_is_refused_by_name(tmp_path, text, message):
    path = tmp_path / "mine.json"
    path.write_text(text)
    with pytest.raises(InvalidCorrection, match=rf"mine\.json.*{message}"):
        document.read(path)
    assert path.read_text() == text


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"bpm": "fast"}, "song.flac: bpm: not a tempo: 'fast'"),
        ({"bpm": 1e9}, "song.flac: bpm: not a tempo from 20 to 400"),
        ({"bpm": True}, "song.flac: bpm: not a tempo"),
        ({"grid": [{"start": 1}]}, r"song.flac: grid\[0\]: bpm: not a tempo"),
        ({"grid": [{"start": 0, "bpm": 100}], "one": 1}, "one: not allowed with grid"),
        ({"sections": {}}, "sections: not a list"),
        ({"key": 8}, "key: not a key: 8"),
        ({"shift_beats": 0.2}, "shift_beats: not whole or half beats"),
        ({"note": "x" * 20_000}, "note: not a text of at most"),
        ([], "song.flac: not an object"),
    ],
)
def test_what_is_wrong_in_an_entry_is_named(entry, message):
    data = {"schema": "dropgrid/corrections", "schema_version": 1, "tracks": {"song.flac": entry}}
    with pytest.raises(InvalidCorrection, match=message):
        document.parse(json.dumps(data).encode(), "corrections.json")


def test_a_path_outside_the_library_is_none():
    for path in ("/etc/passwd", "a/../../b", ""):
        data = {"schema": "dropgrid/corrections", "schema_version": 1, "tracks": {path: {}}}
        with pytest.raises(InvalidCorrection, match="not a path within the library"):
            document.parse(json.dumps(data).encode(), "corrections.json")


def music(seed: int, seconds: float = 200.0, gain: float = 1.0) -> Features:
    generator = np.random.default_rng(seed)
    slow = np.repeat(10 ** generator.uniform(-3, 0, 40), 50)
    tenths = gain * slow * generator.uniform(0.9, 1.1, len(slow))
    return Features(seconds, np.zeros((0, 2)), {"loudness": tenths.astype(np.float32)})


def test_a_recording_is_recognised_and_another_is_not():
    mine = fingerprints.fingerprint(music(1))
    assert fingerprints.same(mine, fingerprints.fingerprint(music(1, seconds=200.013, gain=0.5)))
    assert fingerprints.same(mine, fingerprints.fingerprint(music(1, seconds=201.0))) is False
    assert fingerprints.same(mine, fingerprints.fingerprint(music(2))) is False
    assert fingerprints.same(mine, None) is None
    assert fingerprints.same(mine, "of a later version") is None
    assert fingerprints.fingerprint(Features(200.0, np.zeros((0, 2)))) is None


@pytest.mark.parametrize(("ms", "steps", "same"), [
    (60, 2, True), (-60, -2, True), (61, 0, False), (-61, 0, False), (0, 3, False), (0, -3, False)
])  # fmt: skip
def test_recordings_are_the_same_within_60_ms_and_a_decibel(ms, steps, same):
    course = [20] * fingerprints.PARTS
    other = [20] * (fingerprints.PARTS - 1) + [20 + steps]
    found = [f"{n}-{bytes(c).hex()}" for n, c in ((200_000, course), (200_000 + ms, other))]
    assert fingerprints.same(*found) is same


def test_corrections_are_found_under_another_name_and_not_for_another_recording():
    one, other = (fingerprints.fingerprint(music(seed)) for seed in (1, 2))
    corrected = Document({"old.flac": Correction(fingerprint=one, bpm=90.0)})
    assert corrected.find("old.flac", one) == "old.flac"
    assert corrected.find("old.flac", None) == "old.flac"
    assert corrected.find("new.flac", one) == "old.flac"
    assert corrected.find("old.flac", other) is None
    assert corrected.find("new.flac", other) is None
    assert corrected.find("new.flac", None) is None


def test_a_file_that_is_a_link_is_written_through_and_keeps_its_mode(tmp_path):
    real = tmp_path / "kept" / "mine.json"
    real.parent.mkdir()
    real.write_bytes(document.to_bytes(Document()))
    real.chmod(0o600)
    link = tmp_path / "corrections.json"
    link.symlink_to(real)
    for number, path in enumerate((link, real)):
        with document.changing(path) as corrected:
            corrected.put(f"{number}.flac", Correction(bpm=90.0))
    assert link.is_symlink() and real.stat().st_mode & 0o777 == 0o600
    assert sorted(document.read(real).tracks) == ["0.flac", "1.flac"]
    names = {".mine.json.lock", "mine.json", "mine.previous.json"}  # one lock for both names
    assert {path.name for path in real.parent.iterdir()} == names
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["corrections.json"]


def test_a_link_to_nothing_is_refused_and_nothing_is_made_there(tmp_path):
    link = tmp_path / "corrections.json"
    link.symlink_to(tmp_path / "elsewhere" / "x.json")
    with (
        pytest.raises(InvalidCorrection, match="which does not exist; name a file"),
        document.changing(link) as corrected,
    ):
        corrected.put("a.flac", Correction(bpm=90.0))
    assert [path.name for path in tmp_path.iterdir()] == ["corrections.json"]


def test_of_two_recordings_that_fit_alike_none_is_chosen():
    found = fingerprints.fingerprint(music(1))
    both = {name: Correction(fingerprint=found, bpm=90.0) for name in ("a/x.flac", "b/x.flac")}
    assert Document(both).find("c/x.flac", found) is None
    assert Document(both).find("b/c/y.flac", found) is None
    assert Document({**both, "b/y.flac": both["a/x.flac"]}).find("c/y.flac", found) == "b/y.flac"
