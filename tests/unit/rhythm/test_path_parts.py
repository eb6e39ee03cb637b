"""Paths of moving tempo: straight pieces, local tempi, spots of beats, and when a path counts."""

from __future__ import annotations

import numpy as np
import pytest
from dropgrid.rhythm import RhythmOptions, bar_pointer, piecewise, variable_tempo
from dropgrid.rhythm.bar_pointer import Path, best_path


def wave(bpm, seconds):
    """An activation that swings once a beat, from 0 to 2."""
    return 1 + np.cos(2 * np.pi * np.arange(round(seconds * 100)) / 100 * bpm / 60)


def test_a_steady_wave_does_not_drift_and_fills_one_of_four_harmonics():
    share, deviation = piecewise.drift(wave(120.0, 60), 120.0)
    assert share == pytest.approx(1 / 8, rel=0.03)  # half of the mass is at the first harmonic
    assert deviation == pytest.approx(0.0, abs=1e-4)
    assert piecewise.drift(wave(120.0, 19.9), 120.0) != (0.0, 0.0)
    assert piecewise.drift(wave(120.0, 19.5), 120.0) == (0.0, 0.0)


def test_a_tempo_that_moves_drifts_by_the_median_distance_from_its_median():
    third = np.concatenate([wave(118.0, 40), wave(120.0, 40), wave(122.0, 40)])
    _, deviation = piecewise.drift(third, 120.0)
    assert 1 / 120 < deviation < 2.1 / 120


def test_the_top_of_a_curve_lies_between_its_rows():
    curves = np.array([[0.0, 1.0, 3.0], [1.0, 3.0, 1.0], [3.0, 2.0, 0.0], [2.0, 0.0, 0.0]])
    found = piecewise._maximum_rows(curves)
    assert found[0] == pytest.approx(2 + 0.5 * (1 - 2) / (1 - 6 + 2))
    assert found[1] == pytest.approx(1 + 0.5 * (1 - 2) / (1 - 6 + 2))
    assert found[2] == 0.5  # at the edge: half a row at most


def test_the_weighted_median_has_half_of_the_weight_before_it():
    values = np.array([3.0, 1.0, 2.0])
    assert piecewise._weighted_median(values, np.array([1.0, 1.0, 1.0])) == 2
    assert piecewise._weighted_median(values, np.array([5.0, 1.0, 1.0])) == 3
    assert piecewise._weighted_median(values, np.array([1.0, 5.0, 1.0])) == 1
    assert piecewise._weighted_median(values, np.array([2.0, 2.0, 0.0])) == 1


def test_errors_are_distances_from_the_straight_line():
    times = np.array([0.0, 0.5, 1.03, 1.5, 2.0])
    slope, offset = np.polyfit(np.arange(5), times, 1)
    expected = times - offset - slope * np.arange(5)
    assert piecewise._errors(times) == pytest.approx(expected)
    assert piecewise._rest(times) == pytest.approx((expected**2).sum() / 0.005**2)
    assert piecewise._errors(np.array([3.0])).tolist() == [0.0]


def test_deviations_are_smoothed_over_three_beats():
    found = piecewise._smoothed(np.array([3.0, 0.0, 6.0, 0.0, 9.0]))
    assert found == pytest.approx([1.5, 3, 2, 5, 4.5])
    beats = 0.5 * np.arange(30)
    beats[15] += 0.03
    assert piecewise._farthest(beats) == pytest.approx(0.0090, abs=0.0001)


def test_a_line_has_the_margin_of_two_standard_errors():
    times = 0.2 + 0.5 * np.arange(10) + np.array([0.01, -0.01] * 5)
    line = piecewise._line(times, times)
    slope, offset = np.polyfit(np.arange(10), times, 1)
    rest = times - offset - slope * np.arange(10)
    error = np.sqrt((rest**2).sum() / 8 / 82.5)
    assert (line.period, line.offset) == (pytest.approx(slope), pytest.approx(offset))
    assert line.margin == pytest.approx(2 * error / slope * 60 / slope)
    two = piecewise._line(times[:2], 0.4 * np.arange(9))
    assert (two.offset, two.period) == (times[0], pytest.approx(0.4))
    assert two.margin == pytest.approx(15.0)
    exact = piecewise._line(0.5 * np.arange(3), np.arange(9.0))
    assert (exact.period, exact.margin) == (pytest.approx(0.5), pytest.approx(0.0, abs=1e-9))


@pytest.mark.parametrize(
    ("pieces", "kept"),
    [
        ([(0, 40), (40, 47), (47, 90)], [(0, 43), (43, 90)]),
        ([(0, 40), (40, 48), (48, 90)], [(0, 40), (40, 48), (48, 90)]),
        ([(0, 31), (31, 35), (35, 90)], [(0, 31), (31, 35), (35, 90)]),
        ([(0, 32), (32, 36), (36, 68)], [(0, 34), (34, 68)]),
        ([(0, 40), (40, 44), (44, 75)], [(0, 40), (40, 44), (44, 75)]),
        ([(0, 5), (5, 60), (60, 62)], [(0, 5), (5, 60), (60, 62)]),
        ([(0, 40), (40, 44), (44, 84), (84, 88), (88, 130)], [(0, 42), (42, 86), (86, 130)]),
        ([(0, 90)], [(0, 90)]),
    ],
)
def test_a_few_beats_between_two_long_pieces_are_split_between_them(pieces, kept):
    assert piecewise._without_joints(list(pieces)) == kept


def test_pieces_of_two_tempi_meet_where_the_tempo_changes():
    times = np.concatenate([0.5 * np.arange(60), 30 + 0.45 * np.arange(60)])
    found = piecewise.straight_pieces(times)
    assert [(first, last) for first, last, _ in found] in ([(0, 60), (60, 120)],
                                                           [(0, 61), (61, 120)])  # fmt: skip
    assert [line.period for _, _, line in found] == pytest.approx([0.5, 0.45])
    assert [line.offset for _, _, line in found] == pytest.approx([0.0, times[found[1][0]]])


def test_neighbours_that_only_the_longest_piece_separated_are_joined():
    times = 0.5 * np.arange(500)
    assert piecewise._rejoined(times, [(0, 400), (400, 500)]) == [(0, 500)]
    bent = np.where(np.arange(500) < 400, times, 200 + 0.52 * (np.arange(500) - 400))
    assert piecewise._rejoined(bent, [(0, 400), (400, 500)]) == [(0, 400), (400, 500)]
    shifted = times + 0.02 * (np.arange(500) >= 400)
    assert piecewise._rejoined(shifted, [(0, 400), (400, 500)]) == [(0, 400), (400, 500)]
    assert piecewise._within_bound(times, [(0, 400), (400, 500)]) == [(0, 500)]
    assert piecewise._within_bound(bent, [(0, 400), (400, 500)]) == [(0, 400), (400, 500)]


def test_the_closest_neighbours_are_merged_first():
    times = np.concatenate([0.5 * np.arange(40), 20 + 0.5005 * np.arange(40),
                            40.02 + 0.51 * np.arange(40)])  # fmt: skip
    pieces = [(0, 40), (40, 80), (80, 120)]
    assert piecewise._within_bound(times, pieces) == [(0, 80), (80, 120)]
    assert piecewise._within_bound(times[::-1].max() - times[::-1], pieces) == [(0, 40), (40, 120)]


def test_the_spot_of_a_beat_is_the_top_of_the_parabola_in_its_first_part():
    activation = np.zeros(120)
    activation[[11, 12, 13]] = 0.2, 0.6, 0.4
    activation[[50, 51, 52]] = 0.5, 0.3, 0.9  # behind the first part of the beat from 48 on
    starts, lengths = np.array([-36, 12, 48, 84]), np.array([48, 36, 36, 36])
    found = bar_pointer._spots(activation, starts, lengths)
    assert np.isnan(found[0])
    assert found[1] == pytest.approx(12 + 0.5 * (0.2 - 0.4) / (0.2 - 1.2 + 0.4))
    assert found[2] == pytest.approx(50 + 0.5 * (0.0 - 0.3) / (0.0 - 1.0 + 0.3))
    assert found[3] == 84.0
    late = bar_pointer._spots(activation, np.array([110, 122]), np.array([12, 12]))
    assert late[0] == 110 and np.isnan(late[1])


def test_the_score_of_a_path_is_that_of_its_beats():
    activation = np.full(200, 0.01)
    activation[::20] = 0.9
    path = best_path(activation, 18, 22)
    assert np.diff(path.starts).tolist() == [20] * (len(path.starts) - 1)
    assert path.score == pytest.approx(path.scores.sum())
    places = 80.0 * np.log(np.arange(18, 23))
    leaving = np.log(np.exp(-np.abs(places - places[2])).sum())
    likelihood = bar_pointer.Likelihood(activation, 22)
    inner = likelihood(path.starts[4:5], path.lengths[4:5])[0] - leaving
    assert path.scores[4] == pytest.approx(inner)
    first = likelihood(path.starts[:1], path.lengths[:1])[0] - np.log(100)
    assert path.scores[0] == pytest.approx(first)


def path_of(starts, lengths, spots=None):
    starts = np.array(starts)
    found = starts.astype(float) if spots is None else np.array(spots, float)
    return Path(starts, np.array(lengths), np.zeros(len(starts)), found)


@pytest.mark.parametrize(
    ("low", "high", "lengths"),
    [(60.0, 120.0, (50, 100)), (20.0, 400.0, (15, 250)), (55.0, 9000.0, (1, 109)),
     (24.0, 200.0, (30, 250)), (24.1, 200.0, (30, 249))],
)  # fmt: skip
def test_beats_of_a_path_in_frames(low, high, lengths):
    assert variable_tempo._lengths(low, high) == lengths


def test_a_narrow_path_is_within_15_per_cent_and_the_range_of_the_options(monkeypatch):
    seen = []
    monkeypatch.setattr(variable_tempo, "best_path", lambda activation, *ends: seen.append(ends))
    local = np.array([110.0, 100.0, 120.0])
    for times in (1, 2, 0.5):
        variable_tempo._narrow(np.zeros(10), local, times, RhythmOptions())
    assert seen == [(43, 71), (28, 35), (87, 109)]  # 85 to 138, 170 to 215, 55 to 69 BPM
    narrow = RhythmOptions(min_bpm=150.0, max_bpm=300.0)
    assert variable_tempo._narrow(np.zeros(10), local, 1, narrow) is None
    assert len(seen) == 3


def test_movement_is_half_a_minute_at_least_and_smooth():
    path = path_of(range(0, 10_000, 50), [50] * 200)
    moves = np.zeros(100, bool)
    moves[10:40] = moves[60:89] = True
    assert variable_tempo._smooth(moves, path) == [(10, 40)]
    moves[89] = True
    assert variable_tempo._smooth(moves, path) == [(10, 40), (60, 90)]
    lengths = np.full(200, 50)
    lengths[150] = 53  # 5.8 per cent, there and back: two hops of 59
    assert variable_tempo._smooth(moves, path_of(range(0, 10_000, 50), lengths)) == [(10, 40)]
    lengths[150] = 52
    found = variable_tempo._smooth(moves, path_of(range(0, 10_000, 50), lengths))
    assert found == [(10, 40), (60, 90)]
    assert variable_tempo._smooth(np.ones(100, bool), path) == [(0, 100)]


@pytest.mark.parametrize(("level", "more"), [(0.85, True), (0.92, False), (1.5, False)])
def test_a_path_explains_more_if_the_grid_has_less_than_nine_tenths(level, more):
    activation = np.zeros(4100)
    grid, spots = np.arange(0.0, 4000, 50), np.arange(20.0, 4000, 50)
    activation[spots.astype(int)] = 1.0
    activation[grid.astype(int)] = level
    path = path_of(spots.astype(int), [50] * 80)
    assert variable_tempo._explains_more(activation, grid, path, (0, 40)) == more
    assert variable_tempo._explains_more(activation, grid, path, (10, 30)) == more


def test_a_faint_path_explains_nothing():
    activation = np.zeros(4100)
    grid, spots = np.arange(0.0, 4000, 50), np.arange(20.0, 4000, 50)
    activation[grid[grid < 3000].astype(int)] = 1.0
    path = path_of(spots.astype(int), [50] * 80)
    for level, more in ((0.26, True), (0.24, False)):
        activation[spots[spots >= 3000].astype(int)] = level
        assert variable_tempo._explains_more(activation, grid, path, (30, 40)) == more
        assert not variable_tempo._explains_more(activation, grid, path, (0, 30))


def test_a_change_from_grid_to_path_must_gain_sixty():
    """Twenty seconds, in each of which the path scores so much more than the grid."""
    activation = np.zeros(2000)
    activation[::50] = 0.5
    grid = np.arange(0.0, 2000, 50)
    steady, scores = variable_tempo.along_grid(activation, grid)
    inside = (steady >= 500) & (steady < 1500)
    for gain, moved in ((11.9, []), (12.1, list(range(5, 15)))):
        own = scores + np.where(inside, gain / 2, -100.0)
        path = Path(steady.astype(int), np.full(len(steady), 50), own, steady)
        moves = variable_tempo.moving(activation, grid, path)
        assert np.flatnonzero(moves).tolist() == moved
    own = scores + np.where(steady >= 1000, 6.1 / 2, -100.0)  # one change in ten seconds
    path = Path(steady.astype(int), np.full(len(steady), 50), own, steady)
    moves = variable_tempo.moving(activation, grid, path)
    assert np.flatnonzero(moves).tolist() == list(range(10, 20))


def test_seconds_without_a_peak_count_for_neither():
    activation = np.zeros(2000)
    activation[:1000:50] = 0.5
    grid = np.arange(0.0, 2000, 50)
    steady, scores = variable_tempo.along_grid(activation, grid)
    path = Path(
        steady.astype(int), np.full(len(steady), 50), scores + 50.0 * (steady >= 1050), steady
    )
    assert not variable_tempo.moving(activation, grid, path).any()


def test_a_grid_is_extended_beyond_both_ends_by_its_own_beats():
    activation = np.zeros(1000)
    grid = 200.0 + 50.0 * np.arange(8)
    beats, scores = variable_tempo.along_grid(activation, grid)
    assert np.diff(beats) == pytest.approx(50)
    assert beats[0] <= -100 and beats[-1] >= 1000
    assert len(scores) == len(beats)


@pytest.mark.parametrize("accent", [0, 12.5, 25, 37.5])
def test_accents_on_any_quarter_of_a_beat_are_explained_alike(accent):
    grid = 50.0 * np.arange(1, 40)
    activation = np.full(2000, 0.01)
    activation[np.round(grid + accent).astype(int)] = 0.9
    _, scores = variable_tempo.along_grid(activation, grid)
    plain = np.full(2000, 0.01)
    plain[np.round(grid).astype(int)] = 0.9
    _, expected = variable_tempo.along_grid(plain, grid)
    assert scores[10:30] == pytest.approx(expected[10:30], rel=0.05)
    away = np.full(2000, 0.01)
    away[np.round(grid + 7).astype(int)] = 0.9
    assert variable_tempo.along_grid(away, grid)[1][10:30].mean() < expected[10:30].mean() - 3


@pytest.mark.parametrize(("gain", "total"), [(19.0, 0.0), (21.0, 1.0), (41.0, 21.0)])
def test_a_move_of_the_accents_must_gain_twenty(gain, total):
    scores = np.zeros((10, 4))
    scores[5, 2] = gain
    scores[:5, 1:] = scores[6:, 1:] = -100.0
    scores[6:, 2] = 0.0
    found = variable_tempo._best_accents(scores)
    assert found.sum() == pytest.approx(total)
    assert found.shape == (10,)
    if total:
        assert found[5] == gain - 20
