"""dropgrid and other systems on EDM-grids: the tables of docs/benchmark.md.

Usage: .venv/bin/python benchmarks/edm_grids.py [--seed N] [--tracks M] [--twins M] [--work DIR]
           [--with SYSTEM[=PYTHON] ...] [--write]

Makes M pieces without twins and, of the first few, the twins (`dropgrid benchmark make`), has
dropgrid's methods and each SYSTEM answer (see systems.py), scores them (`dropgrid benchmark
score`), and prints three tables: means, what each twin costs, and whether the systems rank as on
real songs (benchmarks/results/systems.json, of systems.py). --write keeps the results in
benchmarks/results/edm_grids.json and renews the tables of docs/benchmark.md. DIR keeps music and
answers, so that a run can be interrupted and continued.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import marked_text
import rank_agreement
import systems
from answers import PEERS, PRODUCT, Answers, call, estimates, of_methods, of_peers

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "edm_grids.json"
DOCUMENT = ROOT / "docs" / "benchmark.md"
MARKER = "<!-- {}: python benchmarks/edm_grids.py --write writes what follows -->"
COLUMNS = (*systems.COLUMNS, ("key", "mirex", "key, MIREX"))
SHOWN = ("Accuracy1", "Accuracy2", "beat F", "CMLt", "AMLt", "downbeat F", "key, MIREX")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=1, metavar="N")
    parser.add_argument("--tracks", type=int, default=15, metavar="M")
    parser.add_argument("--twins", type=int, default=3, metavar="M", help="pieces with twins")
    parser.add_argument("--work", type=Path, default=ROOT / ".systems-cache", metavar="DIR")
    parser.add_argument("--with", dest="systems", nargs="+", default=PEERS, metavar="SYSTEM")
    parser.add_argument("--write", action="store_true", help="renew docs/benchmark.md")
    arguments = parser.parse_args()
    size = "--seed", arguments.seed, "--tracks"
    results: dict[str, Any] = {"seed": arguments.seed, "pieces": arguments.tracks}
    pieces = arguments.work / f"grids-{arguments.seed}"
    call("benchmark", "make", pieces, *size, arguments.tracks, "--no-twins")
    values, answers = scored(pieces, arguments.systems)
    results |= systems.summary(values, answers, COLUMNS)
    twins = arguments.work / f"twins-{arguments.seed}"
    call("benchmark", "make", twins, *size, arguments.twins)
    values, answers = scored(twins, arguments.systems)
    results["twins"] = {name: found["beats"] for name, found in values["twins"].items()}
    for name, table in tables(results).items():
        print(f"{name}\n\n{table}\n")
        if arguments.write:
            marked_text.renew(DOCUMENT, MARKER.format(name), table)
    if arguments.write:
        RESULTS.write_text(json.dumps(results, indent=1) + "\n")


def tables(results: dict[str, Any]) -> dict[str, str]:
    """By the name of their place in the document."""
    return {
        "systems": systems.table(results, SHOWN, f"{results['pieces']} pieces"),
        "twins": twin_table(results),
        "ranks": rank_agreement.table(
            json.loads(systems.RESULTS.read_text()), results, ("songs", "pieces")
        ),
    }


def scored(folder: Path, requests: list[str]) -> tuple[dict[str, Any], dict[str, Answers]]:
    """The scores of a benchmark's folder, dropgrid first, and the answers they are of."""
    library, work = folder / "audio", folder / "work"
    work.mkdir(exist_ok=True)
    songs = sorted(library.iterdir())
    answers = of_methods(songs, library, work) | of_peers(requests, songs, library, work)
    call("benchmark", "score", folder, "--estimates", *estimates(answers))
    return json.loads((folder / "scores" / "scores.json").read_text()), answers


def twin_table(results: dict[str, Any]) -> str:
    """Beat F of the twins, and in brackets what it is more or less than of the pieces themselves,
    a column a system."""
    names = [system["name"] for system in results["systems"]]
    lines = [f"| beat F of the twin (change) | {' | '.join(names)} |"]
    lines.append("|---" * (len(names) + 1) + "|")
    for twin, found in results["twins"].items():
        cells = [_change(found[name]) for name in names]
        lines.append(f"| {twin} ({found[PRODUCT]['tracks']}) | {' | '.join(cells)} |")
    return "\n".join(lines)


def _change(found: dict[str, Any]) -> str:
    return f"{systems.shown(found['twin'])} ({found['difference']:+.2f})"


if __name__ == "__main__":
    main()
