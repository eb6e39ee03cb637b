"""Measures of each bar: level, energy, drop impact, the entry of the kick, mix points."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from band_levels import FORM, KINDS, features_of, grid_of, levels_of, starts_of
from dropgrid.records.model import Section
from dropgrid.structure import Structure, StructureOptions, analyse, patterns
from dropgrid.structure.analysis import measure_sections
from dropgrid.structure.bars import time_base
from dropgrid.structure.levels import LevelMeasures, measure

BAR = 1.875  # seconds at 128 BPM


def found_in(form, gain: float = 0.0) -> Structure:
    levels = levels_of(form, 128.0) + gain
    return analyse(features_of(levels), grid_of(levels, 128.0), StructureOptions())


def measures_of(form) -> LevelMeasures:
    levels = levels_of(form, 128.0)
    base = time_base(grid_of(levels, 128.0), len(levels) / 100)
    units = patterns.levels(levels, base)
    return measure(units, patterns.relative(units), base.per_bar)


def energies(found: Structure) -> dict[str, float]:
    return {section.label: section.energy or 0.0 for section in found.sections}


def test_energy_follows_what_plays_and_stays_within_its_range() -> None:
    found = energies(found_in(FORM))
    assert found["drop"] > found["outro"] > found["intro"]  # all, kick and hats, hats and pad
    assert found["drop"] > 0.75 and found["breakdown"] < 0.25
    assert all(0.0 <= value <= 1.0 for value in found.values())


def test_energy_and_labels_do_not_depend_on_the_gain() -> None:
    loud, soft = found_in(FORM), found_in(FORM, gain=-12.0)
    assert [s.label for s in loud.sections] == [s.label for s in soft.sections]
    assert [s.energy for s in soft.sections] == pytest.approx(
        [s.energy for s in loud.sections], abs=0.01
    )


def test_a_level_is_that_of_the_loudest_stretch_in_peaks_and_far_below_it_in_calm_parts() -> None:
    level = measures_of(FORM).levels().reshape(-1, 4)[:, 0]
    assert level[16:32] == pytest.approx(0.0, abs=1.0)
    assert max(level[:8]) < -7 and max(level[32:40]) < -7


def test_a_rise_is_over_the_bars_before_within_the_passage_and_no_more_than_eight() -> None:
    power = np.repeat(10.0 ** (np.array([-9.0] * 4 + [-3.0] * 2 + [-2.0] * 8 + [0.0] * 4) / 10), 4)
    measures = replace(measures_of([("drop", 18)]), power=power)
    assert measures.rise(0, 56, 72) == pytest.approx(2.0)  # the eight bars before, not all
    assert measures.rise(16, 24, 56) == pytest.approx(
        1.0
    )  # what came before the passage: not at all
    assert measures.rise(0, 24, 56) == pytest.approx((4 * 7 + 2 * 1) / 6)


def test_an_impact_is_what_the_drop_adds_to_the_eight_bars_before() -> None:
    found = found_in([("breakdown", 16), ("drop", 16), ("breakdown", 16), ("drop", 16)])
    levels = levels_of([("breakdown", 16), ("drop", 16)], 128.0)
    power = (10 ** (levels / 10)).sum(axis=1)
    eight, start = round(8 * BAR * 100), round(16 * BAR * 100)
    added = 10 * np.log10(power[start:][:eight].mean() / power[start - eight : start].mean())
    assert found.drop_impacts == pytest.approx([added, added], abs=0.2)


def test_a_drop_that_nothing_precedes_has_no_impact() -> None:
    assert measures_of(FORM).impact(0) == 0.0


def test_the_drop_is_where_its_kick_enters_after_a_bar_without() -> None:
    KINDS["fill"] = ("hats", "lead")
    measures = measures_of([("breakdown", 8), ("fill", 1), ("drop", 15)])
    assert measures.entry(32, 96) == 36
    measures = measures_of([("breakdown", 8), ("drop", 16)])
    assert measures.entry(32, 96) == 32
    measures = measures_of([("breakdown", 8), ("fill", 2), ("drop", 14)])
    assert measures.entry(32, 96) == 32  # two bars are more than a fill


def test_a_bar_of_silence_before_the_kick_does_not_move_the_drop_from_its_bar_line() -> None:
    KINDS["silence"] = ()
    form = [("intro", 8), ("breakdown", 15), ("silence", 1), ("drop", 16), ("breakdown", 8)]
    assert found_in(form).drops == pytest.approx([24 * BAR], abs=0.01)


def test_beat_alone_at_the_ends_is_where_to_mix() -> None:
    form = [("outro", 16), *FORM[1:]]  # the made-up outro is kick and hats
    found = found_in(form)
    assert found.mix_in == pytest.approx(starts_of(form, 128.0)[1])
    assert found.mix_out == pytest.approx(starts_of(form, 128.0)[-1])


def test_an_intro_with_a_pad_and_an_ambient_end_are_nowhere_to_mix() -> None:
    found = found_in([*FORM[:-1], ("breakdown", 8)])
    assert (found.mix_in, found.mix_out) == (None, None)


def test_a_loop_of_beat_alone_has_nothing_to_mix_into() -> None:
    found = found_in([("outro", 32)])
    assert (found.mix_in, found.mix_out) == (None, None)


def test_a_track_loud_from_end_to_end_is_main_and_never_drops() -> None:
    KINDS["sung drop"] = ("kick", "hats", "bass", "voice")
    found = found_in([("drop", 32), ("sung drop", 32), ("drop", 32)])
    assert {section.label for section in found.sections} <= {"main", "intro", "outro"}
    assert "main" in {section.label for section in found.sections} and found.drops == ()


def test_a_groove_below_the_peaks_is_main() -> None:
    KINDS["groove"] = ("kick", "hats")
    form = [("breakdown", 16), ("groove", 16), ("breakdown", 8), ("drop", 16), ("groove", 16),
            ("drop", 16), ("breakdown", 16)]  # fmt: skip
    found = found_in(form)
    labels = {round(section.start / BAR): section.label for section in found.sections}
    assert [labels[bar] for bar in (40, 56, 72)] == ["drop", "main", "drop"]
    assert found.drops == pytest.approx([40 * BAR, 72 * BAR], abs=0.01)


MIXABLE = [("outro", 16), *FORM[1:]]  # the made-up outro is kick and hats


def measured_in(form, sections: list[tuple[float, str]], drops=(), gain: float = 0.0):
    """What is measured of sections (first bar, label) that a user set for music of a form."""
    levels = levels_of(form, 128.0) + gain
    features = features_of(levels)
    ends = [start * BAR for start, _ in sections[1:]] + [features.duration]
    stated = [
        Section(start * BAR, end, label, None, None, None, 1.0)
        for (start, label), end in zip(sections, ends, strict=True)
    ]
    return measure_sections(features, grid_of(levels, 128.0), stated, drops, StructureOptions())


def test_measures_of_corrected_sections_equal_those_of_the_same_computed_sections() -> None:
    found = found_in(MIXABLE)
    stated = [(section.start / BAR, section.label) for section in found.sections]
    again = measured_in(MIXABLE, stated, found.drops)
    assert [s.energy for s in again.sections] == pytest.approx([s.energy for s in found.sections])
    assert again.drop_impacts == found.drop_impacts
    assert (again.mix_in, again.mix_out) == (found.mix_in, found.mix_out)
    assert [p.start for p in again.phrases] == [p.start for p in found.phrases]


def measures_with(power=1.0, strokes=1.0, beat=0.0, tune=-20.0) -> LevelMeasures:
    """Measures of bars of four units with this power, strokes ... each (bars,) or one number."""
    rows = np.broadcast_arrays(*(np.atleast_1d(values) for values in (power, strokes, beat, tune)))
    power, strokes, beat, tune = (row.astype(float) for row in rows)
    return LevelMeasures(
        np.repeat(power, 4), np.repeat(strokes, 4), np.zeros((3, len(beat))), beat, tune, 1.0, 4
    )


def test_a_beat_alone_strikes_within_6_db_of_the_loudest_and_its_tune_is_10_db_below() -> None:
    assert measures_with(beat=-5.9, tune=-10.1).beat_alone(0, 4)
    assert not measures_with(beat=-6.1, tune=-10.1).beat_alone(0, 4)
    assert not measures_with(beat=-5.9, tune=-9.9).beat_alone(0, 4)
    several = measures_with(beat=[-9.0, 0.0, -9.0, -9.0])
    found = [several.beat_alone(4 * bar, 4 * bar + 4) for bar in range(4)]
    assert found == [False, True, False, False]
    assert several.beat_alone(4, 6)  # less than a bar is the bar it lies in
    assert not several.beat_alone(16, 20)


def test_loudness_and_impact_have_ends_where_there_is_silence() -> None:
    measures = measures_with(power=[0.0, 1.0, 0.1], strokes=[0.0, 0.1, 1.0])
    assert measures.loudness(0, 4) == (-30.0, -30.0)
    assert measures.loudness(4, 8) == pytest.approx((0.0, -10.0))
    assert measures.loudness(8, 12) == pytest.approx((-10.0, 0.0))
    assert measures_with(power=[0.0, 1.0]).impact(4) == 40.0
    assert measures_with(power=[1.0, 0.0]).impact(4) == -40.0


def test_the_kick_enters_with_the_second_bar_of_two_and_with_one_at_its_start() -> None:
    measures = measures_with(strokes=[0.1, 1.0, 1.0])
    assert measures.entry(0, 12) == 4
    assert measures.entry(4, 12) == 4
    assert measures_with(strokes=[0.05, 1.0]).entry(0, 8) == 4
    assert measures_with(strokes=[0.1, 1.0]).entry(0, 7) == 0


def test_the_kick_is_looked_for_below_120_hz_and_tunes_from_250_to_2000() -> None:
    for band, (beating, tuned) in enumerate(
        [(True, False), (True, False), (False, False), *[(False, True)] * 3, *[(False, False)] * 3]
    ):
        levels = np.full((8, 4, 9), -60.0)
        levels[::2, 1, band] = levels[::2, 2, band] = levels[1::2, :, band] = 0.0
        measures = measure(levels, patterns.relative(levels), 4)
        assert (measures.strokes.max() > 0.5) == beating
        pad = np.full((8, 4, 9), -60.0)
        pad[:4, :, band] = 0.0  # a bar with it and one without
        pad_drive = measure(pad, patterns.relative(pad), 4)
        assert (pad_drive.tune[0] - pad_drive.tune[1] > 30) == tuned


def test_a_lead_in_and_a_tail_shorter_than_a_section_are_passed_over_by_mix_points() -> None:
    for bars, mixable in ((3, True), (4, False)):
        form = [("breakdown", bars), *MIXABLE, ("breakdown", bars)]
        starts = [start / BAR for start in starts_of(form, 128.0)]
        sections = [(start, kind) for start, (kind, _) in zip(starts, form, strict=True)]
        again = measured_in(form, sections)
        mix_in, mix_out = again.mix_in, again.mix_out
        if mixable:
            assert mix_in == pytest.approx(BAR * (bars + 16), abs=0.01)
            assert mix_out == pytest.approx(starts[-2] * BAR, abs=0.01)
        else:
            assert (mix_in, mix_out) == (None, None)


def test_what_is_measured_of_silence_is_nothing() -> None:
    KINDS["silence"] = ()
    stated = [(0, "intro"), (8, "drop")]
    found = measured_in([("silence", 16)], stated, [15.0], gain=-10.0)
    assert [section.energy for section in found.sections] == [0.0, 0.0]
    assert (found.drop_impacts, found.mix_in, found.mix_out) == ((0.0,), None, None)
    assert [(p.start, p.end) for p in found.phrases] == [(s.start, s.end) for s in found.sections]
