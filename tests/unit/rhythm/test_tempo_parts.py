"""Tempogram, scores, octaves and tags, on curves whose answer can be computed by hand."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import yaml
from dropgrid.features import Features
from dropgrid.rhythm import RhythmOptions, octave, tag, tempo
from dropgrid.rhythm.tempo import Tempogram
from dropgrid.settings.paths import DEFAULTS

OPTIONS = RhythmOptions()


def wave(bpm, seconds=30.0, height=1.0):
    """An activation that swings once a beat, from 0 to 2 height."""
    time = np.arange(round(seconds * 100)) / 100
    return (height * (1 + np.cos(2 * np.pi * time * bpm / 60))).astype(np.float32)


def test_the_axis_of_tempi_goes_from_the_lowest_to_the_highest_by_240_steps_an_octave():
    gram = tempo.tempogram(wave(120), 60.0, 240.0)
    assert gram.tempi[[0, 240, 480]] == pytest.approx([60, 120, 240])
    assert len(gram.tempi) == 481
    assert len(tempo.tempogram(wave(120), 60.0, 239.0).tempi) == 480


def test_windows_of_ten_seconds_overlap_by_half():
    gram = tempo.tempogram(wave(120, 30), 60.0, 240.0)
    assert gram.centres.tolist() == [500, 1000, 1500, 2000, 2500]
    assert gram.magnitudes.shape == (5, 481)
    assert tempo.tempogram(wave(120, 14.99), 60.0, 240.0).centres.tolist() == [500]
    assert tempo.tempogram(wave(120, 15.0), 60.0, 240.0).centres.tolist() == [500, 1000]
    assert tempo.tempogram(wave(120, 6), 60.0, 240.0).centres.tolist() == [300]


@pytest.mark.parametrize(("seconds", "height"), [(30, 1.0), (30, 0.01), (6, 1.0)])
def test_a_wave_has_half_its_depth_at_its_tempo_and_nothing_far_off(seconds, height):
    """1 + cos: the mean is 1, and the cosine has a half of it at its frequency."""
    gram = tempo.tempogram(wave(120, seconds, height), 60.0, 240.0)
    assert gram.magnitudes[:, 240] == pytest.approx(0.5, abs=0.005)
    assert gram.magnitudes.argmax(axis=1) == pytest.approx(240, abs=1)
    assert gram.magnitudes[:, 0].max() < 0.005
    assert gram.magnitudes[:, -1].max() < 0.005


def test_between_the_bins_of_the_spectrum_magnitudes_are_interpolated():
    """Hann windows of 10 s: the main lobe is a smooth curve, symmetric in frequency."""
    gram = tempo.tempogram(wave(120), 110.0, 130.0)
    curve = gram.magnitudes[0]
    place = np.interp([117.0, 123.0], gram.tempi, curve)
    assert place[0] == pytest.approx(place[1], rel=0.01)
    steps = np.diff(curve[np.abs(gram.tempi - 116) < 2])
    assert np.all(steps > 0) and steps.max() < 1.8 * steps.min()


def test_a_constant_activation_has_no_tempo():
    gram = tempo.tempogram(np.ones(3000, np.float32), 60.0, 240.0)
    assert gram.magnitudes.max() < 1e-5
    assert tempo.tempogram(np.zeros(3000, np.float32), 60.0, 240.0).magnitudes.max() == 0


def axis(options=OPTIONS):
    return options.min_bpm * np.exp2(np.arange(961) / 240)


def test_a_score_is_the_sum_of_weighted_roots_of_harmonics_less_a_square_of_octaves():
    options = RhythmOptions(min_bpm=50.0, max_bpm=200.0, preferred_bpm=100.0)
    tempi = axis(options)
    magnitudes = np.zeros(961)
    magnitudes[[240, 480, 620, 720]] = 0.01, 0.04, 0.09, 0.16  # 100, 200, 300 (rounded), 400 BPM
    found = tempo.scores(magnitudes, tempi, options)
    assert found.shape == (481,)
    assert found[240] == pytest.approx(2.0 * 0.1 + 5.4 * 0.2 + 4.9 * 0.3 + 10.7 * 0.4)
    assert found[0] == pytest.approx(5.4 * 0.1 + 10.7 * 0.2 - 2.5)  # 50 BPM
    assert found[480] == pytest.approx(2.0 * 0.2 + 5.4 * 0.4 - 2.5)  # 200 BPM
    assert found[120] == pytest.approx(-2.5 / 4)
    rows = tempo.scores(np.stack([magnitudes, 0 * magnitudes]), tempi, options)
    assert rows[0] == pytest.approx(found)
    assert rows[1, 240] == pytest.approx(0.0)


def test_the_pulse_is_the_best_over_the_median_by_the_sum_of_weights():
    tempi = axis()
    magnitudes = np.full((2, 961), 0.04)
    gram = Tempogram(tempi, magnitudes, np.zeros(2))
    assert tempo.pulse(gram, OPTIONS) == pytest.approx(0.0)
    magnitudes[0, 480], magnitudes[1, 480] = 0.16, 0.56  # of which 0.36 is the mean
    assert tempo.pulse(gram, OPTIONS) == pytest.approx((0.6 - 0.2) * 10.7 / 23.0)


def test_a_share_of_the_doubt_moves_to_both_octaves():
    score = np.full(721, -1000.0)
    score[240] = 3.0
    share = tempo.probabilities(score)
    assert share[[0, 240, 480]] == pytest.approx([0.015, 0.97, 0.015])
    assert share.sum() == pytest.approx(1.0)
    score[240], score[700] = -1000.0, 5.0  # no octave above: only half of the doubt moves
    share = tempo.probabilities(score)
    assert share[[460, 700]] == pytest.approx([0.015, 0.985])
    even = tempo.probabilities(np.full(481, 2.0))
    assert even == pytest.approx(np.full(481, 1 / 481))


def test_probabilities_have_the_odds_of_the_scores():
    score = np.full(100, -1000.0)
    score[[10, 50]] = 7.0, 7.0 - np.log(3.0)
    assert tempo.probabilities(score)[[10, 50]] == pytest.approx([0.75, 0.25])


def test_candidates_are_disjoint_and_half_and_double_follow():
    tempi = axis()[:481]  # 55 to 220
    share = np.zeros(481)
    share[240], share[250], share[256] = 0.5, 0.2, 0.05  # 110; 2.9 and 4.7 per cent above
    share[100], share[400] = 0.15, 0.1
    found = tempo.candidates(tempi, share, 3)
    assert [round(bpm, 1) for bpm, _ in found] == [110.0, 73.4, 174.6, 55.0, 220.0]
    assert [p for _, p in found] == pytest.approx([0.7, 0.15, 0.1, 0.0, 0.0])
    share[0] = 0.03
    found = tempo.candidates(tempi, share, 3)
    assert found[3] == pytest.approx((55.0, 0.03))


def test_candidates_stay_inside_the_range_and_within_one():
    tempi = axis()[:401]  # to 174.6
    share = np.zeros(401)
    share[230:250] = 0.09
    found = tempo.candidates(tempi, share, 1)
    assert found[0][1] == 1.0
    assert [bpm for bpm, _ in found] == [tempi[230]]  # its half, 53, and double, 214, lie outside
    assert len(tempo.candidates(tempi, share)) == 6


@pytest.mark.parametrize(("bins", "known"), [(0, True), (12, True), (-13, True), (18, False)])
def test_double_the_best_is_added_unless_a_candidate_is_within_four_per_cent(bins, known):
    tempi = axis()[:481]
    share = np.zeros(481)
    share[100], share[340 + bins] = 0.7, 0.3
    found = tempo.candidates(tempi, share, 2)
    assert (len(found) == 2) == known


def low_bands(onsets, other=-200.0):
    levels = np.full((len(onsets), 9), -200.0, np.float32)
    levels[:, :2] = (20 * np.log10(onsets + 1e-10))[:, None]
    levels[:, 2:] = other
    return levels


def test_rises_within_20_ms_of_the_summed_amplitude():
    amplitudes = np.array([0.5, 0.5, 1.0, 0.2, 0.2, 0.9])
    decibels = 20 * np.log10(np.stack([amplitudes, 2 * amplitudes], axis=1))
    assert octave.rises(decibels) == pytest.approx([0, 1.5, 0, 0, 2.1, 0], abs=1e-5)


def test_low_onsets_are_of_the_two_lowest_bands():
    onsets = np.array([0.0, 0.0, 1.0, 1.0, 1.0])
    features = Features(0.05, np.zeros((5, 2)), {"bands": low_bands(onsets)})
    assert octave.low_onsets(features) == pytest.approx([0, 2, 2, 0, 0], abs=1e-4)
    features.descriptors["bands"][:, 2] = 20.0 * np.arange(5)
    assert octave.low_onsets(features) == pytest.approx([0, 2, 2, 0, 0], abs=1e-4)
    assert octave.low_onsets(Features(0.05, np.zeros((5, 2)))) is None


def bars_of(bpm, low=None):
    """Features whose downbeat activation swings once every four beats."""
    activations = np.zeros((3000, 2), np.float32)
    activations[:, 1] = wave(bpm / 4)
    descriptors = {} if low is None else {"bands": low_bands(low)}
    return Features(30.0, activations, descriptors)


def test_bars_are_evidence_for_their_tempo_and_against_its_double():
    odds = octave.bar_evidence(bars_of(100.0), OPTIONS)
    tempi = OPTIONS.min_bpm * np.exp2(np.arange(odds.shape[1]) / 240)
    assert odds.shape == (5, 473)
    assert tempi[-1] <= OPTIONS.max_bpm < tempi[-1] * 2 ** (1 / 240)
    assert np.interp(100.0, tempi, odds[0]) == pytest.approx(12.0 * 0.5, rel=0.02)
    assert np.interp(200.0, tempi, odds[0]) == pytest.approx(-12.0 * 0.5, rel=0.02)
    assert abs(np.interp(60.0, tempi, odds[0])) < 0.5


def test_the_evidence_of_downbeats_and_low_onsets_adds_up():
    low = np.zeros(3000)
    for k in range(10):
        low[300 * k + 100 : 300 * k + 110] = 1.0
    both = octave.bar_evidence(bars_of(80.0, low), OPTIONS)
    one = octave.bar_evidence(bars_of(80.0), OPTIONS)
    silent = Features(30.0, np.zeros((3000, 2)), {"bands": low_bands(low)})
    other = octave.bar_evidence(silent, OPTIONS)
    assert both == pytest.approx(one + other)
    assert np.abs(other).max() > 5
    assert octave.bar_evidence(Features(30.0, np.zeros((3000, 2))), OPTIONS) is None


@pytest.mark.parametrize(
    ("value", "half"), [(128.0, 0.5), (127.5, 0.05), (127.55, 0.005), (0.1 + 127.2, 0.05)]
)
def test_half_of_the_last_decimal(value, half):
    assert tag.rounding(value) == pytest.approx(half)


@pytest.mark.parametrize(
    ("bpm", "value", "margin", "agreed"),
    [(128.5, 128.0, 0.0, True), (128.51, 128.0, 0.0, False), (128.51, 128.0, 0.02, True),
     (128.6, 128.0, 0.09, False), (64.3, 128.0, 0.0, False), (64.3, 128.0, 0.06, True),
     (64.3, 128.0, 0.04, False), (257.1, 128.0, 0.11, True), (257.2, 128.0, 0.19, False),
     (127.5, 128.0, 0.0, True), (384.0, 128.0, 0.0, False)],
)  # fmt: skip
def test_a_tag_agrees_within_its_rounding_and_the_margin_of_the_tempo(bpm, value, margin, agreed):
    assert tag.agrees(bpm, value, margin) is agreed


def test_the_tempo_in_the_octave_of_the_tag_is_weighted_by_19():
    tempi = [(124.0, 0.5), (64.0, 0.25), (88.0, 0.25)]
    found = tag.in_octave_of(62.0, 124.0, tempi, 55.0, 215.0)  # 64 is 3.2 per cent off
    assert [bpm for bpm, _ in found] == [62.0, 124.0, 64.0, 88.0]
    assert [p for _, p in found] == pytest.approx(
        [0.19 / 1.19, 0.5 / 1.19, 0.25 / 1.19, 0.25 / 1.19]
    )
    tempi[1] = 63.8, 0.25  # 2.9 per cent
    found = tag.in_octave_of(62.0, 124.0, tempi, 55.0, 215.0)
    total = 0.25 * 19 + 0.75
    assert found == [(63.8, pytest.approx(4.75 / total)), (124.0, pytest.approx(0.5 / total)),
                     (88.0, pytest.approx(0.25 / total))]  # fmt: skip


@pytest.mark.parametrize(("low", "high"), [(62.0, 215.0), (55.0, 62.0)])
def test_a_tag_on_the_edge_of_the_range_is_inside(low, high):
    assert tag.in_octave_of(62.0, 124.0, [(124.0, 1.0)], low, high)[0][0] == 62.0


@pytest.mark.parametrize(("value", "used"), [(124.56, True), (124.57, False)])
def test_a_tag_may_be_off_by_its_rounding_and_the_error_of_the_fit(value, used):
    tempi = [(248.0, 0.6), (124.0, 0.4)]
    found = tag.in_octave_of(value, 249.0, tempi, 55.0, 300.0)  # 0.062 and 0.005 at half of 249
    assert (found != tempi) == used


@pytest.mark.parametrize(
    ("values", "fine"),
    [({"min_bpm": 20.0}, True), ({"min_bpm": 19.9}, False), ({"min_bpm": 107.5}, True),
     ({"min_bpm": 107.6}, False), ({"max_bpm": 400.0}, True), ({"max_bpm": 400.1}, False),
     ({"preferred_bpm": 20.0}, True), ({"preferred_bpm": 400.0}, True),
     ({"preferred_bpm": 19.9}, False), ({"preferred_bpm": 400.1}, False),
     ({"tag_octave": "ignore"}, True), ({"tag_octave": "trust"}, False),
     ({"bar_lengths": ()}, False), ({"bar_lengths": (7,)}, True), ({"bar_lengths": (3, 6)}, False),
     ({"bar_lengths": (3, 4, 5)}, True), ({"bar_lengths": (8,)}, False)],
)  # fmt: skip
def test_each_option_has_a_range(values, fine):
    if fine:
        RhythmOptions(**values)
    else:
        with pytest.raises(ValueError, match=next(iter(values))):
            RhythmOptions(**values)


def test_the_defaults_are_those_of_the_commented_configuration():
    stated = yaml.safe_load(DEFAULTS.read_text())["bpm"]
    for name, value in dataclasses.asdict(RhythmOptions()).items():
        assert stated[name] == (list(value) if isinstance(value, tuple) else value)
