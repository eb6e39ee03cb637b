"""dropgrid and other systems on the same songs with exact truth: the tables of README.md and
docs/evaluation.md.

Usage: .venv/bin/python benchmarks/systems.py [--shared FOLDER] [--songs N] [--work DIR]
           [--with SYSTEM[=PYTHON] ...]

Takes the 32 songs of FOLDER/music and FOLDER/music_more (or N of them, evenly spread over their
names), analyses them with each of dropgrid's methods, has each SYSTEM estimate them (by the Python
of its own environment where one is named; `make setup-compare` installs those of the default),
evaluates all against the truth in one run, and prints the table. With all songs it also writes
benchmarks/results/systems.json and the tables of the documents.

DIR keeps what each system answered, by version and song, so that a run can be interrupted and
continued. systems.md there has intervals, differences and ranges of tempo; summary.md tells how
far the confidences can be believed. Where the truth doubts its downbeats, they are left out.
Songs with a BPM tag are named; what is scored as dropgrid is the audio's answer alone.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import marked_text
from answers import PEERS, PRODUCT, Answers, call, estimates, of_methods, of_peers, results_of

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "systems.json"
MARKER = "<!-- systems: python benchmarks/systems.py writes what follows -->"
Column = tuple[str, str, str]  # task, metric, title
COLUMNS: tuple[Column, ...] = (
    ("tempo", "accuracy1", "Accuracy1"), ("tempo", "accuracy2", "Accuracy2"),
    ("tempo", "within_0.05", "within .05 BPM"), ("beats", "f_measure", "beat F"),
    ("beats", "cmlt", "CMLt"), ("beats", "amlt", "AMLt"), ("beats", "p_score", "P-score"),
    ("downbeats", "f_measure", "downbeat F"),
)  # fmt: skip
TITLES = tuple(title for _, _, title in COLUMNS)
SHORT = ("Accuracy1", "within .05 BPM", "beat F", "downbeat F")  # of the README


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared", metavar="FOLDER")
    parser.add_argument("--songs", type=int, metavar="N", help="default: all")
    parser.add_argument(
        "--work", type=Path, default=ROOT / ".systems-cache", metavar="DIR",
        help="default: .systems-cache",
    )  # fmt: skip
    parser.add_argument(
        "--with", dest="systems", nargs="+", default=PEERS, metavar="SYSTEM[=PYTHON]",
        help=f"default: {' '.join(PEERS)}",
    )  # fmt: skip
    arguments = parser.parse_args()
    files = chosen(arguments.shared, arguments.songs)
    results = measure(files, arguments.work, arguments.systems)
    print(table(results))
    print(f"\n{len(files)} songs; with a BPM tag: {', '.join(results['tagged']) or 'none'}")
    if arguments.songs is None:
        write(results)


def write(results: dict[str, Any]) -> None:
    """Keep the results, and show them in the documents."""
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    marked_text.renew(ROOT / "README.md", MARKER, short_table(results))
    marked_text.renew(ROOT / "docs" / "evaluation.md", MARKER, table(results))


def tagged(results: Path) -> list[str]:
    """The songs of a folder of results whose file has a BPM tag."""
    records = [json.loads(file.read_text()) for file in sorted((results / "bpm").glob("*.json"))]
    return [record["path"] for record in records if record.get("tag_bpm")]


def chosen(shared: Path, number: int | None = None) -> list[Path]:
    """The truth files of all songs, or of so many, evenly spread over their names."""
    files = [f for name in ("music", "music_more") for f in sorted((shared / name).glob("*.json"))]
    number = min(number or len(files), len(files))
    return [files[i * len(files) // number] for i in range(number)]


def reference(file: Path) -> dict[str, Any]:
    """What is true of a song, as a reference."""
    truth = json.loads(file.read_text())
    found = {"path": file.stem, "bpm": truth["bpm"], "beats": truth["beats"]}
    if truth.get("usable", {}).get("downbeats") != "doubtful":
        found["downbeats"] = truth.get("downbeats_4", truth["downbeats"])
    return found


def linked(files: list[Path], library: Path) -> list[Path]:
    """The songs' audio in a folder of their own."""
    library.mkdir(parents=True, exist_ok=True)
    for file in files:
        (audio,) = (f for f in file.parent.glob("*") if f.stem == file.stem and f != file)
        if not (library / audio.name).exists():
            (library / audio.name).symlink_to(audio.resolve())
    stems = {file.stem for file in files}
    return sorted(song for song in library.iterdir() if song.stem in stems)


def measure(files: list[Path], work: Path, systems: list[str]) -> dict[str, Any]:
    """Each system's title and means on the songs, all from one evaluation."""
    library = work / "library"
    songs = linked(files, library)
    (work / "truth.json").write_text(json.dumps([reference(file) for file in files]))
    found = of_peers(systems, songs, library, work)
    own = of_methods(songs, library, work)
    base = own.pop(PRODUCT)
    call(
        "evaluate", "--results", results_of(PRODUCT, work), "--references", work / "truth.json",
        "--output", work, "--estimates", *estimates(own | found),
    )  # fmt: skip
    values = json.loads((work / "systems.json").read_text())
    return summary(values, {PRODUCT: base} | own | found) | {
        "songs": len(files),
        "tagged": tagged(results_of(PRODUCT, work)),
    }


def summary(
    values: dict[str, Any], answers: dict[str, Answers], columns: Sequence[Column] = COLUMNS
) -> dict[str, Any]:
    """Titles and means; None where a system never answers. A missing answer counts as wrong."""
    means = {
        (task, mean["metric"], mean["system"]): mean
        for task, found in values["tasks"].items()
        for mean in found["means"]
    }
    systems = []
    for name, given in answers.items():
        own = {
            title: round(mean["mean"], 6)
            if (mean := means.get((task, metric, name))) and mean["answered"]
            else None
            for task, metric, title in columns
        }
        systems.append({"name": name, "title": given.title, "means": own})
    return {"systems": systems}


def table(
    results: dict[str, Any], titles: Sequence[str] = TITLES, corner: str | None = None
) -> str:
    """A row per system."""
    corner = corner or f"{results['songs']} songs"
    lines = [f"| {corner} | {' | '.join(titles)} |"]
    lines.append("|---" * (len(titles) + 1) + "|")
    for system in by_beats(results):
        cells = [shown(system["means"][title]) for title in titles]
        lines.append(f"| {system['title']} | {' | '.join(cells)} |")
    return "\n".join(lines)


def short_table(results: dict[str, Any]) -> str:
    """A column per system and a row per measure of SHORT, for README.md."""
    systems = by_beats(results)
    heads = [
        s["title"].replace(", method", "") if s["title"].startswith("dropgrid")
        else s["title"].partition(" ")[0]
        for s in systems
    ]  # fmt: skip
    lines = [
        f"| {results['songs']} songs | {' | '.join(heads)} |",
        "|---" * (len(heads) + 1) + "|",
    ]
    for title in SHORT:
        lines.append(f"| {title} | {' | '.join(shown(s['means'][title]) for s in systems)} |")
    return "\n".join(lines)


def by_beats(results: dict[str, Any]) -> list[dict[str, Any]]:
    """The systems, the highest beat F first."""
    return sorted(results["systems"], key=lambda system: -(system["means"]["beat F"] or 0))


def shown(value: float | None) -> str:
    """Three decimals, without the 0 before the point; nothing for what is never answered."""
    return "" if value is None else f"{value:.3f}".removeprefix("0")


if __name__ == "__main__":
    main()
