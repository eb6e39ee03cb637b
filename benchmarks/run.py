"""Measure speed and memory side by side, in one run, each process pinned to one core.

Usage: .venv/bin/python benchmarks/run.py [--quick] [--only PART ...] [--tracks N ...]

Parts: speed (dropgrid beside madmom and librosa), stages, startup, long (two hours),
overhead (the workflow). Writes benchmarks/results/benchmark.json, benchmark.md and
benchmark.png; parts that are not run keep what they were when last measured.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

import overhead
import present
from audio_files import write
from process import BIN, machine, run

RESULTS = Path(__file__).parent / "results"
SUBJECTS = Path(__file__).parent / "subjects.py"
MINUTES = 5.0  # of the track that dropgrid analyses
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
    results["machine"] = machine()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        run(BIN / "dropgrid", "network", work / "network.onnx")
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
            kept.write_text(json.dumps(results, indent=1) + "\n")
    present.write(results, RESULTS)


def workflow_overhead(counts: list[int] | None, quick: bool) -> list[dict[str, Any]]:
    """Single jobs and batches for few tracks; for many only batches, which are the default."""
    if quick:
        return overhead.measure(counts or [4], [1, 2], [1, 8], 1.0)
    few = overhead.measure(counts or [10, 20, 50], [1, 2], [1, 8], 4.5)
    return few if counts else few + overhead.measure([250], [1, 2], [8], 4.5)


def speed(work: Path, rounds: int) -> dict[str, dict[str, float]]:
    """cpu seconds and peak MB of a five-minute track: whole processes, in turn."""
    track, excerpt = write(work / "track.wav", MINUTES), write(work / "excerpt.wav", EXCERPT)
    cpu: dict[str, list[float]] = {name: [] for name in ("dropgrid", "madmom", "librosa")}
    peak = dict.fromkeys(cpu, 0.0)
    for _ in range(rounds):
        used = run(BIN / "dropgrid", "analyze", track, "--output", prepared(work))
        cpu["dropgrid"].append(used.cpu)
        peak["dropgrid"] = max(peak["dropgrid"], used.peak_mb)
        for name in ("madmom", "librosa"):
            used = run(sys.executable, SUBJECTS, name, excerpt)
            seconds = json.loads(used.output)
            start = seconds.pop("process") - sum(seconds.values())
            cpu[name].append(start + sum(seconds.values()) * MINUTES / EXCERPT)
            peak[name] = max(peak[name], used.peak_mb)
    return {
        name: {"cpu": statistics.median(cpu[name]), "peak_mb": peak[name],
               "peak_minutes": MINUTES if name == "dropgrid" else EXCERPT}
        for name in cpu
    }  # fmt: skip


def prepared(work: Path) -> Path:
    """A folder for results that has its networks, as any but the first track finds it."""
    folder = work / "results"
    folder.mkdir(exist_ok=True)
    (folder / "network.onnx").write_bytes((work / "network.onnx").read_bytes())
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
                used = run(sys.executable, SUBJECTS, "stages", track, work / "network.onnx")
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
    """cpu seconds and peak MB of each per-track process: on 3 s of audio (nearly all of it is
    start-up), and on five minutes."""
    found: dict[str, dict[str, float]] = {}
    for name, minutes in (("3 s", 0.05), ("5 min", MINUTES)):
        folder = work / name.replace(" ", "")
        (folder / "music").mkdir(parents=True)
        write(folder / "music" / "track.flac", minutes)
        run(BIN / "dropgrid", "scan", folder / "music", "--results", folder)
        ticket = next((folder / "tracks").glob("*.json"))
        features, bpm = folder / "features.npz", folder / "bpm.json"
        commands = {
            "features": ("features", ticket, work / "network.onnx", features),
            "bpm": ("bpm", ticket, features, bpm),
            "structure": ("structure", ticket, features, bpm, folder / "structure.json"),
        }
        for stage, command in commands.items():
            used = [run(BIN / "dropgrid", *command) for _ in range(2 * rounds + 1)]
            found.setdefault(stage, {})[f"cpu, {name}"] = statistics.median(u.cpu for u in used)
            found[stage][f"peak MB, {name}"] = max(u.peak_mb for u in used)
    return found


def long(work: Path, minutes: float) -> dict[str, float]:
    """cpu seconds and peak MB of one very long file."""
    used = run(
        BIN / "dropgrid", "analyze", write(work / "long.flac", minutes),
        "--output", prepared(work),
    )  # fmt: skip
    return {"minutes": minutes, "cpu": used.cpu, "peak_mb": used.peak_mb}


if __name__ == "__main__":
    main()
