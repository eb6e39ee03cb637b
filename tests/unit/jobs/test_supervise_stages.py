"""Several stages in a job, and whose fault a failure is."""

from __future__ import annotations

import argparse
import errno
import mmap
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from dropgrid.base.errors import ConfigError, DecodeError, ModelError, RecordError, UnusableAudio
from dropgrid.jobs import process
from dropgrid.jobs.policy import EXIT_AGAIN, EXIT_RUN, Decision, Outcome, classify, decide
from dropgrid.jobs.supervise import add_arguments, supervise_stages, supervise_track
from dropgrid.jobs.usage_log import read_use
from dropgrid.records.model import TrackFailure
from jobs_that_fail import HANGS, raising, wait_until

pytestmark = [pytest.mark.alone, pytest.mark.usefixtures("patience")]


def stages_of(arguments: list[str], *work: tuple[str, Callable[[], object]]) -> tuple[int, list]:
    """Several stages under supervision; the exit code, and (stage, failure) as recorded."""
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    recorded: list[tuple[str, TrackFailure]] = []
    doing = dict(work)
    code = supervise_stages(
        lambda stage: doing[stage](), lambda *failed: recorded.append(failed), list(doing),
        parser.parse_args(arguments),
    )  # fmt: skip
    return code, recorded


def test_the_stages_of_a_track_share_a_process(tmp_path: Path, capfd) -> None:
    def note(stage: str) -> Callable[[], object]:
        return lambda: (tmp_path / stage).write_text(f"{os.getpid()}")

    def burn() -> None:
        note("bpm")()
        end = time.process_time() + 0.3
        while time.process_time() < end:
            pass

    done = stages_of([], ("features", note("features")), ("bpm", burn), ("key", note("key")))
    assert done == (0, [])
    assert len({(tmp_path / stage).read_text() for stage in ("features", "bpm", "key")}) == 1
    log = tmp_path / "log"
    log.write_text(capfd.readouterr().err)
    used = dict(read_use(log))
    assert list(used) == ["features", "bpm", "key"]
    assert used["bpm"].cpu_seconds >= 0.3 > used["features"].cpu_seconds + used["key"].cpu_seconds


def test_a_stage_that_failed_for_good_is_followed_by_the_next(tmp_path: Path) -> None:
    done = stages_of(
        [], ("features", raising(DecodeError("cut short"))), ("bpm", lambda: None),
        ("structure", lambda: os.abort()), ("key", lambda: (tmp_path / "key").touch()),
    )  # fmt: skip
    assert done[0] == 0 and (tmp_path / "key").exists()
    assert [(stage, failure.type) for stage, failure in done[1]] == [
        ("features", "DecodeError"), ("structure", "Crashed"),
    ]  # fmt: skip
    assert done[1][1][1].stage == "structure"


def test_a_stage_that_is_to_be_tried_again_is_the_last(tmp_path: Path) -> None:
    done = stages_of(
        ["--attempts", "3"], ("features", lambda: None), ("bpm", os.abort),
        ("key", lambda: (tmp_path / "key").touch()),
    )  # fmt: skip
    assert done == (EXIT_AGAIN, []) and not (tmp_path / "key").exists()


def test_each_stage_has_its_own_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """By a clock that the child moves on, however busy the machine is."""
    shared = memoryview(mmap.mmap(-1, 16)).cast("d")  # seconds ahead, and looks of the parent
    real, parent = time.monotonic, os.getpid()

    def clock() -> float:
        if os.getpid() == parent:
            shared[1] += 1
        return real() + shared[0]

    def take(seconds: float) -> Callable[[], None]:
        def work() -> None:
            heard = shared[1] + 10  # several rounds of the parent, which looks three times in each
            assert wait_until(lambda: shared[1] >= heard)
            shared[0] += seconds

        return work

    monkeypatch.setattr(process, "TICK", 0.01)
    monkeypatch.setattr(process, "time", SimpleNamespace(monotonic=clock))
    limits = ["--time-limit", "1000"]
    assert stages_of(limits, ("features", take(700)), ("bpm", take(700))) == (0, [])

    def hang() -> None:
        take(1200)()
        time.sleep(HANGS)

    code, [(stage, failure)] = stages_of(limits, ("bpm", take(700)), ("key", hang))
    assert (code, stage, failure.type) == (0, "key", "TimedOut")


def test_the_parent_stays_small_and_its_start_imports_nothing_heavy() -> None:
    code = (
        "import sys, dropgrid.jobs.process as s; s.supervised(lambda: None); print(*sys.modules)"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"numpy", "soundfile", "llvmlite", "scipy", "ctypes"} & set(loaded)


# The policy, without processes.


def test_a_machines_fault_deep_in_the_causes_counts() -> None:
    try:
        try:
            raise OSError(errno.EIO, "Input/output error")
        except OSError as cause:
            raise DecodeError("cannot be read") from cause
    except DecodeError as error:
        assert classify(error, "features") == (
            "machine",
            TrackFailure("decode", "OSError", "cannot be read"),
        )


def test_a_fault_met_while_another_was_handled_counts_unless_it_was_set_aside() -> None:
    def then(error: DecodeError) -> DecodeError:
        try:
            raise OSError(errno.EIO, "Input/output error")
        except OSError:
            try:
                raise error
            except DecodeError as raised:
                return raised

    assert classify(then(DecodeError("cannot be read")), "features")[0] == "machine"
    aside = then(DecodeError("not audio"))
    aside.__suppress_context__ = True  # as `raise ... from None` does
    assert classify(aside, "features") == (
        "track",
        TrackFailure("decode", "DecodeError", "not audio"),
    )


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "machine"),
        (OSError(errno.EFBIG, "File too large"), "machine"),
        (OSError(errno.EACCES, "Permission denied"), "machine"),
        (FileNotFoundError(errno.ENOENT, "No such file"), "machine"),
        (MemoryError(), "machine"),
        (RuntimeError("std::bad_alloc"), "machine"),
        (RuntimeError("can't start new thread"), "machine"),
        (DecodeError("malloc.mp3 is not audio"), "track"),
        (RecordError("features.npz: cut short"), "machine"),
        (UnusableAudio("silent"), "track"),
        (ModelError("changed"), "run"),
        (ConfigError("bpm.min_bpm"), "run"),
        (ImportError("no numpy"), "run"),
        (SyntaxError("broken install"), "run"),
        (IndexError("7"), "track"),
    ],
)
def test_exceptions_are_blamed_on_the_file_or_on_dropgrid(
    error: BaseException, fault: str
) -> None:
    assert classify(error, "features")[0] == fault


def test_a_message_of_any_length_is_one_line_of_a_thousand_characters_at_most() -> None:
    failure = classify(IndexError("far\n\taway " * 200), "features")[1]
    assert len(failure.message) == 1000
    assert failure.message.startswith("far away far away")
    assert classify(IndexError(), "features")[1].message == "IndexError"


FAILURE = TrackFailure("features", "OutOfMemory", "too much")


def test_the_policy_is_the_table_of_the_docstring() -> None:
    def of(fault: str, last: bool) -> tuple[bool, int]:
        outcome = Outcome(fault, FAILURE, signal=15 if fault == "interrupt" else 0)
        decision = decide(outcome, last_attempt=last)
        return decision.record, decision.exit_code

    assert [of("none", last) for last in (False, True)] == [(False, 0)] * 2
    assert [of("track", last) for last in (False, True)] == [(True, 0)] * 2
    assert [of("machine", last) for last in (False, True)] == [(False, EXIT_AGAIN), (True, 0)]
    assert [of("run", last) for last in (False, True)] == [(False, EXIT_RUN)] * 2
    assert [of("interrupt", last) for last in (False, True)] == [(False, 143)] * 2
    assert decide(Outcome("none"), last_attempt=True) == Decision(record=False, exit_code=0)


def arguments(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args(words)


def test_out_of_memory_is_tried_again_and_recorded_on_the_last_attempt(
    capsys: pytest.CaptureFixture[str],
) -> None:
    recorded: list[TrackFailure] = []

    def go(attempt: str) -> int:
        given = arguments("--memory-mb", "200", "--attempt", attempt, "--attempts", "2")
        return supervise_track(
            lambda: bytearray(400 * 2**20), recorded.append, stage="features", arguments=given
        )

    assert go("1") == EXIT_AGAIN
    assert recorded == []
    assert "to be tried again" in capsys.readouterr().err
    assert go("2") == 0
    assert [failure.type for failure in recorded] == ["OutOfMemory"]


def test_a_failure_that_cannot_be_recorded_fails_the_job(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def record(_failure: TrackFailure) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    code = supervise_track(
        raising(DecodeError("no")), record, stage="features", arguments=arguments()
    )
    assert code == EXIT_AGAIN
    assert "No space left on device" in capsys.readouterr().err
