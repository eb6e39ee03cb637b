"""A steady grid continues against weak evidence, and ends at strong evidence."""

from __future__ import annotations

import numpy as np
import pytest
from dropgrid.features import Features
from dropgrid.rhythm import RhythmOptions, analyse
from dropgrid.rhythm.borders import border_beats
from dropgrid.rhythm.continuation import Part, join_parts
from dropgrid.rhythm.fit import Line
from dropgrid.rhythm.phase import LAG
from dropgrid.rhythm.piecewise import straight_pieces
from test_rhythm import clicks, grid, peaks_at, played_by_hand, worst


def features_of(*parts, duration):
    """Features with activations only, from (times, height) of their peaks."""
    column = sum(peaks_at(times, duration, height) for times, height in parts)
    return Features(duration, np.stack([column, 0 * column], axis=1).astype(np.float32))


def regions(features):
    return [(round(g.start), g.bpm) for g in analyse(features, RhythmOptions()).grid]


@pytest.mark.parametrize("seed", range(4))
def test_faint_sounds_without_a_beat_before_and_after_the_music_get_its_grid(seed):
    random = np.random.default_rng(seed)
    truth = grid(126.0, 70.3, 200)
    gaps = np.cumsum(random.uniform(0.25, 1.2, 160))
    before, after = gaps[gaps < 69], 200 + gaps[gaps < 50]
    features = features_of((before, 0.1), (truth, 0.7), (after, 0.1), duration=255)
    assert regions(features) == [(0, 126.0)]


def test_a_faint_intro_of_another_tempo_does_not_get_one_of_its_own():
    truth = grid(130.0, 60.2, 220)
    features = features_of((grid(119.2, 0.1, 60), 0.12), (truth, 0.8), duration=220)
    assert regions(features) == [(0, 130.0)]
    loud = features_of((grid(119.2, 0.1, 60), 0.6), (truth, 0.8), duration=220)
    assert len(regions(loud)) == 2


@pytest.mark.parametrize("beats", [0.3, 0.37, 0.5, 0.75])
def test_accents_off_the_beat_for_64_bars_do_not_move_the_grid(beats):
    truth = grid(132.0, 0.2, 290)
    away = (truth >= 70) & (truth < 186)
    moved = np.where(away, truth + beats * 60 / 132, truth)
    downbeats = np.arange(len(truth)) % 4 == 0
    features = clicks(np.unique(moved), 290, downbeats=truth[downbeats & ~away])
    rhythm = analyse(features, RhythmOptions())
    assert len(rhythm.grid) == 1
    assert worst(rhythm.beats, truth + LAG) < 0.006


def test_a_record_that_stays_on_its_own_grid_keeps_it():
    one, two = grid(128.0, 0.0, 90), grid(128.0, 90.18, 260)
    assert len(regions(clicks(np.concatenate([one, two]), 260))) == 2


@pytest.mark.parametrize("times", [2, 4, 10])
def test_a_loop_cut_off_the_beat_keeps_its_tempo_and_starts_a_region_each_time(times):
    loop = grid(126.0, 0.35, 77)
    starts = 77.0 * np.arange(times)
    truth = (starts[:, None] + loop).ravel()
    rhythm = analyse(clicks(truth, 77.0 * times), RhythmOptions())
    assert [region.bpm for region in rhythm.grid] == [126.0] * times
    found = [region.start for region in rhythm.grid]
    assert np.abs(np.array(found) - starts).max() < 60 / 126 + 0.35 + 0.01


@pytest.mark.parametrize("level", [0.15, 0.25])
@pytest.mark.parametrize(
    ("bpm", "at", "end"), [(136.0, 38.1, 82), (125.0, 20.0, 71), (183.0, 22.3, 70)]
)
def test_a_jump_of_the_phase_begins_a_region_of_the_same_tempo(bpm, at, end, level):
    before = grid(bpm, 0.2, at)
    after = grid(bpm, before[-1] + 0.63 * 60 / bpm, end - 0.5)
    truth = np.concatenate([before, after])
    between = truth + 30 / bpm
    features = features_of((truth, level), (between[between < end], level), duration=end)
    rhythm = analyse(features, RhythmOptions())
    assert [region.bpm for region in rhythm.grid] == [bpm, bpm]
    assert -0.02 < rhythm.grid[1].start - after[0] < 60 / bpm + 0.02
    beats = np.array([beat for beat in rhythm.beats if beat < truth[-1]])
    off = np.abs(beats[:, None] - np.concatenate([truth, between])).min(axis=1)
    assert off.max() < 0.02


def test_the_border_of_two_grids_keeps_most_activation_and_no_beat_too_soon():
    first, second = 50.0 * np.arange(10), 30.0 + 50.0 * np.arange(10)
    activation = np.zeros(600)
    activation[first[:5].astype(int)] = activation[second[4:].astype(int)] = 1.0
    activation[150] = 0.9  # .6 of a beat before 180
    activation[230] = 0.4  # .6 of a beat after 200
    assert border_beats(activation, first, second) == (5, 5)
    activation[200] = 0.2
    assert border_beats(activation, first, second) == (4, 4)


@pytest.mark.parametrize("deviation", [0.0, 0.0002])
def test_a_machine_that_wavers_by_less_than_a_player_is_one_region(deviation):
    random = np.random.default_rng(5)
    truth = played_by_hand(lambda t: 140 * (1 + deviation * np.sin(t / 20)), 170)
    shaken = truth + random.normal(0, 0.012, len(truth))
    weak = features_of((shaken, 0.25), (shaken[::3] + 0.11, 0.2), duration=172)
    assert len(regions(weak)) == 1


def test_a_part_on_a_path_is_not_joined_and_a_short_steady_one_is():
    steady = Line(0.2, 0.5, 0.001)
    beats = 0.2 + 0.5 * np.arange(200)
    activation = peaks_at(np.concatenate([beats, 100.33 + 0.46 * np.arange(20)]), 110)
    short = Part(100.0, 109.5, 100.33 + 0.46 * np.arange(20), Line(100.33, 0.46, 0.1))
    played = Part(short.start, short.end, short.beats, None)
    music = Part(0.0, 100.0, beats, steady)
    (whole,) = join_parts(activation, [music, short])
    assert (whole.first, whole.last, whole.anchor) == (0, 2, 0)
    assert whole.line.period == pytest.approx(0.5, abs=1e-4)
    assert len(join_parts(activation, [music, played])) == 2


def test_a_path_is_cut_into_the_fewest_pieces_that_keep_within_ten_milliseconds():
    random = np.random.default_rng(2)
    truth = played_by_hand(lambda t: 118 + 2.5 * np.sin(t / 13), 200)
    played = truth + random.normal(0, 0.003, len(truth))
    pieces = straight_pieces(played)
    assert len(pieces) <= 24
    for first, last, line in pieces:
        grid = line.offset + np.arange(last - first) * line.period
        assert np.abs(grid - truth[first:last]).max() < 0.015
    assert len(straight_pieces(grid_with_errors(random))) == 1


def grid_with_errors(random):
    beats = 0.5 * np.arange(300)
    return beats + 0.004 * np.sin(beats / 20) + random.normal(0, 0.003, 300)


def test_the_evidence_of_variable_tempo_contains_the_distance_from_the_grid():
    truth = played_by_hand(lambda t: 118 + 2.5 * np.sin(t / 13), 200)
    rhythm = analyse(features_of((truth, 0.8), duration=200), RhythmOptions())
    value = rhythm.evidence["deviation_ms"]
    assert 0 < value["typical"] < value["largest"] < 30
    steady = analyse(clicks(grid(128.0, 0.2, 90), 90), RhythmOptions())
    assert "deviation_ms" not in steady.evidence
