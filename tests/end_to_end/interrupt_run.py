"""Interrupt runs of the real workflow at random moments, resume them, and compare the end.

    python tests/end_to_end/interrupt_run.py --files 200 --bad 20 --interrupts 10

makes a library of short files, analyses it once in peace and once interrupted by SIGINT, SIGTERM
and SIGKILL in turn, each time looking for processes left running, half files and tracks that
are analysed again, and prints a line for each interrupt. Exit code 0: the results are the same,
byte for byte, and nothing was amiss.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import soundfile
from dropgrid import demo

ROOT = Path(__file__).resolve().parents[2]
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
RESULTS = ("bpm/*.json", "structure/*.json", "features/*.npz", "library.csv", "failures.csv",
           "library.parquet", "evaluation/*.json", "evaluation/*.csv")  # fmt: skip


@dataclass
class Interrupt:
    """What happened at one interrupt; the lists should be empty."""

    number: signal.Signals
    moment: float
    exit_code: int
    seconds_to_end: float
    analysed: int
    left_running: list[str] = field(default_factory=list)
    half_files: list[str] = field(default_factory=list)
    again: list[str] = field(default_factory=list)
    over: bool = False  # the run had ended by itself before

    @property
    def exits_as_documented(self) -> bool:
        """128 + signal; before there is a workflow to end, the signal's own way."""
        if self.over:
            return self.exit_code == 0
        return self.exit_code in (128 + self.number, -self.number)

    def __str__(self) -> str:
        amiss = self.left_running + self.half_files + self.again
        return (f"{self.number.name:8} after {self.moment:6.2f} s: exit code {self.exit_code:4}, "
                f"ended within {self.seconds_to_end:.2f} s, {self.analysed} tracks analysed, "
                f"amiss: {', '.join(amiss) or 'nothing'}")  # fmt: skip


def make_library(folder: Path, files: int, bad: int, seconds: float) -> None:
    """Short tracks, four of them different; `bad` files among them are no audio."""
    folder.mkdir(parents=True)
    songs = [demo.render(demo.compose(seed=n, bpm=122.0 + 3 * n, style="house", duration=seconds))
             for n in range(4)]  # fmt: skip
    for number in range(files - bad):
        soundfile.write(folder / f"track {number:03}.flac", songs[number % 4], 44100)
    for number in range(bad):
        (folder / f"bad {number:03}.mp3").write_bytes(b"not music " * (number + 1))


def start(folder: Path, cores: int, *options: str) -> subprocess.Popen[bytes]:
    """Start the workflow in a folder; options: of its configuration, such as "results=out"."""
    log = (folder / "output.log").open("ab")
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"),
               "--directory", str(folder), "--cores", str(cores)]  # fmt: skip
    command += ["--config", *options] if options else []
    return subprocess.Popen(command, stdout=log, stderr=log, preexec_fn=hear_sigint)


def hear_sigint() -> None:
    """What a script runs in the background ignores SIGINT, and so would all it starts."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def outputs(folder: Path) -> dict[str, bytes]:
    """The final results, by relative path."""
    results = folder / "results"
    paths = sorted(path for pattern in RESULTS for path in results.glob(pattern))
    return {str(path.relative_to(results)): path.read_bytes() for path in paths}


def analysed(folder: Path) -> dict[str, int]:
    """Modification times of the features there are."""
    paths = (folder / "results" / "features").glob("*.npz")
    return {path.name: path.stat().st_mtime_ns for path in paths}


def running_in(folder: Path) -> list[str]:
    """Processes that work in a folder, ourselves aside."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and process.cwd() == str(folder):
                found.append(" ".join(process.cmdline()[-4:]) or process.name())
        except psutil.Error:
            continue
    return found


def half_files(folder: Path) -> list[str]:
    paths = (folder / "results").rglob(".*.tmp")
    return [str(path.relative_to(folder)) for path in paths]


def interrupt(
    folder: Path, number: signal.Signals, moment: float, cores: int, *options: str
) -> Interrupt:
    """Start the workflow, send it a signal after some seconds, and look what is left.

    After a SIGKILL no process can clean up: temporary files are then the next run's to remove.
    """
    before = analysed(folder)
    process = start(folder, cores, *options)
    time.sleep(moment)
    over = process.poll() is not None
    sent = time.monotonic()
    process.send_signal(number)
    code = process.wait(timeout=300)
    while running_in(folder) and time.monotonic() < sent + 300:
        time.sleep(0.05)
    taken = time.monotonic() - sent
    after = analysed(folder)
    return Interrupt(
        number, moment, code, taken, len(after), running_in(folder),
        half_files(folder) if number != signal.SIGKILL else [],
        [name for name, age in before.items() if after.get(name) != age], over,
    )  # fmt: skip


def interrupted_run(
    folder: Path,
    library: Path,
    interrupts: int,
    seed: int,
    seconds: float,
    cores: int,
    *options: str,
) -> list[Interrupt]:
    """Interrupt an analysis of library in folder at random moments, then let it end.

    seconds: the longest a run may go before it is interrupted. Raises RuntimeError if the last
    run fails or analyses a track again.
    """
    shutil.copytree(library, folder / "music", copy_function=os.link)
    chance = random.Random(seed)
    happened = []
    for count in range(interrupts):
        moment = chance.uniform(0.2, seconds)
        number = SIGNALS[count % len(SIGNALS)]
        happened.append(interrupt(folder, number, moment, cores, *options))
        print(happened[-1], flush=True)
    before = analysed(folder)
    code = start(folder, cores, *options).wait()
    after = analysed(folder)
    again = [name for name, age in before.items() if after.get(name) != age]
    if code != 0 or again:
        raise RuntimeError(f"the last run ended with {code}, analysed again: {again}")
    return happened


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=200)
    parser.add_argument("--bad", type=int, default=20)
    parser.add_argument("--interrupts", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=5.0, help="of each file")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--config", nargs="*", default=[], help="options of the workflow")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        peace, war = Path(temporary, "peace"), Path(temporary, "war")
        make_library(peace / "music", given.files, given.bad, given.seconds)
        began = time.monotonic()
        code = start(peace, given.cores, *given.config).wait()
        whole = time.monotonic() - began
        print(f"uninterrupted: exit code {code}, {whole:.0f} s", flush=True)
        war.mkdir()
        moments = 1.6 * whole / given.interrupts
        happened = interrupted_run(
            war, peace / "music", given.interrupts, given.seed, moments, given.cores, *given.config
        )
        same = outputs(peace) == outputs(war)
        print(f"{len(outputs(peace))} files of results, the same byte for byte: {same}")
    fine = all(h.exits_as_documented and not (h.left_running + h.half_files + h.again)
               for h in happened)  # fmt: skip
    return 0 if same and fine else 1


if __name__ == "__main__":
    sys.exit(main())
