"""Does the score of `dropgrid next` mean anything? Songs cut in two, and how long a search takes.

Usage: .venv/bin/python benchmarks/mixing.py [--shared FOLDER] [--work FOLDER]

Each song of FOLDER/music and FOLDER/music_more that has boundaries is cut at the one nearest its
middle. Both halves of all songs are analysed as a library. For each first half every other track
is ranked; the second half is the true continuation. Beside the score: key and tempo alone, and
chance. Then 20,000 made-up tracks are searched, and 200 of them arranged.
"""

from __future__ import annotations

import argparse
import itertools
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile
from dropgrid.key import notation
from dropgrid.mixing.library import Library, library_of, read_library
from dropgrid.mixing.order import Wishes, arrange
from dropgrid.mixing.played import rankings
from dropgrid.mixing.score import TEMPO_LIMIT, ranked, scores

ROOT = Path(__file__).resolve().parents[1]
MANY, FEW = 20_000, 200


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared")
    parser.add_argument("--work", type=Path, help="a folder to keep the halves and results in")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        work = arguments.work or Path(scratch)
        songs = [
            file
            for folder in ("music", "music_more")
            for file in sorted((arguments.shared / folder).glob("*.ogg"))
        ]
        if songs:
            print_continuations(songs, work)
        else:
            print(f"no songs in {arguments.shared}: only the search is timed")
    print_search()


def print_continuations(songs: list[Path], work: Path) -> None:
    """Cut, analyse and rank."""
    halves = work / "halves"
    halves.mkdir(parents=True, exist_ok=True)
    names = [song.stem for song in songs if cut(song, halves)]
    command = [sys.executable, "-m", "dropgrid", "run", str(halves), "--results"]
    subprocess.run([*command, str(work / "results")], check=True, stderr=subprocess.DEVNULL)
    library = read_library(work / "results")
    places = {path: i for i, path in enumerate(library.paths)}
    pairs = [
        (places[f"{name}.1.flac"], places[f"{name}.2.flac"])
        for name in names
        if {f"{name}.1.flac", f"{name}.2.flac"} <= places.keys()
    ]
    each = [rankings(library, pair, TEMPO_LIMIT) for pair in pairs]
    print(
        f"{len(pairs)} songs cut in two; rank of the second half among {len(library) - 1} tracks"
    )
    print("| ranking by | median rank | in the first ten |\n|---|---|---|")
    for column in zip(*each, strict=True):
        ranks = [row.median_rank for row in column]
        first_ten = np.mean([row.in_first_ten for row in column])
        print(f"| {column[0].name} | {np.median(ranks):.1f} | {first_ten:.0%} |")


def cut(song: Path, folder: Path) -> bool:
    """Write both halves of a song; False where no boundary lies in its middle third."""
    truth = json.loads(song.with_suffix(".json").read_text())
    sound, rate = soundfile.read(song, dtype="float32")
    length = len(sound) / rate
    inside = [t for t in truth.get("boundaries", []) if length / 3 < t < 2 * length / 3]
    if not inside:
        return False
    at = round(min(inside, key=lambda t: abs(t - length / 2)) * rate)
    for number, part in enumerate((sound[:at], sound[at:]), start=1):
        file = folder / f"{song.stem}.{number}.flac"
        if not file.exists():
            soundfile.write(file, part, rate, subtype="PCM_16")
    return True


def made_up(count: int) -> Library:
    """A library of made-up tracks."""
    draw = np.random.default_rng(0)
    return library_of([
        {
            "track": f"t{i}", "path": f"t{i}.flac", "title": "", "artist": f"artist {i % 50}",
            "bpm": f"{draw.normal(128, 8):.2f}", "key": notation.name(int(draw.integers(24))),
            "key_confidence": f"{draw.random():.2f}", "confidence": ".95",
            "confidence_downbeat": ".95", "energy": f"{draw.random():.2f}",
            "loudness": f"{draw.normal(-9, 2):.1f}", "duration": "300",
            "sections": "intro:16 drop:32 outro:16", "mix_in_bars": "0", "mix_out_bars": "8",
        }
        for i in range(count)
    ])  # fmt: skip


def print_search() -> None:
    """How long a search and an order take."""
    library = made_up(MANY)
    begun = time.perf_counter()
    ranked(library, 0, scores(library, 0))
    print(f"next among {MANY} tracks: {time.perf_counter() - begun:.3f} s")
    few = made_up(FEW)
    table = np.stack([scores(few, i).total for i in range(FEW)])
    begun = time.perf_counter()
    order = arrange(table, few.energy, few.artists, Wishes("peak"))
    took = time.perf_counter() - begun
    mean = np.mean([table[i, j] for i, j in itertools.pairwise(order)])
    print(f"order of {FEW} tracks: {took:.1f} s, mean score {mean:.3f}")


if __name__ == "__main__":
    main()
