"""What is kept of tracks that left: told, removed on request, and nothing else with it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from dropgrid.base.json_documents import json_lines
from dropgrid.commands.main import main
from dropgrid.features import Features, cache, store
from dropgrid.library import track_id
from dropgrid.records.identity import Identity, write_identity
from dropgrid.results.layout import Results
from dropgrid.results.ownership import claim
from dropgrid.run.summary import describe, summarise
from library_of_records import PATHS, write_results

GONE, THERE = track_id(PATHS[0]), track_id(PATHS[1])
ORIGINS = {GONE: f"{'0' * 40}-{'2' * 40}", THERE: f"{'1' * 40}-{'2' * 40}"}


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Four tracks of which the first has left since, with all that is kept of a track."""
    folder = tmp_path / "results"
    claim(folder, [str(tmp_path / "music")])
    files = Results(write_results(folder))
    for track, path in zip((GONE, THERE), PATHS[:2], strict=True):
        digest = ORIGINS[track][:40]
        write_identity(files.identity(track), Identity(track, path, 1, 1, *[digest] * 3))
        store.save(files.features(track), Features(1.0, np.zeros((9, 2))), ORIGINS[track])
        cache.keep(files.cache, ORIGINS[track], files.features(track))
        log = files.logs("bpm") / f"{track}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text("dropgrid: bpm took 1.0 s, cpu 0.5 s, peak 50 MB\n")
    scan = json.loads(files.scan.read_text())
    scan["tracks"].remove(GONE)
    files.scan.write_bytes(json_lines(scan))
    return folder


def names(folder: Path) -> set[str]:
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}


def prune(results: Path, *arguments: str) -> None:
    assert main(["prune", "--results", str(results), *arguments]) == 0


def test_a_dry_run_tells_and_removes_nothing(results, capsys):
    before = names(results)
    prune(results, "--dry-run")
    message = capsys.readouterr().out
    assert "1 track no longer in your folder; " in message and "would be removed" in message
    assert f"bpm/{GONE}.json" in message and THERE not in message
    assert names(results) == before


def test_all_that_is_kept_of_the_track_goes_and_nothing_else(results, capsys):
    before = names(results)
    prune(results)
    gone = before - names(results)
    assert {name for name in before if GONE in name} | {f"cache/{ORIGINS[GONE]}.npz"} == gone
    prune(results)
    assert "0 tracks no longer in your folder; 0 files removed" in capsys.readouterr().out


def test_a_log_alone_does_not_count_as_a_removed_track(results, capsys):
    log = results / "logs" / "bpm" / "renamed-01234567.log"
    log.write_bytes((results / "logs" / "bpm" / f"{GONE}.log").read_bytes())
    prune(results)
    assert "1 track no longer in your folder" in capsys.readouterr().out and not log.exists()


def test_features_that_lost_their_track_are_found_in_the_cache(results):
    Results(results).features(THERE).unlink()
    before = names(results)
    prune(results)
    assert f"cache/{ORIGINS[THERE]}.npz" in before - names(results)


def test_files_of_others_stay_whatever_their_names(results, tmp_path):
    (tmp_path / "mine.json").write_text((results / "bpm" / f"{GONE}.json").read_text())
    mine = {
        "bpm/my-song-01234567.json": b"mine", "features/my-song-01234567.npz": b"mine",
        "logs/bpm/my-song-01234567.log": b"mine", f"cache/{'3' * 40}-{'3' * 40}.npz": b"mine",
        "cache/notes.txt": b"mine", "bpm/notes.json": b"mine",
    }  # fmt: skip
    for name, data in mine.items():
        (results / name).write_bytes(data)
    (results / "key" / "linked-01234567.json").symlink_to(tmp_path / "mine.json")
    prune(results)
    assert {name: (results / name).read_bytes() for name in mine} == mine
    assert (results / "key" / "linked-01234567.json").is_symlink()
    assert (tmp_path / "mine.json").exists()


def test_a_folder_without_dropgrids_mark_is_refused(tmp_path, capsys):
    (tmp_path / "letter.txt").write_text("mine")
    assert main(["prune", "--results", str(tmp_path)]) == 2
    assert "was not made by dropgrid" in capsys.readouterr().err


def test_the_summary_counts_them(results):
    summary = summarise(results)
    assert (summary.tracks, summary.departed) == (3, 1)
    assert "1 track no longer in your folder; to list cached data: dropgrid prune" in describe(
        summary, results
    )
    os.unlink(results / "bpm" / f"{GONE}.json")
    assert summarise(results).departed == 1
