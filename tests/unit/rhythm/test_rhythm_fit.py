"""The parts of the fit, each on numbers whose truth is known: tempo, line, interval, attack."""

from __future__ import annotations

import numpy as np
import pytest
from dropgrid.features import ENVELOPE_RATE, FRAME_RATE, Features
from dropgrid.rhythm import RhythmOptions
from dropgrid.rhythm.fit import SPREAD, Line, exact_tempo, fit_line, snapped
from dropgrid.rhythm.phase import attack_offset
from dropgrid.rhythm.piecewise import straight_pieces
from dropgrid.rhythm.tempo import candidates, probabilities, scores, tempogram

PERIOD = 60 / 128


def clicks(times, duration):
    """An activation (frames,) with a peak 30 ms wide at each time."""
    frames = np.arange(round(duration * FRAME_RATE))[:, None] / FRAME_RATE
    return np.exp(-0.5 * ((frames - times) / 0.015) ** 2).sum(axis=1)


@pytest.mark.parametrize("off", [-0.02, 0.02])
def test_the_exact_tempo_is_found_from_a_start_that_is_two_per_cent_off(off):
    activation = clicks(np.arange(0.31, 120, PERIOD), 120)
    assert exact_tempo(activation, 128 * (1 + off)) == pytest.approx(128, abs=0.01)


def test_a_third_of_the_peaks_late_hardly_moves_the_line():
    random = np.random.default_rng(0)
    late = random.random(256) < 0.3
    times = 0.3 + np.arange(256) * PERIOD + 0.02 * late + random.normal(0, 0.001, 256)
    line = fit_line(times, np.ones(256), 128.0, 0.3)
    assert line.bpm == pytest.approx(128, abs=0.001)
    assert line.offset == pytest.approx(0.3, abs=0.002)  # their mean would be 6 ms late


@pytest.mark.parametrize(
    "beats", [[], [0, 8, 16], [0, 1, 2, 3], [0, 0.05, 1, 1.05, 2, 2.05]], ids=len
)
def test_fewer_than_four_peaks_or_beats_leave_the_grid_as_it_was(beats):
    line = fit_line(0.31 + np.array(beats) * PERIOD, np.ones(len(beats)), 128.0, 0.3)
    assert (line.offset, line.bpm, line.margin) == (0.3, 128.0, 128 * SPREAD)


def test_four_peaks_over_four_beats_are_a_line():
    line = fit_line(0.31 + np.array([0, 1, 2, 4]) * PERIOD, np.ones(4), 128.0, 0.3)
    assert line.offset == pytest.approx(0.31)
    assert line.margin < 128 * SPREAD


@pytest.mark.parametrize(
    ("beats", "jitter", "widest"),
    [(32, 0.003, 0.2), (64, 0.01, 0.1), (256, 0.003, 0.01), (256, 0.01, 0.012)],
)
def test_the_interval_holds_the_true_tempo_in_95_of_100_grids_and_is_no_wider_than_of_use(
    beats, jitter, widest
):
    random = np.random.default_rng(beats)
    held, margins = 0, []
    for _ in range(200):
        bpm = random.uniform(120, 130)
        times = 0.3 + np.arange(beats) * 60 / bpm + random.normal(0, jitter, beats)
        line = fit_line(times, np.ones(beats), bpm * (1 + 0.1 / beats), 0.3)
        held += line.interval[0] <= bpm <= line.interval[1]
        margins.append(line.margin)
    assert held >= 190
    assert np.mean(margins) < widest


def test_the_interval_allows_for_one_end_of_a_track_that_leads():
    beats = np.arange(512)
    for lead in (-0.005, 0.005):
        line = fit_line(0.3 + beats * PERIOD + lead * (beats >= 384), np.ones(512), 128.0, 0.3)
        assert line.interval[0] < 128 < line.interval[1]


def test_other_tempi_are_four_per_cent_apart_and_their_probabilities_one_in_all():
    tempi = 55 * 2 ** (np.arange(480) / 240)
    share = np.exp(-0.5 * (np.log2(tempi / 128) / 0.04) ** 2)
    share /= share.sum()
    found = candidates(tempi, share)
    assert found[0][0] == pytest.approx(128, rel=0.002)
    assert found[0][1] == pytest.approx(share[np.abs(tempi / found[0][0] - 1) <= 0.04].sum())
    values = np.array([tempo for tempo, _ in found])
    ratios = values[:, None] / values
    assert np.abs(ratios[~np.eye(len(values), dtype=bool)] - 1).min() > 0.038
    assert 0.95 < sum(probability for _, probability in found) <= 1


def test_the_preferred_tempo_decides_between_octaves_that_are_filled_alike():
    gram = tempogram(np.ones(2000), 55.0, 860.0)
    nothing = np.zeros_like(gram.magnitudes[0])
    for preferred in (87.0, 120.0, 174.0):
        options = RhythmOptions(preferred_bpm=preferred)
        (best, _), *_ = candidates(gram.tempi, probabilities(scores(nothing, gram.tempi, options)))
        assert best == pytest.approx(preferred, rel=0.004)


@pytest.mark.parametrize("count", [500, 900])
def test_however_many_straight_beats_are_one_piece(count):
    times = 0.2 + np.arange(count) * PERIOD + np.random.default_rng(1).normal(0, 0.003, count)
    [(first, last, line)] = straight_pieces(times)
    assert (first, last) == (0, count)
    assert line.bpm == pytest.approx(128, abs=0.02)


def attacks(times, duration, rise=0.0):
    """Features of strokes that rise in so many seconds: the envelope as RMS of short slices."""
    parts = 40
    moments = (np.arange(duration * ENVELOPE_RATE * parts) + 0.5 - parts / 2) / parts
    since = moments / ENVELOPE_RATE
    since = since - times[np.maximum(np.searchsorted(times, since, side="right") - 1, 0)]
    rising = np.minimum(since / rise, 1.0) if rise else 1.0
    sound = np.where(since >= 0, rising * np.exp(-np.maximum(since - rise, 0) / 0.08), 0.0)
    envelope = np.sqrt((sound.reshape(-1, parts) ** 2).mean(axis=1))
    attack = np.stack([envelope, envelope], axis=1).astype(np.float16)
    return Features(duration, np.zeros((duration * FRAME_RATE, 2)), {"attack": attack})


BEATS = np.arange(0.3, 59, 60 / 127.3)  # which fall everywhere between the envelope's values


@pytest.mark.parametrize("late", [-0.02, -0.008, -0.001, 0.0, 0.003, 0.012, 0.02])
def test_a_sharp_attack_is_found_to_the_millisecond(late):
    found = attack_offset(attacks(BEATS + late, 60), BEATS)
    assert found == pytest.approx(late, abs=0.001)


@pytest.mark.parametrize(
    ("late", "rise"), [(0.0, 0.045), (-0.04, 0.0), (0.04, 0.0)], ids=["soft", "before", "after"]
)
def test_a_soft_attack_or_one_40_ms_away_says_nothing(late, rise):
    assert attack_offset(attacks(BEATS + late, 60, rise), BEATS) is None


def test_fewer_than_16_attacks_say_nothing():
    features = attacks(BEATS, 60)
    assert attack_offset(features, BEATS[10:25]) is None
    assert attack_offset(features, BEATS[10:26]) is not None


@pytest.mark.parametrize(
    ("bpm", "margin", "shown"),
    [(125.0114, 0.0110, 125.0), (199.9917, 0.0077, 200.0), (125.02, 0.0110, 125.02)],
)
def test_a_whole_tempo_that_the_interval_misses_by_a_thousandth_is_used(bpm, margin, shown):
    assert snapped(Line(0.0, 60.0 / bpm, margin)) == pytest.approx(shown, abs=1e-9)
