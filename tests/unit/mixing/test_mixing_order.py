"""Orders: as good as the best of all on few tracks, and true to what was wished."""

from __future__ import annotations

from itertools import pairwise, permutations

import numpy as np
import pytest
from dropgrid.mixing.order import Wishes, _course_values, _pair_values, arrange, total_value

NOBODY = [""] * 60


def random_scores(n: int, seed: int) -> np.ndarray:
    table = np.random.default_rng(seed).random((n, n))
    table[np.random.default_rng(seed + 1).random((n, n)) < 0.2] = -1
    return table


@pytest.mark.parametrize("seed", range(6))
def test_seven_tracks_come_within_a_hair_of_the_best_order(seed):
    table = random_scores(7, seed)
    value = _pair_values(table, NOBODY[:7], Wishes())
    course = np.zeros((7, 7))
    best = max(total_value(order, value, course) for order in permutations(range(7)))
    found = total_value(arrange(table, np.full(7, np.nan), NOBODY[:7], Wishes()), value, course)
    assert found >= best - 0.25


@pytest.mark.parametrize("curve", ["free", "rising", "wave", "peak"])
def test_it_plays_every_track_once_and_keeps_start_end_and_pairs(curve):
    table = random_scores(40, 3)
    energy = np.random.default_rng(9).random(40)
    wishes = Wishes(curve, start=5, end=11, pairs=((3, 30), (30, 2)))
    order = arrange(table, energy, NOBODY[:40], wishes)
    assert sorted(order) == list(range(40))
    assert order[0] == 5 and order[-1] == 11
    assert order[order.index(3) + 1] == 30 and order[order.index(30) + 1] == 2
    assert order == arrange(table, energy, NOBODY[:40], wishes)  # the same each time


def test_energy_rises_where_all_transitions_are_as_good():
    energy = np.random.default_rng(1).permutation(np.linspace(0, 1, 20))
    order = arrange(np.full((20, 20), 0.5), energy, NOBODY[:20], Wishes("rising"))
    assert energy[order].tolist() == sorted(energy)


def test_a_peak_lies_behind_the_middle():
    energy = np.linspace(0, 1, 21)
    order = arrange(np.full((21, 21), 0.5), energy, NOBODY[:21], Wishes("peak"))
    assert 10 <= int(np.argmax(energy[order])) <= 14


def test_an_artist_does_not_come_twice_in_a_row_where_that_can_be():
    artists = ["Ada", "ADA", "ada", "Bo", "Cy"]
    order = arrange(np.full((5, 5), 0.6), np.full(5, np.nan), artists, Wishes())
    names = [artists[i].casefold() for i in order]
    assert all(one != other for one, other in pairwise(names))


def test_what_cannot_be_mixed_is_kept_apart():
    table = np.array([[0, -1, 0.2], [0.3, 0, 0.2], [0.2, 0.2, 0]])
    order = arrange(table, np.full(3, np.nan), NOBODY[:3], Wishes())
    assert (0, 1) not in list(pairwise(order))


def test_one_and_no_track():
    assert arrange(np.zeros((1, 1)), np.zeros(1), [""], Wishes()) == [0]
    assert arrange(np.zeros((0, 0)), np.zeros(0), [], Wishes()) == []


def test_the_course_is_counted_in_ranks():
    course = _course_values(np.array([0.9, 0.1]), "rising")
    assert course[1, 0] == course[0, 1] == 0 and course[0, 0] == course[1, 1] < 0
