"""Batches in the real workflow: the records of single jobs, and no work done twice."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path

import gated_engine
import mutagen
import pytest
import soundfile
from dropgrid.records.store import read_bpm

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
SIZE = "20"  # tracks of a job: all of these libraries


def records(results: Path) -> dict[str, bytes]:
    paths = [*results.glob("bpm/*.json"), *results.glob("structure/*.json")]
    return {str(path.relative_to(results)): path.read_bytes() for path in paths}


def ages(results: Path) -> dict[str, int]:
    paths = [
        p for kind in ("features", "bpm", "structure", "key") for p in results.glob(f"{kind}/*.*")
    ]
    return {str(path.relative_to(results)): path.stat().st_mtime_ns for path in paths}


def made_again(before: dict[str, int], results: Path) -> set[str]:
    return {name for name, age in ages(results).items() if before.get(name, age) != age}


@pytest.fixture(scope="module")
def finished(songs, snakemake, tmp_path_factory) -> Path:
    """A folder in which one job analysed three songs and a file that is none."""
    folder = tmp_path_factory.mktemp("batches")
    shutil.copytree(songs, folder / "music")
    (folder / "music" / "a {letter}.mp3").write_text("Dear DJ, this is not music. " * 40)
    done = snakemake(folder, "--cores", "2", tracks_per_job=SIZE)
    assert done.returncode == 0, done.stderr
    return folder


def test_records_are_those_of_single_jobs(finished, dropgrid, tmp_path):
    files = [path for path in (finished / "music").rglob("*.*") if path.is_file()]
    done = dropgrid("analyze", *files, "--output", tmp_path, "--library", finished / "music")
    assert done.returncode == 1, done.stderr  # one of them is no music
    found = records(finished / "results")
    assert len(found) == 8
    assert found == records(tmp_path)


def test_a_bad_file_fails_alone_and_the_table_says_so(finished):
    failures = (finished / "results" / "failures.csv").read_text()
    assert failures.count("\n") == 2 and "a {letter}.mp3" in failures
    assert (finished / "results" / "library.csv").read_text().count(",ok,") == 3


def test_going_over_to_single_jobs_and_back_makes_nothing_again(finished, snakemake):
    before = ages(finished / "results")
    for size in ("1", SIZE):
        done = snakemake(finished, "--cores", "2", tracks_per_job=size)
        assert done.returncode == 0, done.stderr
    assert ages(finished / "results") == before
    again = snakemake(finished, "--cores", "2", tracks_per_job=SIZE)
    assert "Nothing to be done" in again.stdout + again.stderr


def test_changes_run_again_what_they_concern_and_no_more(finished, snakemake):
    results = finished / "results"

    def run(**config: str) -> set[str]:
        before = ages(results)
        done = snakemake(finished, "--cores", "2", "analysis", tracks_per_job=SIZE, **config)
        assert done.returncode == 0, done.stderr
        return made_again(before, results)

    again = run(structure="{min_section_bars: 8}")
    assert {name.partition("/")[0] for name in again} == {"structure"} and len(again) == 4
    (finished / "music" / "other.ogg").touch()
    assert run(structure="{min_section_bars: 8}") == set()  # the same bytes
    tags = mutagen.File(finished / "music" / "other.ogg")
    tags["TITLE"] = "Another"
    tags.save()
    again = run(structure="{min_section_bars: 8}")
    assert {Path(name).stem.rpartition("-")[0] for name in again} == {"other"}
    assert len(again) == 4


@pytest.mark.parametrize("forced", [("--forcerun", "batch"), ("--forceall",)])
def test_what_is_forced_is_made_again_in_batches_too(finished, snakemake, forced):
    results = finished / "results"
    before = ages(results)
    planned = snakemake(finished, "-n", "analysis", *forced, tracks_per_job=SIZE)
    assert planned.returncode == 0 and made_again(before, results) == set()
    done = snakemake(finished, "--cores", "2", "analysis", *forced, tracks_per_job=SIZE)
    assert done.returncode == 0, done.stderr
    assert made_again(before, results) == set(before)


def test_features_can_be_dropped_and_are_not_missed(songs, snakemake, tmp_path):
    config = {"library": str(songs), "tracks_per_job": SIZE, "keep_features": "false"}
    assert snakemake(tmp_path, "--cores", "2", **config).returncode == 0
    assert len(records(tmp_path / "results")) == 6
    assert list((tmp_path / "results" / "features").iterdir()) == []
    again = snakemake(tmp_path, "--cores", "2", **config)
    assert "Nothing to be done" in again.stdout + again.stderr


def test_a_track_alone_is_analysed_by_as_many_threads_as_there_are_cores(
    songs, snakemake, tmp_path
):
    music = tmp_path / "music"
    music.mkdir()
    shutil.copy(songs / "house.flac", music)
    made = []
    for cores in (1, 2):
        folder = tmp_path / str(cores)
        folder.mkdir()
        shown = ("analysis", "--printshellcmds", "--quiet", "host")
        done = snakemake(folder, "--cores", str(cores), *shown, library=str(music))
        assert done.returncode == 0, done.stderr
        [log] = (folder / ".snakemake" / "log").glob("*.log")
        assert f"--threads {cores} " in log.read_text()
        made.append(records(folder / "results"))
    assert made[0] == made[1]


def test_after_kill_9_a_batch_goes_on_where_it_stopped(songs, snakemake, tmp_path):
    music = tmp_path / "music"
    music.mkdir()
    sound, rate = soundfile.read(songs / "house.flac")
    for i in range(8):  # of other samples each: audio that is known is not analysed again
        soundfile.write(music / f"{i}.flac", sound[i:], rate)
    command = [
        sys.executable, "-m", "snakemake", "analysis", "--snakefile", ROOT / "Snakefile",
        "--directory", tmp_path, "--cores", "1", "--config", f"tracks_per_job={SIZE}",
        gated_engine.OPTION,
    ]  # fmt: skip
    gated_engine.issue_passes(tmp_path, 2)
    run = subprocess.Popen(
        list(map(str, command)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    landed = tmp_path / "results" / "structure"
    while len(list(landed.glob("*.json"))) < 2 or not gated_engine.waiting(tmp_path):
        assert run.poll() is None
        time.sleep(0.05)
    run.kill()
    run.wait()
    before = ages(tmp_path / "results")
    assert len(list(landed.glob("*.json"))) == 2
    gated_engine.open_gate(tmp_path)
    bpm = gated_engine.OPTION.removeprefix("bpm=")
    done = snakemake(tmp_path, "--cores", "1", "analysis", tracks_per_job=SIZE, bpm=bpm)
    assert done.returncode == 0, done.stderr
    assert made_again(before, tmp_path / "results") == set()
    found = [read_bpm(path) for path in (tmp_path / "results" / "bpm").glob("*.json")]
    assert len(found) == 8 and {record.bpm for record in found} == {126.0}
