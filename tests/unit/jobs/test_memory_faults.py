"""Every way in which a library says that memory ran out is a memory fault; each is real.

Each case is a Python of its own: `before` runs uncapped, then `work` in a supervised child that
may use so many MB more than the process holds.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile
from dropgrid.commands.main import THREAD_POOLS
from dropgrid.jobs import process
from dropgrid.jobs.policy import classify, line_on_memory
from dropgrid.jobs.process import NO_MEMORY, supervised
from jobs_that_fail import runs

pytestmark = [
    pytest.mark.alone,
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts what the cap counts"),
]

HARNESS = """
import ctypes, json, math, os, sys, threading
from dropgrid.jobs.crashes import Crash, counted_mb
from dropgrid.jobs.process import supervised
{before}
at_cap, look = os.pipe(), Crash.look
def look_and_say(crash, *given, **named):
    look(crash, *given, **named)
    if crash.is_at(cap):
        os.write(at_cap[1], b"seen")
Crash.look = look_and_say
def until_seen_at_the_cap():
    os.read(at_cap[0], 1)
def work():
{work}
cap = math.ceil(counted_mb(os.getpid())) + {room}
outcome = supervised(work, memory_mb=cap)
failure = outcome.failure and [outcome.failure.type, outcome.failure.message]
print(json.dumps([outcome.fault, failure, cap]))
"""


@dataclass(frozen=True)
class Way:
    """How memory runs out. printed: what of the library's own words stands in the message."""

    work: str
    printed: str = ""
    before: str = ""
    room: int = 16


LIBC = "libc = ctypes.CDLL(None)\nlibc.malloc.restype = ctypes.c_void_p"
FILL = """
hold = []
while block := libc.malloc(ctypes.c_size_t({size})):
    hold.append(block)
"""
WAYS = {
    "Python": Way("bytearray(400 << 20)", "MemoryError"),
    "Python, in small pieces": Way("[os.urandom(100_000) for _ in range(10_000)]", "MemoryError"),
    "NumPy": Way("numpy.ones(50_000_000)", "Unable to allocate", "import numpy"),
    "OpenBLAS": Way(  # which has a buffer for each thread that multiplies at a time
        "threading.Thread(target=multiply, args=(b,)).start()\n"
        + FILL.format(size=1_000_000) + "multiply(c)",
        "giving up",
        "import numpy, threading\nstart = threading.Barrier(2)\n"
        "a, b, c = (numpy.ones((1000, 1000)) for _ in range(3))\n"
        "def multiply(out):\n    start.wait()\n"
        f"    for _ in range(100):\n        numpy.matmul(a, a, out=out)\n{LIBC}",
        room=40,
    ),
    "a thread that cannot start": Way(
        "for _ in range(9):\n    threading.Thread(target=threading.Event().wait).start()",
        "can't start new thread", "import threading\nthreading.stack_size(8 << 20)",
    ),
    "the C++ runtime": Way(
        "ctypes.CDLL('libstdc++.so.6')._Znwm(ctypes.c_size_t(400 << 20))", "std::bad_alloc"
    ),
    "LLVM": Way(
        "modules = [llvm.parse_assembly(text) for _ in range(500)]", "",
        "import llvmlite.binding as llvm\n"
        "text = '\\n'.join(f'define void @f{i}() {{ ret void }}' for i in range(20_000))",
    ),
    "FFmpeg": Way(
        "av.AudioFrame(format='flt', layout='mono', samples=100_000_000)", "", "import av"
    ),
    "the decoder of libsndfile": Way(
        FILL.format(size=1000) + "soundfile.SoundFile(SONG)", "", f"import soundfile\n{LIBC}"
    ),
    "an exit without a word, at the cap": Way(
        FILL.format(size=100_000) + "until_seen_at_the_cap()\nos._exit(1)",
        "ended with exit code 1", LIBC,
    ),
    "a crash at the cap": Way(
        FILL.format(size=100_000) + "ctypes.memset(None, 1, 1)", "ended with SIGSEGV", LIBC
    ),
    "a crash of another thread at the cap": Way(
        "full = threading.Event()\n"
        "crash = lambda: full.wait() and ctypes.memset(None, 1, 1)\n"
        "threading.Thread(target=crash).start()\n"
        + FILL.format(size=100_000) + "full.set()\nforever.wait()",
        "ended with SIGSEGV", f"forever = threading.Event()\n{LIBC}",
    ),
}  # fmt: skip


def run(code: str) -> subprocess.CompletedProcess[str]:
    """Run Python as the commands do: linear algebra on one thread."""
    one = dict.fromkeys(THREAD_POOLS, "1")
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True, text=True, timeout=600, env={**os.environ, **one},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="module")
def song(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("song") / "song.flac"
    soundfile.write(path, np.zeros(44100), 44100)
    return path


@pytest.mark.parametrize("name", WAYS)
def test_every_way_in_which_memory_runs_out_is_a_memory_fault(name: str, song: Path) -> None:
    way = WAYS[name]
    code = HARNESS.format(
        before=way.before.replace("SONG", repr(str(song))),
        work=textwrap.indent(way.work.replace("SONG", repr(str(song))), "    "), room=way.room,
    )  # fmt: skip
    done = run(code)
    fault, failure, cap = json.loads(done.stdout)
    assert fault == "machine", (failure, done.stderr)
    assert failure[0] == "OutOfMemory", (failure, done.stderr)
    assert failure[1].startswith(f"more than the {cap} MB it may use (")
    assert way.printed in failure[1]


def test_a_crash_far_below_the_cap_is_not_a_memory_fault() -> None:
    code = HARNESS.format(before="", work="    ctypes.memset(None, 1, 1)", room=200)
    done = run(code)
    assert json.loads(done.stdout)[1] == ["Crashed", "ended with SIGSEGV"]


def test_what_libraries_say_of_lacking_memory() -> None:
    for words in (
        "OpenBLAS error: Memory allocation still failed after 10 retries, giving up.",
        "OpenBLAS: malloc failed in gemm_driver",
        "OpenBLAS blas_thread_init: pthread_create failed for thread 1 of 2: Resource "
        "temporarily unavailable",
        "LLVM ERROR: out of memory\nAllocation failed",
        "LLVM ERROR: Unable to allocate section memory!",
        "terminate called after throwing an instance of 'std::bad_alloc'\n  what(): bad_alloc",
        "Error : Internal malloc () failed.",
        "libgomp: Thread creation failed: Resource temporarily unavailable",
        "libgomp: Out of memory allocating 4096 bytes",
        "[libmp3lame] Cannot allocate memory",
        "could not reallocate 4096 bytes",
        "RuntimeError: can't start new thread",
    ):
        line = line_on_memory(f"some warning\n{words}\nand then")
        assert line is not None and line in " ".join(words.split())
        assert classify(RuntimeError(words), "features")[1].type == "OutOfMemory"


def test_what_has_to_do_with_memory_and_does_not_lack_it() -> None:
    for words in (
        "malloc(): invalid size (unsorted)",
        "free(): invalid pointer",
        "realloc(): invalid next size",
        "double free or corruption (out)",
        "Fatal Python error: Segmentation fault",
        "BLAS : Bad memory unallocation! :    0  0x7f",
        "allocated 4096 bytes",
        "",
    ):
        assert line_on_memory(words) is None
        assert classify(RuntimeError(words), "features")[0] == "track"


def test_a_report_for_which_there_is_no_memory_is_a_memory_fault(monkeypatch) -> None:
    def classify_in_vain(*_given: object) -> None:
        raise MemoryError

    def work() -> None:
        process.enter_stage("bpm")
        raise MemoryError

    monkeypatch.setattr(process, "classify", classify_in_vain)
    outcome = supervised(work, stage="features", memory_mb=4000)
    failure = outcome.failure
    assert failure is not None and outcome.fault == "machine"
    assert (failure.stage, failure.type) == ("bpm", "OutOfMemory")
    assert json.loads(NO_MEMORY)["type"] == "OutOfMemory"


def test_what_the_child_says_reaches_the_log_however_much_and_whoever_goes_on_talking(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def work() -> None:
        for number in range(20_000):
            print(f"line {number}", file=sys.stderr)
        sys.stderr.flush()
        talker = subprocess.Popen(["sleep", "600"])  # has standard error open
        note.write_text(f"{talker.pid}")

    note = tmp_path / "pid"
    outcome = supervised(work)
    talker = int(note.read_text())
    assert outcome.fault == "none" and runs(talker)  # it was not waited for
    os.kill(talker, signal.SIGKILL)
    assert capfd.readouterr().err.splitlines() == [f"line {number}" for number in range(20_000)]


def test_a_child_that_closes_its_standard_error_is_heard_to_the_end() -> None:
    def work() -> None:
        os.close(2)
        process.enter_stage("bpm")

    before = sum(os.times()[:2])
    outcome = supervised(work)
    assert [use.stage for use in outcome.stages] == ["features", "bpm"]
    assert sum(os.times()[:2]) - before < 5
