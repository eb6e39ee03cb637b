"""Running a process pinned to one core and one thread, and what it used."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from dropgrid import native

THREAD_POOLS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
BIN = Path(sys.executable).parent
LAUNCHER = Path(__file__).parent / "launcher.py"
ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Usage:
    """What a process and those it started used.

    cpu: seconds of user and system time; wall: seconds; peak_mb: the most memory that one of
    them held (MB of 2^20 bytes); output: standard output.
    """

    cpu: float
    wall: float
    peak_mb: float
    output: str


def run(*command: str | Path, cores: int = 1) -> Usage:
    """Run a command to its end on so many cores. Raises RuntimeError with what it said."""
    environment = {**os.environ, **dict.fromkeys(THREAD_POOLS, "1")}
    # An installed package is compiled once; where this is set, at every start: .1 s.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.NamedTemporaryFile("r") as report:
        launcher = [sys.executable, "-I", "-S", LAUNCHER, report.name, str(cores)]
        ended = subprocess.run(
            [*map(str, launcher), *map(str, command)],
            env=environment, cwd=ROOT, capture_output=True, text=True,
        )  # fmt: skip
        if ended.returncode:
            raise RuntimeError(f"{command} failed: {ended.stderr[-2000:]}")
        cpu, wall, peak_mb = map(float, report.read().split())
    return Usage(cpu, wall, peak_mb, ended.stdout)


def machine() -> dict[str, Any]:
    """The machine, in words: processor, cores, memory, system, versions."""
    processor = platform.processor()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            processor = line.partition(":")[2].strip()
            break
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "processor": processor,
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(memory / 2**30),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "numpy": metadata.version("numpy"),
        "loops": loops.kinds()[0] if (loops := native.compiled()) else "none compiled",
    }
