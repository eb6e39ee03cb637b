"""What the workflow costs beyond the analysis: the same tracks with and without Snakemake."""

from __future__ import annotations

import os
import shutil
import statistics
import tempfile
from pathlib import Path
from typing import Any

from audio_files import write
from process import BIN, run

SAMPLE = 4  # tracks analysed in one process, to know what one costs
BARE = """
rule all:
    input: expand("{job}", job=range(int(config["jobs"])))
rule bare:
    output: "{job}"
    shell: "PYTHON -c 'import numpy' && touch {output}"
"""


def measure(
    counts: list[int], cores: list[int], sizes: list[int], minutes: float
) -> list[dict[str, Any]]:
    """Wall and cpu of `snakemake --cores N` for so many tracks, against in-process analysis.

    sizes: of `tracks_per_job`; 1 gives each track three jobs of its own, more makes batches.
    overhead: wall * N / (tracks * wall of one in-process) - 1: what the speed-up N loses.
    overhead_cpu: the same of cpu seconds; other work on the machine disturbs it less.
    The networks are prepared beforehand in both.
    """
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        song = write(work / "song.flac", minutes)
        run(BIN / "dropgrid", "network", work / "network.onnx")
        rows = []
        for tracks in counts:
            for number in cores:
                alone = in_process(work, song)  # and again afterwards: machines change their pace
                library = link_songs(work, song, tracks)
                used = {size: workflow(work, library, number, size) for size in sizes}
                alone = [*alone, *in_process(work, song)]
                wall = statistics.median(a for a, _ in alone)
                cpu = statistics.median(c for _, c in alone)
                rows += [
                    {
                        "tracks": tracks, "cores": number, "tracks_per_job": size,
                        "minutes_each": minutes,
                        "wall": used[size][0], "wall_in_process": tracks * wall / number,
                        "overhead": used[size][0] * number / (tracks * wall) - 1,
                        "overhead_cpu": used[size][1] / (tracks * cpu) - 1,
                        "load": os.getloadavg()[0],
                    }
                    for size in sizes
                ]  # fmt: skip
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


def in_process(work: Path, song: Path) -> list[tuple[float, float]]:
    """Wall and cpu seconds a track of `dropgrid analyze` on several, start-up shared."""
    shutil.rmtree(work / "alone", ignore_errors=True)
    (work / "alone").mkdir()
    shutil.copy(work / "network.onnx", work / "alone" / "network.onnx")
    songs = sorted(link_songs(work, song, SAMPLE).iterdir())
    used = run(BIN / "dropgrid", "analyze", *songs, "--output", work / "alone")
    return [(used.wall / SAMPLE, used.cpu / SAMPLE)]


def link_songs(work: Path, song: Path, count: int) -> Path:
    """A fresh folder that holds one song under so many names."""
    library = work / "library"
    shutil.rmtree(library, ignore_errors=True)
    library.mkdir()
    for n in range(count):
        os.link(song, library / f"song {n:02d}.flac")
    return library


def workflow(work: Path, library: Path, cores: int, size: int) -> tuple[float, float]:
    """Wall and cpu seconds of the workflow's records of a library, on so many cores, with about
    `size` tracks a job."""
    results = work / "results"
    shutil.rmtree(results, ignore_errors=True)
    results.mkdir()
    shutil.copy(work / "network.onnx", results / "network.onnx")
    os.utime(results / "network.onnx", (0, 0))
    used = run(
        BIN / "snakemake", "--directory", work, "--cores", str(cores), "--quiet", "all",
        "--rerun-triggers", "mtime", "--config", f"library={library}", f"results={results}",
        f"tracks_per_job={size}", "max_workers=-1", "--", "analysis", cores=cores,
    )  # fmt: skip
    shutil.rmtree(work / ".snakemake", ignore_errors=True)
    return used.wall, used.cpu
