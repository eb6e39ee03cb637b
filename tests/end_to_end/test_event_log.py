"""The log of a run for machines, of real runs: complete, valid, and never in the way."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import gated_engine
import jsonschema
import pytest
from gated_engine import open_gate, waiting
from interrupt_run import hear_sigint, make_library

pytestmark = [pytest.mark.slow, pytest.mark.alone]

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "workflow" / "schemas" / "events.schema.json").read_text())
OPTION = "--logger-dropgrid-events"
BAD_NAME = os.fsdecode(b"bad \xff\n{name}.mp3")  # no text, two lines, braces


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four short tracks; one of them is not audio and has a name that is not text."""
    music = tmp_path_factory.mktemp("library") / "music"
    make_library(music, files=3, bad=0, seconds=5)
    (music / BAD_NAME).write_bytes(b"not music " * 40)
    return music


def read_events(path: Path) -> list[dict[str, Any]]:
    """The events of a file, each of them checked."""
    validator = jsonschema.Draft202012Validator(SCHEMA)
    found = [json.loads(line) for line in path.read_bytes().splitlines()]
    for event in found:
        validator.validate(event)
    return found


def named(events: list[dict[str, Any]], *names: str) -> list[dict[str, Any]]:
    return [event for event in events if event["event"] in names]


def assert_jobs_end_as_often_as_they_start(events: list[dict[str, Any]]) -> None:
    def tries(*names: str) -> Counter[tuple[int, int]]:
        return Counter((event["job"], event["attempt"]) for event in named(events, *names))

    started = tries("job_started")
    assert started == tries("job_finished", "job_failed")
    assert set(started.values()) == {1}


def assert_bad_track_is_told(events: list[dict[str, Any]], in_batches: bool = False) -> None:
    [failed] = named(events, "track_failed")
    assert (failed["batch"] is not None) == in_batches
    assert failed["path"] == "bad \\udcff\n{name}.mp3"
    assert (failed["stage"], failed["type"]) == ("decode", "DecodeError")
    assert "no audio" in failed["message"]
    analysed = named(events, "track_analysed")
    assert sorted(event["path"] for event in analysed) == [f"track {n:03}.flac" for n in range(3)]


def test_a_run_is_logged_in_full_and_the_next_appends(music, snakemake, tmp_path):
    file = tmp_path / "new folder" / "events.jsonl"
    done = snakemake(tmp_path, "--cores", "2", "analysis", OPTION, str(file), library=str(music))
    assert done.returncode == 0, done.stderr
    events = read_events(file)
    assert events[0]["event"] == "run_started" and events[-1]["event"] == "run_ended"
    assert events[0]["folder"] == str(tmp_path)
    [planned] = named(events, "run_planned")
    stages = ("features", "bpm", "structure", "key")
    assert (planned["tracks"], [planned["jobs"][stage] for stage in stages]) == (4, [4] * 4)
    assert_jobs_end_as_often_as_they_start(events)
    assert_bad_track_is_told(events)
    for job in named(events, "job_finished"):
        known = job["rule"] in stages
        assert job["batch"] is None
        assert (job["track"] is not None) == (job["seconds"] is not None) == known
        if known:
            assert job["peak_mb"] > 10 and (tmp_path / job["log"]).exists()
    end = events[-1]
    assert (end["ok"], end["signal"], end["events_lost"]) == (True, None, 0)
    counts = [end[f"tracks{state}"] for state in ("", "_ok", "_failed", "_waiting")]
    assert counts == [4, 3, 1, 0]
    assert [event["time"] for event in events] == sorted(event["time"] for event in events)
    # Once more: nothing to be done, which is logged too, in the same file.
    assert snakemake(
        tmp_path, "--cores", "2", "analysis", OPTION, str(file), library=str(music)
    ).returncode == 0  # fmt: skip
    more = read_events(file)
    assert more[: len(events)] == events
    assert [event["event"] for event in more[len(events) :]] == ["run_started", "run_ended"]
    assert more[-1]["ok"] and more[-1]["run"] != end["run"]


def test_batches_report_each_of_their_tracks(music, snakemake, tmp_path):
    file = tmp_path / "events.jsonl"
    done = snakemake(
        tmp_path, "--cores", "2", OPTION, str(file), library=str(music), tracks_per_job="3"
    )
    assert done.returncode == 0, done.stderr
    events = read_events(file)
    [planned] = named(events, "run_planned")
    assert (planned["tracks"], planned["jobs"]["batch"]) == (4, 2)
    assert_jobs_end_as_often_as_they_start(events)
    assert_bad_track_is_told(events, in_batches=True)
    batches = [event for event in named(events, "job_finished") if event["rule"] == "batch"]
    assert sorted(event["batch"] for event in batches) == ["00000", "00001"]
    assert all(event["cpu_seconds"] > 0 for event in batches)
    assert events[-1]["ok"] and events[-1]["tracks_failed"] == 1
    # People see tracks as well, and those that failed.
    assert "dropgrid: tracks to analyse: 4" in done.stderr
    assert "100%  4/4 tracks, 1 failed" in done.stderr


@pytest.mark.parametrize("where", ["file/events.jsonl", "folder", "full"])
def test_a_file_that_cannot_be_written_is_warned_of_once_and_stops_nothing(
    music, snakemake, tmp_path, where
):
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "full").symlink_to("/dev/full")
    path = tmp_path / where
    done = snakemake(tmp_path, "--cores", "2", "analysis", OPTION, str(path), library=str(music),
                     tracks_per_job="4")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("events cannot be written") == 1
    assert "Traceback" not in done.stderr
    assert "4 tracks, 3 analysed, 1 failed" in done.stderr


def test_a_wrong_option_is_reported_as_an_error(snakemake, tmp_path):
    file = tmp_path / "events.jsonl"
    done = snakemake(tmp_path, "--cores", "1", OPTION, str(file), max_workers="0")
    assert done.returncode != 0
    events = read_events(file)
    assert [event["event"] for event in events] == ["run_started", "error", "run_ended"]
    assert "max_workers" in events[1]["message"]
    assert not events[-1]["ok"]


def test_a_dry_run_and_a_run_without_the_option_write_none(music, snakemake, tmp_path):
    file = tmp_path / "events.jsonl"
    library = str(music)
    assert snakemake(tmp_path, "--dry-run", OPTION, str(file), library=library).returncode == 0
    assert snakemake(tmp_path, "--cores", "2", "analysis", library=library).returncode == 0
    assert list(tmp_path.glob("*.jsonl")) == []


def start(folder: Path, library: Path, file: Path) -> subprocess.Popen[bytes]:
    """A run in the background, with events; its jobs wait until the gate is opened."""
    command = [sys.executable, "-m", "snakemake", "analysis", "--snakefile", ROOT / "Snakefile",
               "--directory", folder, "--cores", "1", OPTION, file,
               "--config", f"library={library}", gated_engine.OPTION]  # fmt: skip
    log = (folder / "output.log").open("ab")
    return subprocess.Popen(
        list(map(str, command)), stdout=log, stderr=log, preexec_fn=hear_sigint
    )


def wait_for_a_job_of_a_track(file: Path, run: subprocess.Popen[bytes]) -> None:
    """Until a job waits. The events are read as the run goes, as `tail -f` does."""
    while not file.exists() or b'"rule": "features"' not in file.read_bytes():
        assert run.poll() is None
        time.sleep(0.02)
    while not waiting(file.parent):
        assert run.poll() is None
        time.sleep(0.02)


def test_a_job_that_is_tried_again_fails_and_starts_again(music, tmp_path):
    file = tmp_path / "events.jsonl"
    run = start(tmp_path, music, file)
    wait_for_a_job_of_a_track(file, run)
    os.kill(waiting(tmp_path)[0], signal.SIGKILL)
    open_gate(tmp_path)
    assert run.wait(timeout=600) == 0
    events = read_events(file)
    assert_jobs_end_as_often_as_they_start(events)
    assert_bad_track_is_told(events)
    [failed] = named(events, "job_failed")
    tries = [event for event in named(events, "job_started") if event["job"] == failed["job"]]
    assert [event["attempt"] for event in tries] == [1, 2]
    assert failed["rule"] in ("features", "bpm", "structure", "key")
    assert failed["track"] == tries[1]["track"] is not None
    assert named(events, "error") != []
    assert events[-1]["ok"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_is_reported_with_what_waits(music, tmp_path, number):
    file = tmp_path / "events.jsonl"
    run = start(tmp_path, music, file)
    wait_for_a_job_of_a_track(file, run)
    run.send_signal(number)
    assert run.wait(timeout=600) == 128 + number
    events = read_events(file)
    assert_jobs_end_as_often_as_they_start(events)
    end = events[-1]
    assert (end["event"], end["ok"], end["signal"]) == ("run_ended", False, number.name)
    assert end["tracks_waiting"] > 0


def test_after_kill_9_all_lines_are_whole_and_the_next_run_goes_on_in_the_file(
    music, snakemake, tmp_path
):
    file = tmp_path / "events.jsonl"
    run = start(tmp_path, music, file)
    wait_for_a_job_of_a_track(file, run)
    run.kill()
    run.wait()
    events = read_events(file)
    assert events[-1]["event"] != "run_ended"
    shutil.copy(file, tmp_path / "before")
    open_gate(tmp_path)
    bpm = gated_engine.OPTION.removeprefix("bpm=")
    done = snakemake(tmp_path, "--cores", "2", "analysis", OPTION, str(file),
                     library=str(music), bpm=bpm)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert file.read_bytes().startswith((tmp_path / "before").read_bytes())
    assert read_events(file)[-1]["ok"]
