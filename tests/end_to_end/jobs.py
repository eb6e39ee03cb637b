"""Running single jobs and looking at what they do: shared by the tests of faults."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil
from dropgrid.base.csv_tables import read_csv
from dropgrid.features import store
from dropgrid.library import scan_files
from dropgrid.records.model import TrackFailure
from dropgrid.results.scan_store import write_tickets

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Job:
    """The job that computes the features of one file. before: done in its process at first."""

    source: Path
    ticket: Path
    network: Path

    def start(
        self, output: Path, *options: str, before: Callable[[], None] | None = None
    ) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "dropgrid", "features", self.ticket, self.network, output]
        return subprocess.Popen(
            [*map(str, command), *options], stderr=subprocess.PIPE, text=True, preexec_fn=before
        )

    def __call__(
        self, output: Path, *options: str, before: Callable[[], None] | None = None
    ) -> tuple[int, str]:
        """Run the job; its exit code and what it said."""
        return ended(self.start(output, *options, before=before))


def job_of(source: Path, network: Path) -> Job:
    """The job of a file as it is now; its ticket is in `results` in the same folder."""
    results = source.parent / "results"
    [track] = write_tickets(scan_files([source]), results)
    return Job(source, results / "tracks" / f"{track}.json", network)


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Exit code and standard error of a process at its end, which must come within ten minutes."""
    _, said = process.communicate(timeout=600)
    return process.returncode, said


def workflow(folder: Path, *options: str) -> list[str]:
    """The command that analyses folder/music up to its tables, on two cores if no option says."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"),
               "--directory", str(folder), "--cores", "2", "table"]  # fmt: skip
    return [*command, *options]


def snakemake_log(folder: Path) -> str:
    logs = (folder / ".snakemake" / "log").glob("*.log")
    return "".join(log.read_text() for log in logs)


def failure_in(output: Path) -> TrackFailure | None:
    held = store.load(output)
    return held if isinstance(held, TrackFailure) else None


def table(folder: Path, name: str = "library.csv") -> dict[str, dict[str, str]]:
    """The rows of a table of the results, by path."""
    return {row["path"]: row for row in read_csv(folder / "results" / name)}


def reader_of(source: Path, above: int, seconds: float = 300) -> psutil.Process:
    """The process below another that has a file open, as soon as there is one."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            for process in psutil.Process(above).children(recursive=True):
                if any(file.path == str(source) for file in process.open_files()):
                    return process
        except psutil.Error:  # it ended while we looked
            pass
        time.sleep(0.002)
    raise AssertionError(f"nobody read {source} within {seconds} s")
