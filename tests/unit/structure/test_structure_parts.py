"""The parts of structure analysis: time base, novelty, phrase lengths, labels, queries."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from band_levels import features_of, grid_of, levels_of
from dropgrid.records.model import LABELS, BpmRecord, Section, StructureRecord
from dropgrid.structure import (
    StructureOptions,
    analyse,
    labels,
    novelty,
    patterns,
    queries,
    segment,
)
from dropgrid.structure.bars import bar_number, time_base


def test_the_grid_is_carried_on_to_both_ends_of_the_track() -> None:
    rhythm = BpmRecord("x", "x", "ok", 20.0, downbeats=(5.0, 7.0, 9.0), time_signature="4/4")
    base = time_base(rhythm, 20.0)
    assert base.edges[[0, 4, 8]].tolist() == [1.0, 3.0, 5.0]
    assert base.edges[-1] == 19.0
    assert np.diff(base.edges) == pytest.approx(0.5)


def test_beats_without_downbeats_still_make_bars() -> None:
    rhythm = BpmRecord("x", "x", "ok", 8.0, beats=tuple(np.arange(16) / 2), time_signature="4/4")
    base = time_base(rhythm, 8.0)
    assert (base.kind, base.per_bar, base.units) == ("bars", 4, 16)


@pytest.mark.parametrize("downbeats", [(), (3.0,)])
def test_fewer_than_two_bars_are_not_a_grid(downbeats: tuple[float, ...]) -> None:
    rhythm = BpmRecord("x", "x", "ok", 10.0, beats=(3.0, 3.5), downbeats=downbeats)
    base = time_base(rhythm, 10.0)
    assert (base.kind, base.per_bar) == ("seconds", 4)
    assert base.edges == pytest.approx(np.arange(0, 10.01, 0.5))


def test_two_downbeats_are_a_grid_that_reaches_back_over_all_whole_bars() -> None:
    first = 6.0 - 1e-9  # three bars, but for what rounding takes away
    rhythm = BpmRecord("x", "x", "ok", 10.0, downbeats=(first, 8.0), time_signature="4/4")
    base = time_base(rhythm, 10.0)
    assert (base.kind, base.units) == ("bars", 20)
    assert base.edges == pytest.approx(np.arange(21) / 2, abs=1e-6)


def test_a_time_is_in_the_bar_that_has_begun_or_is_just_about_to() -> None:
    rhythm = BpmRecord("x", "x", "ok", 10.0, downbeats=(1.0, 3.0, 5.0))
    times = (0.0, 1.0, 2.9, 2.9999, 4.0, 9.0)
    assert [bar_number(rhythm, time, 2.0) for time in times] == [1, 1, 2, 2, 2, 3]


def test_a_loop_has_no_novelty_and_a_change_has_it_at_its_beat() -> None:
    loop = np.random.default_rng(0).uniform(-40, 0, (4, 4, 9))
    pattern = np.concatenate([np.tile(loop, (8, 1, 1)), np.tile(loop[::-1], (8, 1, 1))])
    values = novelty.novelty(pattern, 4, 4)
    assert values[4:16] == pytest.approx(0.0)
    assert values.argmax() == 32
    assert values[32] == pytest.approx(np.abs(loop - loop[::-1]).mean())


def test_evidence_does_not_depend_on_how_loud_the_file_is_or_how_busy_the_music() -> None:
    random = np.random.default_rng(1)
    pattern = random.normal(0, 4.0, (128, 4, 9))
    pattern[64:] += 8.0
    steady = np.zeros(128)
    once = novelty.evidence(pattern, steady, 4)
    assert novelty.evidence(pattern - 10.0, steady - 10.0, 4) == pytest.approx(once)
    assert novelty.evidence(3.0 * pattern, steady, 4)[8:-8] == pytest.approx(once[8:-8], abs=0.02)
    assert once.argmax() == 64


def test_a_level_that_steps_up_is_evidence_and_one_that_climbs_or_falls_is_not() -> None:
    bars = np.repeat([-12.0, -12.0, -12.0, -12.0, -12.0, -12.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0], 4)
    assert novelty.lift(bars, 4)[[24, 12]] == pytest.approx([12.0, 0.0])
    assert novelty.lift(bars[::-1], 4) == pytest.approx(np.zeros(48))
    climbing = np.repeat(np.arange(-24.0, 0.0), 4)  # a dB a bar, as a riser
    stepping = climbing + np.repeat([0.0, 8.0], 48)  # into a drop
    found = novelty.lift(stepping, 4)
    assert found.argmax() == 48 and found[32] == 0.0
    assert novelty.lift(stepping - 7.0, 4) == pytest.approx(found)
    pattern = np.random.default_rng(2).normal(0, 4.0, (96, 4, 9))
    gained = novelty.evidence(pattern, stepping, 4) - novelty.evidence(pattern, 0 * stepping, 4)
    assert gained == pytest.approx(novelty.LIFT * found)
    assert novelty.lift(np.zeros(1), 4) == pytest.approx([0.0])


def test_the_prior_of_lengths_is_a_distribution_that_knows_phrases() -> None:
    prior = np.exp(segment.length_prior(400, 4))
    assert prior.sum() == pytest.approx(1.0)
    assert prior.argmax() == 32
    assert prior[64] > prior[16] > prior[48] > prior[28] > 0


def test_boundaries_are_the_best_of_all_possible_ones() -> None:
    random = np.random.default_rng(2)
    for _ in range(20):
        gain, units = random.normal(0, 2, 9), 9
        prior, first, last = random.normal(-2, 1, (3, units + 1))

        def total(chosen, gain=gain, prior=prior, first=first, last=last) -> float:
            ends = [0, *chosen, len(gain)]
            lengths = np.diff(ends)
            if not chosen:
                return last[lengths[0]]
            inner = sum(prior[n] for n in lengths[1:-1])
            return first[lengths[0]] + inner + last[lengths[-1]] + sum(gain[list(chosen)])

        every = [c for n in range(units) for c in combinations(range(1, units), n)]
        assert tuple(segment.best_boundaries(gain, prior, first, last)) == max(every, key=total)


def sounds(*rows: tuple[float, float]) -> labels.SectionSound:
    """Sections of 8 bars with these levels and rises, danceable and with bass."""
    level, rise = np.array(rows).T
    same = np.ones(len(rows))
    calm = 8.0 * (level < -5)
    return labels.SectionSound(
        level, level, level, 0 * same, rise, 4 * same, -3 * same, 8 * same, calm
    )


def named(sound: labels.SectionSound) -> tuple[list[str], np.ndarray]:
    """The names of sections, and the posterior of every label."""
    step = np.diff(sound.level)
    chosen, posterior = labels.label(sound, step, labels.has_contrast(sound, 4))
    return [LABELS[i] for i in chosen], posterior


def test_labels_follow_level_rise_and_position() -> None:
    sound = sounds((-12, 0), (-9, 6), (0, 0), (-12, 0), (-8, 8), (0, 0), (-12, -3))
    names, posterior = named(sound)
    assert names == ["intro", "buildup", "drop", "breakdown", "buildup", "drop", "outro"]
    assert posterior.sum(axis=1) == pytest.approx(1.0)
    assert posterior[2, labels.DROP] > 0.9


def test_a_band_that_is_silent_throughout_never_changes() -> None:
    levels = np.random.default_rng(3).normal(0.0, 2.0, (64, 4, 3))
    levels += [-10.0, -40.0, -110.0]  # the last is hiss
    pattern = patterns.relative(levels)
    assert np.all(pattern[:, :, 2] == -patterns.DEPTH)
    assert np.percentile(pattern[:, :, :2], 99, axis=(0, 1)) == pytest.approx(0.0)
    assert pattern[:, :, :2].min() > -20


def test_an_equally_loud_track_has_no_drop() -> None:
    names = named(sounds((-1, 0), (0, 0), (-1, 0)))[0]
    assert not {"drop", "buildup"} & set(names)


def test_a_loud_section_without_bass_or_beat_is_not_a_drop() -> None:
    sound = sounds((-12, 0), (0, 0), (-12, 0))
    sound.pulse[1], sound.bass[1] = 0.2, -30.0
    assert "drop" not in named(sound)[0]


@pytest.fixture(scope="module")
def cut() -> tuple[StructureRecord, BpmRecord]:
    """A track with half a bar cut out before its third section: two downbeats are no starts."""
    form = [("intro", 8), ("drop", 16.5), ("breakdown", 8), ("drop", 16), ("outro", 8)]
    levels = levels_of(form, 120.0)
    rhythm = grid_of(levels, 120.0)
    found = analyse(features_of(levels), rhythm, StructureOptions())
    return StructureRecord("x", "x", "ok", sections=found.sections, drops=found.drops), rhythm


def test_queries_find_the_section_at_a_time(cut: tuple[StructureRecord, BpmRecord]) -> None:
    record, _ = cut
    labels_at = [queries.section_at_time(record, time) for time in (0.0, 15.999, 16.0, 112.9)]
    assert [section.label for section in labels_at if section] == [
        "intro", "intro", "drop", "outro"
    ]  # fmt: skip
    assert queries.section_at_time(record, -0.1) is None
    assert queries.section_at_time(record, 113.0) is None


def test_queries_find_the_section_at_a_bar(cut: tuple[StructureRecord, BpmRecord]) -> None:
    record, _ = cut
    found = [queries.section_at_bar(record, bar) for bar in (1, 8, 9, 24)]
    assert [section.label for section in found if section] == ["intro", "intro", "drop", "drop"]
    assert queries.section_at_bar(record, 0) is None
    assert queries.section_at_bar(record, 60) is None


def test_queries_distinguish_boundaries_on_the_grid_from_those_off_it(
    cut: tuple[StructureRecord, BpmRecord],
) -> None:
    record, rhythm = cut
    assert queries.boundaries_on_grid(record, rhythm) == pytest.approx((16.0,))
    assert queries.boundaries_off_grid(record, rhythm) == pytest.approx((49.0, 65.0, 97.0))
    assert [found.label for found in queries.boundaries(record, rhythm)] == [
        "drop", "breakdown", "drop", "outro"
    ]  # fmt: skip
    assert queries.boundaries(record, rhythm)[1].downbeat in (48.0, 50.0)


def test_queries_list_the_sections_of_a_label(cut: tuple[StructureRecord, BpmRecord]) -> None:
    assert [s.start for s in queries.sections_labelled(cut[0], "drop")] == pytest.approx(
        [16.0, 65.0]
    )


def test_a_record_without_bars_answers_by_time_only() -> None:
    section = Section(0.0, 10.0, "intro", None, None, None, 1.0)
    record = StructureRecord("x", "x", "ok", time_base="seconds", sections=(section,))
    assert queries.section_at_time(record, 5.0) == section
    assert queries.section_at_bar(record, 1) is None


@pytest.fixture(scope="module")
def mixable() -> StructureRecord:
    """16 bars of beat alone, a breakdown of 16, a drop of 16, twice, and 8 of beat at the end."""
    form = [("outro", 16), ("breakdown", 16), ("drop", 16), ("breakdown", 8), ("drop", 16),
            ("outro", 8)]  # fmt: skip
    levels = levels_of(form, 128.0)
    found = analyse(features_of(levels), grid_of(levels, 128.0), StructureOptions())
    return StructureRecord(
        "x", "x", "ok", sections=found.sections, drops=found.drops, mix_in=found.mix_in,
        mix_out=found.mix_out,
    )  # fmt: skip


def test_queries_find_where_to_mix(mixable: StructureRecord) -> None:
    assert queries.mix_in_bars(mixable) == 16
    assert queries.mix_out_bars(mixable) == 8
    assert queries.bars_until_first_drop(mixable) == 32


def test_queries_find_long_breakdowns(mixable: StructureRecord) -> None:
    every = [passage.bars for passage in queries.breakdowns(mixable)]
    assert 16 in every and set(every) <= {16, 8}
    assert [passage.bars for passage in queries.breakdowns(mixable, min_bars=16)] == [16]


def test_queries_about_mixing_without_drops_or_grid_are_empty() -> None:
    section = Section(0.0, 60.0, "main", None, None, None, 1.0)
    record = StructureRecord("x", "x", "ok", time_base="seconds", sections=(section,))
    assert queries.bars_until_first_drop(record) is None
    assert queries.mix_in_bars(record) == queries.mix_out_bars(record) == 0
    assert queries.breakdowns(record) == ()
    gridless = StructureRecord("x", "x", "ok", sections=(section,), drops=(10.0,), mix_in=5.0)
    assert queries.bars_until_first_drop(gridless) is None
    assert queries.mix_in_bars(gridless) == 0
