"""Which stages of a track are due, by the ages of what each depends on."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from dropgrid.base.errors import LibraryError
from dropgrid.run.staleness import (
    force,
    networks_since,
    note_options,
    options_since,
    read_options,
    stages_due,
)

ANALYSES = ("bpm", "structure", "key")
OPTIONS = {
    "bpm": {"max_bpm": 215},
    "structure": {"sensitivity": 0.0},
    "key": {"method": "madmom"},
    "features": {"true_peak": False},
}
NETWORKS = ("network.npz", "key.npz")
RECORDS = ("bpm/t.json", "structure/t.json", "key/t.json")


@pytest.fixture
def done(tmp_path) -> Path:
    """Results of the track `t`, each stage a second younger than the one before."""
    note_options(tmp_path, OPTIONS)
    names = (*NETWORKS, "tracks/t.json", "features/t.npz", *RECORDS)
    for second, name in enumerate(names):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("x")
        os.utime(path, ns=(0, 10**9 * (2_000_000_000 + second)))
    return tmp_path


def due(results: Path, options: dict = OPTIONS, analyses: tuple[str, ...] = ANALYSES) -> list[str]:
    note_options(results, options)
    return stages_due(results, "t", networks_since(results), options_since(results), analyses)


def renew(path: Path) -> None:
    path.touch()
    os.utime(path, ns=(0, 10**9 * 3_000_000_000))


def test_nothing_is_due_of_a_track_that_is_up_to_date(done):
    assert due(done) == []


@pytest.mark.parametrize(
    ("input", "stages"),
    [
        ("tracks/t.json", ["features", "bpm", "structure", "key"]),
        ("network.npz", ["features", "bpm", "structure", "key"]),
        ("key.npz", ["features", "bpm", "structure", "key"]),
        ("features/t.npz", ["bpm", "structure", "key"]),
        ("bpm/t.json", ["structure"]),
        ("options/features.json", ["features", "bpm", "structure", "key"]),
        ("options/key.json", ["key"]),
        ("options/bpm.json", ["bpm", "structure"]),
        ("options/structure.json", ["structure"]),
    ],
)
def test_a_younger_input_makes_its_readers_due(done, input, stages):
    renew(done / input)
    assert due(done) == stages


def test_all_stages_are_due_once_they_are_forced(done):
    assert due(done) == []
    force(done, {"batch"})
    os.utime(done / "options" / "features.json", ns=(0, 10**9 * 3_000_000_000))
    assert due(done) == ["features", "bpm", "structure", "key"]
    for name in ("features/t.npz", *RECORDS):
        os.utime(done / name, ns=(0, 10**9 * 3_000_000_001))
    assert due(done) == []


@pytest.mark.parametrize(
    ("rule", "touched"),
    [("bpm", {"bpm"}), ("features", {"features"}), ("network", {"features"}),
     ("batch", {"features"}), ("table", set())],
)  # fmt: skip
def test_a_stage_alone_may_be_forced(done, rule, touched):
    folder = done / "options"
    before = {path.stem: path.stat().st_mtime_ns for path in folder.iterdir()}
    force(done, {rule})
    now = {path.stem: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert {name for name in now if now[name] != before[name]} == touched


def test_options_noted_by_an_earlier_version_are_recognised(done):
    path = done / "options" / "bpm.json"
    assert path.read_text() == '{\n  "max_bpm": 215\n}\n'
    for theirs in ('{"max_bpm": 215}', "mine"):
        path.write_text(theirs)
        with pytest.raises(LibraryError, match="was not written by dropgrid"):
            note_options(done, OPTIONS)
        assert path.read_text() == theirs
    path.write_bytes(bytes(9))  # as a power cut leaves it
    note_options(done, OPTIONS)
    assert read_options(done)["bpm"] == {"max_bpm": 215}
    path.rename(done / "elsewhere")
    path.symlink_to(done / "elsewhere")
    with pytest.raises(LibraryError, match="was not written by dropgrid"):
        note_options(done, OPTIONS)


@pytest.mark.parametrize(
    ("folder", "stages"),
    [
        ("features", []),
        ("bpm", ["bpm", "structure"]),
        ("structure", ["structure"]),
        ("key", ["key"]),
    ],
)
def test_records_are_missed_and_features_only_where_a_record_needs_them(done, folder, stages):
    shutil.rmtree(done / folder)
    assert due(done) == stages


def test_features_that_were_dropped_are_made_for_a_record_that_is_due(done):
    shutil.rmtree(done / "features")
    renew(done / "options" / "structure.json")
    assert due(done) == ["features", "structure"]


def test_an_analysis_no_one_wants_is_not_due(done):
    shutil.rmtree(done / "structure")
    shutil.rmtree(done / "key")
    assert due(done, analyses=("bpm",)) == []
    shutil.rmtree(done / "bpm")
    assert due(done, analyses=("key",)) == ["key"]


def test_options_are_as_old_as_their_last_change(tmp_path):
    note_options(tmp_path, OPTIONS)
    first = options_since(tmp_path)
    note_options(tmp_path, OPTIONS)
    assert options_since(tmp_path) == first
    assert read_options(tmp_path) == OPTIONS
    os.utime(tmp_path / "options" / "bpm.json", ns=(0, 5))
    os.utime(tmp_path / "options" / "structure.json", ns=(0, 5))
    note_options(tmp_path, {**OPTIONS, "bpm": {"max_bpm": 200}})
    second = options_since(tmp_path)
    assert second["structure"] == 5 < second["bpm"]
