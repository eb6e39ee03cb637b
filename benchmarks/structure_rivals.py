"""Boundaries by other systems, on the same beats of the same songs.

Usage: .venv/bin/python benchmarks/structure_rivals.py --msaf PYTHON --work FOLDER
       [--shared FOLDER] [--cache FOLDER]

PYTHON is the one of an environment with MSAF (benchmarks/structure_msaf.py says how to make it).
FOLDER keeps MSAF's answers from call to call. Each song is given the beats that
dropgrid itself finds. MSAF knows no bars; `on bar lines` moves each of its boundaries to the
nearest of dropgrid's downbeats, which is the fairer comparison. Boundaries are those within the
track; scores as in benchmarks/structure_accuracy.py.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from dropgrid import structure
from dropgrid.stages.networks import prepare_network
from structure_cases import TOLERANCES, Case, boundary_scores, read_songs, starts

PRODUCT = structure.StructureOptions()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    root = Path(__file__).resolve().parents[1]
    parser.add_argument("--msaf", type=Path, required=True, metavar="PYTHON")
    parser.add_argument("--work", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--shared", type=Path, default=root.parent / "shared")
    parser.add_argument("--cache", type=Path, default=root / ".structure-cache")
    arguments = parser.parse_args()
    arguments.cache.mkdir(parents=True, exist_ok=True)
    network = arguments.cache / "network.npz"
    if not network.exists():
        prepare_network(network, "madmom")
    songs = [c for c in read_songs(arguments.shared, arguments.cache, network) if c.judged]
    arguments.work.mkdir(parents=True, exist_ok=True)
    given, answers = arguments.work / "songs.json", arguments.work / "answers.json"
    given.write_text(json.dumps({song.name: offered(song, arguments.shared) for song in songs}))
    script = Path(__file__).with_name("structure_msaf.py")
    subprocess.run([arguments.msaf, script, given, answers], check=True)
    report(songs, json.loads(answers.read_text()))


def offered(song: Case, shared: Path) -> dict[str, Any]:
    """The input of another system for a song."""
    audio = shared / song.folder / f"{song.name}.ogg"
    return {
        "audio": str(audio.resolve()),
        "beats": list(song.estimated.beats),
        "duration": song.features.duration,
    }


def nearest(times: Sequence[float], places: Sequence[float]) -> np.ndarray:
    """Each time moved to the nearest of some places, each place once."""
    every = np.asarray(places, float)
    return np.unique([every[np.abs(every - time).argmin()] for time in times] or [])


def report(songs: Sequence[Case], found: dict[str, dict[str, list[float]]]) -> None:
    """Print precision, recall and F of every system, and how many boundaries it finds."""
    methods = {
        "dropgrid": [starts(structure.analyse(c.features, c.estimated, PRODUCT)) for c in songs],
        "every 8 bars": [np.array(c.estimated.downbeats[8::8]) for c in songs],
    }
    for name in next(iter(found.values())):
        times = [found[song.name][name] for song in songs]
        methods[name] = [np.array(one) for one in times]
        methods[f"{name}, on bar lines"] = [
            nearest(one, song.estimated.downbeats) for one, song in zip(times, songs, strict=True)
        ]
    print(f"{len(songs)} songs: boundaries found; precision, recall, F within "
          f"{' and '.join(f'{tolerance:g} s' for tolerance in TOLERANCES)}")  # fmt: skip
    for name, answers in methods.items():
        table = [
            [value for tolerance in TOLERANCES for value in boundary_scores(song, one, tolerance)]
            for song, one in zip(songs, answers, strict=True)
        ]
        scores = "  ".join(f"{value:.3f}" for value in np.mean(table, axis=0))
        print(f"  {name:<32} {np.mean([len(one) for one in answers]):5.1f}  {scores}")


if __name__ == "__main__":
    main()
