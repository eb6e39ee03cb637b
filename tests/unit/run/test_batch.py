"""Batches: stable, cheap to look at again, and as exact about what is due as single jobs."""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from dropgrid.base.errors import RecordError
from dropgrid.library import Scan, track_id
from dropgrid.records.model import BpmRecord, TrackFailure
from dropgrid.records.outline import Positions, read_bpm_outline
from dropgrid.records.store import write_record
from dropgrid.records.ticket import Ticket, read_ticket
from dropgrid.results.mend import mend
from dropgrid.run.batches import (
    batch_names,
    batch_of,
    batch_size,
    batches_before,
    count_batches,
    read_batch,
    write_library,
)
from dropgrid.run.due import force_all, note_options, stages_due

ANALYSES = ("bpm", "structure", "key")
GATHERING = "missing-00000"
OPTIONS = {
    "bpm": {"max_bpm": 215},
    "structure": {"sensitivity": 0.0},
    "key": {"method": "madmom"},
    "features": {"true_peak": False},
}
NETWORKS = ("network.onnx", "key.onnx")
RECORDS = ("bpm/t.json", "structure/t.json", "key/t.json")


def library(count: int, first: int = 0) -> Scan:
    names = [f"folder/{i:05d}.flac" for i in range(first, first + count)]
    tracks = (Ticket(track_id(name), name, f"/music/{name}", 100, 7) for name in names)
    return Scan("/music", tuple(tracks), ())


def ages(results: Path) -> dict[str, int]:
    paths = [*results.glob("*/*.json"), *results.glob("*.json")]
    return {str(path.relative_to(results)): path.stat().st_mtime_ns for path in paths}


def changed(before: dict[str, int], results: Path) -> set[str]:
    return {name for name, age in ages(results).items() if before.get(name) != age}


def finish(results: Path, found: Scan) -> None:
    """Leave what jobs leave: a record of each analysis for each track, and each batch done."""
    for track in found.tracks:
        for folder in ANALYSES:
            (results / folder).mkdir(exist_ok=True)
            (results / folder / f"{track.track}.json").write_text("{}\n")
    for batch in batch_names(results):
        (results / "batches" / f"{batch}.done").touch()


def undone(results: Path) -> set[str]:
    done = {path.stem for path in (results / "batches").glob("*.done")}
    return set(batch_names(results)) - done


def test_a_job_takes_more_tracks_the_more_there_are_and_some_on_a_cluster():
    assert batch_size(200, "auto") == 1
    assert batch_size(201, "auto") == 8
    assert batch_size(10_000, "auto") == 39
    assert batch_size(40, "auto", cluster=True) == 8
    assert batch_size(1280, "auto", cluster=True) == 20
    assert batch_size(100_000, "auto") == batch_size(100_000, "auto", cluster=True) == 128
    assert batch_size(100_000, 5, cluster=True) == 5


def test_the_number_of_batches_is_a_power_of_two_that_keeps_them_small_enough():
    assert [count_batches(n, 32) for n in (0, 1, 32, 33, 65, 100_000)] == [0, 1, 1, 2, 4, 4096]
    assert count_batches(100_000, 1) == 0


def test_every_track_is_in_the_batch_its_id_says(tmp_path):
    found = library(300)
    tracks, batches = write_library(found, tmp_path, 20, ANALYSES)
    assert tracks == [track.track for track in found.tracks]
    assert batches == batch_names(tmp_path)
    assert [int(b) for b in batches[:-1]] == list(range(16)) and batches[-1] == GATHERING
    listed = {b: read_batch(tmp_path / "batches" / f"{b}.json") for b in batches[:-1]}
    assert sorted(t.path for held in listed.values() for t in held) == [
        t.path for t in found.tracks
    ]
    assert all(batch_of(t.track, 16) == b for b, held in listed.items() for t in held)
    assert read_ticket(tmp_path / "tracks" / f"{tracks[5]}.json") == found.tracks[5]


def test_a_library_that_did_not_change_has_nothing_written(tmp_path):
    found = library(100)
    write_library(found, tmp_path, 10, ANALYSES)
    finish(tmp_path, found)
    before = ages(tmp_path)
    write_library(found, tmp_path, 10, ANALYSES)
    assert changed(before, tmp_path) == set()
    assert undone(tmp_path) == set()


def test_a_changed_file_changes_its_own_ticket_and_batch_alone(tmp_path):
    found = library(100)
    write_library(found, tmp_path, 10, ANALYSES)
    before = ages(tmp_path)
    new = dataclasses.replace(found.tracks[50], mtime_ns=8)
    tracks = (*found.tracks[:50], new, *found.tracks[51:])
    write_library(Scan("/music", tracks, ()), tmp_path, 10, ANALYSES)
    batch = batch_of(new.track, 16)
    assert changed(before, tmp_path) == {f"tracks/{new.track}.json", f"batches/{batch}.json"}


def test_files_that_come_and_go_change_no_other_batches(tmp_path):
    write_library(library(100), tmp_path, 10, ANALYSES)
    before = ages(tmp_path)
    found = library(100, first=1)  # one gone, one come
    write_library(found, tmp_path, 10, ANALYSES)
    gone, come = library(1).tracks[0].track, found.tracks[-1].track
    touched = {f"batches/{batch_of(track, 16)}.json" for track in (gone, come)}
    assert changed(before, tmp_path) == {f"tracks/{come}.json", "scan.json", *touched}
    assert not (tmp_path / "tracks" / f"{gone}.json").exists()


def test_a_few_missing_records_are_gathered_without_asking_their_batches_again(tmp_path):
    found = library(100)
    write_library(found, tmp_path, 100, ANALYSES)
    finish(tmp_path, found)
    track = found.tracks[3]
    (tmp_path / "structure" / f"{track.track}.json").unlink()
    write_library(found, tmp_path, 100, ["bpm"])
    assert undone(tmp_path) == set()
    write_library(found, tmp_path, 100, ANALYSES)
    assert undone(tmp_path) == {GATHERING}
    assert read_batch(tmp_path / "batches" / f"{GATHERING}.json") == [track]
    assert batches_before(tmp_path / "batches" / f"{GATHERING}.json") == ["00000"]
    finish(tmp_path, found)
    before = ages(tmp_path)
    write_library(found, tmp_path, 100, ANALYSES)
    assert changed(before, tmp_path) == set() and undone(tmp_path) == set()


def test_gathered_tracks_are_forgotten_when_they_leave_the_library(tmp_path):
    found = library(100)
    write_library(found, tmp_path, 100, ANALYSES)
    finish(tmp_path, found)
    (tmp_path / "bpm" / f"{found.tracks[3].track}.json").unlink()
    write_library(found, tmp_path, 100, ANALYSES)
    write_library(library(96, first=4), tmp_path, 100, ANALYSES)
    assert read_batch(tmp_path / "batches" / f"{GATHERING}.json") == []
    assert batches_before(tmp_path / "batches" / f"{GATHERING}.json") == []
    assert undone(tmp_path) == set()


def test_many_missing_records_make_their_batch_undone(tmp_path):
    found = library(100)
    write_library(found, tmp_path, 100, ANALYSES)
    finish(tmp_path, found)
    for track in found.tracks[:13]:
        (tmp_path / "bpm" / f"{track.track}.json").unlink()
    write_library(found, tmp_path, 100, ANALYSES)
    assert undone(tmp_path) == {"00000"}


def test_a_ticket_that_a_power_cut_emptied_is_written_again(tmp_path):
    found = library(20)
    write_library(found, tmp_path, 10, ANALYSES)
    path = tmp_path / "tracks" / f"{found.tracks[7].track}.json"
    path.write_bytes(b"")
    write_library(found, tmp_path, 10, ANALYSES)
    assert read_ticket(path) == found.tracks[7]


def test_without_batches_those_there_were_are_removed(tmp_path):
    found = library(40)
    write_library(found, tmp_path, 10, ANALYSES)
    finish(tmp_path, found)
    assert write_library(found, tmp_path, 1, ANALYSES) == ([t.track for t in found.tracks], [])
    assert not (tmp_path / "batches").exists()
    assert len(list((tmp_path / "tracks").iterdir())) == 40


def test_what_is_no_manifest_is_refused_by_name(tmp_path):
    (tmp_path / "00000.json").write_text('{"schema": "dropgrid/track"}')
    with pytest.raises(RecordError, match=r"00000\.json"):
        read_batch(tmp_path / "00000.json")


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
    since = note_options(results, options)
    return stages_due(results, "t", [results / name for name in NETWORKS], since, analyses)


def renew(path: Path) -> None:
    path.touch()
    os.utime(path, ns=(0, 10**9 * 3_000_000_000))


def test_nothing_is_due_of_a_track_that_is_up_to_date(done):
    assert due(done) == []


@pytest.mark.parametrize(
    ("input", "stages"),
    [
        ("tracks/t.json", ["features", "bpm", "structure", "key"]),
        ("network.onnx", ["features", "bpm", "structure", "key"]),
        ("key.onnx", ["features", "bpm", "structure", "key"]),
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
    force_all(done)
    os.utime(done / "options" / "features.json", ns=(0, 10**9 * 3_000_000_000))
    assert due(done) == ["features", "bpm", "structure", "key"]
    for name in ("features/t.npz", *RECORDS):
        os.utime(done / name, ns=(0, 10**9 * 3_000_000_001))
    assert due(done) == []


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


def test_an_analysis_nobody_wants_is_not_due(done):
    shutil.rmtree(done / "structure")
    shutil.rmtree(done / "key")
    assert due(done, analyses=("bpm",)) == []
    shutil.rmtree(done / "bpm")
    assert due(done, analyses=("key",)) == ["key"]


def test_options_are_as_old_as_their_last_change(tmp_path):
    first = note_options(tmp_path, OPTIONS)
    assert note_options(tmp_path, OPTIONS) == first
    os.utime(tmp_path / "options" / "bpm.json", ns=(0, 5))
    os.utime(tmp_path / "options" / "structure.json", ns=(0, 5))
    second = note_options(tmp_path, {**OPTIONS, "bpm": {"max_bpm": 200}})
    assert second["structure"] == 5 < second["bpm"]


def test_temporary_files_of_jobs_that_may_still_run_elsewhere_are_left(tmp_path):
    (tmp_path / "bpm").mkdir()
    writing = tmp_path / "bpm" / ".t-00000000.json.77.tmp"
    writing.touch()
    assert mend(tmp_path, temporary=False) == [] and writing.exists()
    assert mend(tmp_path) == [writing] and not writing.exists()


def test_the_outline_of_a_record_says_what_the_table_needs_of_the_whole(tmp_path):
    beats = (0.5, 1.0, 1.5, 2.0)
    whole = BpmRecord("t-00000000", "t.flac", "ok", 9.0, 120.0, beats=beats, downbeats=(1.0,))
    write_record(tmp_path / "whole.json", whole)
    record, found, downbeats = read_bpm_outline(tmp_path / "whole.json")
    assert record == dataclasses.replace(whole, beats=(), downbeats=())
    assert (found, downbeats) == (Positions(4, 0.5), Positions(1, 1.0))
    failed = BpmRecord("t-00000000", "t.flac", "error", error=TrackFailure("decode", "E", "no"))
    write_record(tmp_path / "failed.json", failed)
    nothing = Positions(0, None)
    assert read_bpm_outline(tmp_path / "failed.json") == (failed, nothing, nothing)
    text = (tmp_path / "whole.json").read_text()
    (tmp_path / "whole.json").write_text(text.replace("[0.5", "[beat"))
    with pytest.raises(RecordError, match=r"whole\.json"):
        read_bpm_outline(tmp_path / "whole.json")


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="no /proc to count threads in")
def test_what_is_imported_ahead_of_the_forks_starts_no_threads():
    """A fork copies the thread that calls it, and the locks of all others as they are."""
    program = """
        import os, sys
        from dropgrid.commands.main import THREAD_POOLS
        os.environ.update(dict.fromkeys(THREAD_POOLS, "1"))
        from dropgrid.commands.batch import import_ahead
        import_ahead(("features", "bpm", "structure", "key"))
        assert {"numpy", "soundfile", "mutagen", "dropgrid.rhythm"} <= sys.modules.keys()
        print(len(os.listdir("/proc/self/task")))
    """
    command = [sys.executable, "-c", textwrap.dedent(program)]
    assert subprocess.run(command, capture_output=True, text=True).stdout == "1\n"
