"""What the workflow itself costs for 1,000, 10,000 and 100,000 tracks, and on many cores.

    python benchmarks/scale.py --per-file 1000 10000 --batched 1000 10000 100000 [--folder FOLDER]
    python benchmarks/scale.py --workers 1 2 4 8 16

The workflow, its rules and its batches are the real ones. The records are copies of those of a
real analysis of a three-minute track, under each track's own name; the audio is one short file
under many names. Sizes are measured with a job for each stage of each track, or in batches.
Measured, each in processes of its own:

    first plan  snakemake --dry-run analysis of a library that was never analysed
    first look  snakemake analysis of records that are all there and Snakemake has no notes of
    scan        dropgrid scan of a library that did not change
    plan        what the workflow does before Snakemake plans: scan, tickets, what is due
    no-op       snakemake analysis with nothing to be done
    one edited  ... after one file was replaced
    1 % gone    ... after the records (not the features) of one track in a hundred were deleted
    table       dropgrid table: CSV, Parquet and failures from all records

With --workers: cpu and wall of TRACKS_EACH songs for each of so many workers at once, where this
machine has as many cores; what is more than one worker's cpu a track is what the cores take from
each other (caches, memory, clock).

Seconds are of cpu, all processes together; memory is the most that one process held.
Writes benchmarks/results/scale.md and scale.json; what is not measured stays as it was.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
import soundfile
from dropgrid import demo_music
from dropgrid.api import analyze
from dropgrid.features import store
from dropgrid.library import scan
from dropgrid.records.store import to_json
from dropgrid.records.ticket import Ticket
from dropgrid.run.batches import LARGEST, PER_FILE
from dropgrid.run.summary import summarise
from dropgrid.settings.config import load_config
from dropgrid.stages.make_features import compute_features
from dropgrid.stages.networks import prepare_network
from process import BIN, ROOT, machine, run

RESULTS = Path(__file__).parent / "results"
STEPS = ("first plan", "first look", "scan", "plan", "no-op", "one edited", "1 % gone", "table")
KINDS = ("bpm", "structure", "key")
TRACKS_EACH = 4  # songs of a worker
PER_LINK = 20_000  # names of one file: file systems limit them
PER_FOLDER = 200
BEFORE_SNAKEMAKE = """
import sys
from pathlib import Path
from dropgrid.library import scan
from dropgrid.run.plan import make_plan
from dropgrid.settings.config import load_config
config = {**load_config(), "tracks_per_job": int(sys.argv[3]) if sys.argv[3].isdigit() else "auto"}
make_plan(scan(sys.argv[1]), sys.argv[2], config, real=True)
"""


Made = tuple[tuple[str, ...], Path, Path]


def templates(folder: Path) -> Made:
    """The records of a six-minute track as text; a short track's file and its features."""
    song = folder / "song.flac"
    audio = demo_music.render(
        demo_music.compose(seed=1, bpm=126.0, style="house", duration=360.0), rate=22050
    )
    soundfile.write(song, np.asarray(audio), 22050)
    track = analyze(song)
    assert track.ok and track.bpm and track.structure and track.key
    texts = [to_json(record).decode() for record in (track.bpm, track.structure, track.key)]
    texts = [t.replace(track.track, "<track>").replace(track.path, "<path>") for t in texts]
    short = folder / "short.flac"
    soundfile.write(short, np.asarray(audio[: 10 * 22050]), 22050)
    prepare_network(folder / "network", load_config()["bpm"]["method"])
    ticket = Ticket("short-00000000", "short.flac", str(short), 0, 0)
    store.save(folder / "short.npz", compute_features(ticket, folder / "network"))
    return tuple(texts), short, folder / "short.npz"


def make_music(music: Path, count: int, audio: Path) -> None:
    for i in range(count):
        name = music / f"{i // PER_FOLDER:04d}" / f"{i:06d} artist - title.flac"
        if i % PER_FOLDER == 0:
            name.parent.mkdir(parents=True)
        _link(audio, name, i)


def make_results(results: Path, found: list[Ticket], made: Made) -> None:
    """Features and records of every track, younger than its ticket."""
    for folder in ("features", *KINDS):
        (results / folder).mkdir()
    for i, track in enumerate(found):
        path = results / "features" / f"{track.track}.npz"
        _link(made[2], path, i)
        if i % PER_LINK == 0:
            path.touch()  # one file under many names: all of them
    for folder, text in zip(KINDS, made[0], strict=True):
        for track in found:
            whole = text.replace("<track>", track.track).replace("<path>", track.path)
            (results / folder / f"{track.track}.json").write_text(whole)


def _link(source: Path, name: Path, number: int) -> None:
    copy = source.with_name(f"{number // PER_LINK}-{source.name}")
    if not copy.exists():
        shutil.copyfile(source, copy)
    os.link(copy, name)


def snakemake(folder: Path, tracks_per_job: int | str, *targets: str) -> dict[str, float]:
    used = run(
        BIN / "snakemake", *targets, "--snakefile", ROOT / "Snakefile", "--directory", folder,
        "--cores", "2", "--quiet", "all", "--config", f"library={folder / 'music'}",
        f"tracks_per_job={tracks_per_job}", cores=2,
    )  # fmt: skip
    return {"cpu": used.cpu, "wall": used.wall, "peak_mb": used.peak_mb}


def measure(folder: Path, count: int, per_file: bool, made: Made) -> dict[str, object]:
    """Every step at one size, in an empty folder on the file system of `made`."""
    per_job: int | str = 1 if per_file else "auto" if count > PER_FILE else LARGEST
    music, results = folder / "music", folder / "results"
    make_music(music, count, made[1])
    steps: dict[str, dict[str, float]] = {}

    def note(step: str, used: dict[str, float]) -> None:
        steps[step] = {key: round(value, 2) for key, value in used.items()}
        kind = "per file" if per_file else "batched"
        print(
            f"{count:7d} {kind:9s} {step:12s} {used['cpu']:8.1f} s {used['peak_mb']:7.0f} MB",
            flush=True,
        )

    def plain(*command: str | Path) -> dict[str, float]:
        used = run(*command)
        return {"cpu": used.cpu, "wall": used.wall, "peak_mb": used.peak_mb}

    snakemake(folder, per_job, "results/network.npz")
    shutil.rmtree(results / "batches", ignore_errors=True)
    note("first plan", snakemake(folder, per_job, "analysis", "--dry-run"))
    found = list(scan(str(music)).tracks)
    make_results(results, found, made)
    note("first look", snakemake(folder, per_job, "analysis"))
    note("scan", plain(BIN / "dropgrid", "scan", music, "--results", results))
    note("plan", plain(sys.executable, "-c", BEFORE_SNAKEMAKE, music, results, str(per_job)))
    note("no-op", snakemake(folder, per_job, "analysis"))
    edited = Path(found[count // 2].file)
    edited.unlink()
    shutil.copyfile(made[1], edited)
    note("one edited", snakemake(folder, per_job, "analysis"))
    for track in random.Random(0).sample(found, count // 100):
        for kind in KINDS:
            (results / kind / f"{track.track}.json").unlink()
    note("1 % gone", snakemake(folder, per_job, "analysis"))
    assert len(list((results / "structure").glob("*.json"))) == count
    note("table", plain(BIN / "dropgrid", "table", results))
    assert (results / "library.csv").read_bytes().count(b"\n") == count + 1
    return {"tracks": count, "per_file": per_file, "steps": steps}


def at_once(folder: Path, counts: list[int]) -> list[dict[str, object]]:
    """cpu and wall a track of so many workers at once; nothing where there are fewer cores."""
    cores = len(os.sched_getaffinity(0))
    song = folder / "song.flac"
    audio = demo_music.render(
        demo_music.compose(seed=1, bpm=126.0, style="house", duration=300.0), rate=44100
    )
    soundfile.write(song, np.asarray(audio), 44100)
    rows: list[dict[str, object]] = []
    for workers in counts:
        if workers > cores:
            rows.append({"workers": workers, "cores": cores})
            continue
        work = folder / f"workers {workers}"
        (work / "music").mkdir(parents=True)
        for number in range(workers * TRACKS_EACH):
            os.link(song, work / "music" / f"{number:03}.flac")
        command = (
            BIN / "snakemake", "--snakefile", ROOT / "Snakefile", "--directory", work,
            "--cores", str(workers), "--quiet", "all", "--config", f"library={work / 'music'}",
            f"tracks_per_job={TRACKS_EACH}", "--",
        )  # fmt: skip
        run(*command, "results/network.npz")
        used = run(*command, "analysis", cores=workers)
        tracks = workers * TRACKS_EACH
        took = sum(use.cpu_seconds for use in summarise(work / "results").use.values()) / tracks
        rows.append({"workers": workers, "cores": cores, "cpu": round(took, 3),
                     "wall": round(used.wall, 1), "tracks": tracks,
                     "load": round(os.getloadavg()[0], 1)})  # fmt: skip
        print(rows[-1], flush=True)
    return rows


def workers_table(rows: list[dict]) -> list[str]:
    """The measurements of at_once in Markdown."""
    alone = rows[0]["cpu"]
    lines = ["| workers at once | tracks | cpu s a track | than one worker | wall s | load |",
             "|---|---|---|---|---|---|"]  # fmt: skip
    for row in rows:
        if "cpu" not in row:
            cells = ["", f"not measured: this machine has {row['cores']} cores", "", "", ""]
        else:
            more = f"{row['cpu'] / alone - 1:+.0%}"
            cells = [row["tracks"], f"{row['cpu']:.2f}", more, row["wall"], row["load"]]
        lines.append(f"| {row['workers']} | " + " | ".join(map(str, cells)) + " |")
    return lines


def page(where: dict[str, object], sizes: list[dict], workers: list[dict]) -> str:
    """The tables in Markdown."""
    kinds = {
        kind: [row for row in sizes if row["per_file"] == per_file]
        for kind, per_file in (("per-file", True), ("batched", False))
    }
    asked = " ".join(
        " ".join([f"--{kind}", *(str(row["tracks"]) for row in rows)])
        for kind, rows in kinds.items()
        if rows
    )
    lines = [
        "# Large libraries", "",
        "What the workflow costs beside the analysis. Seconds of cpu, all processes together, and "
        f"the most memory one of them held. Made by `python benchmarks/scale.py {asked}`.", "",
        f"{where['processor']}, {where['cores']} cores, {where['memory_gb']} GB, "
        f"{where['system']}; Python {where['python']}.", "",
    ]  # fmt: skip
    titles = "## A job for each stage of each track", "## Batches"
    for title, rows in zip(titles, kinds.values(), strict=True):
        lines += [title, "", *(sizes_table(rows) if rows else ["Not measured."]), ""]
    steps = __doc__.partition("Measured")[2].partition("\n\n")[2].partition("\n\nWith")[0]
    lines += ["```", *steps.splitlines(), "```"]
    if workers:
        lines += ["", "## Many cores", "", *workers_table(workers)]
    return "\n".join(lines) + "\n"


def sizes_table(rows: list[dict]) -> list[str]:
    """The measurements of one kind, with the growth between the first and the last size."""
    lines = [
        "| step | " + " | ".join(f"{row['tracks']:,} tracks" for row in rows)
        + " | growth per 1,000 tracks |",
        "|---" * (len(rows) + 2) + "|",
    ]  # fmt: skip
    for step in STEPS:
        used = [row["steps"].get(step) for row in rows]
        cells = [f"{u['cpu']:.1f} s, {u['peak_mb']:.0f} MB" if u else "" for u in used]
        growth = ""
        if len(rows) > 1 and used[0] and used[-1]:
            more = (rows[-1]["tracks"] - rows[0]["tracks"]) / 1000
            growth = (
                f"{(used[-1]['cpu'] - used[0]['cpu']) / more:.2f} s, "
                f"{(used[-1]['peak_mb'] - used[0]['peak_mb']) / more:.1f} MB"
            )
        lines.append(f"| {step} | " + " | ".join(cells) + f" | {growth} |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    kinds = {True: "--per-file", False: "--batched"}
    for option in kinds.values():
        parser.add_argument(option, type=int, nargs="+", default=[], metavar="N", help="sizes")
    parser.add_argument("--folder", type=Path, help="where to work (default: a temporary folder)")
    parser.add_argument(
        "--workers", type=int, nargs="+", default=[], metavar="N", help="measure so many at once"
    )
    arguments = parser.parse_args()
    wanted = [(count, True) for count in arguments.per_file]
    wanted += [(count, False) for count in arguments.batched]
    kept = RESULTS / "scale.json"
    results = json.loads(kept.read_text()) if kept.exists() else {"sizes": []}
    with tempfile.TemporaryDirectory(dir=arguments.folder, prefix="scale-") as top:
        if arguments.workers:
            results["workers"] = at_once(Path(top), arguments.workers)
        if wanted:
            (Path(top) / "templates").mkdir()
            made = templates(Path(top) / "templates")
        for count, per_file in wanted:
            folder = Path(top) / f"{count} {per_file}"
            folder.mkdir()
            measured = measure(folder, count, per_file, made)
            results["sizes"] = [
                row for row in results["sizes"]
                if (row["tracks"], row["per_file"]) != (count, per_file)
            ] + [measured]  # fmt: skip
            shutil.rmtree(folder)
    results["sizes"].sort(key=lambda row: row["tracks"])
    results["machine"] = machine()
    kept.write_text(json.dumps(results, indent=1) + "\n")
    text = page(results["machine"], results["sizes"], results.get("workers", []))
    (RESULTS / "scale.md").write_text(text)


if __name__ == "__main__":
    main()
