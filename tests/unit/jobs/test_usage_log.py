"""The lines of a log about what jobs used: written, read again, and added up."""

from __future__ import annotations

from pathlib import Path

import pytest
from dropgrid.jobs.policy import EXIT_AGAIN, Decision, Outcome, StageUse
from dropgrid.jobs.usage_log import (
    TrackLine,
    Use,
    add_up,
    print_outcome,
    read_batch_log,
    read_use,
    say_begins,
    say_ended,
)
from dropgrid.records.model import TrackFailure

STAGES = (StageUse("features", 2.345, 1.5, 120.6), StageUse("bpm", 0.25, 0.125, 130.2))


@pytest.fixture
def log(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Path:
    """The log of a track of two stages."""
    print_outcome(Outcome("none", stages=STAGES), Decision(record=False, exit_code=0))
    said, written = capfd.readouterr()
    assert said == ""
    (tmp_path / "track.log").write_text("a warning\n" + written)
    return tmp_path / "track.log"


def test_what_a_job_used_is_read_as_it_was_written(log: Path) -> None:
    assert read_use(log) == [
        ("features", Use(1, 2.35, 1.5, 121)), ("bpm", Use(1, 0.25, 0.12, 130)),
    ]  # fmt: skip
    assert read_use(log.with_name("none.log")) == []


@pytest.mark.parametrize(("distance", "found"), [(0, 2), (3000, 2), (3990, 0)])
def test_of_a_long_log_the_last_four_thousand_bytes_are_read(
    distance: int, found: int, log: Path
) -> None:
    log.write_text(log.read_text() + "x" * distance)
    assert len(read_use(log)) == found
    lines = "dropgrid: bpm took 1.00 s, cpu 1.00 s, peak 1 MB\n"
    log.write_bytes(lines.encode() + b"x" * (4000 - len(lines)))
    assert len(read_use(log)) == 1  # to the byte
    log.write_bytes(lines.encode() + b"x" * (4001 - len(lines)))
    assert read_use(log) == []


def test_a_batch_says_what_became_of_a_track_and_what_it_used(
    log: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    say_begins("a-0123abcd")
    say_ended("a-0123abcd", log, again=False)
    say_begins("b-0123abcd")
    say_ended("b-0123abcd", log.with_name("none.log"), again=True)
    said = capfd.readouterr().out
    assert said.splitlines()[1:] == [
        "dropgrid: done a-0123abcd took 2.60 s, cpu 1.62 s, peak 130 MB",
        "dropgrid: begins b-0123abcd",
        "dropgrid: again b-0123abcd took 0.00 s, cpu 0.00 s, peak 0 MB",
    ]
    none = Use(1, 0.0, 0.0, 0)
    assert read_batch_log(said.encode()) == [
        TrackLine("begins", "a-0123abcd", none),
        TrackLine("done", "a-0123abcd", Use(1, 2.6, 1.62, 130)),
        TrackLine("begins", "b-0123abcd", none), TrackLine("again", "b-0123abcd", none),
    ]  # fmt: skip
    assert read_batch_log(said.encode().rstrip(b"\n"))[-1].word == "begins"  # half a line


def test_resources_add_up_and_the_highest_peak_counts() -> None:
    assert add_up([]) == Use() == Use(jobs=0, seconds=0.0, cpu_seconds=0.0, peak_mb=0)
    uses = [Use(1, 1.111, 0.5, 80), Use(2, 2.222, 0.75, 60)]
    assert add_up(uses) == Use(3, 3.33, 1.25, 80)


@pytest.mark.parametrize(
    ("decision", "follows"),
    [
        (Decision(record=True, exit_code=0), "recorded"),
        (Decision(record=False, exit_code=2), "not recorded"),
        (Decision(record=False, exit_code=EXIT_AGAIN), "to be tried again"),
    ],
)
def test_a_failure_is_said_with_what_follows(
    decision: Decision, follows: str, capfd: pytest.CaptureFixture[str]
) -> None:
    failure = TrackFailure("decode", "DecodeError", "cut short")
    print_outcome(Outcome("track", failure, stages=STAGES[:1]), decision)
    assert capfd.readouterr().err.splitlines() == [
        f"dropgrid: decode: DecodeError: cut short ({follows})",
        "dropgrid: features took 2.35 s, cpu 1.50 s, peak 121 MB",
    ]
