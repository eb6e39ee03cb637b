"""Batches: what is due and nothing else, distributed so that all workers end together."""

from __future__ import annotations

import json
import logging
import random
import shutil
from pathlib import Path

import pytest
from dropgrid.base.errors import RecordError
from dropgrid.base.json_documents import SCHEMA_VERSION
from dropgrid.library import Scan, track_id
from dropgrid.records.ticket import Ticket
from dropgrid.results.scan_store import write_tickets
from dropgrid.run.batches import (
    CLUSTER_WIDTH,
    LARGEST,
    MOST_THREADS,
    NUMBERS,
    PER_FILE,
    SCHEMA,
    Batch,
    batch_names,
    count_batches,
    deal,
    done_batches,
    is_per_file,
    read_batch,
    write_batches,
)
from dropgrid.run.plan import Plan, _threads, plan_run, start_run
from dropgrid.run.staleness import tracks_due
from dropgrid.settings.config import load_config
from dropgrid.stages import STAGES

ANALYSES = ("bpm", "structure", "key")


def library(count: int, first: int = 0) -> Scan:
    names = [f"folder/{i:05d}.flac" for i in range(first, first + count)]
    tracks = (Ticket(track_id(name), name, f"/music/{name}", 100, 7) for name in names)
    return Scan("/music", tuple(tracks), ())


def ages(results: Path) -> dict[str, int]:
    paths = [*results.glob("*/*.json"), *results.glob("*.json")]
    return {str(path.relative_to(results)): path.stat().st_mtime_ns for path in paths}


def changed(before: dict[str, int], results: Path) -> set[str]:
    return {name for name, age in ages(results).items() if before.get(name) != age}


def write(results: Path, found: Scan, count: int) -> list[str]:
    """Write the tickets of a library, and its tracks as so many batches of equal work."""
    write_tickets(found, results)
    return write_batches(results, deal([(1.0, track) for track in found.tracks], count))


def test_each_worker_gets_a_batch_and_more_of_them_the_more_tracks_there_are():
    assert [count_batches(n, "auto", workers=2) for n in (0, 1, 4, 16, 32)] == [0, 1, 2, 2, 4]
    assert count_batches(200, "auto", workers=2) == 2 * 8
    assert count_batches(10_000, "auto", workers=2) == -(-10_000 // LARGEST)
    assert count_batches(40, "auto", workers=1, cluster=True) == 5
    assert count_batches(1280, "auto", workers=1, cluster=True) == CLUSTER_WIDTH
    assert count_batches(100_000, "auto", workers=1, cluster=True) == -(-100_000 // LARGEST)
    assert count_batches(7, 1, workers=2) == 7
    assert count_batches(7, 3, workers=2) == 3


def test_batches_take_about_as_long_as_each_other_and_begin_with_their_longest():
    generator = random.Random(0)
    work = [(generator.uniform(2, 12), track) for track in library(60).tracks]
    takes = {track.track: length for length, track in work}
    batches = deal(work, 7)
    lengths = [[takes[track.track] for track in batch.tracks] for batch in batches]
    assert all(times == sorted(times, reverse=True) for times in lengths)
    sums = sorted(map(sum, lengths))
    assert sums[-1] - sums[0] < 0.05 * sums[0]
    assert sorted(t.path for batch in batches for t in batch.tracks) == [t.path for _, t in sorted(
        work, key=lambda item: item[1].path
    )]  # fmt: skip
    assert deal(work[::-1], 7) == batches


def test_one_long_track_has_a_batch_of_its_own():
    tracks = library(5).tracks
    batches = deal([(100.0, tracks[3]), *((5.0, t) for t in tracks if t != tracks[3])], 2)
    assert batches[0].tracks == [tracks[3]] and len(batches[1].tracks) == 4


@pytest.mark.parametrize(
    ("lengths", "workers", "threads"),
    [
        ([120], 1, [1]),
        ([120], 2, [2]),
        ([120], 16, [4]),  # more, one track cannot use
        ([5, 5], 2, [1, 1]),
        ([5, 5], 8, [4, 4]),
        ([5] * 16, 4, [1] * 4),
        ([120, *[5] * 16], 4, [2, 1, 1, 1]),  # 200 minutes: a worker's share is 50
        ([0, 0], 2, [1, 1]),  # by their size they may hold nothing
    ],
)
def test_a_track_gets_the_threads_that_the_others_leave_idle(lengths, workers, threads, tmp_path):
    tracks = library(len(lengths)).tracks
    work = [(float(length), track) for length, track in zip(lengths, tracks, strict=True)]
    batches = deal(work, min(len(work), workers), workers)
    assert [batch.threads for batch in batches] == threads
    names = write_batches(tmp_path, batches)
    assert [read_batch(manifest(tmp_path, name)).threads for name in names] == threads


def test_threads_are_distributed_to_tracks_without_features_or_to_all(tmp_path):
    """Whose features are there needs none for them; where all are, stages are all there is."""
    one, other = library(2).tracks
    shared = _threads([one, other], tmp_path, 8)
    assert shared[one.track] == shared[other.track] > 1
    features = tmp_path / "features" / f"{one.track}.npz"
    features.parent.mkdir()
    features.touch()
    assert list(_threads([one, other], tmp_path, 8)) == [other.track]
    (tmp_path / "features" / f"{other.track}.npz").touch()
    assert _threads([one, other], tmp_path, 8) == shared


def test_the_manifests_of_a_run_take_the_place_of_the_last_ones(tmp_path):
    names = write(tmp_path, library(9), 3)
    assert names == batch_names(tmp_path) == ["00000", "00001", "00002"]
    listed = [track for name in names for track in read_batch(manifest(tmp_path, name)).tracks]
    assert sorted(listed, key=lambda t: t.path) == [*library(9).tracks]
    for name in ("00000.done", "00002.done"):
        (tmp_path / "batches" / name).touch()
    # Numbered on: a job of the last run may still be at work, and says then that 00001 is done.
    assert write(tmp_path, library(4), 1) == batch_names(tmp_path) == ["00003"]
    assert [path.name for path in (tmp_path / "batches").iterdir()] == ["00003.json"]
    (tmp_path / "batches" / "00007.done").touch()
    assert write(tmp_path, library(4), 2) == ["00008", "00009"]
    (tmp_path / "batches" / "99999.done").touch()
    assert write(tmp_path, library(4), 2) == ["00000", "00001"]
    assert len(list((tmp_path / "batches").iterdir())) == 2


def test_of_the_last_run_only_what_is_done_stays_where_nothing_is_due(tmp_path):
    write(tmp_path, library(9), 3)
    (tmp_path / "batches" / "00001.done").touch()
    assert done_batches(tmp_path) == batch_names(tmp_path) == ["00001"]
    (tmp_path / "batches" / "00001.done").unlink()
    assert done_batches(tmp_path) == [] and not (tmp_path / "batches").exists()


def test_there_are_never_more_batches_than_names():
    assert count_batches(250_000, 2, 8) == NUMBERS == 100_000
    assert count_batches(250_000, 1, 8, cluster=True) == NUMBERS


@pytest.mark.parametrize(
    ("tracks_per_job", "tracks", "elsewhere", "per_file"),
    [("auto", PER_FILE, False, True), ("auto", PER_FILE + 1, False, False), (2, 2, False, False),
     ("auto", 2, True, False), (1, 10**6, True, True), (1, 2, False, True)],
)  # fmt: skip
def test_small_libraries_on_one_machine_are_analysed_by_a_job_for_each_stage(
    tracks_per_job, tracks, elsewhere, per_file
):
    assert is_per_file(tracks_per_job, tracks, elsewhere) is per_file


def manifest(results: Path, name: str) -> Path:
    return results / "batches" / f"{name}.json"


def plan(results: Path, music: Path, **options: object) -> Plan:
    """The plan of a real run of two workers over a library."""
    config = {**load_config(), "library": str(music), "results": str(results)}
    asked = {"workers": lambda tracks: 2, "real": True, **options}
    return plan_run(config, main=True, cluster=False, **asked)  # type: ignore[arg-type]


@pytest.fixture
def music(tmp_path, monkeypatch) -> Path:
    """A library of 20 files; runs do not take over this process."""
    monkeypatch.setattr("dropgrid.run.plan.guard_run", lambda *_, **__: None)
    monkeypatch.setattr("dropgrid.run.batches.PER_FILE", 0)
    folder = tmp_path / "music"
    folder.mkdir()
    for number in range(20):
        (folder / f"{number:02}.flac").write_bytes(bytes(1000 + number))
    return folder


def analysed(results: Path, made: Plan) -> None:
    """Leave what the jobs of a plan leave."""
    for name in ("network.npz", "key.npz"):
        (results / name).touch()
    for track in made.tracks:
        for folder, suffix in (("features", "npz"), ("bpm", "json"), ("structure", "json"),
                               ("key", "json")):  # fmt: skip
            (results / folder).mkdir(exist_ok=True)
            (results / folder / f"{track}.{suffix}").touch()
    for batch in made.batches:
        (results / "batches" / f"{batch}.done").touch()


def held(made: Plan) -> list[str]:
    """The tracks in the batches of a plan."""
    batches = [read_batch(Path(made.batch(name))) for name in made.batches]
    return sorted(track.track for batch in batches for track in batch.tracks)


def test_a_run_deals_out_all_tracks_at_first_and_none_once_they_are_done(tmp_path, music):
    results = tmp_path / "results"
    first = plan(results, music)
    assert first.batches == ["00000", "00001"]
    assert held(first) == sorted(first.tracks) and len(first.tracks) == 20
    analysed(results, first)
    before = ages(results)
    again = plan(results, music)
    assert again.batches == first.batches
    assert changed(before, results) == set()


def test_only_what_is_missing_or_out_of_date_is_distributed(tmp_path, music):
    results = tmp_path / "results"
    first = plan(results, music)
    analysed(results, first)
    missing, touched = first.tracks[3], first.tracks[11]
    (results / "key" / f"{missing}.json").unlink()
    (music / "11.flac").write_bytes(b"another")
    looked = plan(results, music, real=False)
    assert held(looked) == sorted((missing, touched)) and looked.shadow != results
    assert (results / "batches" / "00000.done").exists()
    due = plan(results, music)
    assert held(due) == sorted((missing, touched))
    assert not list((results / "batches").glob("*.done"))


@pytest.mark.parametrize("forced", [True, False])
def test_everything_is_distributed_once_it_is_forced_or_there_are_no_networks(
    tmp_path, music, forced
):
    results = tmp_path / "results"
    first = plan(results, music)
    analysed(results, first)
    if not forced:
        (results / "key.npz").unlink()
    asked = {"batch"} if forced else set()
    assert held(plan(results, music, forced=asked)) == sorted(first.tracks)


def test_other_networks_make_every_track_due(tmp_path, music):
    results = tmp_path / "results"
    first = plan(results, music)
    analysed(results, first)
    config = {**load_config(), "library": str(music), "results": str(results)}
    config["key"] = {**config["key"], "method": "profiles"}
    later = plan_run(config, main=True, real=True, cluster=False, workers=lambda tracks: 2)
    assert held(later) == sorted(first.tracks)


def test_results_in_which_no_networks_are_noted_stay_good(tmp_path, music):
    results = tmp_path / "results"
    analysed(results, plan(results, music))
    (results / "options" / "networks.json").unlink()
    plan(results, music)
    assert len(list((results / "batches").glob("*.done"))) == 2


def test_records_in_no_batch_are_checked_by_an_empty_batch(tmp_path, music):
    results = tmp_path / "results"
    analysed(results, plan(results, music))
    shutil.rmtree(results / "batches")
    made = plan(results, music)
    assert made.batches == ["00000"] and held(made) == []


def test_a_ticket_that_a_power_cut_emptied_is_written_again(tmp_path, music):
    results = tmp_path / "results"
    made = plan(results, music)
    path = results / "tracks" / f"{made.tracks[7]}.json"
    whole = path.read_bytes()
    path.write_bytes(b"")
    plan(results, music)
    assert path.read_bytes() == whole


@pytest.mark.parametrize(
    ("noted", "threads"),
    [({}, 1), ({"threads": 3}, 3), ({"threads": 0}, 1), ({"threads": 10**6}, MOST_THREADS)],
)
def test_a_batch_has_as_many_threads_as_its_manifest_says_within_bounds(tmp_path, noted, threads):
    path = tmp_path / "00000.json"
    about = {"schema": SCHEMA, "schema_version": SCHEMA_VERSION, "tracks": []}
    path.write_text(json.dumps(about | noted))
    assert read_batch(path) == Batch([], threads)
    for wrong in ({"schema": "dropgrid/track"}, {"schema_version": 0}, {"threads": "x"}):
        path.write_text(json.dumps(about | wrong))
        with pytest.raises(RecordError, match=r"00000\.json"):
            read_batch(path)


def test_what_is_not_a_manifest_is_refused_by_name(tmp_path):
    (tmp_path / "00000.json").write_text('{"schema": "dropgrid/track"}')
    with pytest.raises(RecordError, match=r"00000\.json"):
        read_batch(tmp_path / "00000.json")


def test_many_tracks_are_looked_at_as_few_are(tmp_path, music, monkeypatch):
    results = tmp_path / "results"
    first = plan(results, music)
    analysed(results, first)
    (results / "structure" / f"{first.tracks[4]}.json").unlink()
    (results / "tracks" / f"{first.tracks[7]}.json").touch()
    found = tracks_due(results, first.tracks, ANALYSES)
    monkeypatch.setattr("dropgrid.run.staleness.FEW", 3)
    assert tracks_due(results, first.tracks, ANALYSES) == found
    assert found == {first.tracks[4]: ["structure"], first.tracks[7]: [*STAGES]}


def test_a_run_says_how_many_tracks_it_will_analyse(tmp_path, music, caplog):
    """Those of its batches, and those that have jobs of their own."""
    made = plan(tmp_path / "results", music)
    logger = logging.getLogger("test of a run")
    with caplog.at_level(logging.INFO, logger.name):
        start_run(made, [made.batch(name) for name in made.batches], {"a": 3, "b": 1}, [], logger)
        start_run(made, [], {"a": 3}, [], logger)
        start_run(made, [], {}, [], logger)  # nothing to analyse, nothing to say
    assert [record.message for record in caplog.records] == [
        "dropgrid: tracks to analyse: 22", "dropgrid: tracks to analyse: 1",
    ]  # fmt: skip
    assert [vars(record)["tracks_planned"] for record in caplog.records] == [22, 1]
    assert vars(caplog.records[0])["jobs_of_tracks"] == {"a": 3, "b": 1}
