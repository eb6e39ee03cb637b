"""The log of a run for machines: its events, and faults of the file."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from dropgrid.library import Scan
from dropgrid.records.model import BpmRecord, StructureRecord, TrackFailure
from dropgrid.records.store import write_record
from dropgrid.records.ticket import Ticket
from dropgrid.results.scan_store import write_tickets
from dropgrid.run.event_file import EventFile
from dropgrid.run.events import RunLog, timestamp, to_line
from dropgrid.run.outcomes import outcome_of
from dropgrid.run.summary import Summary

ROOT = Path(__file__).resolve().parents[3]
SCHEMA = json.loads((ROOT / "workflow" / "schemas" / "events.schema.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
FAILURE = TrackFailure("decode", "DecodeError", "not audio")
GOOD, BAD = "good-00000000", "bad-00000001"
NOW = 1_700_000_000.25


class Told(list[dict[str, Any]]):
    """What a RunLog has told, each event as a reader of the file gets it, and checked."""

    def __init__(self) -> None:
        super().__init__()
        self.log = RunLog(self.check)
        self.log.started(NOW, "9.0.0")

    def check(self, event: dict[str, Any]) -> None:
        values = json.loads(to_line(event))
        VALIDATOR.validate(values)
        self.append(values)

    def names(self) -> list[str]:
        return [event["event"] for event in self]


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Results of a good track and of one whose name is no text, which failed."""
    results = tmp_path / "results"
    tracks = [Ticket(GOOD, "a/good.wav", "/a/good.wav", 1, 1),
              Ticket(BAD, "b\udcff\n.wav", "/b\udcff\n.wav", 1, 1)]  # fmt: skip
    write_tickets(Scan("/", tuple(tracks), ()), results)
    for kind, folder in ((BpmRecord, "bpm"), (StructureRecord, "structure")):
        write_record(results / folder / f"{GOOD}.json", kind(GOOD, "a/good.wav", "ok"))
        failed = kind(BAD, tracks[1].path, "error", error=FAILURE)
        write_record(results / folder / f"{BAD}.json", failed)
    return results


def run_batch(told: Told, number: int, folder: Path, log: str) -> None:
    """A batch starts, writes its log, and ends well."""
    path = folder / "logs" / "batches" / f"{number:05}.log"
    told.log.job_started(NOW, number, "batch", {"batch": f"{number:05}"}, str(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(log)
    told.log.job_finished(NOW, number)


def test_times_are_utc_to_the_millisecond() -> None:
    assert timestamp(NOW) == "2023-11-14T22:13:20.250Z"
    assert timestamp(1_700_000_000) == "2023-11-14T22:13:20.000Z"


def test_a_line_is_ascii_and_text_for_every_reader() -> None:
    line = to_line({"path": 'a\udcff\n"☾\u2028', "jobs": {"\udc80": 1}})
    assert line.endswith(b"\n") and line.count(b"\n") == 1 and line.isascii()
    assert json.loads(line) == {"path": 'a\\udcff\n"☾\u2028', "jobs": {"\\udc80": 1}}
    json.loads(line)["path"].encode("utf-8")
    with pytest.raises(ValueError, match="JSON"):
        to_line({"seconds": float("nan")})


def test_a_run_is_logged_from_its_start_to_its_end(told: Told, results: Path) -> None:
    told.log.planned(NOW, 2, {"batch": 1, "all": 1, "total": 2})
    lines = [f"dropgrid: begins {GOOD}",
             f"dropgrid: done {GOOD} took 2.00 s, cpu 1.50 s, peak 300 MB", "noise",
             f"dropgrid: again {BAD} took 0.50 s, cpu 0.25 s, peak 90 MB"]  # fmt: skip
    run_batch(told, 1, results, "\n".join(lines) + "\n")
    for track in (GOOD, BAD):
        outcome = outcome_of(results, track)
        assert outcome is not None
        told.log.track_ended(NOW, outcome, "00001")
    told.log.ended(NOW + 3, Summary(2, 1, 1, 0), True, None, 0)
    assert told.names() == [
        "run_started", "run_planned", "job_started", "job_finished", "track_analysed",
        "track_failed", "run_ended",
    ]  # fmt: skip
    assert told[0]["pid"] == os.getpid()
    assert (told[1]["tracks"], told[1]["jobs"]) == (2, {"batch": 1, "all": 1})
    assert [told[3][key] for key in ("seconds", "cpu_seconds", "peak_mb")] == [2.5, 1.75, 300]
    assert told[3]["batch"] == told[4]["batch"] == "00001"
    assert told[-1]["seconds"] == 3
    assert len({event["run"] for event in told}) == 1


def test_a_failed_track_is_reported_once_with_its_reason(told: Told, results: Path) -> None:
    outcome = outcome_of(results, BAD)
    assert outcome is not None
    told.log.track_ended(NOW, outcome, "00000")
    told.log.track_ended(NOW, outcome, "00000")
    [failed] = [event for event in told if event["event"] == "track_failed"]
    assert (failed["track"], failed["path"]) == (BAD, "b\\udcff\n.wav")
    assert (failed["stage"], failed["type"], failed["message"]) == (
        "decode", "DecodeError", "not audio",
    )  # fmt: skip


def test_a_track_without_records_has_no_outcome(results: Path) -> None:
    assert outcome_of(results, "gone-00000002") is None


def test_the_log_of_an_earlier_run_says_nothing_of_this_job(told: Told, results: Path) -> None:
    log = results / "logs" / "old.log"
    log.parent.mkdir()
    log.write_text(f"dropgrid: done {GOOD} took 9.00 s, cpu 9.00 s, peak 999 MB\n")
    os.utime(log, (NOW - 60, NOW - 60))
    told.log.job_started(NOW, 1, "batch", {"batch": "00000"}, str(log))
    told.log.job_failed(NOW, 1)
    assert told[-1]["event"] == "job_failed"
    assert told[-1]["seconds"] is None


def test_each_try_of_a_job_ends_before_the_next_begins(told: Told) -> None:
    for _ in range(2):  # no one logs the end of the first
        told.log.job_started(NOW, 7, "table", {}, None)
    told.log.job_failed(NOW, 7)
    told.log.job_failed(NOW, 7)
    told.log.job_finished(NOW, 8)
    names = told.names()[1:]
    assert names == ["job_started", "job_failed"] * 2
    assert [event["attempt"] for event in told[1:]] == [1, 1, 2, 2]


def test_jobs_cut_off_by_the_end_of_the_run_have_failed(told: Told) -> None:
    told.log.job_started(NOW, 1, "table", {}, None)
    told.log.message(NOW, "error", "it is over", "KeyboardInterrupt")
    told.log.ended(NOW - 5, None, False, "SIGINT", 2)  # the clock was set back
    told.log.ended(NOW, None, True, None, 0)
    assert told.names()[-3:] == ["error", "job_failed", "run_ended"]
    assert (told[-1]["signal"], told[-1]["seconds"], told[-1]["tracks"]) == ("SIGINT", 0, None)


def test_a_run_that_never_began_has_no_end() -> None:
    events: list[dict[str, Any]] = []
    RunLog(events.append).ended(NOW, None, True, None, 0)
    assert events == []


def test_the_schema_refuses_what_is_not_an_event(told: Told) -> None:
    for change in ({"surplus": 1}, {"event": "Run Started"}, {"time": "2023-11-14"}, {"pid": "1"}):
        assert not VALIDATOR.is_valid({**told[0], **change})


# The file.


def lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_each_line_is_there_at_once_and_a_file_is_never_truncated(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "events.jsonl"
    warnings: list[str] = []
    for number in range(2):
        EventFile(path, warnings.append).write({"n": number})
        assert lines(path) == [{"n": n} for n in range(number + 1)]
    assert warnings == []


def test_a_file_may_be_moved_away_at_any_time(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    file = EventFile(path, print)
    file.write({"n": 1})
    path.rename(tmp_path / "events.jsonl.1")
    file.write({"n": 2})
    assert lines(path) == [{"n": 2}]


def test_a_line_that_was_cut_short_spoils_no_other(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text('{"n": 1}\n{"n"')
    EventFile(path, print).write({"n": 3})
    assert path.read_text() == '{"n": 1}\n{"n"\n{"n": 3}\n'


def test_a_relative_path_stays_where_it_was_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = EventFile(Path("events.jsonl"), print)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    file.write({"n": 1})
    assert lines(tmp_path / "events.jsonl") == [{"n": 1}]


@pytest.mark.parametrize("where", ["a file/events.jsonl", "a folder", "a pipe", "a full disk"])
def test_what_cannot_be_written_is_warned_of_once_and_counted(tmp_path: Path, where: str) -> None:
    (tmp_path / "a file").touch()
    (tmp_path / "a folder").mkdir()
    os.mkfifo(tmp_path / "a pipe")  # without a reader
    (tmp_path / "a full disk").symlink_to("/dev/full")
    warnings: list[str] = []
    file = EventFile(tmp_path / where, warnings.append)
    for number in range(3):
        file.write({"n": number})
    assert file.lost == 3
    [warning] = warnings
    assert str(tmp_path / where) in warning and "the run continues" in warning


def test_what_can_be_written_again_is(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.mkdir()
    file = EventFile(path, lambda _: path.rmdir())
    file.write({"n": 1})
    file.write({"n": 2})
    assert lines(path) == [{"n": 2}]
    assert file.lost == 1


def test_after_a_truncated_line_the_next_starts_on_a_new_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, write = tmp_path / "events.jsonl", os.write
    file = EventFile(path, lambda _: None)
    file.write({"n": 1})

    def full(descriptor: int, line: bytes) -> int:
        write(descriptor, line[:4])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    file.write({"n": 2})
    monkeypatch.setattr(os, "write", write)
    file.write({"n": 3})
    file.write({"n": 4})
    assert path.read_text() == '{"n": 1}\n{"n"\n{"n": 3}\n{"n": 4}\n'
    assert file.lost == 1


def test_a_run_went_wrong_from_its_first_error_on(told: Told) -> None:
    seen = [told.log.went_wrong]
    for level in ("warning", "error", "warning"):
        told.log.message(NOW, level, "text", None)
        seen.append(told.log.went_wrong)
    assert seen == [False, False, True, True]
