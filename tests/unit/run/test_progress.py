"""The count of a run, and what the logger makes of Snakemake's own messages."""

from __future__ import annotations

import io
import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from dropgrid.base.documents import json_lines
from dropgrid.base.files import write_atomically
from dropgrid.base.text import duration
from dropgrid.records.model import BpmRecord, StructureRecord, TrackFailure
from dropgrid.records.store import write_record
from dropgrid.records.ticket import Ticket
from dropgrid.run.progress import Progress
from snakemake_interface_logger_plugins.common import LogEvent
from snakemake_logger_plugin_dropgrid import CLEAR, LogHandler

FAILURE = TrackFailure("decode", "DecodeError", "not audio")


def test_a_track_is_done_with_the_last_of_its_stages() -> None:
    progress = Progress({"features": 2, "bpm": 2, "structure": 2, "table": 1})
    progress.finish("features")
    progress.finish("bpm")
    assert (progress.tracks_done, progress.tracks) == (0, 2)
    progress.finish("structure")
    assert progress.tracks_done == 1
    assert progress.share == pytest.approx(0.5)


def test_where_only_tempo_is_wanted_the_tempo_ends_a_track() -> None:
    progress = Progress({"features": 1, "bpm": 1})
    progress.finish("bpm")
    assert progress.tracks_done == 1


def write_batch(results: Path, batch: str, ok: int, failed: int) -> str:
    """A batch that is done, with the records of its tracks; its output."""
    tracks = [Ticket(f"{batch}-{n:08}", f"{n}.wav", f"/{n}.wav", 1, 1) for n in range(ok + failed)]
    manifest = {"schema": "dropgrid/batch", "schema_version": 1, "after": []}
    write_atomically(
        results / "batches" / f"{batch}.json",
        json_lines({**manifest, "tracks": [vars(track) for track in tracks]}),
    )
    for number, track in enumerate(tracks):
        told = {"status": "error", "error": FAILURE} if number < failed else {"status": "ok"}
        write_record(
            results / "structure" / f"{track.track}.json",
            StructureRecord(track.track, track.path, **told),
        )
    return str(results / "batches" / f"{batch}.done")


def test_in_batches_too_tracks_and_failures_are_counted(tmp_path: Path) -> None:
    progress = Progress({"batch": 2, "table": 1}, tracks_in_batches=8)
    progress.finish("batch", (write_batch(tmp_path, "00000", ok=1, failed=1),))
    assert progress.line(30) == " 25%  2/8 tracks, 1 failed, 4 tracks/min, 90 s left"
    progress.finish("batch", (write_batch(tmp_path, "00001", ok=6, failed=0),))
    assert progress.line(60) == "100%  8/8 tracks, 1 failed, 8 tracks/min"


def test_without_knowing_how_many_tracks_batches_hold_the_work_is_counted_in_batches(
    tmp_path: Path,
) -> None:
    progress = Progress({"batch": 4})
    progress.finish("batch", (write_batch(tmp_path, "00000", ok=3, failed=0),))
    assert progress.line(30) == " 25%  3 tracks, 0 failed, 90 s left"


def test_jobs_that_are_no_tracks_do_not_count() -> None:
    progress = Progress({"bpm": 1, "table": 1})
    assert not progress.finish("table")
    assert progress.share == 0


def test_failed_tracks_are_counted_once(tmp_path: Path) -> None:
    bpm, structure = (tmp_path / kind / "t.json" for kind in ("bpm", "structure"))
    write_record(bpm, BpmRecord("t", "t.wav", "error", error=FAILURE))
    write_record(structure, StructureRecord("t", "t.wav", "error", error=FAILURE))
    progress = Progress({"bpm": 2, "structure": 2})
    progress.finish("bpm", (str(bpm),))
    progress.finish("structure", (str(structure),))
    progress.finish("structure", (str(tmp_path / "structure" / "vanished.json"),))
    assert (progress.failed, progress.tracks_done) == (1, 2)


def test_rate_and_time_left_go_by_the_share_of_the_work() -> None:
    progress = Progress({"features": 10, "bpm": 10, "structure": 10})
    for _ in range(5):
        for stage in progress.planned:
            progress.finish(stage)
    assert progress.line(60) == " 50%  5/10 tracks, 0 failed, 5 tracks/min, 60 s left"
    assert Progress({"bpm": 3}).line(5) == "  0%  0/3 tracks, 0 failed"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(45.4, "45 s"), (720, "12 min"), (5999, "1 h 40 min"), (11_100, "3 h 05 min")],
)
def test_durations_are_for_people(seconds: float, text: str) -> None:
    assert duration(seconds) == text


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def handler(stream: io.StringIO, **settings: bool) -> LogHandler:
    common: Any = SimpleNamespace(
        **{"stdout": False, "dryrun": False, "verbose": False, **settings}
    )
    made = LogHandler(common, None)
    made.stream, made.live = stream, stream.isatty()
    return made


def record(event: LogEvent | None, message: str = "", level: int = logging.INFO, **extra: Any):
    made = logging.LogRecord("snakemake", level, "", 0, message, None, None)
    made.__dict__.update(extra, event=event)
    return made


def run_two_tracks(log: LogHandler) -> None:
    log.handle(record(None, "Building DAG of jobs..."))
    log.handle(record(LogEvent.RUN_INFO, "Job stats", stats={"bpm": 2, "table": 1, "total": 3}))
    for job in (1, 2):
        log.handle(record(LogEvent.JOB_INFO, jobid=job, rule_name="bpm", output=["bpm/none"]))
    log.handle(record(LogEvent.JOB_FINISHED, job_id=1))
    log.handle(record(None, "a job failed", logging.ERROR))
    log.handle(record(LogEvent.JOB_FINISHED, job_id=2))


def test_piped_there_are_whole_lines_and_nothing_to_steer_a_terminal() -> None:
    stream = io.StringIO()
    run_two_tracks(handler(stream))
    lines = stream.getvalue().splitlines()
    assert lines[0] == "dropgrid: tracks to analyse: 2"
    assert lines[1].startswith("dropgrid:  50%  1/2 tracks, 0 failed")
    assert lines[2] == "a job failed"
    assert lines[3].startswith("dropgrid: 100%  2/2 tracks")
    assert len(lines) == 4
    assert not {"\r", "\x1b"} & set(stream.getvalue())


def test_batches_show_tracks_as_single_jobs_do(tmp_path: Path) -> None:
    stream = io.StringIO()
    log = handler(stream)
    log.handle(record(LogEvent.RUN_INFO, "Job stats", stats={"batch": 1, "total": 1}))
    log.handle(record(None, "dropgrid: tracks to analyse: 2", tracks_in_batches=2))
    done = write_batch(tmp_path, "00000", ok=1, failed=1)
    log.handle(record(LogEvent.JOB_INFO, jobid=1, rule_name="batch", output=[done]))
    log.handle(record(LogEvent.JOB_FINISHED, job_id=1))
    lines = stream.getvalue().splitlines()
    assert lines[0] == "dropgrid: tracks to analyse: 2"
    assert lines[1].startswith("dropgrid: 100%  2/2 tracks, 1 failed")
    assert len(lines) == 2


def test_in_a_terminal_one_line_is_drawn_anew_and_errors_stay_above_it() -> None:
    screen = Screen()
    run_two_tracks(handler(screen))
    text = screen.getvalue()
    assert f"{CLEAR}dropgrid:  50%  1/2" in text
    assert f"{CLEAR}a job failed\n{CLEAR}dropgrid: 100%" in text
    assert text.endswith("\n")


def test_a_dry_run_shows_all(capsys: pytest.CaptureFixture[str]) -> None:
    stream = io.StringIO()
    handler(stream, dryrun=True).handle(record(None, "Building DAG of jobs..."))
    assert stream.getvalue() == "Building DAG of jobs...\n"


def test_what_matters_is_told_and_chatter_is_not() -> None:
    stream = io.StringIO()
    log = handler(stream)
    log.handle(record(None, "Select jobs to execute..."))
    log.handle(record(None, "Nothing to be done (all requested files are present)."))
    assert stream.getvalue() == "Nothing to be done (all requested files are present).\n"
