"""The summary of a library and the way failed tracks are tried again, over real records."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from dropgrid.base.errors import RecordError
from dropgrid.base.text import printable
from dropgrid.features import store
from dropgrid.jobs.usage_log import Use
from dropgrid.library import Scan
from dropgrid.records.model import BpmRecord, StructureRecord, TrackFailure
from dropgrid.records.store import write_record
from dropgrid.records.ticket import Ticket
from dropgrid.results.scan_store import write_tickets
from dropgrid.run.summary import SHOWN, describe, forget_failures, summarise, write_summary

DECODE = TrackFailure("decode", "DecodeError", "not audio")
RHYTHM = TrackFailure("bpm", "ValueError", "no beats")


def library(results: Path, states: dict[str, TrackFailure | str]) -> Path:
    """Results as the workflow leaves them: each track "ok", "waiting" or with its failure."""
    tracks = tuple(Ticket(f"{n}-00000000", f"{n}.wav", f"/music/{n}.wav", 1, 1) for n in states)
    write_tickets(Scan("/music", tracks, (("locked", "Permission denied"),)), results)
    for track, state in zip(tracks, states.values(), strict=True):
        if state == "waiting":
            continue
        failure = state if isinstance(state, TrackFailure) else None
        status = "error" if failure else "ok"
        about = (track.track, track.path, status)
        write_record(results / "bpm" / f"{track.track}.json", BpmRecord(*about, error=failure))
        record = StructureRecord(*about, error=failure)
        write_record(results / "structure" / f"{track.track}.json", record)
        (results / "features").mkdir(exist_ok=True)
        (results / "features" / f"{track.track}.npz").touch()
    return results


@pytest.fixture
def results(tmp_path: Path) -> Path:
    states = {"good": "ok", "bad": DECODE, "odd": RHYTHM, "late": "waiting"}
    return library(tmp_path / "results", states)


def test_every_track_is_analysed_failed_or_waiting(results: Path) -> None:
    summary = summarise(results)
    assert (summary.tracks, summary.ok, summary.failed, summary.waiting) == (4, 1, 2, 1)
    assert summary.failures == (
        ("bad-00000000", "bad.wav", DECODE),
        ("odd-00000000", "odd.wav", RHYTHM),
    )
    assert summary.unread == (("locked", "Permission denied"),)


def test_a_track_with_one_of_two_records_is_waiting(results: Path) -> None:
    (results / "structure" / "good-00000000.json").unlink()
    assert (summarise(results).ok, summarise(results).waiting) == (0, 2)


def test_a_record_that_was_cut_short_is_waiting(results: Path) -> None:
    record = results / "bpm" / "good-00000000.json"
    record.write_bytes(record.read_bytes()[:-20])
    assert (summarise(results).ok, summarise(results).waiting) == (0, 2)


def test_before_any_record_all_tracks_wait(tmp_path: Path) -> None:
    results = library(tmp_path, {"a": "waiting", "b": "waiting"})
    assert (summarise(results).ok, summarise(results).waiting) == (0, 2)


def test_the_use_of_time_and_memory_is_that_of_the_tracks_in_the_library(results: Path) -> None:
    logs = results / "logs" / "tracks"
    logs.mkdir(parents=True)
    line = "dropgrid: {} took {} s, cpu {} s, peak {} MB\n"
    (logs / "good-00000000.log").write_text(
        line.format("features", "9.00", "9.00", 999) + line.format("features", "2.50", "2.25", 210)
    )
    (logs / "bad-00000000.log").write_text(
        "noise\n" * 5000 + line.format("features", "1.50", "1.25", 230)
        + line.format("bpm", "0.50", "0.25", 90)
    )  # fmt: skip
    (logs / "odd-00000000.log").write_text("killed before the end")
    (logs / "left-00000000.log").write_text(line.format("features", "9.00", "9.00", 999))
    use = summarise(results).use
    assert (use["features"], use["bpm"]) == (Use(2, 4.0, 3.5, 230), Use(1, 0.5, 0.25, 90))


def test_a_run_says_what_it_took_and_otherwise_it_is_what_all_tracks_took(results: Path) -> None:
    (results / "logs" / "tracks").mkdir(parents=True)
    (results / "logs" / "tracks" / "odd-00000000.log").write_text(
        "dropgrid: features took 9.00 s, cpu 8.50 s, peak 200 MB\n"
    )
    batches = results / "logs" / "batches"
    batches.mkdir()
    line = "dropgrid: {} took 2.00 s, cpu {} s, peak {} MB\n"
    (batches / "00000.log").write_text(
        "dropgrid: begins good-00000000\n" + line.format("done good-00000000", "1.50", 110)
        + line.format("again bad-00000000", "0.25", 120)
    )  # fmt: skip
    (batches / "00001.log").write_text(line.format("done left-00000000", "7.00", 999))
    os.utime(batches / "00001.log", ns=(0, 10**18))
    summary = summarise(results, since=10**18 + 1)
    assert summary.of_run == Use(2, 4.0, 1.75, 120)
    text = describe(summary, results)
    assert "this run: 1.8 s of CPU time, at most 120 MB of memory a track\n" in text
    assert "all tracks" not in text
    text = describe(summarise(results), results)
    used = "8.5 s of CPU time, at most 200 MB of memory a track (features 8.5 s)"
    assert f"all tracks: {used}" in text and "this run" not in text


def test_the_json_says_the_same(results: Path) -> None:
    write_summary(results)
    printed = json.loads((results / "summary.json").read_text())
    assert [printed[key] for key in ("tracks", "ok", "failed", "waiting")] == [4, 1, 2, 1]
    assert printed["failures"][0] == {
        "track": "bad-00000000",
        "path": "bad.wav",
        "stage": "decode",
        "type": "DecodeError",
        "message": "not audio",
    }


def test_the_text_names_failed_files_their_reasons_and_the_way_on(results: Path) -> None:
    text = describe(summarise(results), results)
    assert text.startswith("dropgrid: 4 tracks, 1 analysed, 2 failed, 1 waiting\n")
    assert "  bad.wav: decode: not audio\n" in text
    assert "locked: Permission denied" in text
    assert f"dropgrid retry --results {results}," in text
    assert "dropgrid retry --results 'my own results'," in describe(
        summarise(results), Path("my own results")
    )


def test_many_failures_are_counted_by_kind(tmp_path: Path) -> None:
    results = library(tmp_path, {f"n{number}": DECODE for number in range(SHOWN + 5)})
    text = describe(summarise(results), results)
    assert text.count(": not audio") == SHOWN
    assert f"and 5 more (decode DecodeError: {SHOWN + 5})" in text


def test_names_cannot_control_the_terminal() -> None:
    assert printable("a\x1b[2Jb\nc") == "a\\x1b[2Jb\\nc"
    assert printable("Ünï ♫") == "Ünï ♫"
    assert printable("broken \udcff") == "broken \\udcff"


def test_failed_tracks_are_forgotten_and_sound_features_kept(results: Path) -> None:
    assert forget_failures(results) == ["bad-00000000", "odd-00000000"]
    assert summarise(results).waiting == 3
    assert sorted(path.stem for path in (results / "bpm").iterdir()) == ["good-00000000"]
    kept = sorted(path.stem for path in (results / "features").iterdir())
    assert kept == ["good-00000000", "odd-00000000"]
    assert forget_failures(results) == []


def test_failed_features_are_deleted_where_the_record_has_a_later_failure(
    results: Path,
) -> None:
    features = results / "features" / "odd-00000000.npz"
    store.save(features, DECODE)
    forget_failures(results)
    assert not features.exists()


def test_without_results_the_error_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="run the workflow first"):
        summarise(tmp_path)


def test_the_text_says_how_to_go_on_only_where_tracks_wait(results: Path) -> None:
    line = "Run the same command again to analyse the waiting tracks"
    waiting = describe(summarise(results), results)
    assert line in waiting
    done = replace(summarise(results), waiting=0)
    assert line not in describe(done, results)
