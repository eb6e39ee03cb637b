"""Each term of the score, and who may follow."""

from __future__ import annotations

import numpy as np
import pytest
from dropgrid.key import notation
from dropgrid.mixing.library import bars_before
from dropgrid.mixing.score import (
    NEUTRAL,
    RELATIONS,
    WEIGHTS,
    blend_bars,
    energy_term,
    ranked,
    scores,
    section_term,
    tempo_change,
    tempo_term,
)


def key(text: str) -> int:
    found = notation.parse(text)
    assert found is not None
    return found


def test_the_weights_add_up_to_one():
    assert sum(WEIGHTS.values()) == pytest.approx(1)


def test_a_twin_in_tempo_key_and_energy_has_the_full_score(library):
    found = scores(library({}, {}), 0)
    assert found.total[1] == pytest.approx(WEIGHTS["sections"] * 0.85 + 1 - WEIGHTS["sections"])
    assert found.blend[1] == 16 and found.change[1] == 0


@pytest.mark.parametrize(
    ("before", "after", "change", "octave"),
    [(128, 126, 100 * 2 / 126, 1), (174, 87, 0, 2), (70, 140, 0, 0.5), (128, 100, 28, 1)],
)
def test_tempo_changes_in_per_cent_of_the_second_track(before, after, change, octave):
    found = tempo_change(np.array([float(before)]), np.array([float(after)]))
    assert found[0][0] == pytest.approx(change) and found[1][0] == octave


def test_the_tempo_term_falls_to_nothing_at_the_limit():
    change = np.array([0.0, 3.0, -3.0, 6.0, 7.0])
    assert tempo_term(change, np.ones(5), 6.0) == pytest.approx([1, 0.5, 0.5, 0, 0])
    assert tempo_term(np.zeros(1), np.full(1, 2.0), 6.0) == pytest.approx([0.8])


def test_the_wheel_orders_the_relations_of_keys():
    a = key("8A")
    order = ["8A", "9A", "9B", "10A", "2A"]
    values = [RELATIONS[a, key(other)] for other in order]
    assert values == sorted(values, reverse=True) and len(set(values)) == 5
    assert RELATIONS[a, key("8B")] == RELATIONS[a, key("7A")] == 0.9
    assert RELATIONS[key("12A"), key("1A")] == 0.9  # the wheel is round
    assert RELATIONS[key("A minor"), key("A major")] == 0.5  # 8A, 11B


def test_unsure_keys_neither_help_nor_harm(library):
    clash = scores(library({}, {"key": "Eb minor"}), 0).terms["key"][1]
    unsure = scores(library({}, {"key": "Eb minor", "key_confidence": 0.1}), 0).terms["key"][1]
    none = scores(library({}, {"key": None, "key_confidence": None}), 0).terms["key"][1]
    assert clash == pytest.approx(0.1) and none == NEUTRAL
    assert clash < unsure < NEUTRAL


@pytest.mark.parametrize(
    ("out", "into", "bars"), [(40, 33, 32), (16, 64, 16), (3, 64, 0), (0, 16, 0), (100, 90, 64)]
)
def test_two_tracks_blend_for_the_longest_length_that_fits_both(out, into, bars):
    assert blend_bars(np.array([out]), np.array([into]))[0] == bars


def test_bass_against_bass_is_worth_less(library):
    full = {"mix_in_bars": 0, "mix_out_bars": 0}
    found = scores(library(full, {}, full), 0).terms["sections"]
    assert found[2] == pytest.approx(0.85 * found[1])
    assert section_term(np.array([0, 64]), np.array([True, True])).tolist() == [0.0, 1.0]


def test_energy_goes_where_it_is_wanted():
    before, after = np.full(3, 0.6), np.array([0.48, 0.6, 0.72])
    for course, best in (("down", 0), ("steady", 1), ("up", 2)):
        assert energy_term(before, after, course).argmax() == best
    assert energy_term(np.array([np.nan]), np.array([0.5]), "up")[0] == 0.5


def test_an_unsure_grid_ranks_lower(library):
    found = scores(library({}, {"confidence": 0.5}, {"confidence_downbeat": 0.5}, {}), 0)
    assert found.total[1] == found.total[2] == pytest.approx(found.total[3] / 2)


def test_neither_itself_nor_a_duplicate_nor_what_is_too_fast_follows(library):
    tracks = library({}, {}, {"bpm": 150}, {}, duplicates={"a": ["b.flac"]})
    assert ranked(tracks, 0, scores(tracks, 0)).tolist() == [3]


def test_all_against_all_is_each_against_all(library):
    tracks = library({}, {"bpm": 126, "key": "C major"}, {"energy": None}, {"bpm": 87})
    rows = scores(tracks, slice(None)).total
    for i in range(4):
        assert np.array_equal(rows[i], scores(tracks, i).total)


@pytest.mark.parametrize(
    ("parts", "bars"),
    [
        ([("intro", 16), ("buildup", 8), ("drop", 32)], 24),
        ([("drop", 32)], 16),
        ([("main", 8), ("outro", 8)], 8),
        ([("intro", 8), ("breakdown", 8)], 16),
        ([], 0),
    ],
)
def test_bars_before_the_first_loud_section(parts, bars):
    assert bars_before(parts) == bars


def test_a_library_without_bars_or_key_or_energy_is_read(library):
    tracks = library({"sections": "intro:? drop:?", "key": None, "energy": None}, {})
    found = scores(tracks, 0)
    assert tracks.bars_in[0] == 0 and found.blend[1] == 0
    assert np.isfinite(found.total).all()
