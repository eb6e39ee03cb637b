"""Measure what the networks' windows change: a long mix in one sequence, and in windows.

Usage: .venv/bin/python benchmarks/windows.py [--shared FOLDER] [--margins SECONDS ...]

The mix is all songs of FOLDER/music, end to end. Its activations in windows of 10 minutes, with
margins of each length, are compared with those of one sequence; so are the tempi, beats and
downbeats that follow from each song's part of them: right ones, F at 70 ms, and how far the
beat that moved most has moved.
"""

from __future__ import annotations

import argparse
import dataclasses
import tempfile
from pathlib import Path

import numpy as np
from dropgrid.audio.reader import SAMPLE_RATE, Reader
from dropgrid.features.descriptors import Descriptors
from dropgrid.features.engines import beat_ensemble as networks
from dropgrid.features.engines import front_end
from dropgrid.features.extract import front_end as front_end_of
from dropgrid.rhythm import analyse
from rhythm_material import DEFAULTS, Song, Verdict, judge, print_cells, read_songs

COLUMNS = ("mean", "p99", "p99.9", "most", "bpm right", "beats", "downbeats", "shift ms")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    root = Path(__file__).resolve().parents[1]
    parser.add_argument("--shared", type=Path, default=root.parent / "shared")
    parser.add_argument("--margins", type=float, nargs="+", default=[10.0, 30.0, 60.0, 120.0])
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder)
        songs = list(read_songs(arguments.shared / "music", cache))
        ensemble = networks.load(cache / "network.npz")
    files = [arguments.shared / "music" / f"{song.name}.ogg" for song in songs]
    parts = [inputs_of(file) for file in files]
    first, *others = parts
    mix = np.concatenate([first, *(part[front_end.LEAD :] for part in others)])
    ends = np.cumsum([len(part) - front_end.LEAD for part in parts])
    print(f"{len(songs)} songs end to end: {ends[-1] / 6000:.1f} min")
    print_cells("", *COLUMNS)
    whole = ensemble(mix)
    alone = [analyse(song.features, DEFAULTS) for song in songs]
    print_row("each alone", None, [judge(s, r) for s, r in zip(songs, alone, strict=True)], [])
    scores, beats = rhythm_of(songs, whole, ends)
    print_row("one sequence", None, scores, [])
    for margin in arguments.margins:
        windowed, one = front_end.activations(
            [mix], ensemble, mix.shape[1], whole=front_end.WINDOW, margin=round(margin * 100)
        )
        assert not one, "the mix is no longer than a window"
        scores, moved = rhythm_of(songs, windowed, ends)
        shifts = [shift(a, b) for a, b in zip(beats, moved, strict=True)]
        print_row(f"margins of {margin:g} s", np.abs(windowed - whole), scores, shifts)


def inputs_of(file: Path) -> np.ndarray:
    """The levels of a file's bands: (LEAD + frames, bands)."""
    inputs, descriptors = front_end.Inputs(SAMPLE_RATE), Descriptors(SAMPLE_RATE)
    blocks = (np.ascontiguousarray(block[:, 0]) for block in Reader(file))
    return np.concatenate(list(front_end_of(blocks, inputs, descriptors)))


def rhythm_of(
    songs: list[Song], activations: np.ndarray, ends: np.ndarray
) -> tuple[list[Verdict], list[np.ndarray]]:
    """Every song's scores and beats from its part of the mix's activations."""
    scores, beats = [], []
    for song, part in zip(songs, np.split(activations, ends[:-1]), strict=True):
        found = analyse(dataclasses.replace(song.features, activations=part), DEFAULTS)
        scores.append(judge(song, found))
        beats.append(np.array(found.beats))
    return scores, beats


def shift(before: np.ndarray, after: np.ndarray) -> float:
    """How far the beat that moved most is from the nearest one before, in ms."""
    return 1000 * float(np.abs(after[:, None] - before).min(axis=1).max())


def print_row(
    name: str, difference: np.ndarray | None, scores: list[Verdict], shifts: list[float]
) -> None:
    cells = [""] * 4
    if difference is not None:
        values = (difference.mean(), *np.quantile(difference, (0.99, 0.999)), difference.max())
        cells = [f"{value:.1e}" for value in values]
    print_cells(
        name, *cells,
        f"{sum(s.octave is True for s in scores)}/{len(scores)}",
        f"{np.mean([s.beats for s in scores]):.4f}",
        f"{np.mean([s.downbeats for s in scores]):.4f}",
        f"{max(shifts):.3f}" if shifts else "",
    )  # fmt: skip


if __name__ == "__main__":
    main()
