"""The count of a run, and what the logger makes of Snakemake's own messages."""

from __future__ import annotations

import io
import logging
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from dropgrid.base.text import duration
from dropgrid.records.model import StructureRecord, TrackFailure
from dropgrid.records.store import write_record
from dropgrid.run import interrupts
from dropgrid.run.progress import Following, News, Progress
from snakemake.settings.enums import Quietness
from snakemake_interface_logger_plugins.common import LogEvent
from snakemake_logger_plugin_dropgrid import CLEAR, LogHandler

FAILURE = TrackFailure("decode", "DecodeError", "not audio")
TRACKS = ("first-song-00000000", "second-00000001", "third-00000002")


def progress(tracks: int, *failed: bool) -> Progress:
    made = Progress(tracks)
    for number, it_failed in enumerate(failed):
        made.add(f"t-{number:08}", it_failed)
    return made


def test_tracks_are_counted_with_rate_and_time_left() -> None:
    assert progress(8).line(5) == "  0%  0/8 tracks"
    assert progress(8, True, False).line(30) == (
        " 25%  2/8 tracks, 1 failed, 4 tracks/min, 90 s left"
    )
    assert progress(2, False, False).line(60) == "100%  2/2 tracks, 2 tracks/min"
    assert progress(4, False).line(1) == " 25%  1/4 tracks, 60 tracks/min, 3 s left"
    assert progress(4, False).line(0.5) == " 25%  1/4 tracks, 120 tracks/min, 2 s left"
    assert progress(4, False).line(0) == " 25%  1/4 tracks"


def test_a_track_that_is_reported_twice_counts_once() -> None:
    made = progress(4, True)
    made.add("t-00000000", True)
    assert (made.done, made.failed) == (1, 1)


def test_the_live_line_has_a_bar_and_as_many_names_as_fit() -> None:
    made = progress(4, False)
    made.at_work = ["first-song-0a1b2c3d", "second-00000001"]
    whole = made.live(30, 120)
    assert whole.startswith("█████                 25%  1/4 tracks, 2/min, 90 s left, 0:30")
    assert whole.endswith("· first-song, second")
    assert made.live(30, 74).endswith("…ond") and len(made.live(30, 74)) == 74
    assert len(made.live(30, 20)) == 20
    assert progress(1, False).live(1, 120).startswith("█" * 20 + " 100%")


def write_log(folder: Path, *words: str, batch: str = "00000") -> Path:
    """The log of a batch that tells of TRACKS, each with its word in turn."""
    took = {"done": " took 1.00 s, cpu 1.00 s, peak 99 MB"}
    path = folder / "logs" / "batches" / f"{batch}.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    upgrade_lines = [f"dropgrid: {word} {track}{took.get(word, '')}\n"
            for track, word in zip(TRACKS, words, strict=False)]  # fmt: skip
    path.write_text("".join(upgrade_lines))
    return path


def goes_on(folder: Path) -> None:
    """The second track is done, in the log that write_log wrote."""
    with (folder / "logs" / "batches" / "00000.log").open("a") as log:
        log.write(f"dropgrid: done {TRACKS[1]} took 1.00 s, cpu 1.00 s, peak 99 MB\n")


def test_the_log_of_a_batch_is_followed_as_it_grows(tmp_path: Path) -> None:
    following = Following(time.time())
    log = write_log(tmp_path, "begins")
    following.begin(1, log)
    assert following.news() == [] and following.at_work == [TRACKS[0]]
    with log.open("a") as stream:
        stream.write(f"dropgrid: done {TRACKS[0]} took 1.00 s, cpu 1.00 s, peak 99 MB\nnoise\n")
        stream.write(f"dropgrid: begins {TRACKS[1][:4]}")
        stream.flush()
        assert following.news() == [News(tmp_path, "00000", TRACKS[0], again=False)]
        assert following.news() == [] and following.at_work == []
        stream.write(f"{TRACKS[1][4:]}\ndropgrid: again {TRACKS[1]} took 1.00 s, cpu 1.00 s, "
                     "peak 99 MB\n")  # fmt: skip
    assert following.end(1) == [News(tmp_path, "00000", TRACKS[1], again=True)]
    assert following.end(1) == [] and following.news() == []


def test_a_log_that_a_new_attempt_starts_over_is_read_from_the_start(tmp_path: Path) -> None:
    following = Following(time.time())
    following.begin(1, write_log(tmp_path, "done", "done"))
    assert len(following.news()) == 2
    write_log(tmp_path, "done")
    assert [news.track for news in following.news()] == [TRACKS[0]]


def test_the_log_of_an_earlier_run_is_ignored(tmp_path: Path) -> None:
    following = Following(time.time() + 60)
    following.begin(1, write_log(tmp_path, "done"))
    assert following.news() == [] and following.end(1) == []


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(45.4, "45 s"), (720, "12 min"), (5999, "1 h 40 min"), (11_100, "3 h 05 min")],
)
def test_durations_are_for_people(seconds: float, text: str) -> None:
    assert duration(seconds) == text


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def handler(stream: io.StringIO, **settings: Any) -> LogHandler:
    common: Any = SimpleNamespace(
        **{"stdout": False, "dryrun": False, "verbose": False, "quiet": set(), **settings}
    )
    made = LogHandler(common, None)
    made.stream, made.live = stream, stream.isatty()
    return made


def record(event: LogEvent | None, message: str = "", level: int = logging.INFO, **extra: Any):
    made = logging.LogRecord("snakemake", level, "", 0, message, None, None)
    made.__dict__.update(extra, event=event)
    return made


def begin(log: LogHandler, folder: Path, tracks: int) -> None:
    """A run of so many tracks in one batch, job 1, begins."""
    stats = {"batch": 1, "table": 1, "total": 2}
    log.handle(record(None, "Building DAG of jobs..."))
    log.handle(record(LogEvent.RUN_INFO, "Job stats", stats=stats))
    printed = f"dropgrid: tracks to analyse: {tracks}"
    log.handle(record(None, printed, tracks_planned=tracks, jobs_of_tracks={}))
    begin_job(log, folder)


def begin_job(log: LogHandler, folder: Path) -> None:
    path = folder / "logs" / "batches" / "00000.log"
    log.handle(record(LogEvent.JOB_INFO, jobid=1, rule_name="batch", log=[str(path)],
                      wildcards={"batch": "00000"}))  # fmt: skip


def end(log: LogHandler) -> None:
    log.handle(record(LogEvent.JOB_FINISHED, job_id=1))


def fail(results: Path, track: str) -> None:
    write_record(results / "structure" / f"{track}.json",
                 StructureRecord(track, f"{track}.wav", "error", error=FAILURE))  # fmt: skip


def test_piped_there_are_whole_lines_and_nothing_to_steer_a_terminal(tmp_path: Path) -> None:
    stream = io.StringIO()
    log = handler(stream)
    begin(log, tmp_path, 2)
    fail(tmp_path, TRACKS[1])
    write_log(tmp_path, "done", "begins")
    log.count(log.following.news())
    log.handle(record(None, "a job failed", logging.ERROR))
    goes_on(tmp_path)
    end(log)
    lines = stream.getvalue().splitlines()
    assert lines[0] == "dropgrid: tracks to analyse: 2"
    assert lines[1].startswith("dropgrid:  50%  1/2 tracks, ")
    assert lines[2] == "a job failed"
    assert lines[3].startswith("dropgrid: 100%  2/2 tracks, 1 failed")
    assert len(lines) == 4
    assert not {"\r", "\x1b"} & set(stream.getvalue())
    log.close()


def test_in_a_terminal_one_line_is_redrawn_and_messages_stay_above_it(
    tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    screen = Screen()
    log = handler(screen)
    begin(log, tmp_path, 2)
    write_log(tmp_path, "done", "begins")
    log.count(log.following.news())
    assert "· second" in screen.getvalue()
    log.handle(record(None, "a job failed", logging.ERROR))
    goes_on(tmp_path)
    end(log)
    text = screen.getvalue()
    assert f"{CLEAR}██████████            50%  1/2 tracks" in text
    assert f"{CLEAR}a job failed\n{CLEAR}████████████████████ 100%" in text
    assert text.endswith("\n")
    log.close()


def test_the_line_is_drawn_by_itself_while_nothing_else_is_reported(
    tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr("snakemake_logger_plugin_dropgrid.EVERY", 0.01)
    screen = Screen()
    log = handler(screen)
    begin(log, tmp_path, 2)
    write_log(tmp_path, "done", "begins")
    deadline = time.monotonic() + 200
    while "1/2" not in screen.getvalue() and time.monotonic() < deadline:
        time.sleep(0.01)
    drawn = screen.getvalue().count(CLEAR)
    while screen.getvalue().count(CLEAR) < drawn + 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert screen.getvalue().count(CLEAR) >= drawn + 2
    log.close()


@pytest.mark.parametrize("quiet", [Quietness.ALL, Quietness.PROGRESS])
def test_quiet_there_is_no_progress(tmp_path: Path, quiet: Quietness) -> None:
    stream = io.StringIO()
    log = handler(stream, quiet={quiet})
    begin(log, tmp_path, 1)
    write_log(tmp_path, "done")
    end(log)
    assert "%" not in stream.getvalue()
    log.close()


EXIT = (
    "RuleException:\nCommand 'dropgrid batch 00000.json --attempt {} --attempts 3 > 00000.log' "
    "returned non-zero exit status {}."
)


def test_a_try_that_is_to_be_repeated_is_a_note_and_the_last_one_an_error(tmp_path: Path) -> None:
    stream = io.StringIO()
    log = handler(stream)
    begin(log, tmp_path, 1)
    for attempt in (1, 2, 3):
        write_log(tmp_path, "again")
        log.handle(record(LogEvent.ERROR, EXIT.format(attempt, 75), logging.ERROR))
        log.handle(record(LogEvent.JOB_ERROR, "Error in rule batch", logging.ERROR, jobid=1))
        begin_job(log, tmp_path)
    printed = stream.getvalue()
    note = f"dropgrid: to be tried again, with more memory: {TRACKS[0]}\n"
    assert printed.count(note) == 2
    assert printed.index("RuleException") > printed.rindex(note)
    assert printed.count("Error in rule batch") == 1
    log.handle(record(LogEvent.ERROR, EXIT.format(1, 1), logging.ERROR))
    assert stream.getvalue().count("RuleException") == 2
    log.close()


def test_after_an_interrupt_only_where_the_run_stood_is_reported(
    tmp_path: Path, monkeypatch
) -> None:
    stream = io.StringIO()
    log = handler(stream)
    begin(log, tmp_path, 1)
    monkeypatch.setattr(interrupts, "received", [2])
    log.handle(record(LogEvent.ERROR, EXIT.format(1, 1), logging.ERROR))
    log.handle(record(None, "Terminating processes on user request"))
    log.handle(record(None, "dropgrid: 0 of 1 tracks", summary=None, ok=False))
    lines = stream.getvalue().splitlines()
    assert lines == ["dropgrid: tracks to analyse: 1", "dropgrid: 0 of 1 tracks"]
    log.close()


def test_a_job_that_ctrl_c_ended_is_not_reported_even_before_the_run_knows(
    tmp_path: Path,
) -> None:
    stream = io.StringIO()
    log = handler(stream)
    begin(log, tmp_path, 1)
    ended = "RuleException:\nCalledProcessError in track.smk, line 33:\nCommand '...' "
    for how in ("died with <Signals.SIGINT: 2>.", "returned non-zero exit status 130."):
        log.handle(record(LogEvent.ERROR, ended + how, logging.ERROR))
    assert stream.getvalue().splitlines() == ["dropgrid: tracks to analyse: 1"]
    log.handle(record(LogEvent.ERROR, ended + "died with <Signals.SIGSEGV: 11>.", logging.ERROR))
    assert "SIGSEGV" in stream.getvalue()
    log.close()


def test_a_dry_run_shows_all(capsys: pytest.CaptureFixture[str]) -> None:
    stream = io.StringIO()
    handler(stream, dryrun=True).handle(record(None, "Building DAG of jobs..."))
    assert stream.getvalue() == "Building DAG of jobs...\n"


def test_what_matters_is_reported_and_chatter_is_not() -> None:
    stream = io.StringIO()
    log = handler(stream)
    log.handle(record(None, "Select jobs to execute..."))
    log.handle(record(None, "Nothing to be done (all requested files are present)."))
    assert stream.getvalue() == "Nothing to be done (all requested files are present).\n"
