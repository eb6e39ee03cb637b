"""What `dropgrid run` shows of Snakemake's messages, and how it starts Snakemake."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from dropgrid.run import interrupts
from snakemake.logging import logger
from snakemake.settings.enums import Quietness
from snakemake_interface_logger_plugins.common import LogEvent
from snakemake_logger_plugin_dropgrid import LogHandler, LogHandlerSettings
from snakemake_logger_plugin_dropgrid.options import requested
from snakemake_logger_plugin_dropgrid.plain import ERROR, dry_run_summary
from snakemake_logger_plugin_dropgrid.start import main, profiles

NOTHING = "Nothing to be done (all requested files are present and up to date)."
ROUTINE = ("Building DAG of jobs...", "Assuming unrestricted shared filesystem usage.",
           "Complete log(s): /x.log", "A line that a later Snakemake may add")  # fmt: skip


def handler(dryrun: bool = False, verbose: bool = False) -> tuple[LogHandler, io.StringIO]:
    """A handler of a run that shows nothing of Snakemake's, and what it writes to."""
    common: Any = SimpleNamespace(stdout=False, dryrun=dryrun, verbose=verbose,
                                  quiet={Quietness.RULES})  # fmt: skip
    made = LogHandler(common, LogHandlerSettings(plain=True))
    made.stream, made.live = io.StringIO(), False
    return made, made.stream


def record(message: str, level: int = logging.INFO, event: LogEvent | None = None, **extra: Any):
    made = logging.LogRecord("snakemake", level, "", 0, message, None, None)
    made.__dict__.update(extra, event=event)
    return made


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Path]:
    """Snakemake's log file of this run."""
    path = tmp_path / "run.log"
    file = logging.FileHandler(path)
    logger.addHandler(file)
    yield path
    logger.removeHandler(file)
    file.close()


def test_snakemakes_routine_is_left_out_and_what_dropgrid_says_is_not(log: Path) -> None:
    made, stream = handler()
    for message in ROUTINE:
        made.handle(record(message))
    made.handle(record("dropgrid: results: x", results="x"))
    made.handle(record("dropgrid: not the greedy scheduler"))
    made.handle(record("1 track\nopen it", summary=None, ok=True))
    made.close()
    assert stream.getvalue() == "dropgrid: not the greedy scheduler\n1 track\nopen it\n"


def test_nothing_to_do_is_reported_in_other_words(tmp_path: Path) -> None:
    made, stream = handler()
    (tmp_path / "failures.csv").write_text("track\na\nb\n")
    made.handle(record("", results=str(tmp_path)))
    made.handle(record(NOTHING))
    printed = stream.getvalue().splitlines()
    assert printed[0] == "dropgrid: nothing to do: everything is up to date"
    assert printed[1].startswith("2 tracks failed in an earlier run, see ")


def test_errors_and_warnings_arrive_with_their_text_and_the_log_is_named(log: Path) -> None:
    made, stream = handler()
    made.handle(record("the disk is slow", logging.WARNING))
    for message in ("MissingRuleException:\nNo rule to produce x", "WorkflowError:\nIt failed."):
        made.handle(record(message, logging.ERROR, LogEvent.ERROR))
    made.close()
    assert stream.getvalue().splitlines() == [
        "the disk is slow", ERROR, "MissingRuleException:", "No rule to produce x",
        "WorkflowError:", "It failed.", f"dropgrid: the complete log of this run: {log}",
    ]  # fmt: skip


def test_an_error_of_dropgrid_and_an_interrupt_need_no_log(log: Path, monkeypatch) -> None:
    made, stream = handler()
    made.handle(record("dropgrid: library: no audio in x", logging.ERROR))
    made.close()
    assert stream.getvalue() == "dropgrid: library: no audio in x\n"
    made, stream = handler()
    made.handle(record("Odd: it ended", logging.ERROR))
    monkeypatch.setattr(interrupts, "received", [2])
    made.close()
    assert stream.getvalue().splitlines() == [ERROR, "Odd: it ended"]


def test_a_dry_run_is_summed_up_once_and_in_full_where_that_is_asked_for() -> None:
    stats = {"bpm": 2, "structure": 3, "table": 1, "page": 1, "all": 1, "total": 8}
    for verbose in (False, True):
        made, stream = handler(dryrun=True, verbose=verbose)
        for _ in range(2):
            made.handle(record("Job stats", event=LogEvent.RUN_INFO, stats=stats))
        made.handle(record("rule bpm", event=LogEvent.JOB_INFO, log=[]))
        made.handle(record("This was a dry-run (flag -n)."))
        printed = stream.getvalue()
        assert (printed == f"{dry_run_summary(stats)}\n") == (not verbose)
        assert ("This was a dry-run" in printed) == verbose


def test_a_dry_run_names_tracks_batches_and_what_is_made_of_them() -> None:
    one_by_one = dry_run_summary(
        {"bpm": 2, "structure": 3, "table": 1, "page": 1, "all": 1, "total": 8}
    )
    assert one_by_one.splitlines()[1:3] == ["  analyse 3 tracks: bpm, structure",
                                            "  make: page, table"]  # fmt: skip
    batches = dry_run_summary({"batch": 3, "total": 3}).splitlines()
    assert batches[1] == "  analyse the tracks of 3 batches" and len(batches) == 3


def test_what_snakemake_was_asked_for_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    assert requested(["-n"]) == (True, set(), False)
    assert requested(["--unlock"]).only_prints and requested(["--summary"]).runs_nothing
    monkeypatch.setattr("sys.argv", ["dropgrid", "--unlock"])
    made, stream = handler()
    made.handle(record("Unlocked working directory."))
    assert stream.getvalue() == "Unlocked working directory.\n"


@pytest.mark.parametrize(
    ("words", "environ", "expected"),
    [
        (["report", "--workflow-profile", "/w"], {}, ["/w"]),
        (["--forcerun", "bpm", "--profile", "a", "--workflow-profile", "/w"], {}, ["a", "/w"]),
        (["--workflow-profile", "/w"], {"SNAKEMAKE_PROFILE": "b"}, ["b", "/w"]),
        (["--profile", "a", "--profile", "c"], {"SNAKEMAKE_PROFILE": "b"}, ["a", "c"]),
        (["--profile", "none", "--workflow-profile", "none"], {"SNAKEMAKE_PROFILE": "b"}, []),
    ],
)
def test_profiles_count_as_snakemake_counts_them(words, environ, expected) -> None:
    assert profiles(words, environ) == expected


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--cores", "many"], "dropgrid run: Error parsing number of cores"),
        (["--latency-wait", "x"], "dropgrid run: error: argument --latency-wait"),
    ],
)
def test_a_wrong_value_is_one_line(
    words: list[str], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(words)
    printed = capsys.readouterr().err + (str(end.value) if isinstance(end.value.code, str) else "")
    assert printed.startswith(line) and len(printed.splitlines()) == 1
