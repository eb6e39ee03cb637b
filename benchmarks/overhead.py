"""What the workflow costs beyond the analysis: the same tracks with and without Snakemake."""

from __future__ import annotations

import os
import shutil
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

import soundfile
from audio_files import write
from process import BIN, ROOT, run

NETWORKS = ("network.npz", "key.npz")
SAMPLE = 8  # tracks analysed in one process, to know what one costs
BARE = """
rule all:
    input: expand("{job}", job=range(int(config["jobs"])))
rule bare:
    output: "{job}"
    shell: "PYTHON -c 'import numpy' && touch {output}"
"""


def measure(counts: list[int], cores: list[int], minutes: float) -> list[dict[str, Any]]:
    """Wall and cpu of `snakemake --cores N` for so many tracks, against in-process analysis.

    overhead: wall * N / (tracks * wall of one in-process) - 1: what the speed-up N loses.
    overhead_cpu: the same of cpu seconds; other work on the machine disturbs it less.
    The networks are prepared beforehand in both.
    """
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        song = write(work / "song.flac", minutes)
        run(BIN / "dropgrid", "network", *(work / name for name in NETWORKS))
        rows = []
        for tracks in counts:
            for number in cores:
                alone = [in_process(work, song)]  # and again later: machines change their pace
                wall, cpu, peak = workflow(work, link_songs(work, song, tracks), number)
                alone.append(in_process(work, song))
                wall_alone = statistics.mean(a for a, _ in alone)
                cpu_alone = statistics.mean(c for _, c in alone)
                rows.append(
                    {
                        "tracks": tracks, "cores": number, "minutes_each": minutes,
                        "wall": wall, "wall_in_process": tracks * wall_alone / number,
                        "cpu_in_process": cpu_alone, "peak_mb": peak,
                        "overhead": wall * number / (tracks * wall_alone) - 1,
                        "overhead_cpu": cpu / (tracks * cpu_alone) - 1,
                        "load": os.getloadavg()[0],
                    }
                )  # fmt: skip
                print(rows[-1], file=sys.stderr, flush=True)
        return rows


def bare_job(jobs: int = 100) -> float:
    """Wall seconds of a job that only starts Python and imports NumPy: the least one can cost."""
    walls = []
    for count in (1, 1 + jobs):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "Snakefile")
            file.write_text(BARE.replace("PYTHON", str(BIN / "python")))
            used = run(
                BIN / "snakemake", "--snakefile", file, "--directory", folder, "--cores", "1",
                "--quiet", "all", "--scheduler", "greedy", "--config", f"jobs={count}",
            )  # fmt: skip
            walls.append(used.wall)
    return (walls[1] - walls[0]) / jobs


def in_process(work: Path, song: Path) -> tuple[float, float]:
    """Wall and cpu seconds a track of `dropgrid analyze` on several, start-up shared."""
    shutil.rmtree(work / "alone", ignore_errors=True)
    (work / "alone").mkdir()
    for name in NETWORKS:
        shutil.copy(work / name, work / "alone" / name)
    songs = sorted(link_songs(work, song, SAMPLE).iterdir())
    used = run(BIN / "dropgrid", "analyze", *songs, "--output", work / "alone")
    return used.wall / SAMPLE, used.cpu / SAMPLE


def link_songs(work: Path, song: Path, count: int) -> Path:
    """A fresh folder of so many songs: one, each time with another first sample.

    Songs of the same audio would be recognised, and analysed once.
    """
    library = work / "library"
    shutil.rmtree(library, ignore_errors=True)
    library.mkdir()
    made = work / "made"
    made.mkdir(exist_ok=True)
    audio = None
    for n in range(count):
        name = f"song {n:03d}.flac"
        if not (made / name).exists():
            if audio is None:
                audio, rate = soundfile.read(song, dtype="int16")
            audio[0] = n
            soundfile.write(made / name, audio, rate)
        os.link(made / name, library / name)
    return library


def workflow(work: Path, library: Path, cores: int) -> tuple[float, float, float]:
    """Wall and cpu seconds of the workflow's records of a library, on so many cores, and the most
    memory of one process, MB."""
    results = work / "results"
    shutil.rmtree(results, ignore_errors=True)
    shutil.rmtree(work / ".snakemake", ignore_errors=True)
    command = (
        BIN / "snakemake", "--directory", work, "--snakefile", ROOT / "Snakefile",
        "--cores", str(cores), "--quiet", "all", "--config", f"library={library}",
        f"results={results}", "max_workers=-1", "--",
    )  # fmt: skip
    run(*command, *(results / name for name in NETWORKS))
    used = run(*command, "analysis", cores=cores)
    return used.wall, used.cpu, used.peak_mb
