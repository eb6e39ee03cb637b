"""What the workflow itself costs for 1,000, 10,000 and 100,000 tracks.

    python benchmarks/scale.py 1000 10000 100000 [--folder FOLDER]

The workflow, its rules and its batches are the real ones. The records are copies of those of a
real analysis of a three-minute track, under each track's own name; the audio is one short file
under many names. Measured, each in processes of its own:

    all asked   snakemake analysis of records that are all there: every batch looks at its tracks
    scan        dropgrid scan of a library that did not change, single tickets
    batches     what the workflow does before Snakemake plans: scan, manifests, missing records
    no-op       ... with nothing to be done
    one edited  ... after one file was replaced
    1 % gone    ... after the records (not the features) of one track in a hundred were deleted
    table       dropgrid table: CSV, Parquet and failures from all records

Seconds are of cpu, all processes together; memory is the most that one process held.
Writes benchmarks/results/scale.md and scale.json.
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
from dropgrid import demo
from dropgrid.api import analyze
from dropgrid.features import store
from dropgrid.library import scan
from dropgrid.records.store import to_json
from dropgrid.records.ticket import Ticket
from dropgrid.settings.config import load_config
from dropgrid.stages import compute_features, prepare_network
from process import BIN, ROOT, machine, run

RESULTS = Path(__file__).parent / "results"
STEPS = ("all asked", "scan", "batches", "no-op", "one edited", "1 % gone", "table")
PER_LINK = 20_000  # names of one file: file systems limit them
PER_FOLDER = 200
BEFORE_SNAKEMAKE = """
import sys
from pathlib import Path
from dropgrid.batches import batch_size, write_library
from dropgrid.library import scan
found = scan(sys.argv[1])
size = batch_size(len(found.tracks), "auto")
write_library(found, Path(sys.argv[2]), size, ["bpm", "structure"])
"""


def templates(folder: Path) -> tuple[str, str, Path, Path]:
    """Both records of a three-minute track as text; a short track's file and its features."""
    song = folder / "song.flac"
    audio = demo.render(demo.compose(seed=1, bpm=126.0, style="house", duration=360.0), rate=22050)
    soundfile.write(song, np.asarray(audio), 22050)
    track = analyze(song)
    assert track.ok and track.bpm and track.structure
    texts = [to_json(record).decode() for record in (track.bpm, track.structure)]
    texts = [t.replace(track.track, "<track>").replace(track.path, "<path>") for t in texts]
    short = folder / "short.flac"
    soundfile.write(short, np.asarray(audio[: 10 * 22050]), 22050)
    prepare_network(folder / "network", load_config()["bpm"]["method"])
    ticket = Ticket("short-00000000", "short.flac", str(short), 0, 0)
    store.save(folder / "short.npz", compute_features(ticket, folder / "network"))
    return texts[0], texts[1], short, folder / "short.npz"


def make_music(music: Path, count: int, audio: Path) -> None:
    for i in range(count):
        name = music / f"{i // PER_FOLDER:04d}" / f"{i:06d} artist - title.flac"
        if i % PER_FOLDER == 0:
            name.parent.mkdir(parents=True)
        _link(audio, name, i)


def make_results(results: Path, found: list[Ticket], made: tuple[str, str, Path, Path]) -> None:
    """Features and records of every track, younger than its ticket."""
    for folder in ("features", "bpm", "structure"):
        (results / folder).mkdir()
    for i, track in enumerate(found):
        path = results / "features" / f"{track.track}.npz"
        _link(made[3], path, i)
        if i % PER_LINK == 0:
            path.touch()  # one file under many names: all of them
    for folder, text in zip(("bpm", "structure"), made[:2], strict=True):
        for track in found:
            whole = text.replace("<track>", track.track).replace("<path>", track.path)
            (results / folder / f"{track.track}.json").write_text(whole)


def _link(source: Path, name: Path, number: int) -> None:
    copy = source.with_name(f"{number // PER_LINK}-{source.name}")
    if not copy.exists():
        shutil.copyfile(source, copy)
    os.link(copy, name)


def snakemake(folder: Path, *targets: str) -> dict[str, float]:
    used = run(
        BIN / "snakemake", *targets, "--snakefile", ROOT / "Snakefile", "--directory", folder,
        "--cores", "2", "--quiet", "all", "--config", f"library={folder / 'music'}", cores=2,
    )  # fmt: skip
    return {"cpu": used.cpu, "wall": used.wall, "peak_mb": used.peak_mb}


def measure(folder: Path, count: int, made: tuple[str, str, Path, Path]) -> dict[str, object]:
    """Every step at one size, in an empty folder on the file system of `made`."""
    music, results = folder / "music", folder / "results"
    make_music(music, count, made[2])
    steps: dict[str, dict[str, float]] = {}

    def note(step: str, used: dict[str, float]) -> None:
        steps[step] = {key: round(value, 2) for key, value in used.items()}
        print(f"{count:7d} {step:12s} {used['cpu']:8.1f} s {used['peak_mb']:7.0f} MB", flush=True)

    def plain(*command: str | Path) -> dict[str, float]:
        used = run(*command)
        return {"cpu": used.cpu, "wall": used.wall, "peak_mb": used.peak_mb}

    snakemake(folder, "results/network.onnx")
    found = list(scan(str(music)).tracks)
    make_results(results, found, made)
    note("all asked", snakemake(folder, "analysis"))
    note("scan", plain(BIN / "dropgrid", "scan", music, "--results", results))
    note("batches", plain(sys.executable, "-c", BEFORE_SNAKEMAKE, music, results))
    note("no-op", snakemake(folder, "analysis"))
    edited = Path(found[count // 2].file)
    edited.unlink()
    shutil.copyfile(made[2], edited)
    note("one edited", snakemake(folder, "analysis"))
    for track in random.Random(0).sample(found, count // 100):
        for kind in ("bpm", "structure"):
            (results / kind / f"{track.track}.json").unlink()
    note("1 % gone", snakemake(folder, "analysis"))
    assert len(list((results / "structure").glob("*.json"))) == count
    note("table", plain(BIN / "dropgrid", "table", results))
    assert (results / "library.csv").read_bytes().count(b"\n") == count + 1
    sizes = [path.stat().st_size for path in results.glob("batches/*.json")]
    return {"tracks": count, "batches": len(sizes), "steps": steps}


def page(where: dict[str, object], rows: list[dict]) -> str:
    """The table in Markdown, with the growth per track between the last two sizes."""
    lines = [
        "# Large libraries", "",
        "What the workflow costs beside the analysis. Seconds of cpu, all processes together, and "
        "the most memory one of them held. Made by `python benchmarks/scale.py "
        + " ".join(str(row["tracks"]) for row in rows) + "`.", "",
        f"{where['processor']}, {where['cores']} cores, {where['memory_gb']} GB, "
        f"{where['system']}; Python {where['python']}.", "",
        "| step | " + " | ".join(f"{row['tracks']:,} tracks" for row in rows)
        + " | growth per 1,000 tracks |",
        "|---" * (len(rows) + 2) + "|",
        "| batches (jobs) | " + " | ".join(str(row["batches"] or "none: 3 jobs a track")
                                           for row in rows) + " | |",
    ]  # fmt: skip
    for step in STEPS:
        used = [row["steps"][step] for row in rows]
        cells = [f"{u['cpu']:.1f} s, {u['peak_mb']:.0f} MB" for u in used]
        growth = ""
        if len(rows) > 1:
            more = (rows[-1]["tracks"] - rows[-2]["tracks"]) / 1000
            growth = (
                f"{(used[-1]['cpu'] - used[-2]['cpu']) / more:.2f} s, "
                f"{(used[-1]['peak_mb'] - used[-2]['peak_mb']) / more:.1f} MB"
            )
        lines.append(f"| {step} | " + " | ".join(cells) + f" | {growth} |")
    steps = __doc__.partition("Measured")[2].partition("\n\n")[2].partition("\n\nSeconds")[0]
    return "\n".join([*lines, "", "```", *steps.splitlines(), "```"]) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tracks", type=int, nargs="+", help="sizes to measure, e.g. 1000 10000")
    parser.add_argument("--folder", type=Path, help="where to work (default: a temporary folder)")
    arguments = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory(dir=arguments.folder, prefix="scale-") as top:
        (Path(top) / "templates").mkdir()
        made = templates(Path(top) / "templates")
        for count in arguments.tracks:
            folder = Path(top) / str(count)
            folder.mkdir()
            rows.append(measure(folder, count, made))
            shutil.rmtree(folder)
    results = {"machine": machine(), "sizes": rows}
    (RESULTS / "scale.json").write_text(json.dumps(results, indent=1) + "\n")
    (RESULTS / "scale.md").write_text(page(results["machine"], rows))


if __name__ == "__main__":
    main()
