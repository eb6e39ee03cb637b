"""Estimate the gain of the thresholds of one region on songs they were not chosen on.

Usage: .venv/bin/python benchmarks/rhythm_nested.py [--shared FOLDER] [--cache FOLDER]
       [--methods METHOD ...]

Every song is analysed by every method with each of the VALUES of the thresholds of
rhythm/continuation.py and rhythm/beat_activation.py, one changed at a time. For each song, the
value that is best on all other songs is chosen (the value in use if several are), and the song is
scored with it: the mean of these scores is the nested estimate. Songs that no threshold affects
are analysed once.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from command_line import parser_of
from dropgrid.rhythm import analyse, continuation, region_fit, variable_tempo
from rhythm_accuracy import all_songs
from rhythm_material import DEFAULTS, Song, judge, print_cells

BOTH = (continuation, variable_tempo)
VALUES: dict[str, tuple[tuple[Any, ...], tuple[float, ...]]] = {
    "LEAST_GAIN_BEATS": ((continuation,), (6.0, 9.0, 18.0, 24.0)),
    "SHORTEST": ((continuation,), (16, 48, 64)),
    "ANCHOR": ((continuation,), (32, 96, 128)),
    "KEPT_SHARE": ((continuation,), (0.9, 0.98)),
    "DRIFT_LIMIT": ((continuation,), (0.1, 0.3)),
    "TEMPO_SLACK": ((continuation,), (0.0025, 0.01)),
    "GRID_SHARE": (BOTH, (0.8, 0.85, 0.95)),
    "FAINT": (BOTH, (0.15, 0.35, 0.5)),
}
IN_USE = "in use"
Scores = dict[str, np.ndarray]  # variant -> (songs, 2) beat and downbeat F


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--methods", nargs="+", default=["madmom", "open"])
    arguments = parser.parse_args()
    songs = [
        (method, song)
        for method in arguments.methods
        for song in all_songs(arguments.shared, arguments.cache, method)
    ]
    scores, touched = scored([song for _, song in songs])
    print(f"{touched} of {len(songs)} analyses are affected by a threshold")
    print_cells("", "beats", "downbeats")
    for variant, values in scores.items():
        print_cells(variant, *(f"{mean:.4f}" for mean in values.mean(axis=0)))
    names = [song.name for _, song in songs]
    for method in arguments.methods:
        own = np.array([other == method for other, _ in songs])
        for title, values in (("in use", scores[IN_USE]), ("nested", nested(scores, names))):
            print_cells(f"{method}, {title}", *(f"{x:.4f}" for x in values[own].mean(axis=0)))


def scored(songs: list[Song]) -> tuple[Scores, int]:
    """The scores of the songs by variant, and the number of songs that a threshold affects."""
    usual = []
    touched = []
    for song in songs:
        with recorded() as calls:
            usual.append(f_measures(song))
        touched.append(bool(calls))
    scores: Scores = {IN_USE: np.array(usual)}
    for name, (modules, values) in VALUES.items():
        for value in values:
            with changed(name, modules, value):
                scores[f"{name} {value:g}"] = np.array([
                    f_measures(song) if own else before
                    for song, own, before in zip(songs, touched, usual, strict=True)
                ])  # fmt: skip
    return scores, sum(touched)


def f_measures(song: Song) -> tuple[float, float]:
    """F of beats and downbeats."""
    verdict = judge(song, analyse(song.features, DEFAULTS))
    return verdict.beats, verdict.downbeats


@contextmanager
def recorded() -> Iterator[list[str]]:
    """List the calls of the functions that use the thresholds."""
    calls: list[str] = []
    used = {(region_fit, "join_parts"), (variable_tempo, "_explains_more")}
    kept = {(module, name): getattr(module, name) for module, name in used}
    for (module, name), function in kept.items():

        def recording(*arguments: Any, function: Any = function, name: str = name) -> Any:
            calls.append(name)
            return function(*arguments)

        setattr(module, name, recording)
    try:
        yield calls
    finally:
        for (module, name), function in kept.items():
            setattr(module, name, function)


@contextmanager
def changed(name: str, modules: tuple[Any, ...], value: float) -> Iterator[None]:
    """Give a threshold another value."""
    usual = getattr(modules[0], name)
    for module in modules:
        setattr(module, name, value)
    try:
        yield
    finally:
        for module in modules:
            setattr(module, name, usual)


def nested(scores: Scores, names: list[str]) -> np.ndarray:
    """F (analyses, 2), each song's with the variant that is best on all other songs."""
    variants = list(scores)
    values = np.stack([scores[variant] for variant in variants])
    found = np.empty_like(scores[IN_USE])
    for name in dict.fromkeys(names):
        own = np.array([other == name for other in names])
        means = values[:, ~own, 0].mean(axis=1)
        found[own] = values[int(np.argmax(means > means.max() - 1e-9)), own]
    return found


if __name__ == "__main__":
    main()
