"""Order a list of tracks for the best transitions.

Starting from a greedy order, each pass makes the best of all moves: of one to three tracks, or a
swap of two, until no move improves the order. This is deterministic and takes about a second for
200 tracks. The value of an order is the sum of the scores of neighbours, minus the distance of
each track's energy from the wanted course, minus a penalty for an artist twice in a row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

CURVES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "free": lambda x: np.full_like(x, np.nan),
    "rising": lambda x: x,
    "wave": lambda x: 0.5 - 0.5 * np.cos(4 * np.pi * x),
    "peak": lambda x: np.where(x < 0.6, x / 0.6, 1 - 0.7 * (x - 0.6) / 0.4),
}
ENERGY_WEIGHT = 0.6  # of the distance between a track's rank by energy and the wanted course
SAME_ARTIST = 0.5  # penalty for an artist twice in a row
IMPOSSIBLE = -2.0  # value of two neighbours whose tempos differ more than the limit
MAX_MOVED = 3  # tracks that are moved together
PASSES = 200
GAIN = 1e-9


@dataclass(frozen=True)
class Wishes:
    """The constraints of an order, by index of track. curve: a name of CURVES.

    start, end: the first and the last track. pairs: (a, b), b right after a.
    """

    curve: str = "free"
    start: int | None = None
    end: int | None = None
    pairs: tuple[tuple[int, int], ...] = ()


def arrange(
    scores: np.ndarray, energy: np.ndarray, artists: Sequence[str], wishes: Wishes
) -> list[int]:
    """The indexes of the tracks in playing order.

    scores: (n, n) of track j after track i, -1 if impossible. energy: (n,) 0..1, nan if unknown.
    """
    n = len(scores)
    if n < 2:
        return list(range(n))
    value = _pair_values(scores, artists, wishes)
    course = _course_values(energy, wishes.curve)
    order = _greedy(value, course, wishes)
    fixed = (wishes.start is not None, wishes.end is not None)
    best = total_value(order, value, course)
    for _ in range(PASSES):
        order, gained = _improve(order, value, course, fixed, best)
        if gained <= GAIN:
            break
        best += gained
    return [int(track) for track in order]


def arrange_around(
    scores: np.ndarray,
    energy: np.ndarray,
    artists: Sequence[str],
    locked: Mapping[int, int],
    curve: str = "free",
) -> list[int]:
    """The same with some tracks at fixed places; locked: place in the order -> track.

    The other places are filled greedily; then pairs of tracks are swapped while that helps.
    """
    n = len(scores)
    if not locked or n < 2:
        return arrange(scores, energy, artists, Wishes(curve))
    value = _pair_values(scores, artists, Wishes(curve))
    course = _course_values(energy, curve)
    order = np.full(n, -1)
    for place, track in locked.items():
        order[place] = track
    left = sorted(set(range(n)) - set(locked.values()))
    free = np.flatnonzero(order < 0)
    for place in map(int, free):
        following = value[order[place - 1]] if place else np.zeros(n)
        order[place] = max(left, key=lambda j: (following[j] + course[j, place], -j))
        left.remove(int(order[place]))
    best = total_value(order, value, course)
    for _ in range(PASSES):
        moves = []
        for i in free:
            j = _best_swap(order, value, course, int(i), free)
            if j != i:
                moves.append(_swapped(order, int(i), j))
        gains = [total_value(move, value, course) - best for move in moves]
        if not gains or max(gains) <= GAIN:
            break
        order = moves[int(np.argmax(gains))]
        best += max(gains)
    return [int(track) for track in order]


def total_value(order: Sequence[int] | np.ndarray, value: np.ndarray, course: np.ndarray) -> float:
    """The value of an order: of its neighbours, and of how it follows the course of energy."""
    order = np.asarray(order)
    return float(value[order[:-1], order[1:]].sum() + course[order, np.arange(len(order))].sum())


def _pair_values(scores: np.ndarray, artists: Sequence[str], wishes: Wishes) -> np.ndarray:
    value = np.where(scores < 0, IMPOSSIBLE, scores)
    names = np.array([name.casefold() for name in artists])
    value -= SAME_ARTIST * ((names[:, None] == names[None, :]) & (names[:, None] != ""))
    for first, second in wishes.pairs:
        value[first, second] += 100.0
    return value


def _course_values(energy: np.ndarray, curve: str) -> np.ndarray:
    """(n, n) minus the distance of track i's rank by energy from the course at place p."""
    n = len(energy)
    wanted = CURVES[curve](np.linspace(0, 1, n))
    ranks = np.argsort(np.argsort(np.nan_to_num(energy, nan=0.5), kind="stable")) / max(1, n - 1)
    return np.nan_to_num(-ENERGY_WEIGHT * np.abs(ranks[:, None] - wanted[None, :]))


def _greedy(value: np.ndarray, course: np.ndarray, wishes: Wishes) -> np.ndarray:
    """A greedy order from the wished start, else from the track that best fits the course."""
    n = len(value)
    left = set(range(n)) - {wishes.end}
    followers = {second for _, second in wishes.pairs}
    starts = sorted(left - followers) or sorted(left)
    first = wishes.start if wishes.start is not None else max(
        starts, key=lambda i: (course[i, 0], value[i].sum(), -i)
    )  # fmt: skip
    order = [first]
    left.discard(first)
    while left:
        place = len(order)
        order.append(max(left, key=lambda j: (value[order[-1], j] + course[j, place], -j)))
        left.discard(order[-1])
    if wishes.end is not None and wishes.end != wishes.start:
        order.append(wishes.end)
    return np.array(order)


def _improve(
    order: np.ndarray,
    value: np.ndarray,
    course: np.ndarray,
    fixed: tuple[bool, bool],
    now: float,
) -> tuple[np.ndarray, float]:
    """The order after the best single move, and the gain."""
    low, high = int(fixed[0]), len(order) - int(fixed[1])
    best, found = 0.0, order
    for candidate in _moves(order, value, course, low, high):
        gain = total_value(candidate, value, course) - now
        if gain > best + GAIN:
            best, found = gain, candidate
    return found, best


def _moves(
    order: np.ndarray, value: np.ndarray, course: np.ndarray, low: int, high: int
) -> list[np.ndarray]:
    """The most promising moves: of each run of tracks to its best place, and the best swaps.

    They are chosen by the neighbours and the course at all places at once; `total_value` decides.
    """
    moves = []
    for length in range(1, min(MAX_MOVED, high - low - 1) + 1):
        for i in range(low, high - length + 1):
            run = order[i : i + length]
            rest = np.concatenate([order[:i], order[i + length :]])
            places = np.arange(low, high - length + 1)
            j = places[int(np.argmax(_insertion(rest, run, value, course, places)))]
            if j != i:
                moves.append(np.concatenate([rest[:j], run, rest[j:]]))
    for i in range(low, high):
        j = _best_swap(order, value, course, i, np.arange(low, high))
        if j != i:
            moves.append(_swapped(order, i, j))
    return moves


def _insertion(
    rest: np.ndarray,
    run: np.ndarray,
    value: np.ndarray,
    course: np.ndarray,
    places: np.ndarray,
) -> np.ndarray:
    """The value of inserting a run at each of the places of the rest."""
    n = len(rest)
    before, after = rest[np.maximum(places - 1, 0)], rest[np.minimum(places, n - 1)]
    joined = np.where(places > 0, value[before, run[0]], 0.0)
    joined = joined + np.where(places < n, value[run[-1], after], 0.0)
    inner = (places > 0) & (places < n)
    joined = joined - np.where(inner, value[before, after], 0.0)
    at = np.arange(n)
    kept = np.concatenate([[0.0], np.cumsum(course[rest, at])])
    moved = np.concatenate([[0.0], np.cumsum(course[rest, at + len(run)])])
    here = sum(course[track, places + k] for k, track in enumerate(run))
    return np.asarray(joined + kept[places] + (moved[-1] - moved[places]) + here)


def _swapped(order: np.ndarray, i: int, j: int) -> np.ndarray:
    swapped = order.copy()
    swapped[[i, j]] = swapped[[j, i]]
    return swapped


def _best_swap(
    order: np.ndarray, value: np.ndarray, course: np.ndarray, i: int, places: np.ndarray
) -> int:
    """The best of some places to swap with place i; i if no swap helps."""
    other = order[places]
    gained = (
        course[order[i], places] + course[other, i] - course[order[i], i] - course[other, places]
    )
    n = len(order)
    for at, leaving, coming in (
        (places, other, order[i]),
        (np.full_like(places, i), order[i], other),
    ):
        left, right = order[np.maximum(at - 1, 0)], order[np.minimum(at + 1, n - 1)]
        gained = gained + np.where(at > 0, value[left, coming] - value[left, leaving], 0.0)
        gained = gained + np.where(at < n - 1, value[coming, right] - value[leaving, right], 0.0)
    gained = np.where(places == i, 0.0, gained)
    return int(places[int(np.argmax(gained))])
