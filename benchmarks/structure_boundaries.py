"""Try boundaries by a model fitted as a whole: evidence and length prior learned together.

Usage: .venv/bin/python benchmarks/structure_boundaries.py [--shared FOLDER] [--results FOLDER]
       [--cache FOLDER]

A semi-Markov conditional likelihood over the bar lines of a song (Sarawagi and Cohen, Semi-Markov
conditional random fields, NIPS 2004): a segmentation scores the sum of weights of what its bar
lines sound like and of how many bars its sections last, the latter added to the prior of
structure.segment. Major boundaries must be in it, minor ones may. The likelihood is convex in the
weights but for the minor ones; a ridge holds them. Fitted on true grids, each song tried on its
estimated grid with weights fitted to the others, decoded in two ways: `best`, the segmentation
that scores highest; `expected`, the bar lines that are expected to reach the highest F, which
sets each song a threshold of its own. Printed beside what the product does with the same novelty
and weights chosen by hand, at bar lines alone and without its labels, as these are.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from command_line import parser_of
from dropgrid.records.model import BpmRecord
from dropgrid.stages.networks import prepare_network
from dropgrid.structure import analysis, novelty, segment
from dropgrid.structure.bars import time_base
from scipy.optimize import minimize
from structure_cases import TOLERANCES, Case, boundary_scores, read_songs

LONGEST = 96  # bars of a section
FAR = -1e9
FAINTEST = -4.0  # of a feature: below, it says no more
RIDGE = 0.05, 0.3  # on the weights of the features, of the lengths
STEPS = 40, 8  # of the optimiser: for all songs, and from there for all but one
FEATURES = ("novelty", "peak within 2 bars", "peak within 8 bars", "step of the level", "rank")


@dataclass(frozen=True)
class Song:
    """A song at its bar lines: features (bars, 1 + FEATURES), the first 1; times (bars,)
    seconds; required and allowed (bars,), where a boundary must and may be."""

    case: Case
    features: np.ndarray
    times: np.ndarray
    required: np.ndarray
    allowed: np.ndarray


def at_bars(case: Case, rhythm: BpmRecord) -> Song:
    """A song's features and boundaries at the bar lines of a grid."""
    music = analysis.music_of(
        case.features.descriptors["bands"], time_base(rhythm, case.features.duration)
    )
    assert music is not None
    per_bar = music.measures.per_bar
    total = np.zeros(len(music.pattern))
    for bars in novelty.CONTEXTS:
        values = novelty.novelty(music.pattern, per_bar, bars)
        usual = max(float(np.median(values[values > 0])), novelty.FLOOR)
        total += np.log(np.maximum(values, 0.05) / usual) / len(novelty.CONTEXTS)
    at = total[::per_bar]
    rank = np.searchsorted(np.sort(at), at) / len(at)
    level = music.measures.parts.mean(axis=0)
    sums = np.concatenate([[0.0], np.cumsum(level)])
    place = np.arange(len(at))
    before, after = np.maximum(place - 4, 0), np.minimum(place + 4, len(level))
    step = (sums[after] - sums[place]) / np.maximum(after - place, 1)
    step -= (sums[place] - sums[before]) / np.maximum(place - before, 1)
    columns = (at, _peak(total, 2 * per_bar)[::per_bar], _peak(total, 8 * per_bar)[::per_bar],
               np.abs(step), -np.log(np.maximum(1 - rank, 0.5 / len(at))))  # fmt: skip
    features = np.maximum(np.stack([np.ones(len(at)), *columns], axis=1), FAINTEST)
    features[0] = 0.0
    times = music.edges[:-1:per_bar]
    marks = []
    for bounds in (case.major, np.concatenate([case.major, case.boundaries])):
        mask = np.zeros(len(at), bool)
        mask[[int(np.abs(times - time).argmin()) for time in bounds]] = True
        mask[0] = False
        marks.append(mask)
    return Song(case, features, times, *marks)


def _peak(values: np.ndarray, reach: int) -> np.ndarray:
    """How far values lie below the highest within reach: 0 at a peak."""
    around = np.pad(values, reach, mode="edge")
    return values - np.lib.stride_tricks.sliding_window_view(around, 2 * reach + 1).max(axis=1)


def length_features() -> np.ndarray:
    """(LONGEST + 1, 11) of sections of so many bars: phrases, multiples, shortness, length."""
    bars = np.arange(LONGEST + 1)
    columns = [bars == n for n in (4, 8, 16, 32)] + [bars % n == 0 for n in (4, 8, 16, 2)]
    columns += [np.maximum(4 - bars, 0), bars / 16, np.log(np.maximum(bars, 1))]
    return np.stack(columns, axis=1).astype(float)


LENGTHS = length_features()
PRIOR = np.maximum(segment.length_prior(200, 1)[: LONGEST + 1], -30.0)


def inference(
    gain: np.ndarray, lengths: np.ndarray, song: Song | None
) -> tuple[float, np.ndarray, np.ndarray]:
    """Log partition, (bars,) chance of a boundary at each bar line, and (LONGEST + 1,) expected
    sections by length; over segmentations that agree with a song's boundaries if it is given.

    gain: (bars,) score of a boundary; lengths: (LONGEST + 1,) score of a section of n bars.
    """
    count = len(gain)
    score = np.append(gain, 0.0)
    passed = np.zeros(count + 2)
    if song is not None:
        score[:-1] = np.where(song.allowed, score[:-1], FAR)
        passed[1:-1] = np.cumsum(song.required)
    passed[-1] = passed[-2]
    ahead, behind = np.full(count + 1, FAR), np.full(count + 1, FAR)
    ahead[0] = behind[count] = 0.0
    spans = []
    for end in range(1, count + 1):
        low = max(0, end - LONGEST)
        span = ahead[low:end] + lengths[end - low : 0 : -1]
        span = np.where(passed[end] > passed[low + 1 : end + 1], FAR, span)
        spans.append(span)
        ahead[end] = max(FAR, np.logaddexp.reduce(span) + score[end])
    whole = float(ahead[count])
    expected = np.zeros(LONGEST + 1)
    for end in range(count, 0, -1):
        low, span = max(0, end - LONGEST), spans[end - 1]
        after = behind[end] + score[end]
        expected[end - low : 0 : -1] += np.exp(np.minimum(span + after - whole, 0.0))
        behind[low:end] = np.logaddexp(behind[low:end], span - ahead[low:end] + after)
    chance = np.exp(np.minimum(ahead + behind - whole, 0.0))[:count]
    chance[0] = 0.0
    return whole, chance, expected


def loss_and_gradient(
    weights: np.ndarray, songs: list[Song], columns: list[int]
) -> tuple[float, np.ndarray]:
    """Penalised negative log likelihood of songs' boundaries, and its gradient."""
    own, rest = weights[: len(columns)], weights[len(columns) :]
    lengths = PRIOR + LENGTHS @ rest
    loss = RIDGE[0] * (own[1:] ** 2).sum() + RIDGE[1] * (rest**2).sum()
    gradient = np.concatenate([2 * RIDGE[0] * own, 2 * RIDGE[1] * rest])
    gradient[0] = 0.0
    for song in songs:
        features = song.features[:, columns]
        free, given = (inference(features @ own, lengths, one) for one in (None, song))
        loss += free[0] - given[0]
        gradient += np.concatenate([
            (free[1] - given[1]) @ features, (free[2] - given[2]) @ LENGTHS,
        ])  # fmt: skip
    return float(loss), gradient


def fit(songs: list[Song], columns: list[int], start: np.ndarray, steps: int) -> np.ndarray:
    """Weights of the greatest penalised likelihood."""
    return np.asarray(minimize(
        loss_and_gradient, start, (songs, columns), jac=True, method="L-BFGS-B",
        options={"maxiter": steps},
    ).x)  # fmt: skip


def expected_best(chance: np.ndarray) -> np.ndarray:
    """The bar lines, most probable first, that are expected to reach the highest F."""
    order = np.argsort(-chance, kind="stable")
    hits = np.cumsum(chance[order])
    f = 2 * hits / (np.arange(1, len(order) + 1) + chance.sum())
    return np.sort(order[: int(f.argmax()) + 1])


def answers(song: Song, gain: np.ndarray, lengths: np.ndarray) -> list[float]:
    """F at both tolerances of the best segmentation and of the expected best bar lines."""
    every = np.full(len(gain) + 1, lengths[-1])
    every[: len(lengths)] = lengths[: len(every)]
    every[0] = FAR
    best = segment.best_boundaries(gain, every, every, every)
    likely = expected_best(inference(gain, lengths, None)[1])
    return [
        boundary_scores(song.case, song.times[chosen], tolerance)[2]
        for chosen in (np.array(best, int), likely)
        for tolerance in TOLERANCES
    ]


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
        every = read_songs(arguments.shared, cache, network, arguments.results)
        songs = [case for case in every if case.judged]
    true = [at_bars(case, case.true) for case in songs]
    estimated = [at_bars(case, case.estimated) for case in songs]
    print(f"{len(songs)} songs, each left out: F at 0.5 s and 3 s, best and expected")
    by_hand = []
    for song in estimated:
        gain = segment.WEIGHT * (song.features[:, 1] + novelty.RIVALRY * song.features[:, 2])
        short = segment.TOO_SHORT * np.maximum(0, 4 - np.arange(LONGEST + 1))
        by_hand.append(answers(song, gain, PRIOR - short))
    print_row("by hand (not left out)", np.mean(by_hand, axis=0))
    choices = {"all features": list(range(1, 1 + len(FEATURES)))}
    choices |= {
        f"without {name}": [c for c in choices["all features"] if c != i]
        for i, name in enumerate(FEATURES, 1)
    }
    choices["the product's: " + ", ".join(FEATURES[:2])] = [1, 2]
    for name, chosen in choices.items():
        columns = [0, *chosen]
        start = np.zeros(len(columns) + LENGTHS.shape[1])
        start[1] = 3.0
        whole = fit(true, columns, start, STEPS[0])
        rows = []
        for i, song in enumerate(estimated):
            own = fit([one for j, one in enumerate(true) if j != i], columns, whole, STEPS[1])
            lengths = PRIOR + LENGTHS @ own[len(columns) :]
            rows.append(answers(song, song.features[:, columns] @ own[: len(columns)], lengths))
        print_row(name, np.mean(rows, axis=0))


def print_row(name: str, values: np.ndarray) -> None:
    """Print a row of a table."""
    print(f"  {name:<48}" + "  ".join(f"{value:.3f}" for value in values), flush=True)


if __name__ == "__main__":
    main()
