"""An honest estimate of boundaries and drops: nested, on songs left out of everything chosen.

Usage: .venv/bin/python benchmarks/structure_nested.py [estimate] [weights] [--shared FOLDER]
       [--cache FOLDER] [--groups 3] [--save FILE]

estimate  the songs are put into groups by artist. Each group is scored with the weights of the
          evidence fitted to the other groups, and with that of VARIANTS whose mean score on the
          other groups is best: the choice is part of what is tried. Means and their intervals
          (95 %, songs drawn again with replacement)
weights   the weights of the evidence (structure.evidence), fitted to all songs, to those of
          music and music_more, and to those of music_third

The weights are those of a logistic model of the bar lines at which a section begins, majors
counting 1 and minors .5, its log odds averaged with the novelty alone. What a person chose while
looking at these songs, the kind of features and of model, no such estimate can leave out.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from dropgrid import structure
from dropgrid.stages.networks import prepare_network
from dropgrid.structure import analysis, decoding, evidence, labels, novelty, repetition, segment
from dropgrid.structure.bars import time_base
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from structure_cases import (
    TOLERANCES,
    Case,
    boundary_scores,
    drop_frames,
    moment_scores,
    precision_recall,
    read_songs,
    starts,
)

NEAR = 0.5  # seconds within which a bar line is that of a true boundary
MINOR = 0.5  # what a minor boundary weighs in the fit
SMOOTHING = 0.3  # inverse strength of the penalty of the fit
SCALE = 4.0  # the gain of a boundary is SCALE * novelty + 2 * log odds, in segment.WEIGHT's units
RARE = 4.6  # given back to the gain: the lengths' prior says as well that boundaries are rare
NAMES = ("NOVELTY", "CONTRAST", "LEAD", "RECURRENCE")
VARIANTS: tuple[dict[str, float], ...] = (
    {},
    {"usual": -0.1},
    {"usual": 0.1},
    {"SAME_DROP": 1.0},
    {"PEAK": -3.1},
)
PLACES = {"SAME_DROP": decoding, "PEAK": labels}
SCORES = (
    "precision 0.5 s", "recall 0.5 s", "F 0.5 s", "precision 3 s", "recall 3 s", "F 3 s",
    "drop precision", "drop recall", "moments within a bar", "same-label neighbours",
    "boundaries", "below every 8 bars",
)  # fmt: skip
CHOSEN_BY = ("F 0.5 s", "F 3 s", "drop precision", "drop recall")
DRAWS = 2000
PRODUCT = structure.StructureOptions()


@dataclass(frozen=True)
class Lines:
    """The bar lines of a song: described (lines, 4), and whether and how surely one is true."""

    described: np.ndarray
    begins: np.ndarray
    weights: np.ndarray


@dataclass(frozen=True)
class Fit:
    """Weights of evidence by NAMES, and what stands for USUAL."""

    values: tuple[float, ...]
    usual: float


def lines_of(case: Case) -> Lines:
    """What the evidence is made of at the bar lines of a song, and the truth about them."""
    base = time_base(case.estimated, case.features.duration)
    music = analysis.music_of(case.features.descriptors["bands"], base)
    assert music is not None
    per_bar = music.drive.per_bar
    changed = novelty.evidence(music.pattern, music.drive.levels(), per_bar, music.on_grid)
    described = np.vstack([changed, repetition.describe(music.pattern, per_bar)]).T[::per_bar]
    times = music.edges[:-1:per_bar]
    begins, weights = np.zeros(len(times)), np.ones(len(times))
    for boundary in case.boundaries:
        nearest = int(np.abs(times - boundary).argmin())
        if nearest > 0 and abs(times[nearest] - boundary) < NEAR:
            begins[nearest] = 1.0
            weights[nearest] = 1.0 if np.abs(case.major - boundary).min() < 0.1 else MINOR
    return Lines(described, begins, weights)


def fit(songs: Sequence[Lines]) -> Fit:
    """The weights of evidence that suit some songs."""
    model = make_pipeline(StandardScaler(), LogisticRegression(C=SMOOTHING, max_iter=3000))
    model.fit(
        np.concatenate([song.described for song in songs]),
        np.concatenate([song.begins for song in songs]),
        logisticregression__sample_weight=np.concatenate([song.weights for song in songs]),
    )
    scaler, logistic = model[0], model[1]
    odds = logistic.coef_[0] / scaler.scale_
    offset = float(logistic.intercept_[0] - odds @ scaler.mean_)
    gain = 2 * odds + np.array([SCALE, 0, 0, 0])
    return Fit(tuple(gain / segment.WEIGHT), (2 * offset + RARE) / segment.WEIGHT)


@contextmanager
def changed(weights: Fit, variant: dict[str, float]) -> Iterator[None]:
    """The product with other weights and numbers."""
    values: list[tuple[Any, str, float]] = [
        (evidence, name, value) for name, value in zip(NAMES, weights.values, strict=True)
    ]
    values.append((evidence, "USUAL", weights.usual + variant.get("usual", 0.0)))
    values += [(PLACES[name], name, value) for name, value in variant.items() if name in PLACES]
    before = [(place, name, getattr(place, name)) for place, name, _ in values]
    for place, name, value in values:
        setattr(place, name, value)
    try:
        yield
    finally:
        for place, name, value in before:
            setattr(place, name, value)


def scores_of(case: Case) -> list[float]:
    """A song's scores in the order of SCORES; NaN where its truth cannot say."""
    found = structure.analyse(case.features, case.estimated, PRODUCT)
    every = [boundary_scores(case, starts(found), tolerance) for tolerance in TOLERANCES]
    drops = precision_recall(drop_frames(case, found)) if case.peaks else (np.nan, np.nan)
    bar = float(np.median(np.diff(case.true.downbeats)))
    moments = moment_scores(case, found, bar) if case.peaks else np.nan
    alike = sum(one.label == other.label for one, other in pairwise(found.sections))
    eight = boundary_scores(case, np.array(case.estimated.downbeats[8::8]), TOLERANCES[1])[2]
    return [
        *every[0], *every[1], *drops, moments, alike, len(found.sections) - 1,
        every[1][2] < eight,
    ]  # fmt: skip


def remember() -> None:
    """Describe every song once, however often it is analysed."""
    for place, name in ((analysis, "music_of"), (repetition, "describe"), (novelty, "evidence")):
        setattr(place, name, remembered(getattr(place, name)))


def remembered(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that answers again what it was asked before of the same first argument."""
    known: dict[int, tuple[Any, Any]] = {}

    def answer(first: Any, *others: Any) -> Any:
        if id(first) not in known:
            known[id(first)] = first, function(first, *others)  # first is kept: ids stay apart
        return known[id(first)][1]

    return answer


def artist(case: Case) -> str:
    """Who made a song: what its file's name begins with."""
    parts = case.name.replace(" - ", "-").split("-")
    return "-".join(parts[: 2 if parts[0] == "S3M" else 1])


def groups_of(songs: Sequence[Case], count: int) -> np.ndarray:
    """(songs,) the group of each: artists stay together, the largest are dealt out first."""
    names = [artist(song) for song in songs]
    sizes = np.zeros(count, int)
    place = {}
    for name in sorted(set(names), key=lambda name: (-names.count(name), name)):
        place[name] = int(sizes.argmin())
        sizes[place[name]] += names.count(name)
    return np.array([place[name] for name in names])


def estimate(songs: Sequence[Case], lines: Sequence[Lines], count: int) -> np.ndarray:
    """(songs, SCORES) each song with weights and variant chosen on the other groups."""
    groups, found = groups_of(songs, count), np.zeros((len(songs), len(SCORES)))
    columns = [SCORES.index(name) for name in CHOSEN_BY]
    for group in range(count):
        weights = fit([line for line, own in zip(lines, groups, strict=True) if own != group])
        tables = []
        for variant in VARIANTS:
            with changed(weights, variant):
                tables.append(np.array([scores_of(song) for song in songs]))
        others = [np.nanmean(table[groups != group][:, columns], axis=0).sum() for table in tables]
        best = int(np.argmax(others))
        found[groups == group] = tables[best][groups == group]
        print(f"group {group}, {np.sum(groups == group)} songs: weights "
              f"{' '.join(f'{value:.2f}' for value in (*weights.values, weights.usual))}; "
              f"variant {VARIANTS[best] or 'as it is'}", flush=True)  # fmt: skip
    return found


def report(title: str, table: np.ndarray) -> None:
    """Print the means of a table of songs, with their intervals."""
    random = np.random.default_rng(0)
    drawn = random.integers(0, len(table), (DRAWS, len(table)))
    print(f"\n{title}, {len(table)} songs: mean, 95 % interval")
    for name, column in zip(SCORES, table.T, strict=True):
        means = np.nanmean(column[drawn], axis=1)
        low, high = np.percentile(means, [2.5, 97.5])
        print(f"  {name:<22} {np.nanmean(column):6.3f}   {low:.3f} to {high:.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help="estimate, weights")
    root = Path(__file__).resolve().parents[1]
    parser.add_argument("--shared", type=Path, default=root.parent / "shared")
    parser.add_argument("--cache", type=Path, default=root / ".structure-cache")
    parser.add_argument("--groups", type=int, default=3)
    parser.add_argument("--save", type=Path, help="where the scores of every song go")
    arguments = parser.parse_args()
    parts = arguments.parts or ["weights", "estimate"]
    if unknown := set(parts) - {"estimate", "weights"}:
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    arguments.cache.mkdir(parents=True, exist_ok=True)
    network = arguments.cache / "network.npz"
    if not network.exists():
        prepare_network(network, "madmom")
    songs = [c for c in read_songs(arguments.shared, arguments.cache, network) if c.judged]
    remember()
    lines = [lines_of(song) for song in songs]
    third = np.array([song.folder == "music_third" for song in songs])
    if "weights" in parts:
        print(f"weights: {' '.join(NAMES)} USUAL")
        for name, chosen in (("all", third | True), ("first two", ~third), ("third", third)):
            found = fit([line for line, own in zip(lines, chosen, strict=True) if own])
            numbers = " ".join(f"{value:.2f}" for value in (*found.values, found.usual))
            print(f"  {name:<10} {numbers}")
    if "estimate" in parts:
        table = estimate(songs, lines, arguments.groups)
        report("all songs", table)
        report("music and music_more", table[~third])
        report("music_third", table[third])
        if arguments.save:
            rows = {
                song.name: {k: None if np.isnan(v) else round(float(v), 4)
                            for k, v in zip(SCORES, row, strict=True)}
                for song, row in zip(songs, table, strict=True)
            }  # fmt: skip
            arguments.save.write_text(json.dumps(rows, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
