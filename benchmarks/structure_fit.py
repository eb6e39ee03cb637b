"""Fit what the labels and energies stand on, and try each song and each part left out.

Usage: .venv/bin/python benchmarks/structure_fit.py [--shared FOLDER] [--results FOLDER]
       [--cache FOLDER]

ladder  the two thresholds and the spread by which a section's level is calm, medium or peak
        (structure.labels), by maximal likelihood on the sections found and the true ones; then
        the product's drops with the thresholds fitted to the other songs, and the same with each
        part of the level left out
lift    what a dB by which the level steps up counts for a boundary (structure.novelty), peak
        where a drop begins to be one (structure.labels), again by how many dB a drop grows
        louder where it drops once more inside its phrase (structure.analysis): the scores with
        every value, and those of each song with the value that is best for the others
energy  the weights of structure.levels, by penalised likelihood; then how well energies of one
        song tell its calm from another's peak sections (area under the curve), each song's taken
        from weights fitted to the others, and the same with each weight left out

A section counts by its share of the song, a song whose energy hints are weak by half.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import numpy as np
from command_line import parser_of
from dropgrid import structure
from dropgrid.records.model import BpmRecord
from dropgrid.stages.networks import prepare_network
from dropgrid.structure import Structure, analysis, labels, levels, novelty
from dropgrid.structure.bars import time_base
from scipy.optimize import minimize
from structure_cases import (
    FOLDERS,
    KINDS,
    TOLERANCES,
    Case,
    boundary_scores,
    drop_frames,
    moment_scores,
    one_bar,
    precision_recall,
    read_songs,
    starts,
)

PARTS = ("loudness", "strokes", "fullness")  # of a level
WEIGHTS = ("density", "strokes")  # of an energy
RIDGE = 1.0
LIFT = np.arange(0.05, 0.31, 0.05)
PEAK = np.arange(-5.0, -2.4, 0.25)  # dB
DROP_RISES = np.arange(0.2, 3.1, 0.2)  # dB
CHANGED = 0.05  # change of a song's score that counts as improved or worsened
PRODUCT = structure.StructureOptions()


@dataclass(frozen=True)
class Sections:
    """Sections of a song: parts (n, 3) of their level, loudness (n, 2) for their energy, and
    shares (n, 3), how much of the song each is calm, medium and peak for, by the truth."""

    parts: np.ndarray
    loudness: np.ndarray
    shares: np.ndarray


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--results", type=Path, help="a results folder of the songs, to save time")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        cache = arguments.cache or Path(folder)
        cache.mkdir(parents=True, exist_ok=True)
        network = cache / "network.npz"
        if not network.exists() and not arguments.results:
            prepare_network(network, "madmom")
        songs = [
            case
            for case in read_songs(arguments.shared, cache, network, arguments.results)
            if case.sure
        ]
    found = [sections(case, case.estimated, found_bounds(case)) for case in songs]
    true = [sections(case, case.true, case.major) for case in songs]
    report_ladder(songs, found, true)
    report_choices(songs)
    report_energy(songs, true)


def found_bounds(case: Case) -> np.ndarray:
    """The boundaries the product finds, seconds."""
    return starts(structure.analyse(case.features, case.estimated, PRODUCT))


def sections(case: Case, rhythm: BpmRecord, bounds: np.ndarray) -> Sections:
    """What the sections between boundaries in seconds sound like, and what the truth says."""
    base = time_base(rhythm, case.features.duration)
    music = analysis.music_of(case.features.descriptors["bands"], base)
    assert music is not None
    inner = {int(np.abs(music.edges - time).argmin()) for time in bounds}
    units = [0, *sorted(unit for unit in inner if 0 < unit < len(music.levels)), len(music.levels)]
    by_unit = np.repeat(music.measures.parts, music.measures.per_bar, axis=1)
    parts = [by_unit[:, a:b].mean(axis=1) for a, b in pairwise(units)]
    loudness = [music.measures.loudness(a, b) for a, b in pairwise(units)]
    shares = [
        [
            sum(max(0.0, min(e, music.edges[b]) - max(s, music.edges[a]))
                for s, e, hint in case.hints if hint == kind)
            for kind in KINDS
        ]
        for a, b in pairwise(units)
    ]  # fmt: skip
    total = np.array(shares)
    return Sections(np.array(parts), np.array(loudness), case.sure * total / total.sum())


def fit_ladder(level: np.ndarray, shares: np.ndarray) -> tuple[float, float, float]:
    """(CALM, PEAK, SPREAD) of the greatest likelihood. level: (n,) dB; shares: (n, 3)."""

    def loss(values: np.ndarray) -> float:
        calm, width, spread = values[0], np.exp(values[1]), np.exp(values[2])
        below = 1 / (1 + np.exp(-(calm - level) / spread))
        above = 1 / (1 + np.exp(-(level - calm - width) / spread))
        steps = np.stack([below, 1 - below - above, above], axis=1)
        return -float((shares * np.log(np.maximum(steps, 1e-9))).sum())

    calm, width, spread = minimize(loss, [-6.0, 1.0, 0.0], method="Nelder-Mead").x
    return float(calm), float(calm + np.exp(width)), float(np.exp(spread))


@contextmanager
def ladder_of(values: Sequence[float], parts: Sequence[int]) -> Iterator[None]:
    """The product with other thresholds, its levels made of some parts alone."""
    before = labels.CALM, labels.PEAK, labels.SPREAD, analysis.measure
    labels.CALM, labels.PEAK, labels.SPREAD = values
    measure = analysis.measure

    def some(*arguments: np.ndarray) -> levels.LevelMeasures:
        whole = measure(*arguments)  # type: ignore[arg-type]
        return replace(whole, parts=whole.parts[list(parts)])

    analysis.measure = some  # type: ignore[assignment]
    yield
    labels.CALM, labels.PEAK, labels.SPREAD, analysis.measure = before


def report_ladder(songs: list[Case], found: list[Sections], true: list[Sections]) -> None:
    """Print the thresholds, and the product's scores with each song's fitted without it."""
    print("Ladder: thresholds, and left-one-out scores of songs with 3 boundaries and a peak:")
    print("drop precision, recall; moments within a bar; boundaries at 0.5 s, 3 s")
    choices = {"all parts": [0, 1, 2]}
    choices |= {f"without {PARTS[i]}": [j for j in range(3) if j != i] for i in range(3)}
    choices |= {f"{PARTS[i]} alone": [i] for i in range(3)}
    for name, parts in choices.items():
        rows = []
        for left_out, case in enumerate(songs):
            others = [part for i, pair in enumerate(zip(found, true, strict=True))
                      for part in pair if i != left_out]  # fmt: skip
            values = fit_ladder(*gathered(others, parts))
            if not (case.judged and case.peaks):
                continue
            with ladder_of(values, parts):
                answer = structure.analyse(case.features, case.estimated, PRODUCT)
            bar = one_bar(case)
            rows.append([
                *precision_recall(drop_frames(case, answer)), moment_scores(case, answer, bar),
                *(boundary_scores(case, starts(answer), t)[2] for t in TOLERANCES),
            ])  # fmt: skip
        fitted = fit_ladder(*gathered([*found, *true], parts))
        scores = "  ".join(f"{value:.3f}" for value in np.mean(rows, axis=0))
        print(f"  {name:<18} {'  '.join(f'{value:6.2f}' for value in fitted)}   {scores}")


def report_choices(songs: list[Case]) -> None:
    """Print how the scores depend on each number that was chosen by them."""
    judged = [case for case in songs if case.judged]
    peaked = [case for case in songs if case.peaks]
    both = [case for case in judged if case.peaks]

    def boundaries(case: Case, found: Structure) -> list[float]:
        return [boundary_scores(case, starts(found), t)[2] for t in TOLERANCES]

    def drops(case: Case, found: Structure) -> list[float]:
        return list(precision_recall(drop_frames(case, found)))

    def moments(case: Case, found: Structure) -> list[float]:
        return [moment_scores(case, found, one_bar(case))]

    for title, module, name, values, without, cases, score in (
        ("Lift: F of boundaries at 0.5 s, 3 s", novelty, "LIFT", LIFT, 0.0, judged, boundaries),
        ("Peak: drop precision, recall", labels, "PEAK", PEAK, None, both, drops),
        (
            "Again: F of moments within a bar",
            analysis,
            "SECOND_DROP_RISE",
            DROP_RISES,
            np.inf,
            peaked,
            moments,
        ),
    ):
        report_choice(title, module, name, values, without, cases, score)


def report_choice(
    title: str,
    module: ModuleType,
    name: str,
    values: np.ndarray,
    without: float | None,
    songs: list[Case],
    score: Callable[[Case, Structure], list[float]],
) -> None:
    """Print a number's scores: of every value, without it, and left one song out; of all songs
    and by folder."""
    usual, rows = getattr(module, name), []
    for value in (*values, usual if without is None else without):
        setattr(module, name, value)
        answers = [structure.analyse(case.features, case.estimated, PRODUCT) for case in songs]
        rows.append([score(*each) for each in zip(songs, answers, strict=True)])
    setattr(module, name, usual)
    *every, before = np.array(rows)
    table = np.array(every)
    kernel = np.array([1, 2, 1]) / 4  # a value is as good as those around it
    chosen = []
    for left_out in range(len(songs)):
        others = np.delete(table, left_out, axis=1).mean(axis=(1, 2))
        chosen.append(int(np.convolve(np.pad(others, 1, mode="edge"), kernel, "valid").argmax()))
    tried = np.array([table[best][i] for i, best in enumerate(chosen)])
    print(f"\n{title}, of all songs and by folder")
    last = "as it is" if without is None else "without"
    for word, row in (
        *((f"{value:.2f}", row) for value, row in zip(values, table, strict=True)),
        (last, before), ("left one out", tried),
    ):  # fmt: skip
        means = [row.mean(axis=0)] + [
            row[[case.folder == folder for case in songs]].mean(axis=0) for folder in FOLDERS
        ]
        print(f"  {word:<14} {'   '.join('  '.join(f'{x:.3f}' for x in part) for part in means)}")
    moved = (tried - before).mean(axis=1)
    print(f"  mended {np.sum(moved > CHANGED)}, broken {np.sum(moved < -CHANGED)}; "
          f"chosen {values[min(chosen)]:.2f} to {values[max(chosen)]:.2f}")  # fmt: skip


def gathered(chosen: list[Sections], parts: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Levels of some parts, and shares, of all sections together."""
    level = np.concatenate([one.parts[:, list(parts)].mean(axis=1) for one in chosen])
    return level, np.concatenate([one.shares for one in chosen])


def fit_energy(sounds: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Weights of the columns of sounds, and the offset, of the greatest penalised likelihood.

    A medium section counts as half a peak.
    """
    peak, whole = shares[:, 2] + shares[:, 1] / 2, shares.sum(axis=1)
    middle, spread = sounds.mean(axis=0), sounds.std(axis=0)
    scaled = (sounds - middle) / spread

    def loss(values: np.ndarray) -> float:
        score = scaled @ values[1:] + values[0]
        return float((whole * np.logaddexp(0, score) - peak * score).sum()
                     + RIDGE / 6 * (values[1:] ** 2).sum())  # fmt: skip

    values = minimize(loss, np.zeros(sounds.shape[1] + 1)).x
    weights = values[1:] / spread
    return np.append(weights, values[0] - weights @ middle)


def report_energy(songs: list[Case], true: list[Sections]) -> None:
    """Print the weights of an energy, and how it tells calm from peak across songs."""
    print("\nEnergy: weights and offset; area under the curve of peak against calm, and of peak")
    print("against medium sections of all songs, weights fitted without the song")
    hint = np.concatenate([one.shares.argmax(axis=1) for one in true])
    for name, columns in (("both", [0, 1]), ("density alone", [0]), ("strokes alone", [1])):
        scores = []
        for left_out in range(len(songs)):
            others = [one for i, one in enumerate(true) if i != left_out]
            weights = fit_energy(*sounds_of(others, columns))
            scores.append(true[left_out].loudness[:, columns] @ weights[:-1] + weights[-1])
        every = np.concatenate(scores)
        areas = (np.mean(every[hint == 2][:, None] > every[hint == k]) for k in (0, 1))
        fitted = fit_energy(*sounds_of(true, columns))
        print(f"  {name:<18} {'  '.join(f'{value:6.2f}' for value in fitted):<24}"
              f" {'  '.join(f'{area:.3f}' for area in areas)}")  # fmt: skip


def sounds_of(chosen: list[Sections], columns: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Columns of what energies are made of, and shares, of all sections together."""
    sounds = np.concatenate([one.loudness[:, columns] for one in chosen])
    return sounds, np.concatenate([one.shares for one in chosen])


if __name__ == "__main__":
    main()
