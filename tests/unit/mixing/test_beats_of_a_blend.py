"""Beats laid over each other, at other octaves and beyond the last; where a track enters."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from dropgrid.base.errors import ConfigError
from dropgrid.mixing.alignment import LEAD_BARS, TAIL_BARS, _beats_at_octave, _beats_from, align
from dropgrid.mixing.played import rankings
from dropgrid.mixing.score import scores
from dropgrid.mixing.transition import Transition, bar_count, bar_time, transition
from dropgrid.records.track import Track
from library_of_records import bpm_record, structure_record

BEATS = np.arange(8) * 0.5


def track(name: str, bpm: float = 128.0) -> Track:
    return Track(Path(name), bpm_record(name, bpm=bpm), structure_record(name))


def step(bars: int, leave_at: float, enter_at: float) -> Transition:
    return Transition("a", "b", 1, leave_at, 1, enter_at, bars, 0.0, 1.0, {}, ())


@pytest.mark.parametrize("at", [1.0, 1.5])
def test_at_half_tempo_every_other_beat_counts_from_the_one_that_enters(at: float) -> None:
    counted = _beats_at_octave(BEATS, at, 0.5)
    assert at in counted and set(np.diff(counted)) == {1.0} and len(counted) == 4
    np.testing.assert_array_equal(_beats_at_octave(BEATS, at, 1.0), BEATS)
    np.testing.assert_array_equal(_beats_at_octave(BEATS, at, 2), np.arange(15) * 0.25)


def test_after_the_last_beat_they_go_on_at_its_interval() -> None:
    np.testing.assert_allclose(_beats_from(BEATS, 3.1, 4), [3.0, 3.5, 4.0, 4.5])
    np.testing.assert_allclose(_beats_from(np.array([2.0]), 0.0, 3), [2.0, 2.5, 3.0])


def test_a_blend_has_its_bars_and_a_tail_and_a_cut_one_bar() -> None:
    first, then = track("a.flac"), track("b.flac", 64.0)
    beats = np.asarray(first.bpm.beats)
    for bars, blend, swap in [(4, 16, 8), (0, 4, 0), (3, 12, 4)]:
        found = align(first, then, step(bars, beats[9], then.bpm.beats[1]))
        assert (found.end, found.swap) == (blend, swap)
        assert len(found.first) == len(found.second) == blend + TAIL_BARS * 4 + 1
        assert found.first[0] == beats[9] and found.second[0] == then.bpm.beats[1]
        assert found.lead == max(0.0, beats[9] - LEAD_BARS * 4 * (beats[10] - beats[9]))
        np.testing.assert_allclose(found.rates[:8], 2.0, atol=1e-4)
    doubled = align(first, then, step(4, beats[9], then.bpm.beats[1]), octave=2)
    np.testing.assert_allclose(doubled.rates[:8], 1.0, atol=1e-4)
    assert found.gains == (1.0, 1.0)
    nothing = replace(first, bpm=replace(first.bpm, beats=()))
    for pair in [(nothing, then), (first, nothing)]:
        with pytest.raises(ConfigError, match="without beats"):
            align(*pair, step(4, 1.0, 1.0))


def test_the_louder_track_is_played_as_loud_as_the_other() -> None:
    first, then = track("a.flac"), track("b.flac")
    level = replace(then.bpm.loudness, integrated=-14.75)
    quiet = replace(then, bpm=replace(then.bpm, loudness=level))
    assert align(first, quiet, step(1, 1.0, 1.0)).gains == pytest.approx((10**-0.3, 1.0))
    assert align(quiet, first, step(1, 1.0, 1.0)).gains == pytest.approx((1.0, 10**-0.3))


def test_a_track_enters_so_that_the_blend_ends_with_its_intro(library) -> None:
    made = library(
        {"mix_out_bars": 16}, {"mix_in_bars": 32, "sections": "intro:32 drop:32 outro:16"}
    )
    found = scores(made, 0)
    before, after = track("a.flac"), track("b.flac")
    blend = int(found.blend[1])
    step = transition(made, 0, 1, found, before, after)
    assert step.bars == blend < 32
    assert (step.leave, step.enter) == (max(1, bar_count(before) - 15), 1 + 32 - blend)
    assert step.leave_at == pytest.approx(bar_time(before, step.leave))
    assert step.enter_at == pytest.approx(bar_time(after, step.enter))


def test_a_list_in_the_best_order_is_ranked_first_by_key_and_tempo_too(library) -> None:
    made = library({}, {}, *[{"bpm": 140.0, "key": "F# minor"} for _ in range(18)])
    by_name = {ranking.name: ranking for ranking in rankings(made, [0, 1], 6.0)}
    assert by_name["score"].median_rank == by_name["key and tempo"].median_rank == 1
    assert by_name["chance"].median_rank == 10.0
    assert rankings(made, [0, 0], 6.0) == []
