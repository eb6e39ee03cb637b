"""Regions, chains, decision tables and confidences, each step on numbers counted by hand."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from dropgrid.features import Features
from dropgrid.records.model import Confidences
from dropgrid.rhythm import (
    RhythmOptions,
    analysis,
    bars,
    confidence,
    continuation,
    downbeat_decision,
    region_fit,
)
from dropgrid.rhythm.confidence import Sound
from dropgrid.rhythm.continuation import Joined, Part, _Stretch
from dropgrid.rhythm.downbeat_decision import DecisionTable
from dropgrid.rhythm.evidence import EvidenceSource
from dropgrid.rhythm.fit import Line
from dropgrid.rhythm.region_fit import Piece, Region

LAG = 0.0025  # s that grids lie behind the networks' peaks


def piece(start=0.0, end=20.0, offset=0.25, period=0.5, margin=0.01, **more):
    line = Line(offset, period, margin)
    return Piece(start, end, line, more.get("bpm", line.bpm), more.get("phase", 0.9),
                 more.get("attack"), more.get("deviation"))  # fmt: skip


def region(*tempi, **facts):
    return Region(piece(**facts), list(tempi) or [(120.0, 1.0)])


def test_the_beats_of_a_piece_lie_on_its_line_from_a_little_before_its_start():
    assert piece(end=2.0).beats() == pytest.approx([0.25, 0.75, 1.25, 1.75])
    assert piece(start=0.28, end=2.25).beats() == pytest.approx([0.25, 0.75, 1.25, 1.75, 2.25])
    assert piece(start=0.281, end=2.24).beats() == pytest.approx([0.75, 1.25, 1.75])
    assert piece(offset=10.25, end=1.0).beats() == pytest.approx([0.25, 0.75])
    assert piece(end=2.0, bpm=60.0).beats() == pytest.approx([0.25, 1.25])
    assert piece(deviation=(0.1, 0.2)).followed and not piece().followed


def test_half_beats_cover_the_frames_of_a_line():
    found = region_fit._halves(Line(0.3, 0.5, 0.0), 1000, 1150)
    assert found == pytest.approx([10.05, 10.3, 10.55, 10.8, 11.05, 11.3])
    assert region_fit._halves(Line(0.25, 0.5, 0.0), 0, 100) == pytest.approx(
        [0, 0.25, 0.5, 0.75, 1]
    )
    assert len(region_fit._halves(Line(0.2, 0.5, 0.0), 0, 10)) == 2


def test_the_half_beats_of_a_stretch_are_on_its_beats_and_between():
    times = 10.2 + 0.5 * np.arange(40)
    frames = np.arange(4000)[:, None] / 100
    activation = np.exp(-0.5 * ((frames - times) / 0.015) ** 2).sum(axis=1)
    line, halves = region_fit.half_beats(activation, 1000, 3000, 120.3)
    assert line.bpm == pytest.approx(120.0, abs=0.01)
    assert line.offset == pytest.approx(0.2, abs=0.001)
    assert np.diff(halves) == pytest.approx(0.25, abs=1e-4)
    assert halves[0] == pytest.approx(10.2, abs=0.26) and halves[-1] == pytest.approx(
        29.95, abs=0.06
    )


def test_the_delay_of_a_grid_is_that_of_its_attack_or_the_usual_one():
    assert region_fit._attack_delay(piece(attack=0.011)) == 0.011
    assert region_fit._attack_delay(piece()) == LAG
    part = region_fit._part([region(attack=0.01, end=2.0)])
    assert part.beats == pytest.approx([0.24, 0.74, 1.24, 1.74])
    assert part.line is not None and part.line.offset == pytest.approx(0.24)
    assert (part.start, part.end) == (0.0, 2.0)
    path = region_fit._part([region(end=1.0, deviation=(0, 0)),
                             region(start=1.0, end=2.0, deviation=(0, 0))])  # fmt: skip
    assert path.line is None and (path.start, path.end) == (0.0, 2.0)
    assert path.beats == pytest.approx(np.array([0.25, 0.75, 1.25, 1.75]) - LAG)


def stretch(line=(0.0, 0.5, 0.01), start=0.0, end=50.0, beats=100, level=0.8):
    own = None if line is None else Line(*line)
    return _Stretch(Joined(0, 1, 0, own), start, end, beats, level * beats)


def test_the_level_of_a_stretch_is_the_mean_of_its_beats():
    assert stretch(level=0.4).level == pytest.approx(0.4)
    assert _Stretch(Joined(0, 1, 0, None), 0, 1, 0, 0.0).level == 0


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (stretch((0.1, 0.5 / 1.004, 0.01)), True), (stretch((0.1, 0.5 / 1.006, 0.01)), False),
        (stretch((0.1, 0.5 / 0.996, 0.01)), True), (stretch((0.1, 0.5 / 0.994, 0.01)), False),
        (stretch(None), False), (stretch(None, beats=31), True), (stretch(None, beats=32), False),
        (stretch(None, level=0.19), True), (stretch(None, level=0.21), False),
    ],
)  # fmt: skip
def test_a_stretch_has_the_tempo_of_the_anchor_or_is_too_short_or_faint_for_one(other, same):
    assert continuation._same_tempo(stretch(), other) == same


@pytest.mark.parametrize(
    ("far", "may"),
    [
        (stretch(start=60.0, end=100.0), True), (stretch(start=149.0, end=199.0), True),
        (stretch(start=151.0, end=201.0), False),  # farther away than both are long
        (stretch(start=60.0, end=100.0, beats=31), False),
        (stretch((0, 0.5 / 1.004, 0.01), 60.0, 100.0), True),
        (stretch((0, 0.5 / 1.006, 0.01), 60.0, 100.0), False),
        (stretch(None, 60.0, 100.0), False),
    ],
)  # fmt: skip
def test_a_return_is_near_and_of_the_same_tempo(far, may):
    assert continuation._may_return(stretch(), far) == may
    assert not continuation._may_return(stretch(None), far)


def test_a_grid_that_would_drift_by_a_fifth_of_a_beat_may_not_return():
    for margin, may in ((0.29, True), (0.31, False)):  # over 40 s: 0.2 beats are 0.3 BPM
        anchor = stretch((0.0, 0.5, margin))
        assert continuation._may_return(anchor, stretch(start=90.0, end=140.0)) == may
    before = stretch((0.0, 0.5, 0.29), 90.0, 140.0)
    assert continuation._may_return(before, stretch())


@pytest.mark.parametrize(
    ("offset", "jumped"),
    [(0.5, False), (0.125, False), (0.25, False), (0.02, False), (0.03, True), (0.0625, True),
     (0.1, False), (0.15, False), (0.155, True)],
)  # fmt: skip
def test_a_phase_has_jumped_if_it_is_no_quarter_of_a_beat_off(offset, jumped):
    assert (
        continuation._phase_jumped(stretch(), stretch((offset, 0.5, 0.01), 50.0, 90.0)) == jumped
    )


def test_a_phase_jumps_only_between_known_grids_of_one_tempo():
    def jumped(one, other):
        return continuation._phase_jumped(stretch(one), stretch(other, 50.0, 90.0))

    assert jumped((0.0, 0.5, 0.01), (0.06 + 50 * 0.015 / 120, 60 / 120.015, 0.01))
    assert not jumped((0.0, 0.5, 0.01), (0.06, 60 / 120.03, 0.01))
    assert not jumped((0.0, 0.5, 0.01), None) and not jumped(None, (0.06, 0.5, 0.01))
    assert jumped((0.0, 0.5, 0.59), (0.0625, 0.5, 0.59))
    assert not jumped((0.0, 0.5, 0.61), (0.0625, 0.5, 0.01))
    assert not jumped((0.0, 0.5, 0.01), (0.0625, 0.5, 0.61))


@pytest.mark.parametrize(
    ("bpm", "beats", "different"),
    [(120.03, 64, True), (120.01, 64, False), (119.97, 64, True), (120.03, 63, False)],
)
def test_two_long_stretches_without_a_common_tempo_are_two_records(bpm, beats, different):
    one, other = stretch(beats=beats), stretch((0.0, 60 / bpm, 0.01), beats=70)
    assert continuation._different_records(one, other) == different
    assert continuation._different_records(other, one) == different
    assert not continuation._different_records(stretch(None), other)


def grid_activation(*parts, seconds=60):
    activation = np.zeros(100 * seconds)
    for start, end, first, height in parts:
        times = np.arange(first, end, 0.5)
        activation[np.round(100 * times[times >= start]).astype(int)] = height
    return continuation._Activation(activation)


def test_the_activation_on_a_line_is_that_of_its_beats_from_start_to_end():
    activation = grid_activation((0, 60, 0.2, 0.5))
    line = Line(0.2, 0.5, 0.0)
    assert activation.on(line, 10.19, 20.21) == pytest.approx(21 * 0.5)
    assert activation.on(line, 10.21, 20.19) == pytest.approx(19 * 0.5)
    assert activation.on(Line(50.2, 0.5, 0.0), 10.19, 20.21) == pytest.approx(21 * 0.5)
    assert activation.on(Line(0.4, 0.5, 0.0), 10.0, 20.0) == 0
    assert activation.beat_sum(np.zeros(0)) == 0


@pytest.mark.parametrize(("share", "fits"), [(0.96, True), (0.94, False)])
def test_a_stretch_fits_a_line_that_keeps_its_activation_and_tempo(share, fits):
    activation = grid_activation((0, 60, 0.2, 0.5))
    own = _Stretch(Joined(0, 1, 0, Line(0.2, 0.5, 0.01)), 0.0, 50.0, 100, 50.0 / share)
    assert continuation._fits(activation, Line(0.2, 0.5, 0.0), own) == fits
    exact = _Stretch(Joined(0, 1, 0, Line(0.2, 60 / 120.0002, 0.0001)), 0.0, 50.0, 100, 50.0)
    assert not continuation._fits(activation, Line(0.2, 0.5, 0.0), exact)
    path = _Stretch(Joined(0, 1, 0, None), 0.0, 50.0, 100, 50.0)
    assert continuation._fits(activation, Line(0.2, 0.5, 0.0), path)


def test_a_line_is_fitted_again_to_music_on_both_sides():
    times = 0.2 + 0.5003 * np.arange(300)
    activation = np.zeros(16_000)
    frames = np.arange(16_000)[:, None] / 100
    keep = times[(times < 40) | (times > 90)]
    activation = np.exp(-0.5 * ((frames - keep) / 0.015) ** 2).sum(axis=1)
    found = continuation._Activation(activation).fitted(
        Line(0.2, 0.5001, 0.1), [(0.0, 40.0), (90.0, 150.0)]
    )
    assert found.period == pytest.approx(0.5003, abs=1e-6)
    same = Line(0.2, 0.5003, 0.1)
    assert continuation._Activation(activation).fitted(same, [(0.0, 40.0)]) == same


def joined(*parts, seconds=120):
    values = np.zeros(100 * seconds)
    made = []
    for start, end, first, period, height in parts:
        beats = np.arange(first, end, period)
        values[np.round(100 * beats).astype(int)] = height
        made.append(Part(start, end, beats, Line(first, period, 0.02)))
    return [(one.first, one.last, one.anchor) for one in continuation.join_parts(values, made)]


def test_parts_on_one_grid_are_joined_and_records_are_not():
    assert joined((0, 60, 0.2, 0.5, 0.8), (60, 120, 60.2, 0.5, 0.8)) == [(0, 2, 0)]
    assert joined((0, 60, 0.2, 0.5, 0.8), (60, 120, 60.1, 0.47, 0.8)) == [(0, 1, 0), (1, 2, 1)]
    faint = joined((0, 60, 0.2, 0.5, 0.8), (60, 120, 60.1, 0.47, 0.15))
    assert faint == [(0, 2, 0)]
    short = joined((0, 60, 0.2, 0.5, 0.8), (60, 74, 60.1, 0.47, 0.8), seconds=75)
    assert short == [(0, 2, 0)]
    first = joined((0, 14, 0.1, 0.47, 0.8), (14, 75, 14.2, 0.5, 0.8), seconds=75)
    assert first == [(0, 2, 1)]
    assert joined((0, 20, 0.2, 0.5, 0.8), (20, 40, 20.3, 0.47, 0.8), seconds=40) == [
        (0, 1, 0), (1, 2, 1),
    ]  # fmt: skip


def test_chains_hold_the_regions_whose_beats_follow_each_other():
    def chained(*pieces, duration=60.0):
        regions = [Region(one, [(120.0, 1.0)]) for one in pieces]
        return [[len(beats) for _, beats in chain] for chain in bars._chains(regions, duration)]

    one = piece(end=10.0)  # 20 beats, the last at 9.75
    assert chained(one, piece(10.0, 20.0)) == [[20, 20]]
    assert chained(one, piece(10.0, 20.0, offset=0.34)) == [[20, 20]]  # 0.18 of a beat late
    assert chained(one, piece(10.0, 20.0, offset=0.36)) == [[20], [20]]
    assert chained(one, piece(10.0, 20.0, offset=0.16)) == [[20, 20]]
    assert chained(one, piece(9.9, 20.0, offset=0.14)) == [[20], [20]]
    assert chained(one, piece(9.5, 20.0, offset=0.25)) == [[20, 20]]  # beats given already
    assert chained(one, piece(11.0, 20.0)) == [[20], [18]]
    assert chained(piece(end=10.0, offset=-0.02), duration=9.0) == [[19]]
    assert chained(piece(70.0, 80.0)) == []
    (((_, beats),),) = bars._chains([Region(piece(offset=-0.02), [(120.0, 1.0)])], 60.0)
    assert beats[0] == 0.0


def part(count, bpm=120.0, deviation=None, downbeats=(0.5,)):
    own = Region(piece(period=60 / bpm, deviation=deviation), [(bpm, 1.0)])
    return bars.GridPart(own, 0.25 + np.arange(count) * 60 / bpm, np.array(downbeats), None)


def test_the_main_part_holds_the_median_beat_by_tempo():
    assert analysis._main_part([part(10, 100.0), part(9, 130.0), part(2, 90.0)]) == 0
    assert analysis._main_part([part(10, 130.0), part(9, 100.0), part(2, 110.0)]) == 2
    assert analysis._main_part([part(5, 130.0), part(5, 100.0)]) == 1
    assert analysis._main_part([part(5, 130.0)]) == 0


def test_the_entry_of_a_part_and_how_far_a_path_is_from_it():
    entry = analysis._grid_region(part(7))
    assert (entry.start, entry.bpm, entry.beats, entry.first_downbeat) == (0.25, 120.0, 7, 0.5)
    assert analysis._grid_region(part(7, downbeats=())).first_downbeat is None
    assert analysis._deviation([part(7)]) is None
    parts = [part(7, deviation=(0.002, 0.01)), part(7), part(9, deviation=(0.004, 0.02)),
             part(9, deviation=(0.003, 0.015))]  # fmt: skip
    assert analysis._deviation([*parts, parts[0]]) == pytest.approx(
        {"typical": 3.0, "largest": 20.0}
    )


def rhythm(bpm=120.0, interval=(119.9, 120.1)):
    sure = Confidences(0.8, 0.9, 0.7, 0.6)
    return analysis.Rhythm(bpm, bpm, interval, 0.504, sure, (), "4/4", (), (), (), {"pulse": 1})


@pytest.mark.parametrize(
    ("tag", "agreed"),
    [(120.0, True), (60.0, True), (120.61, False), (120.1, True), (120.2, False), (90.0, False)],
)
def test_a_tag_leaves_a_confidence_or_halves_it(tag, agreed):
    found = analysis._with_tag(rhythm(), tag)
    assert found.evidence == {"pulse": 1, "tag": "agrees" if agreed else "contradicts"}
    assert found.confidence == pytest.approx(0.504 if agreed else 0.252)
    tempo = 0.8 if agreed else 0.4
    assert found.confidences == Confidences(pytest.approx(tempo), 0.9, 0.7, 0.6)
    assert analysis._with_tag(rhythm(interval=None), 120.0).evidence["tag"] == "agrees"
    assert analysis._with_tag(rhythm(), None) == rhythm()
    assert analysis._with_tag(rhythm(bpm=None), 120.0) == rhythm(bpm=None)


def test_the_probabilities_of_a_decision_table():
    table = DecisionTable({4: np.array([0.4, 0.1, 0.1, 0, 0.1, 0, 0, 0.1]),
                           3: np.array([0.1, 0, 0, 0.1, 0, 0])})  # fmt: skip
    assert table.phases() == pytest.approx([0.7, 0.3])
    even, odd = table.downbeat_probabilities(0), table.downbeat_probabilities(1)
    assert even[4] == pytest.approx(np.array([0.4, 0.1, 0.1, 0]) / 0.7)
    assert odd[3] == pytest.approx(np.array([0, 0.1, 0]) / 0.3)
    found = bars._bars(table, 1, 0.3)
    assert (found.beats_per_bar, found.first, found.odd, found.phase) == (4, 0, 1, 0.3)


def test_sums_means_and_profiles_by_position_in_the_bar():
    values = np.arange(1.0, 11.0)
    assert downbeat_decision._sums(values, 4).tolist() == [15, 18, 10, 12]
    assert downbeat_decision._means(values, 4).tolist() == [5, 6, 5, 6]
    assert downbeat_decision._profile(values, 4) == pytest.approx(np.array([5, 6, 5, 6]) / 5.5)
    assert downbeat_decision._on_against_off(np.array([5.0, 3, 7, 1])).tolist() == [4, -4, 4, -4]
    hats = np.array([1.0, 0, 3, 0, 1, 0, 3, 0])
    ratio = np.log(3.02 / 1.02)
    found = downbeat_decision._two_and_four(hats)
    assert found == pytest.approx([ratio, 0, -ratio, 0, ratio, 0, -ratio, 0])
    heights = np.array([2.0, 0, 0, 0, 4, 0, 0, 0])
    found = downbeat_decision._peak_positions(heights, 4)
    assert found == pytest.approx([np.log(2.5), np.log(0.5), np.log(0.5), np.log(0.5)])


@pytest.mark.parametrize(
    ("halves", "drums", "lengths", "usable"),
    [
        (23, True, (4, 3, 5, 7), (4,)), (24, True, (4, 3, 5, 7), (4, 3)),
        (127, True, (4, 3, 5, 7), (4, 3)), (128, True, (4, 3, 5, 7), (4, 3, 5, 7)),
        (128, False, (4, 3, 5, 7), (4, 3)), (23, True, (3,), (3,)), (50, False, (5, 7), (5, 7)),
        (20, False, (5, 7), (7,)),
    ],
)  # fmt: skip
def test_bar_lengths_need_enough_beats_and_rare_ones_drums(halves, drums, lengths, usable):
    assert downbeat_decision._usable(halves, drums, lengths) == usable


def test_drums_repeat_after_a_bar():
    values = np.tile([1.0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 20)
    assert downbeat_decision._autocorrelation(values, 10) == pytest.approx(1.0)
    assert downbeat_decision._autocorrelation(values, 3) == pytest.approx(-1 / 9, abs=0.01)
    assert downbeat_decision._autocorrelation(np.zeros(20), 3) == 0
    found = downbeat_decision._repetition({"kick": values**2, "snare": 0 * values}, (5, 7))
    assert found[5] == pytest.approx(1 + 1 / 9, abs=0.02)
    assert downbeat_decision._repetition({"beat": values}, (5,)) == {}


@pytest.mark.parametrize(("part_name", "constant", "slope"), [("tempo", 0.9, 1.4),
                         ("phase", 0.5, 1.2), ("downbeat", 0.15, 1.3)])  # fmt: skip
def test_calibration_is_a_line_in_log_odds(part_name, constant, slope):
    odds = np.exp(constant + slope * np.log(3))
    assert confidence._calibrated(part_name, 0.75) == pytest.approx(odds / (1 + odds))
    assert confidence._calibrated(part_name, 0.0) == 0
    assert confidence._calibrated(part_name, 1.0) == 1


def sound_of(levels, period=0.5, between=0.0, **options):
    """A sound whose activation has these levels on beats from 1 s on, and a level between."""
    beats = 1.0 + period * np.arange(len(levels))
    activation = np.zeros(round(100 * (beats[-1] + 1)))
    activation[np.round(100 * (beats - LAG)).astype(int)] = levels
    activation[np.round(100 * (beats + period / 2 - LAG)).astype(int)] = between
    features = Features(len(activation) / 100, np.stack([activation, 0 * activation], axis=1))
    return Sound(EvidenceSource(features), activation, RhythmOptions(**options)), beats


@pytest.mark.parametrize(
    ("weak", "kept"),
    [(0.8, 1.0), (0.54, 1.0), (0.2, 0.6), (0.1, 0.6), (0.8 / 2.1213, 0.8)],
)
def test_every_other_beat_that_is_weaker_gives_doubt_from_one_and_a_half_to_three_times(
    weak, kept
):
    sound, beats = sound_of([0.8, weak] * 20, period=0.4)
    assert confidence._strong_and_weak(beats, sound) == pytest.approx((0.8, weak))
    factor, share = confidence.octave_doubt(150.0, beats, sound)
    assert (factor, share) == (0.5, pytest.approx(kept, abs=1e-4))
    assert confidence.octave_doubt(149.9, beats, sound) == (None, 1.0)
    assert confidence.octave_doubt(150.0, beats[:3], sound) == (None, 1.0)


def test_evidence_for_an_octave_outside_of_the_range():
    even, beats = sound_of([0.8] * 40, between=0.41)
    assert confidence._outside_octave(120.0, beats, even) == 2.0
    assert confidence._outside_octave(107.0, beats, even) is None  # 214 can be found
    assert confidence.octave_doubt(120.0, beats, even) == (2.0, 0.5)
    weaker, _ = sound_of([0.8] * 40, between=0.39)
    assert confidence._outside_octave(120.0, beats, weaker) is None
    silent, beats = sound_of([0.8, 0.079] * 20)
    assert confidence._outside_octave(109.0, beats, silent) == 0.5
    assert confidence._outside_octave(111.0, beats, silent) is None
    heard, beats = sound_of([0.8, 0.081] * 20)
    assert confidence._outside_octave(109.0, beats, heard) is None


@pytest.mark.parametrize(("bpm", "other", "octave"), [(120, 60, True), (120, 240, True),
                         (120, 40, True), (120, 360, True), (120, 120, False), (120, 80, False),
                         (120, 62.2, True), (120, 62.6, False), (120, 480, False)])  # fmt: skip
def test_octaves_are_halves_doubles_thirds_and_triples(bpm, other, octave):
    assert confidence.is_octave(bpm, other) == octave


def test_half_and_double_of_a_tempo_keep_their_share_or_the_general_doubt():
    tempi = [(120.0, 0.6), (61.0, 0.2), (59.5, 0.1), (90.0, 0.1)]
    half = confidence._octave_of(120.04, 120.0, 0.5, tempi)
    assert (half.bpm, half.kind) == (60.02, "octave")
    assert half.confidence == pytest.approx(0.3)
    double = confidence._octave_of(120.04, 120.0, 2.0, tempi)
    assert (double.bpm, double.confidence) == (240.08, pytest.approx(0.015 * 0.6))
    assert confidence._family(tempi) == pytest.approx(0.9)


def test_doubt_moves_to_the_octave_that_is_known_or_adds_it():
    sound, beats = sound_of([0.8, 0.1] * 20, period=0.4)
    own = SimpleNamespace(by_tag=False, tempi=[(150.0, 0.8), (76.0, 0.1), (100.0, 0.1)])
    grid_part = SimpleNamespace(region=own, beats=beats)
    found = confidence._with_octave_doubt(grid_part, sound)
    assert found == [(150.0, pytest.approx(0.6)), (76.0, pytest.approx(0.3)), (100.0, 0.1)]
    own.tempi = [(150.0, 0.9), (100.0, 0.1)]
    found = confidence._with_octave_doubt(grid_part, sound)
    assert found == [(150.0, pytest.approx(0.6)), (100.0, 0.1), (75.0, pytest.approx(0.3))]
    for tempi, by_tag in (([(150.0, 0.6), (100.0, 0.4)], False), ([(150.0, 1.0)], False),
                          ([(150.0, 0.9), (100.0, 0.1)], True)):  # fmt: skip
        own.tempi, own.by_tag = tempi, by_tag
        assert confidence._with_octave_doubt(grid_part, sound) == tempi
