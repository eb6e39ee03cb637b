"""What jobs ask for, and what a run stands on: the thinking behind workflow/rules/common.smk."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from dropgrid.base.errors import ConfigError, LibraryError
from dropgrid.features import memory
from dropgrid.library import scan
from dropgrid.records.ticket import Ticket
from dropgrid.results.scan_store import write_tickets
from dropgrid.run.batches import Batch, write_batches
from dropgrid.run.job_resources import (
    BATCH_MB,
    LAST_MB,
    LEAST_MINUTES,
    NODE_MB,
    TRIES,
    Demands,
)
from dropgrid.run.machine_limits import VARIABLE, caps
from dropgrid.run.plan import Plan, plan_run
from dropgrid.settings.config import load_config

MB = 2**20


@pytest.fixture
def track(tmp_path: Path) -> Ticket:
    return Ticket("song-0a1b2c3d", "song.mp3", str(tmp_path / "song.mp3"), 5 * MB, 0)


def test_every_try_asks_for_more_and_the_last_for_the_longest_file() -> None:
    demands = Demands()
    assert [demands.job_mb(100, attempt) for attempt in (1, 2, 3)] == [100, 200, 300]
    assert demands.job_mb(100, TRIES, last=LAST_MB) == LAST_MB
    assert demands.job_mb(100, TRIES - 1, last=LAST_MB) == 200


def test_no_job_asks_for_more_than_all_may_have() -> None:
    assert Demands(cap_mb=250).job_mb(100, 3) == 250
    assert Demands(cap_mb=250, cluster=True).job_mb(100, 1) == 250


def test_a_cluster_counts_what_runs_the_job_there() -> None:
    assert Demands(cluster=True).job_mb(100, 2) == 200 + NODE_MB


def test_longer_files_ask_for_more(track: Ticket) -> None:
    demands, long = Demands(), replace(track, size=60 * MB)
    assert demands.features_mb(track) == memory.megabytes(5)
    assert demands.features_mb(long) > demands.features_mb(track)
    assert Demands(method="librosa").features_mb(track) > demands.features_mb(track)
    assert Demands(method="open").features_mb(track) < demands.features_mb(track)


def test_a_batch_asks_for_its_longest_track(track: Ticket) -> None:
    long = replace(track, size=60 * MB)
    demands = Demands()
    assert demands.batch_mb(Batch([track, long, track])) == BATCH_MB + demands.features_mb(long)
    assert demands.batch_mb(Batch([])) > BATCH_MB
    assert demands.batch_mb(Batch([long], 4)) > demands.batch_mb(Batch([long]))


def test_what_the_user_limits_stays() -> None:
    assert set(caps(2, [], environ={})) == {"mem_mb", "workers"}
    assert set(caps(-1, [], environ={})) == {"mem_mb"}
    assert set(caps(2, ["mem_mb"], environ={})) == {"workers"}
    assert set(caps(2, ["mem"], environ={})) == {"workers"}
    assert caps(-1, ["mem"], environ={VARIABLE: "1"}) == {"workers": 1}
    with pytest.raises(ConfigError, match="max_workers: 0"):
        caps(0, [], environ={})


def test_as_many_batches_run_at_once_as_cores_workers_and_memory_allow(track: Ticket) -> None:
    song, tracks = BATCH_MB + memory.megabytes(5), [track, replace(track, size=700 * MB), track]
    assert Demands().workers(8, None, tracks) == 8
    assert Demands().workers(8, 3, tracks) == 3
    assert Demands(cap_mb=2.5 * song).workers(8, 3, tracks) == 2
    assert Demands(cap_mb=10).workers(None, None, []) == 1


def test_the_time_of_a_batch_follows_its_music(track: Ticket) -> None:
    day = replace(track, size=24 * 60 * MB, path="a.mp3")
    assert Demands().batch_minutes(Batch([track])) == LEAST_MINUTES
    assert Demands().batch_minutes(Batch([day])) == 144
    assert Demands().batch_minutes(Batch([day]), attempt=2) == 288


def test_without_batches_the_records_are_what_is_asked_for(tmp_path: Path) -> None:
    plan = Plan("r", tmp_path, ["a-1", "b-2"], None, analyses=["bpm", "key"])
    assert plan.records == ["r/bpm/a-1.json", "r/bpm/b-2.json", "r/key/a-1.json", "r/key/b-2.json"]


def test_batches_stand_for_the_records(tmp_path: Path) -> None:
    plan = Plan("r", tmp_path, ["a-1", "b-2"], ["00000", "00001"])
    assert plan.records == ["r/batches/00000.done", "r/batches/00001.done"]


def test_a_run_that_only_looks_claims_nothing(tmp_path: Path, songs: Path) -> None:
    results = tmp_path / "results"
    config = {**load_config(), "library": str(songs), "results": str(results)}
    looked = plan_run(config, main=True, real=False, cluster=False)
    assert looked.tracks and not results.exists()
    with pytest.raises(LibraryError, match="is the library itself"):
        plan_run({**config, "results": str(songs)}, main=True, real=True, cluster=False)


def test_a_job_reads_the_plan_of_the_run_that_started_it(tmp_path: Path, songs: Path) -> None:
    found = scan(str(songs))
    tracks = write_tickets(found, tmp_path)
    batches = write_batches(tmp_path, [Batch(found.tracks[:1]), Batch(found.tracks[1:])])
    config = {**load_config(), "library": "is not scanned", "results": str(tmp_path)}
    read = plan_run(config, main=False, real=False, cluster=False)
    assert (list(read.tracks), list(read.batches)) == (tracks, batches)
