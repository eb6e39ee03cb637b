"""Steps of the fit and of segmentation, each with numbers whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from dropgrid.rhythm import RhythmOptions, beat_activation, borders, fit, repetition, segmentation
from dropgrid.rhythm.fit import Line
from dropgrid.rhythm.segmentation import Run
from dropgrid.rhythm.tempo import Tempogram


def pulses(bpm, seconds, start=0.0, height=1.0):
    """An activation (frames,) with a Gaussian of 15 ms on each beat."""
    times = np.arange(start, seconds, 60 / bpm)
    frames = np.arange(round(seconds * 100))[:, None] / 100
    return height * np.exp(-0.5 * ((frames - times) / 0.015) ** 2).sum(axis=1)


def test_demodulation_is_the_fourier_sum_of_each_block_at_each_harmonic():
    activation = np.random.default_rng(0).random(1030)
    rows = fit.demodulate(activation, 126.0, 250)
    assert rows.shape == (4, 5)
    turns = np.arange(1030) * 126 / 60 / 100
    for harmonic in range(4):
        for block in range(5):
            part = slice(250 * block, 250 * block + 250)
            wave = np.exp(-2j * np.pi * (harmonic + 1) * turns[part])
            assert rows[harmonic, block] == pytest.approx((activation[part] * wave).sum())


@pytest.mark.parametrize(("bpm", "start"), [(120.0, 0.31), (128.0, 0.05), (87.3, 0.5)])
def test_tempo_and_phase_of_pulses(bpm, start):
    activation = pulses(bpm, 60, start)
    assert fit.exact_tempo(activation, bpm * 1.028) == pytest.approx(bpm, abs=0.03)
    assert fit.exact_tempo(activation, bpm * 0.972) == pytest.approx(bpm, abs=0.03)
    assert abs(fit.exact_tempo(activation, bpm * 1.04) - bpm) > 0.5
    assert fit.phase(activation, bpm) == pytest.approx(start, abs=60 / bpm / 96 * 0.6)


def test_a_peak_lies_where_the_parabola_through_three_frames_has_its_top():
    activation = np.zeros(100)
    activation[[9, 10, 11]] = 0.2, 0.6, 0.4
    activation[[49, 50, 51]] = 0.05, 0.0501, 0.04
    activation[70] = 0.049
    activation[[80, 81]] = 0.5
    times, heights = fit.peaks(activation)
    assert heights.tolist() == [0.6, 0.0501, 0.5]
    assert times[0] == pytest.approx((10 + 0.5 * (0.2 - 0.4) / (0.2 - 1.2 + 0.4)) / 100)
    assert times[2] == pytest.approx(0.805)
    assert len(fit.peaks(np.full(100, 0.5))[0]) == 0
    edge = np.zeros(10)
    edge[0] = edge[9] = 1.0
    assert len(fit.peaks(edge)[0]) == 0
    edge[1], edge[8] = 1.5, 1.5
    assert fit.peaks(edge)[1].tolist() == [1.5, 1.5]


def test_a_line_has_a_tempo_and_an_interval():
    line = Line(0.2, 0.5, 0.03)
    assert line.bpm == 120.0
    assert line.interval == pytest.approx((119.97, 120.03))


def test_the_margin_of_beats_without_deviation_allows_five_milliseconds_at_an_end():
    index, weight = np.arange(65.0), np.ones(65)
    found = fit._margin(index, np.zeros(65), weight, 0.5)
    assert found == pytest.approx(0.005 / 64 / 0.5 * 120)
    few = fit._margin(index[:32], np.zeros(32), weight[:32], 0.5)  # two blocks: nothing is free
    assert few == pytest.approx(2 * 0.005 / 31 / 0.5 * 120)


def test_the_margin_is_two_standard_errors_of_the_slope_through_the_blocks():
    index, weight = np.arange(80.0), np.ones(80)
    error = np.repeat([0.002, -0.002, 0.0, -0.002, 0.002], 16)
    lever = 256 * (4 + 1 + 0 + 1 + 4)
    spread = np.sqrt(4 * 0.002**2 / 3 / lever)
    slope = 2 * spread * (1 + 2 / 3) + 0.005 / 79
    assert fit._margin(index, error, weight, 0.5) == pytest.approx(slope / 0.5 * 120)
    assert fit._margin(index - 32, error, 3 * weight, 0.5) == pytest.approx(slope / 0.5 * 120)
    weight[32:48] = 0.0  # a block without weight does not count
    spread = np.sqrt(4 * 0.002**2 / 2 / lever)
    slope = 2 * spread * 2 + 0.005 / 79
    assert fit._margin(index, error, weight, 0.5) == pytest.approx(slope / 0.5 * 120)


@pytest.mark.parametrize(
    ("bpm", "margin", "shown"),
    [(128.2, 0.3, 128.0), (127.6, 0.2, 127.5), (127.6, 0.05, 127.6), (128.5, 0.6, 128.5),
     (128.5, 0.02, 128.5), (127.49, 0.02, 127.5), (127.52, 0.018, 127.52), (127.52, 0.0195, 127.5),
     (128.1, 1.2, 128.1), (127.75, 0.3, 127.75 + 0.25)],
)  # fmt: skip
def test_the_only_whole_tempo_of_the_interval_is_shown_or_else_the_only_half(bpm, margin, shown):
    assert fit.snapped(Line(0.0, 60 / bpm, margin)) == pytest.approx(shown, abs=1e-9)


@pytest.mark.parametrize(
    ("bpm", "ratio"),
    [(120.0, 1), (60.0, 2), (240.0, 0.5), (40.0, 3), (80.0, 1.5), (90.0, 4 / 3), (30.0, 4),
     (360.0, 1 / 3), (160.0, 0.75), (121.0, 1), (480.0, 0.25), (180.0, 2 / 3)],
)  # fmt: skip
def test_the_tempi_of_a_run_in_the_octave_of_another(bpm, ratio):
    run = Run(0, 3, np.array([119.0, 120.0, 122.0]))
    assert run.local(bpm) == pytest.approx(np.array([119.0, 120.0, 122.0]) / ratio)


@pytest.mark.parametrize(
    ("one", "other", "related"),
    [(100, 101.9, True), (101.9, 100, True), (100, 102.1, False), (100, 200, True),
     (100, 201.9, True), (100, 202.1, False), (100, 198.1, True), (100, 197.9, False),
     (100, 300, True), (100, 150, True), (100, 400, True), (100, 133.3, True), (400, 100, True),
     (100, 250, False), (100, 125, False), (100, 500, False)],
)  # fmt: skip
def test_tempi_in_simple_ratios_are_related(one, other, related):
    assert segmentation._related(one, other) is related


def test_a_path_slides_by_three_bins_for_a_point_each_and_jumps_for_forty():
    score = np.zeros((6, 60))
    score[:3, 10] = score[3:, 13] = 100.0
    assert segmentation._path(score).tolist() == [10, 10, 10, 13, 13, 13]
    score = np.zeros((6, 60))
    score[:3, 10] = score[3:, 12] = 0.6  # 1.8 gained, 2 to pay
    assert segmentation._path(score).tolist() == [10] * 6
    score[3:, 12] = 0.7
    score[:3, 10] = 0.8
    assert segmentation._path(score).tolist() == [10, 10, 10, 12, 12, 12]
    for gain, path in ((13.0, [10] * 6), (14.0, [10, 10, 10, 50, 50, 50])):
        score = np.zeros((6, 60))
        score[:3, 10] = 20.0
        score[3:, 50] = gain
        assert segmentation._path(score).tolist() == path


def test_a_path_keeps_inside_of_the_tempi():
    score = np.zeros((4, 5))
    score[[0, 1, 2, 3], [0, 4, 0, 4]] = 100.0
    assert segmentation._path(score).tolist() == [0, 4, 0, 4]


def test_runs_end_where_tempi_are_not_related():
    tempi = 55 * np.exp2(np.arange(961) / 240)
    magnitudes = np.zeros((10, 961))
    for window, bpm in enumerate([120] * 4 + [100] * 3 + [150] * 3):
        for harmonic in (1, 2, 3, 4):
            magnitudes[window, np.argmin(np.abs(tempi - bpm * harmonic))] = 1.0
    runs = segmentation.tempo_runs(Tempogram(tempi, magnitudes, np.arange(10)), RhythmOptions())
    assert [(run.first, run.last) for run in runs] == [(0, 4), (4, 10)]
    assert runs[0].tempi == pytest.approx([120] * 4, rel=0.003)
    assert runs[1].tempi == pytest.approx([100] * 3 + [150] * 3, rel=0.003)


@pytest.mark.parametrize(
    ("beats", "distance"),
    [(0.0, 0.0), (0.04, 0.0), (0.06, None), (0.19, None), (0.22, 0.25), (0.28, 0.25),
     (0.32, None), (0.46, 0.5), (0.5, 0.5), (0.54, 0.5), (0.75, 0.25), (0.97, 0.0), (0.9, None)],
)  # fmt: skip
def test_grids_are_quarters_of_a_beat_apart_or_different(beats, distance):
    one = pulses(120.0, 40, 0.2)
    activation = np.concatenate([one, pulses(120.0, 40, 0.2 + beats / 2)])
    found = segmentation._grid_distance(activation, (0, 4000, 120.0), (4000, 8000, 120.0))
    assert found == distance


@pytest.mark.parametrize(("difference", "same"), [(0.36, True), (0.39, False), (-0.39, False)])
def test_grids_that_drift_by_a_quarter_of_a_beat_over_the_shorter_are_different(difference, same):
    """0.25 beats in 40 s are 0.375 BPM; the tempi given are measured again for the phase."""
    activation = np.concatenate([pulses(120.0, 60, 0.2), pulses(120.0, 40, 0.2)])
    found = segmentation._grid_distance(
        activation, (0, 6000, 120.0), (6000, 10_000, 120.0 + difference)
    )
    assert (found is not None) == same


def test_neighbours_a_quarter_apart_are_merged_only_if_one_is_short():
    def merged(one, other, beats):
        activation = np.concatenate(
            [pulses(120.0, one, 0.2), pulses(120.0, other, 0.2 + beats / 2)]
        )
        pieces = [(0, 100 * one, 120.0), (100 * one, 100 * (one + other), 120.0)]
        return len(segmentation._merged(activation, pieces)) == 1

    assert merged(60, 58, 0.25) and merged(58, 60, 0.25) and not merged(60, 60, 0.25)
    assert merged(60, 60, 0.0) and merged(60, 60, 0.5) and not merged(60, 60, 0.12)


def test_steady_music_is_one_piece_and_a_jump_begins_another():
    whole = segmentation.steady_pieces(pulses(120.0, 61, 0.2), 121.0)
    ((first, last, bpm),) = whole
    assert (first, last) == (0, 6100)
    assert bpm == pytest.approx(120.0, abs=0.3)
    jump = np.concatenate([pulses(120.0, 60, 0.2), pulses(120.0, 60, 0.26)])
    pieces = segmentation.steady_pieces(jump, 120.0)
    assert [(first, last) for first, last, _ in pieces] == [(0, 6000), (6000, 12_000)]
    long = segmentation.steady_pieces(pulses(120.0, 190, 0.2), 120.0)  # longer than one search
    assert [(first, last) for first, last, _ in long] == [(0, 19_000)]


def test_the_activation_of_a_beat_is_the_greatest_within_a_frame():
    activation = np.array([0.1, 0.2, 0.0, 0.5, 0.0, 0.0, 0.3])
    found = beat_activation.beat_activation(activation, np.array([-3.0, 0.0, 1.6, 4.4, 6.0, 9.0]))
    assert found.tolist() == [0.1, 0.2, 0.5, 0.5, 0.3, 0.3]


def offbeat(shift, count=96, first=32, last=64, height=1.0):
    """Beats every 50 frames, and an activation that leaves them for some beats."""
    beats = 100.0 + 50.0 * np.arange(count)
    activation = np.zeros(5200)
    moved = np.where((np.arange(count) >= first) & (np.arange(count) < last), shift, 0)
    activation[(beats + moved).astype(int)] = np.where(moved, height, 1.0)
    return activation, beats


@pytest.mark.parametrize(
    ("shift", "share"), [(0, 0), (19, 1 / 3), (6, 1 / 3), (12, 0), (25, 0), (37, 0), (44, 1 / 3)]
)
def test_eight_bars_off_the_grid_and_its_quarters_are_a_share_of_all(shift, share):
    assert beat_activation.off_grid(*offbeat(shift)) == pytest.approx(share)


def test_stretches_off_the_grid_are_long_and_not_faint():
    activation, beats = offbeat(19)
    assert beat_activation.off_grid(activation, beats[:31]) == 0.0
    assert beat_activation.off_grid(activation[1600:], beats[:32]) == 1.0
    assert beat_activation.off_grid(*offbeat(19, height=0.3)) == pytest.approx(1 / 3)
    assert beat_activation.off_grid(*offbeat(19, height=0.2)) == 0.0
    assert beat_activation.off_grid(*offbeat(19, last=96)) == pytest.approx(2 / 3)
    longer = offbeat(19, count=100, last=100)
    assert beat_activation.off_grid(*longer) == pytest.approx(68 / 100)
    activation, beats = offbeat(19)
    activation[beats[32:64].astype(int)] = 0.45
    assert beat_activation.off_grid(activation, beats) == pytest.approx(1 / 3)
    activation[beats[32:64].astype(int)] = 0.55  # more than half of the other place's
    assert beat_activation.off_grid(activation, beats) == 0.0


def test_the_border_keeps_all_of_one_grid_if_that_collects_most():
    before, after = 50.0 * np.arange(8), 25.0 + 50.0 * np.arange(8)
    activation = np.zeros(450)
    activation[before.astype(int)] = 1.0
    assert borders.border_beats(activation, before, after) == (8, 8)
    activation = np.zeros(450)
    activation[after.astype(int)] = 1.0
    assert borders.border_beats(activation, before, after) == (0, 0)
    # 0.74 of a beat behind is too near; 0.76 is not
    for shift, kept in ((37.0, 3), (38.0, 4)):
        near = before + shift
        activation = np.zeros(450)
        activation[before[:4].astype(int)] = activation[near[3:].astype(int)] = 1.0
        activation[before[3].astype(int)] = 0.9
        assert borders.border_beats(activation, before, near) == (kept, 3)


def bars(count, seed=1):
    return np.tile(np.random.default_rng(seed).random((16, 2)) ** 3, (count, 1))


def test_bars_that_repeat_gain_nothing_by_a_shift():
    assert repetition.shift_gain(bars(24)) < 0
    assert repetition.shift_gain(bars(15)) == -1.0
    assert repetition.shift_gain(bars(16)) != -1.0
    assert repetition.shift_gain(np.zeros((400, 2))) == 0.0


@pytest.mark.parametrize(("quarters", "found"), [(1, True), (3, True), (-5, True), (7, True),
                                                 (4, False), (8, False), (-4, False)])  # fmt: skip
def test_a_shift_by_part_of_a_beat_shows(quarters, found):
    strokes = bars(32)
    strokes[16 * 16 :] = np.roll(strokes[16 * 16 :], quarters, axis=0)
    assert (repetition.shift_gain(strokes) > 0.5) == found
    silent = np.hstack([strokes, np.zeros((len(strokes), 1))])  # one kind that never sounds
    assert repetition.shift_gain(silent) == pytest.approx(repetition.shift_gain(strokes))


def test_the_similarity_across_a_moment_is_the_mean_of_all_pairs_of_near_bars():
    rows = np.random.default_rng(2).normal(size=(16 * 20, 2))
    unit = rows.reshape(20, -1) / np.sqrt((rows.reshape(20, -1) ** 2).sum(axis=1))[:, None]
    for shift in (0, 3):
        moved = np.roll(rows, -shift, axis=0).reshape(20, -1)
        moved /= np.sqrt((moved**2).sum(axis=1))[:, None]
        expected = []
        for moment in range(8, 13):
            pairs = [(i, j) for i in range(moment) for j in range(moment, 19) if j - i <= 16]
            expected.append(np.mean([unit[i] @ moved[j] for i, j in pairs]))
        assert repetition._across(rows, 20, shift) == pytest.approx(np.array(expected))
