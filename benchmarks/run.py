"""Measure speed and memory side by side, in one run, each process pinned to one core.

Usage: .venv/bin/python benchmarks/run.py [--quick] [--only PART ...] [--tracks N ...]

Parts: speed (dropgrid beside mixxx-analyzer, librosa and madmom), stages, startup (of each
command), long (two hours), overhead (the workflow at 4 to 200 tracks). Writes
benchmarks/results/benchmark.json, benchmark.md and benchmark.png, and the figures in README.md
between their markers; parts that are not run keep what they were when last measured.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

import overhead
import present
from audio_files import write
from process import BIN, ROOT, machine, run

RESULTS = Path(__file__).parent / "results"
SUBJECTS = Path(__file__).parent / "subjects.py"
MINUTES = 5.0  # of the track that dropgrid analyses
FREE = "bpm: {method: open}\nkey: {method: profiles}\n"
MIXXX = "import sys, mixxx_analyzer; mixxx_analyzer.analyze(sys.argv[1])"
EXCERPT = 1.0  # minutes of the same for madmom and librosa, whose time is linear
PARTS = ("speed", "stages", "startup", "long", "overhead")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="one round, few and short files")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, metavar="PART")
    parser.add_argument(
        "--tracks", nargs="+", type=int, metavar="N", help="library sizes of the part overhead"
    )
    arguments = parser.parse_args()
    rounds = 1 if arguments.quick else 3

    RESULTS.mkdir(exist_ok=True)
    kept = RESULTS / "benchmark.json"
    results: dict[str, Any] = json.loads(kept.read_text()) if kept.exists() else {}
    here = machine()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        run(sys.executable, "-m", "compileall", "-q", ROOT / "workflow" / "dropgrid")
        run(BIN / "dropgrid", "network", work / "network.npz", work / "key.npz")
        for part in arguments.only:
            print(f"measuring: {part}", file=sys.stderr)
            if part == "speed":
                results[part] = speed(work, rounds)
            elif part == "stages":
                results[part] = stages(work, rounds)
            elif part == "startup":
                results[part] = startup(work, rounds)
            elif part == "long":
                results[part] = long(work, minutes=20 if arguments.quick else 120)
            else:
                results[part] = workflow_overhead(arguments.tracks, arguments.quick)
                results["bare job"] = overhead.bare_job(10 if arguments.quick else 100)
            results.setdefault("machines", {})[part] = here
            kept.write_text(json.dumps(results, indent=1) + "\n")
    if "speed" in arguments.only:
        print("\n".join(present.speed_table(results["speed"])))
    present.write(results, RESULTS)
    present.renew(ROOT / "README.md", results)


def workflow_overhead(counts: list[int] | None, quick: bool) -> list[dict[str, Any]]:
    """Few tracks on one core and on two, many on two."""
    if quick:
        return overhead.measure(counts or [4], [2], 1.0)
    if counts:
        return overhead.measure(counts, [2], 4.5)
    return overhead.measure([4, 16], [1, 2], 4.5) + overhead.measure([64, 200], [2], 4.5)


def speed(work: Path, rounds: int) -> dict[str, dict[str, float]]:
    """cpu seconds and peak MB of a five-minute track: whole processes, in turn. The first three
    read Ogg Vorbis, as most music is compressed, madmom and librosa a WAV."""
    track, excerpt = write(work / "track.ogg", MINUTES), write(work / "excerpt.wav", EXCERPT)
    whole = {
        "dropgrid": (BIN / "dropgrid", "analyze", track, "--output", prepared(work)),
        "open": (
            BIN / "dropgrid", "analyze", track, "--output", free(work),
            "--config", work / "free.yaml",
        ),
        "mixxx": (sys.executable, "-c", MIXXX, track),
    }  # fmt: skip
    if not importlib.util.find_spec("mixxx_analyzer"):
        print("mixxx-analyzer is not installed (no wheel for this machine?): left out")
        del whole["mixxx"]
    cpu: dict[str, list[float]] = {name: [] for name in (*whole, "librosa", "madmom")}
    peak = dict.fromkeys(cpu, 0.0)
    for _ in range(rounds):
        for name, command in whole.items():
            used = run(*command)
            cpu[name].append(used.cpu)
            peak[name] = max(peak[name], used.peak_mb)
        for name in ("librosa", "madmom"):
            used = run(sys.executable, SUBJECTS, name, excerpt)
            seconds = json.loads(used.output)
            start = seconds.pop("process") - sum(seconds.values())
            cpu[name].append(start + sum(seconds.values()) * MINUTES / EXCERPT)
            peak[name] = max(peak[name], used.peak_mb)
    return {
        name: {"cpu": statistics.median(cpu[name]), "peak_mb": peak[name],
               "peak_minutes": MINUTES if name in whole else EXCERPT}
        for name in cpu
    }  # fmt: skip


def prepared(work: Path) -> Path:
    """A folder for results that has its networks, as any but the first track finds it."""
    folder = work / "results"
    folder.mkdir(exist_ok=True)
    for name in ("network.npz", "key.npz"):
        (folder / name).write_bytes((work / name).read_bytes())
    return folder


def free(work: Path) -> Path:
    """A folder for results of the methods that need no network."""
    (work / "free.yaml").write_text(FREE)
    folder = work / "free"
    folder.mkdir(exist_ok=True)
    return folder


def stages(work: Path, rounds: int) -> dict[str, dict[str, float]]:
    """cpu seconds of dropgrid's stages for five minutes, of decoding the other containers,
    and the floor."""
    laps: list[dict[str, float]] = []
    floors: list[dict[str, float]] = []
    for _ in range(rounds):
        for container in ("wav", "flac", "mp3", "ogg"):
            track = work / f"track.{container}"
            if not track.exists():
                write(track, MINUTES)
            if container == "wav":
                networks = work / "network.npz", work / "key.npz"
                used = run(sys.executable, SUBJECTS, "stages", track, *networks)
                laps.append(json.loads(used.output))
                del laps[-1]["process"]
                used = run(sys.executable, SUBJECTS, "floor", track)
                floors.append(json.loads(used.output))
            else:
                used = run(sys.executable, SUBJECTS, "decoding", track)
                laps[-1][f"decoding {container}"] = json.loads(used.output)["decoding"]
    median = {name: statistics.median(lap[name] for lap in laps) for name in laps[0]}
    least = {
        "transforms": MINUTES * min(f["transforms"] for f in floors),
        "matrix products": MINUTES * min(f["matrix products"] for f in floors),
        "GFLOP/s": max(f["GFLOP/s"] for f in floors),
    }
    return {"seconds": median, "floor": least}


def startup(work: Path, rounds: int) -> dict[str, dict[str, float]]:
    """cpu seconds and peak MB of each command that people or the workflow call, on a library of
    one track of 3 s: nearly all of it is start-up."""
    music, results = work / "short" / "music", work / "short" / "results"
    music.mkdir(parents=True)
    write(music / "track.flac", 0.05)
    run(
        BIN / "snakemake", "--snakefile", ROOT / "Snakefile", "--directory", work / "short",
        "--cores", "1", "--quiet", "all", "--config", f"library={music}", f"results={results}",
        "tracks_per_job=2",
    )  # fmt: skip
    ticket = next((results / "tracks").glob("*.json"))
    track = ticket.stem
    networks = results / "network.npz", results / "key.npz"
    features, bpm = results / "features" / f"{track}.npz", results / "bpm" / f"{track}.json"
    out = work / "short"
    commands: dict[str, tuple[str | Path, ...]] = {
        "--version": ("--version",),
        "list": ("list", "--results", results),
        "summary": ("summary", "--results", results),
        "export": ("export", "rekordbox", "--results", results, "--output", out / "r.xml"),
        "scan": ("scan", music, "--results", results),
        "batch, nothing due": ("batch", results / "batches" / "00000.json"),
        "features": ("features", ticket, networks[0], out / "f.npz", "--key-network", networks[1]),
        "bpm": ("bpm", ticket, features, out / "b.json"),
        "structure": ("structure", ticket, features, bpm, out / "s.json"),
        "key": ("key", ticket, features, out / "k.json"),
        "analyze": ("analyze", music / "track.flac", "--output", prepared(work)),
        "table": ("table", results),
        "evaluate": ("evaluate", "--results", results),
        "report": ("report", "--results", results),
    }
    found: dict[str, dict[str, float]] = {}
    for name, command in commands.items():
        used = [run(BIN / "dropgrid", *command) for _ in range(2 * rounds + 1)]
        found[name] = {
            "cpu": statistics.median(u.cpu for u in used), "peak_mb": max(u.peak_mb for u in used),
        }  # fmt: skip
    return found


def long(work: Path, minutes: float) -> dict[str, Any]:
    """cpu seconds, wall seconds and peak MB of one very long file, by number of threads."""
    file = write(work / "long.flac", minutes)
    threads = {}
    for count in (1, 2, 4):
        if count <= len(os.sched_getaffinity(0)):
            used = run(
                BIN / "dropgrid", "analyze", file, "--output", prepared(work),
                "--threads", str(count), cores=count,
            )  # fmt: skip
            threads[str(count)] = {"cpu": used.cpu, "wall": used.wall, "peak_mb": used.peak_mb}
    return {"minutes": minutes, **threads["1"], "threads": threads}


if __name__ == "__main__":
    main()
