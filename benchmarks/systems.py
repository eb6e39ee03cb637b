"""dropgrid and other systems on the same songs with exact truth: the table of docs/evaluation.md.

Usage: .venv/bin/python benchmarks/systems.py [--shared FOLDER] [--songs N] [--work DIR]
           [--with SYSTEM[=PYTHON] ...]

Takes N songs of FOLDER/music and FOLDER/music_more, evenly spread over their names, analyses them
with the methods `madmom` and `open`, has each SYSTEM estimate them (by the Python of its own
environment where one is named), evaluates all against the truth, and prints the table. DIR keeps
what was made; systems.md there has intervals, differences and ranges of tempo, summary.md tells
how far the confidences can be believed. Answers that are in DIR already are not asked for
again. Where the truth doubts its downbeats, they are left out. Songs with a BPM tag are named;
what is scored as dropgrid is the audio's answer alone.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from dropgrid.library import track_id

ROOT = Path(__file__).resolve().parents[1]
FREE = "bpm: {method: open}\nkey: {method: profiles}\n"
OPEN, OURS = "dropgrid-open", "results"
COLUMNS = (
    ("tempo", "accuracy1", "Accuracy1"), ("tempo", "accuracy2", "Accuracy2"),
    ("tempo", "within_0.05", "within .05 BPM"), ("beats", "f_measure", "beat F"),
    ("beats", "cmlt", "CMLt"), ("beats", "amlt", "AMLt"),
    ("downbeats", "f_measure", "downbeat F"),
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared", metavar="FOLDER")
    parser.add_argument("--songs", type=int, default=32, metavar="N")
    parser.add_argument("--work", type=Path, metavar="DIR", help="default: a temporary folder")
    parser.add_argument(
        "--with", dest="systems", nargs="+", default=["librosa", "madmom"],
        metavar="SYSTEM[=PYTHON]",
    )  # fmt: skip
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = arguments.work or Path(folder)
        files = chosen(arguments.shared, arguments.songs)
        values = measure(files, work, arguments.systems)
        print(table(values))
        print(f"\n{len(files)} songs; with a BPM tag: {', '.join(tagged(work / OURS)) or 'none'}")


def tagged(results: Path) -> list[str]:
    """The songs of a folder of results whose file has a BPM tag."""
    records = [json.loads(file.read_text()) for file in sorted((results / "bpm").glob("*.json"))]
    return [record["path"] for record in records if record.get("tag_bpm")]


def chosen(shared: Path, number: int) -> list[Path]:
    """The truth files of so many songs, evenly spread over their names."""
    files = [f for name in ("music", "music_more") for f in sorted((shared / name).glob("*.json"))]
    number = min(number, len(files))
    return [files[i * len(files) // number] for i in range(number)]


def reference(file: Path) -> dict[str, Any]:
    """What is true of a song, as a reference."""
    truth = json.loads(file.read_text())
    found = {"path": file.stem, "bpm": truth["bpm"], "beats": truth["beats"]}
    if truth.get("usable", {}).get("downbeats") != "doubtful":
        found["downbeats"] = truth.get("downbeats_4", truth["downbeats"])
    return found


def measure(files: list[Path], work: Path, systems: list[str]) -> dict[str, Any]:
    """systems.json of an evaluation of all systems on the songs."""
    library = work / "library"
    library.mkdir(parents=True, exist_ok=True)
    for file in files:
        (audio,) = (f for f in file.parent.glob("*") if f.stem == file.stem and f != file)
        if not (library / audio.name).exists():
            (library / audio.name).symlink_to(audio.resolve())
    (work / "truth.json").write_text(json.dumps([reference(file) for file in files]))
    (work / "open.yaml").write_text(FREE)
    songs, ours = sorted(library.iterdir()), work / OURS
    call("analyze", *songs, "--output", ours)
    call("analyze", *songs, "--output", work / OPEN, "--config", work / "open.yaml")
    call("export", "jams", "--results", work / OPEN, "--output", work / f"{OPEN}.jams")
    estimates = [f"{OPEN}={work / f'{OPEN}.jams'}"]
    for system in systems:
        name, _, python = system.partition("=")
        where = ("--python", python) if python else ()
        output = work / f"{name}.jams"
        waiting = [s for s in songs if not (output / f"{track_id(s.name)}.jams").exists()]
        if waiting:
            words = ("--library", library, "--output", output, *where)
            call("estimate", "--with", name, *words, *waiting)
        estimates.append(f"{name}={output}")
    call(
        "evaluate", "--results", ours, "--references", work / "truth.json", "--output", work,
        "--estimates", *estimates,
    )  # fmt: skip
    found: dict[str, Any] = json.loads((work / "systems.json").read_text())
    return found


def call(*words: object) -> None:
    """Run a dropgrid command; what it says goes to standard error."""
    command = [sys.executable, "-m", "dropgrid", *map(str, words)]
    subprocess.run(command, check=True, stdout=sys.stderr)


def table(values: dict[str, Any]) -> str:
    """A row per system, missing answers counted as wrong; empty where a system never answers."""
    means = {
        (task, mean["metric"], mean["system"]): mean
        for task, found in values["tasks"].items()
        for mean in found["means"]
    }
    lines = [f"| | {' | '.join(title for _, _, title in COLUMNS)} |", "|---" * 8 + "|"]
    for system in values["systems"]:
        cells = [means[task, metric, system] for task, metric, _ in COLUMNS]
        shown = [f"{mean['mean']:.3f}" if mean["answered"] else "" for mean in cells]
        lines.append(f"| {system} | {' | '.join(shown)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
