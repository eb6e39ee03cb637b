"""An honest estimate of boundaries and drops: each song left out of everything that was chosen.

Usage: .venv/bin/python benchmarks/structure_nested.py [estimate] [weights] [pieces]
       [--shared FOLDER] [--cache FOLDER] [--made 0] [--pieces 45] [--save FILE]

estimate  each song is analysed with each of VARIANTS and with weights of the evidence that were
          fitted to all other songs (and made tracks); of these scores the one of the variant that
          is best, by worth(), on all other songs counts. Means and their intervals (95 %, songs
          drawn again with replacement)
weights   the weights of the evidence (structure.evidence), fitted to all songs, to those of
          music and music_more, to those of music_third, and to made tracks alone; with and
          without made tracks

pieces    the same measures of pieces of `dropgrid benchmark make`, by the product as it is: with
          exact labels, and nothing was fitted to them

The weights are those of a logistic model of the bar lines at which a section begins, majors
counting 1 and minors .5, its log odds averaged with the novelty alone. Made tracks, with exact
labels, are composed by dropgrid.demo_music, of many styles, tempi and forms; they count MADE each,
and nothing is measured on them. VARIANTS move the numbers that were chosen by looking at these
songs. What a person chose while looking at them, the kind of features and of model, no such
estimate can leave out.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from command_line import ROOT, chosen_parts, parser_of
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
    entry_scores,
    f_measures,
    make_pieces,
    make_tracks,
    moment_scores,
    one_bar,
    precision_recall,
    read_songs,
    starts,
)
from structure_labels import confusion, share_right

NEAR = 0.5  # seconds within which a bar line is that of a true boundary
MINOR = 0.5  # what a minor boundary weighs in the fit
SMOOTHING = 0.3  # inverse strength of the penalty of the fit
SCALE = 4.0  # the gain of a boundary is SCALE * novelty + 2 * log odds, in segment.WEIGHT's units
RARE = 4.6  # given back to the gain: the lengths' prior says as well that boundaries are rare
NAMES = ("NOVELTY", "CONTRAST", "LEAD", "RECURRENCE")
MADE = 0.25  # what a bar line of a made track weighs in the fit
RAISED = 0.1  # added to what stands for USUAL: the price of one label spares boundaries as well
VARIANTS: tuple[dict[str, float], ...] = (
    {},
    {"usual": 0.0},
    {"SAME_DROP": 0.5},
    {"SPLIT_EVIDENCE": 0.4},
    {"PEAK": -3.75},
    {"LABELS_COUNT": 1.5},
)
PLACES = {
    "SAME_DROP": labels, "PEAK": labels, "LABELS_COUNT": decoding, "SPLIT_EVIDENCE": decoding,
}  # fmt: skip
SCORES = (
    "precision 0.5 s", "recall 0.5 s", "F 0.5 s", "precision 3 s", "recall 3 s", "F 3 s",
    "drop precision", "drop recall", "moments within a bar", "same-label neighbours",
    "boundaries", "below every 8 bars", "F 0.5 s, ends counted", "F 3 s, ends counted",
    "labels right", "entry precision", "entry recall", "entries within a bar",
)  # fmt: skip
PARTS = ("estimate", "weights", "pieces")
ALIKE = 0.1  # what a pair of neighbours of one label costs, of a boundary F, beyond the first
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
    per_bar = music.measures.per_bar
    changed = novelty.evidence(music.pattern, music.measures.levels(), per_bar, music.on_grid)
    described = np.vstack([changed, repetition.describe(music.pattern, per_bar)]).T[::per_bar]
    times = music.edges[:-1:per_bar]
    begins, weights = np.zeros(len(times)), np.ones(len(times))
    for boundary in case.boundaries:
        nearest = int(np.abs(times - boundary).argmin())
        if nearest > 0 and abs(times[nearest] - boundary) < NEAR:
            begins[nearest] = 1.0
            weights[nearest] = 1.0 if np.abs(case.major - boundary).min() < 0.1 else MINOR
    return Lines(described, begins, weights)


def fit(songs: Sequence[Lines], made: Sequence[Lines] = ()) -> Fit:
    """The weights of evidence that suit some songs, and made tracks, each of which counts MADE."""
    made_less = [replace(one, weights=MADE * one.weights) for one in made]
    songs = [*songs, *made_less]
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
    values.append((evidence, "OFFSET", weights.usual + variant.get("usual", RAISED)))
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
    bounds = starts(found)
    every = [boundary_scores(case, bounds, tolerance) for tolerance in TOLERANCES]
    drops = precision_recall(drop_frames(case, found)) if case.peaks else (np.nan, np.nan)
    bar = one_bar(case)
    moments = moment_scores(case, found, bar) if case.peaks else np.nan
    alike = sum(one.label == other.label for one, other in pairwise(found.sections))
    eight = boundary_scores(case, np.array(case.estimated.downbeats[8::8]), TOLERANCES[1])[2]
    return [
        *every[0], *every[1], *drops, moments, alike, len(bounds), every[1][2] < eight,
        *(with_ends(case, bounds, tolerance) for tolerance in TOLERANCES),
        share_right(confusion(case, found)) if case.names else np.nan,
        *(entry_scores(case, found, bar) if case.peaks else (np.nan,) * 3),
    ]  # fmt: skip


def with_ends(case: Case, bounds: np.ndarray, tolerance: float) -> float:
    """F of the boundaries and the track's two ends, which are right for everybody."""
    ends = [0.0, case.features.duration]
    every = [np.union1d(one, ends) for one in (case.boundaries, bounds, case.major)]
    return f_measures(every[0], every[1], tolerance, every[2])[2]


def worth(table: np.ndarray) -> float:
    """What a variant is chosen by: boundaries, drops and moments; pairs of one label cost."""
    mean = dict(zip(SCORES, np.nanmean(table, axis=0), strict=True))
    boundaries = mean["F 0.5 s"] + mean["F 3 s"]
    drops = mean["drop precision"] + mean["drop recall"] + mean["moments within a bar"] / 2
    return float(boundaries + drops - ALIKE * max(0.0, mean["same-label neighbours"] - 1))


def remember() -> None:
    """Describe every song once, however often it is analysed, and leave its phrases out."""
    for place, name in (
        (analysis, "time_base"), (analysis, "music_of"), (labels, "running_sums"),
        (repetition, "describe"), (novelty, "evidence"),
    ):  # fmt: skip
        setattr(place, name, remembered(getattr(place, name)))
    setattr(analysis, "_phrases", lambda _music, _evidence, parts, _options: parts)  # noqa: B010


def remembered(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that answers again what it was asked before of the same first argument."""
    known: dict[int, tuple[Any, Any]] = {}

    def answer(first: Any, *others: Any) -> Any:
        if id(first) not in known:
            known[id(first)] = first, function(first, *others)  # first is kept: ids stay apart
        return known[id(first)][1]

    return answer


def estimate(songs: Sequence[Case], lines: Sequence[Lines], made: Sequence[Lines]) -> np.ndarray:
    """(songs, SCORES) each song with weights and variant chosen on all others."""
    tables = np.zeros((len(VARIANTS), len(songs), len(SCORES)))
    for place, song in enumerate(songs):
        weights = fit([line for i, line in enumerate(lines) if i != place], made)
        for number, variant in enumerate(VARIANTS):
            with changed(weights, variant):
                tables[number, place] = scores_of(song)
    found = np.zeros(tables.shape[1:])
    chosen: Counter[str] = Counter()
    for place in range(len(songs)):
        others = np.arange(len(songs)) != place
        best = int(np.argmax([worth(table[others]) for table in tables]))
        found[place] = tables[best, place]
        chosen[str(VARIANTS[best] or "as it is")] += 1
    print(f"chosen: {dict(chosen)}")
    return found


def report(title: str, table: np.ndarray) -> None:
    """Print the means of a table of songs, with their intervals."""
    random = np.random.default_rng(0)
    drawn = random.integers(0, len(table), (DRAWS, len(table)))
    print(f"\n{title}, {len(table)} tracks: mean, 95 % interval")
    for name, column in zip(SCORES, table.T, strict=True):
        means = np.nanmean(column[drawn], axis=1)
        low, high = np.percentile(means, [2.5, 97.5])
        print(f"  {name:<22} {np.nanmean(column):6.3f}   {low:.3f} to {high:.3f}")


def written(weights: Fit) -> str:
    """The weights and the offset, to two decimals."""
    return " ".join(f"{value:.2f}" for value in (*weights.values, weights.usual))


def main() -> None:
    parser = parser_of(__doc__, PARTS, cache=ROOT / ".structure-cache")
    parser.add_argument("--made", type=int, default=0, help="how many made tracks to fit to")
    parser.add_argument("--pieces", type=int, default=45, help="how many pieces to measure")
    parser.add_argument("--save", type=Path, help="where the scores of every song go")
    arguments = parser.parse_args()
    parts = chosen_parts(parser, arguments)
    arguments.cache.mkdir(parents=True, exist_ok=True)
    network = arguments.cache / "network.npz"
    if not network.exists():
        prepare_network(network, "madmom")
    remember()
    if "pieces" in parts:
        pieces = make_pieces(arguments.pieces, arguments.cache, network)
        report("made pieces", np.array([scores_of(piece) for piece in pieces]))
    if not {"estimate", "weights"} & set(parts):
        return
    songs = [c for c in read_songs(arguments.shared, arguments.cache, network) if c.judged]
    lines = [lines_of(song) for song in songs]
    made = [lines_of(one) for one in make_tracks(arguments.made, arguments.cache, network)]
    third = np.array([song.folder == "music_third" for song in songs])
    if "weights" in parts:
        print(f"weights: {' '.join(NAMES)} USUAL; and with made tracks")
        for name, chosen in (("all", third | True), ("first two", ~third), ("third", third)):
            own = [line for line, mine in zip(lines, chosen, strict=True) if mine]
            print(f"  {name:<10} {written(fit(own))}   {written(fit(own, made))}")
        if made:
            print(f"  {'made alone':<10} {written(fit(made))}")
    if "estimate" in parts:
        table = estimate(songs, lines, made)
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
