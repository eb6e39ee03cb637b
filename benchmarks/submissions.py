"""What a submission to Slurm costs, and what several tracks in one job save.

    tests/slurm/start --accounting
    python benchmarks/submissions.py [--tracks 24] [--sizes 1 4 12]

Runs the analysis of short tracks through the Slurm profile, once for each number of tracks per
job, and asks Slurm's accounting for the processor time of the jobs: what they took beyond the
stages themselves is the cost of submissions. Writes benchmarks/results/submissions.md.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile
from dropgrid import demo
from process import BIN, ROOT

RESULTS = Path(__file__).parent / "results"


def make_music(folder: Path, count: int) -> None:
    folder.mkdir()
    audio = demo.render(demo.compose(seed=1, bpm=126.0, style="house", duration=10.0), rate=22050)
    for i in range(count):
        soundfile.write(folder / f"{i:02d}.flac", np.asarray(audio[i * 1000 :]), 22050)


def seconds(text: str) -> float:
    """Slurm's [days-][hours:]minutes:seconds."""
    total = 0.0
    for part in text.replace("-", ":").split(":"):
        total = total * 60 + float(part)
    return total


def submit(folder: Path, music: Path, size: int) -> dict[str, float]:
    """Jobs, their cpu seconds, those of the stages in them, and the wall time of a run."""
    folder.mkdir()
    began, wall = time.strftime("%Y-%m-%dT%H:%M:%S"), time.monotonic()
    command = [
        BIN / "snakemake", "analysis", "--snakefile", ROOT / "Snakefile", "--directory", folder,
        "--profile", ROOT / "workflow" / "profiles" / "slurm", "--quiet", "all",
        "--slurm-init-seconds-before-status-checks", "2",
        "--config", f"library={music}", f"tracks_per_job={size}",
    ]  # fmt: skip
    subprocess.run(list(map(str, command)), check=True, cwd=folder)
    wall = time.monotonic() - wall
    time.sleep(5)  # accounting records the end of the last job a little later
    asked = ["sacct", "-n", "-P", "-X", "-S", began, "-o", "JobIDRaw"]
    jobs = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.split()
    asked = ["sacct", "-n", "-P", "-j", ",".join(jobs), "-o", "JobID,TotalCPU"]
    lines = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.split()
    steps = [line.split("|") for line in lines]
    cpu = sum(seconds(used) for step, used in steps if "." in step)
    use = json.loads((folder / "results" / "summary.json").read_text())["use"]
    stages = sum(stage["cpu_seconds"] for stage in use.values())
    return {"jobs": len(jobs), "cpu": cpu, "stages": stages, "wall": wall}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tracks", type=int, default=24)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1, 4, 12])
    arguments = parser.parse_args()
    lines = [
        "# Submissions to Slurm", "",
        f"{arguments.tracks} tracks of ten seconds on two nodes of two processors each, all on "
        "one machine. Overhead: processor time of the jobs beyond that of the stages in them, "
        "which is starting Slurm's step, Snakemake (twice a job) and dropgrid. Made by "
        "`python benchmarks/submissions.py`.", "",
        "| tracks per job | submissions | cpu s of jobs | of the stages | overhead a submission "
        "| overhead a track |",
        "|---|---|---|---|---|---|",
    ]  # fmt: skip
    with tempfile.TemporaryDirectory() as top:
        make_music(Path(top) / "music", arguments.tracks)
        for size in arguments.sizes:
            used = submit(Path(top) / str(size), Path(top) / "music", size)
            over = used["cpu"] - used["stages"]
            lines.append(
                f"| {size} | {used['jobs']:.0f} | {used['cpu']:.1f} | {used['stages']:.1f} "
                f"| {over / used['jobs']:.2f} s | {over / arguments.tracks:.2f} s |"
            )
            print(lines[-1], f"wall {used['wall']:.0f} s", flush=True)
    (RESULTS / "submissions.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
