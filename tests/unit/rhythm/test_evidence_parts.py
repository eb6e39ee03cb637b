"""The arithmetic of the evidence, on a few rows whose means and changes can be counted."""

from __future__ import annotations

import numpy as np
import pytest
from dropgrid.features import Features
from dropgrid.rhythm import evidence
from dropgrid.rhythm.evidence import EvidenceSource, with_halves

ROWS = np.array([[1.0], [2.0], [4.0], [8.0]])
SOUNDS = 500  # frames


def bands(levels, low=-100.0):
    """Nine bands of one level each frame in dB; low: the level of the other eight."""
    table = np.full((len(levels), 9), low, np.float32)
    table[:, 0] = levels
    return table


def source(frames=SOUNDS, activations=None, **descriptors):
    if activations is None:
        activations = np.zeros((frames, 2), np.float32)
    return EvidenceSource(Features(frames / 100, activations, descriptors))


def test_means_before_and_after_a_row_are_of_equally_many_rows():
    before, after = evidence._around(ROWS, 2)
    assert before.ravel().tolist() == [0, 1, 1.5, 4]
    assert after.ravel().tolist() == [0, 2, 6, 8]
    assert evidence._change(ROWS, 2).tolist() == [0, 1, 4.5, 4]
    assert evidence._change(np.hstack([ROWS, -3 * ROWS]), 1).tolist() == [0, 2, 4, 8]


def test_chords_turn_by_one_minus_the_cosine():
    chords = np.array([[1.0, 0.0], [3.0, 0.0], [0.0, 2.0], [2.0, 2.0], [0.0, 0.0]])
    found = evidence._turn(chords, 1)
    assert found == pytest.approx([0, 0, 1, 1 - np.sqrt(0.5), 0])
    same = evidence._turn(np.array([[0.3, 0.1], [0.6, 0.2], [0.0, 0.0]]), 1)
    assert same == pytest.approx([0, 0, 0], abs=1e-9)


def test_means_between_edges_take_whole_rows_and_nothing_beyond_the_end():
    sums = evidence._sums(np.arange(10.0)[:, None])
    found = evidence._means_between(sums, np.array([0.0, 0.2, 0.2, 0.44, 5.0]), 10)
    assert found.ravel().tolist() == [0.5, 0.0, 2.5, 6.5]


def test_only_the_greatest_change_within_eight_half_beats_counts():
    values = np.ones(60)
    values[10], values[18], values[27] = 4.0, 3.0, 2.0
    found = evidence._local_maxima(values)
    assert {i: found[i] for i in np.flatnonzero(found)} == {10: 3.0, 27: 1.0}


@pytest.mark.parametrize(("place", "height"), [(3, 0), (4, 2), (55, 2), (56, 0)])
def test_the_first_and_last_four_half_beats_are_no_change(place, height):
    values = np.zeros(60)
    values[place] = 2.0
    assert evidence._local_maxima(values)[place] == height


def test_half_beats_lie_between_and_the_last_is_as_long_as_the_one_before():
    assert with_halves(np.array([1.0, 2.0, 4.0])).tolist() == [1, 1.5, 2, 3, 4, 5]
    assert with_halves(np.array([1.0])).tolist() == [1.0]
    assert with_halves(np.array([1.0, 2.0])).tolist() == [1, 1.5, 2, 2.5]


@pytest.mark.parametrize(("off", "value"), [(-4, 0.0), (-3, 1.0), (3, 1.0), (4, 0.0)])
def test_a_hit_within_three_frames_of_a_half_beat_is_on_it(off, value):
    values = np.zeros(300)
    values[100 + off] = 1.0
    assert evidence._maximum_near(values, np.array([1.0])).tolist() == [value]


def test_activations_of_beats_are_both_and_those_of_downbeats_the_second():
    activations = np.zeros((SOUNDS, 2), np.float32)
    activations[100], activations[200] = (0.25, 0.5), (0.5, 0.125)
    found = source(activations=activations).at_half_beats(np.array([1.0, 1.5, 2.0]))
    assert found["beat"].tolist() == [0.75, 0, 0.625]
    assert found["downbeat"].tolist() == [0.5, 0, 0.125]
    assert set(found) == {"beat", "downbeat"}


def test_one_half_beat_has_no_neighbours_to_differ_from():
    found = source(bands=bands(np.zeros(SOUNDS))).at_half_beats(np.array([1.0]))
    assert set(found) == {"beat", "downbeat", "kick", "snare", "hat"}
    two = source(bands=bands(np.zeros(SOUNDS))).at_half_beats(np.array([1.0, 1.5]))
    assert set(two) == {*found, "sections", "opening"}


@pytest.mark.parametrize(
    ("band", "drum"),
    [(0, "kick"), (1, "kick"), (2, "snare"), (4, "snare"), (5, None), (6, None), (7, "hat"),
     (8, "hat")],
)  # fmt: skip
def test_each_drum_has_its_bands(band, drum):
    levels = np.full((SOUNDS, 9), -100.0, np.float32)
    levels[100:110, band] = 0.0
    found = source(bands=levels).at_half_beats(np.array([1.0, 2.0]))
    for name in ("kick", "snare", "hat"):
        assert found[name] == pytest.approx([float(name == drum), 0], abs=1e-3)


@pytest.mark.parametrize(("off", "opening"), [(0.05, 1), (-0.05, 1), (0.07, 0), (-0.07, 0)])
def test_the_opening_is_within_six_hundredths_of_the_first_sound(off, opening):
    levels = np.full(SOUNDS, -100.0)
    levels[200:] = 0.0
    found = source(bands=bands(levels)).at_half_beats(np.array([0.5, 2.0 + off, 4.0]))
    assert found["opening"].tolist() == [0, opening, 0]


@pytest.mark.parametrize(("quiet", "counts"), [(-44.0, True), (-46.0, False)])
def test_sound_lasts_while_it_is_within_45_db_of_the_loudest(quiet, counts):
    levels = np.full(SOUNDS, quiet)
    levels[100:400] = 0.0
    assert source(bands=bands(levels)).sounding == ((0.0, 5.0) if counts else (1.0, 4.0))


def test_sound_does_not_last_beyond_the_file_and_without_bands_lasts_all_of_it():
    short = EvidenceSource(Features(4.995, np.zeros((500, 2)), {"bands": bands(np.zeros(500))}))
    assert short.sounding == (0.0, 4.995)
    assert source().sounding == (0.0, 5.0)
    assert source(bands=np.zeros((0, 9))).sounding == (0.0, 5.0)


def test_the_loudest_second_counts_where_a_file_is_mostly_silent():
    levels = np.full(10_000, -100.0)
    levels[:300] = -10.0  # less than one frame in twenty
    assert evidence._loudest(bands(levels)) == -10.0
    levels[:600] = -20.0
    levels[:300] = -10.0
    assert evidence._loudest(bands(levels)) == -20.0


def test_levels_below_58_db_under_the_loudest_are_equal():
    levels = np.zeros(2000)
    levels[1000:] = -58.0
    deep = np.where(levels < 0, -90.0, levels)
    halves = np.arange(0.0, 19.9, 0.25)
    one, other = (
        source(2000, bands=bands(own)).at_half_beats(halves)["sections"] for own in (levels, deep)
    )
    assert one.max() > 0
    assert one == pytest.approx(other)
    shallow = source(2000, bands=bands(np.maximum(levels, -50.0))).at_half_beats(halves)
    assert shallow["sections"].max() == pytest.approx(one.max() * 50 / 58, rel=1e-3)


def test_a_section_is_the_geometric_mean_of_the_changes_of_a_bar_and_of_four():
    levels = np.zeros((4000, 9), np.float32)
    levels[2000:] = -9.0
    levels[2000:, 4:] = 0.0  # in four of nine bands
    halves = np.arange(0.0, 39.9, 0.25)
    found = source(4000, bands=levels).at_half_beats(halves)["sections"]
    assert np.flatnonzero(found).tolist() == [80]
    assert found[80] == pytest.approx(4.0, rel=0.01)
    fill = np.zeros((4000, 9), np.float32)
    fill[2000:2200] = -9.0  # a bar: a change of 9 dB of the bar, of 2.25 of four bars
    found = source(4000, bands=fill).at_half_beats(halves)["sections"]
    assert found[80] == pytest.approx(np.sqrt(9 * 2.25), rel=0.02)


def test_chords_change_where_the_pitches_do_by_tenths_of_a_second():
    chroma = np.zeros((400, 12), np.float32)
    chroma[:200, 0] = chroma[200:, 7] = 1.0
    found = source(4000, chroma=chroma).at_half_beats(np.arange(0.0, 39.9, 0.25))
    assert np.flatnonzero(found["chords"]).tolist() == [80]
    assert found["chords"][80] == pytest.approx(1.0)
    assert "sections" not in found


def test_division_is_the_logarithm_of_drums_between_beats_over_drums_on_them():
    beats = np.arange(1.0, 9.0, 0.5)
    levels = np.full((1000, 9), -200.0, np.float32)
    for time in beats:
        at = round(100 * time)
        levels[at : at + 5, 0] = 0.0
        levels[at + 25 : at + 30, 0] = 20 * np.log10(0.25)
    assert source(1000, bands=levels).division(beats) == pytest.approx(np.log(0.25), abs=1e-3)
    undivided = np.where(levels < 0, -200.0, levels).astype(np.float32)
    assert source(1000, bands=undivided).division(beats) == pytest.approx(np.log(0.01))
    assert source(1000, bands=undivided).division(beats[:1]) is None
    assert source(1000, bands=undivided).division(beats[:2]) == pytest.approx(np.log(0.01))
    assert source(1000).division(beats) is None
    assert source(1000, bands=np.full((1000, 9), -200.0)).division(beats) is None


def test_drums_count_alike_in_the_division_however_loud():
    beats = np.arange(1.0, 9.0, 0.5)
    levels = np.full((1000, 9), -200.0, np.float32)
    for time in beats:
        at = round(100 * time)
        levels[at : at + 5, 0] = 0.0  # kicks on the beats
        levels[at + 25 : at + 30, 7] = -40.0  # hats between them
    assert source(1000, bands=levels).division(beats) == pytest.approx(0.0, abs=1e-3)


def test_strokes_are_the_rises_of_each_band():
    levels = np.full((500, 9), -100.0, np.float32)
    levels[100:110, 3] = 0.0
    levels[200:210, 8] = 20 * np.log10(0.5)
    found = source(bands=levels).strokes(np.array([1.0, 2.0, 3.0]))
    expected = np.zeros((3, 9))
    expected[0, 3], expected[1, 8] = 1.0, 0.5
    assert found == pytest.approx(expected, abs=1e-3)
    assert source().strokes(np.array([1.0])) is None
    assert source(bands=np.zeros((0, 9))).strokes(np.array([1.0])) is None


def test_hits_on_the_first_and_the_last_frame_count():
    first, last = np.zeros(300), np.zeros(300)
    first[0] = last[-1] = 1.0
    assert evidence._maximum_near(first, np.array([0.0, 0.04])).tolist() == [1, 0]
    assert evidence._maximum_near(last, np.array([2.95, 3.0])).tolist() == [0, 1]


def test_the_last_half_beat_ends_where_the_next_would_begin():
    levels = np.zeros((2000, 9), np.float32)
    levels[875:1000] = -9.0
    levels[1000:] = -40.0
    found = source(2000, bands=levels).at_half_beats(np.arange(0.0, 9.9, 0.25))
    assert found["sections"][35] == pytest.approx(9.0)
