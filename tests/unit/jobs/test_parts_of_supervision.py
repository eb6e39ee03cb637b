"""The parts of a job's supervision, each by itself: reports, last words, crashes, verdicts."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Iterator

import pytest
from dropgrid.base.errors import LibraryError
from dropgrid.jobs.crashes import Crash, counted_mb
from dropgrid.jobs.last_words import KEPT, LastWords
from dropgrid.jobs.policy import (
    MACHINE_ERRNOS,
    Decision,
    Outcome,
    StageUse,
    classify,
    decide,
    line_on_memory,
)
from dropgrid.jobs.process import _Reports, _signal_from, _verdict
from dropgrid.records.model import TrackFailure


@pytest.fixture
def reports() -> Iterator[_Reports]:
    words, crash = LastWords(), Crash()
    yield _Reports("features", 0.0, words, crash)
    for part in (words, crash):
        part.listen()
        part.close()


def test_reports_are_read_however_the_pipe_cuts_them(reports: _Reports) -> None:
    text = (
        b'{"enters": "bpm", "cpu": 2.0, "peak_mb": 90.0}\n'
        b'{"enters": "key", "cpu": 1.5, "peak_mb": 95.0}\n'
        b'{"fault": "track", "stage": "", "type": "DecodeError", "message": "no"}\n'
    )
    for byte in text:
        reports.add(bytes([byte]))
    assert reports.stage == "key"
    assert [(use.stage, use.cpu_seconds, use.peak_mb) for use in reports.uses] == [
        ("features", 2.0, 90.0), ("bpm", 0.0, 95.0),
    ]  # fmt: skip
    assert all(use.seconds >= 0 for use in reports.uses)
    failure = TrackFailure("key", "DecodeError", "no")  # at the stage that it had reached
    assert _verdict(reports, "", 1, 200) == ("track", failure)


@pytest.mark.parametrize(
    ("code", "words", "used", "cap", "expected"),
    [
        (0, "", 0, 200, None),
        (0, "std::bad_alloc", 0, 200, None),  # it went on, and ended well
        (1, "x\n std::bad_alloc ", 0, None, ("OutOfMemory", "std::bad_alloc")),
        (1, "std::bad_alloc", 0, 200,
         ("OutOfMemory", "more than the 200 MB it may use (std::bad_alloc)")),
        (3, "", 0, 200, ("Crashed", "ended with exit code 3")),
        (-11, "", 179.9, 200, ("Crashed", "ended with SIGSEGV")),
        (-11, "", 180.0, 200,
         ("OutOfMemory", "more than the 200 MB it may use (ended with SIGSEGV, 180 MB in use)")),
        (-11, "", 180.0, None, ("Crashed", "ended with SIGSEGV")),
        (-9, "", 199.0, 200,
         ("Crashed", "ended with SIGKILL (by the system, short of memory, or by someone)")),
        (-15, "", 199.0, 200, ("Crashed", "ended with SIGTERM")),
    ],
)  # fmt: skip
def test_the_verdict_on_a_child_that_reported_nothing(
    code: int, words: str, used: float, cap: int | None, expected: tuple[str, str] | None,
    reports: _Reports,
) -> None:  # fmt: skip
    reports.crash.counted_mb = used
    fault, failure = _verdict(reports, words, code, cap)
    if expected is None:
        assert (fault, failure) == ("none", None)
    else:
        assert (fault, failure) == ("machine", TrackFailure("features", *expected))


def test_a_crash_is_measured_and_then_ended() -> None:
    crash = Crash()
    child = os.fork()
    if child == 0:
        signal.pause()
        os._exit(0)
    try:
        crash.look(child, readable=False)
        assert crash.counted_mb > 1 and crash.signal is None
        crash.counted_mb = 10_000.0
        os.write(crash._writer, bytes([signal.SIGUSR1, signal.SIGBUS, signal.SIGFPE]))
        crash.look(child, readable=True)
        assert crash.counted_mb == 10_000.0  # the largest so far
        assert crash.signal == signal.SIGBUS  # the first one
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
        assert crash.is_at(11_111) and not crash.is_at(11_112) and not crash.is_at(None)
    finally:
        crash.listen()
        crash.close()


def test_memory_is_counted_in_megabytes_of_private_pages() -> None:
    before = counted_mb(os.getpid())
    held = bytearray(64 * 2**20)
    assert counted_mb(os.getpid()) - before == pytest.approx(64, abs=4)
    assert len(held) == 64 * 2**20
    assert counted_mb(2**22 + 1) == 0.0  # there is no such process


def test_last_words_are_forwarded_and_their_end_is_kept(
    capfd: pytest.CaptureFixture[str],
) -> None:
    words = LastWords()
    assert words.pass_on()  # nothing yet, but the other end is open
    text = b"".join(b"line %d\n" % number for number in range(2000))
    for first in range(0, len(text), 4000):
        os.write(words._writer, text[first : first + 4000])
        assert words.pass_on()
    os.write(words._writer, b"the end \xff\n")
    words.listen()
    end = words.close()
    assert end == (text + b"the end \xff\n")[-KEPT:].decode(errors="replace")
    assert len(end) == KEPT == 8192 and end.endswith("the end \ufffd\n")
    said = capfd.readouterr().err
    assert said.startswith("line 0\nline 1\n") and said.count("\n") == 2001


def test_an_empty_pipe_without_a_writer_ends_the_forwarding() -> None:
    words = LastWords()
    words.listen()
    assert not words.pass_on()
    assert words.close() == ""


@pytest.mark.parametrize(
    ("sent", "number"),
    [(b"\x02", 2), (b"\x01", 1), (b"\x0f\x02", 15), (b"\x09", 15), (b"", 15)],
)
def test_a_client_forwards_the_signals_of_a_job_and_its_end_is_sigterm(
    sent: bytes, number: int
) -> None:
    reader, writer = os.pipe()
    os.write(writer, sent)
    os.close(writer)
    assert _signal_from(reader) == number
    os.close(reader)
    assert _signal_from(None) == _signal_from(reader) == signal.SIGTERM


def test_an_outcome_of_nothing_has_used_nothing() -> None:
    outcome = Outcome("none")
    assert (outcome.failure, outcome.signal, outcome.stages) == (None, 0, ())
    assert (outcome.seconds, outcome.cpu_seconds, outcome.peak_mb) == (0.0, 0.0, 0.0)
    assert Outcome("none", stages=(StageUse("bpm", 1.0, 1.0, 1.0),)).stages[0].stage == "bpm"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("last", [False, True])
def test_an_interrupted_job_has_the_exit_code_of_its_signal(
    number: signal.Signals, last: bool
) -> None:
    decision = decide(Outcome("interrupt", signal=number), last_attempt=last)
    assert decision == Decision(record=False, exit_code=128 + number)


@pytest.mark.parametrize("number", sorted(MACHINE_ERRNOS))
def test_a_fault_of_the_system_is_the_machines_anywhere_in_the_causes(number: int) -> None:
    error = IndexError("7")
    error.__cause__ = ValueError("between")
    error.__cause__.__context__ = OSError(number, os.strerror(number))
    fault, failure = classify(error, "bpm")
    assert (fault, failure.stage, failure.message) == ("machine", "bpm", "7")
    assert classify(IndexError("7"), "bpm")[0] == "track"
    gone = IndexError("7")
    gone.__cause__ = FileNotFoundError(errno.ENOENT, "No such file")
    assert classify(gone, "bpm")[0] == "track"


def test_causes_that_go_round_in_a_circle_come_to_an_end() -> None:
    one, other = IndexError("one"), IndexError("other")
    one.__cause__, other.__cause__ = other, one
    assert classify(one, "bpm") == ("track", TrackFailure("bpm", "IndexError", "one"))


def test_a_decoders_verdict_on_a_file_is_no_fault_of_the_disk() -> None:
    class DecoderError(OSError):
        __module__ = "av.error"

    broken = DecoderError(errno.EIO, "Input/output error")
    assert classify(broken, "features")[0] == "track"
    assert classify(DecoderError(errno.ENOMEM, "no"), "features")[0] == "machine"
    assert classify(LibraryError("names a file out of memory"), "scan")[0] == "run"


def test_the_last_line_about_memory_counts_as_one_line_of_three_hundred_letters() -> None:
    assert line_on_memory("bad_alloc 1\nbad_alloc   2\nelse") == "bad_alloc 2"
    long = line_on_memory("out of memory " + "x" * 999)
    assert long is not None and len(long) == 300
