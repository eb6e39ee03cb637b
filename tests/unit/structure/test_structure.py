"""Sections and drops: where they begin, what they are called, and how they are counted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from band_levels import FORM, KINDS, LAYERS, STROKES, features_of, grid_of, levels_of, starts_of
from dropgrid.base.errors import ConfigError, UnusableAudio
from dropgrid.features import Features
from dropgrid.records.model import BpmRecord
from dropgrid.settings.options import build_options
from dropgrid.structure import Structure, StructureOptions, analyse

DEFAULTS = StructureOptions()


def sections_of(form, bpm=128.0, options=DEFAULTS, **grid) -> Structure:
    """The structure found in music of a form, on its true grid."""
    late = grid.pop("late", 0)
    levels = levels_of(form, bpm, **grid)
    return analyse(features_of(levels), grid_of(levels, bpm, late=late, **grid), options)


def starts(found: Structure) -> list[float]:
    return [section.start for section in found.sections]


def labels(found: Structure) -> list[str]:
    return [section.label for section in found.sections]


@pytest.mark.parametrize("bpm", [87.0, 128.0, 174.0])
def test_sections_begin_on_the_exact_downbeats(bpm: float) -> None:
    assert starts(sections_of(FORM, bpm)) == pytest.approx(starts_of(FORM, bpm), abs=1e-6)


def test_sections_are_called_what_they_are() -> None:
    assert labels(sections_of(FORM)) == [kind for kind, _ in FORM]


def test_drops_are_the_moments_a_drop_begins_each_with_its_confidence() -> None:
    found = sections_of(FORM)
    assert found.drops == pytest.approx([30.0, 90.0])
    assert all(confidence > 0.8 for confidence in found.drop_confidences)


def test_a_drop_that_a_track_begins_with_is_as_sure_as_its_label() -> None:
    found = sections_of([("drop", 16), ("breakdown", 16), ("drop", 16), ("outro", 8)])
    assert found.drops == pytest.approx([0.0, 60.0])
    assert found.drop_confidences[0] == found.sections[0].confidence
    assert found.drop_confidences[1] < found.sections[2].confidence


def test_two_drop_sections_in_a_row_are_one_drop() -> None:
    KINDS["sung drop"] = ("kick", "hats", "bass", "voice")
    form = [("intro", 8), ("sung drop", 16), ("drop", 16), ("outro", 8)]
    found = sections_of(form)
    assert labels(found) == ["intro", "drop", "drop", "outro"]
    assert found.drops == pytest.approx([15.0])


def louder(form, start: float, end: float, decibels: float) -> Structure:
    """The structure of music of a form, which is louder from bar to bar."""
    levels = levels_of(form, 128.0)
    levels[round(start * 187.5) : round(end * 187.5)] += decibels
    return analyse(features_of(levels), grid_of(levels, 128.0), DEFAULTS)


def test_a_drop_that_grows_louder_inside_its_passage_drops_once_more() -> None:
    KINDS["sung drop"] = ("kick", "hats", "bass", "voice")
    form = [("breakdown", 16), ("drop", 16), ("sung drop", 16), ("outro", 8)]
    found = sections_of(form)
    assert labels(found)[1:3] == ["drop", "drop"]
    assert found.drops == pytest.approx([30.0, 60.0])
    assert len(found.drop_confidences) == len(found.drop_impacts) == 2
    assert found.drop_impacts[1] > 0.8
    assert louder(form, 32, 48, -found.drop_impacts[1]).drops == pytest.approx([30.0])


def test_after_a_breakdown_a_drop_is_listed_however_loud_the_one_before() -> None:
    form = [("breakdown", 16), ("drop", 16), ("breakdown", 16), ("drop", 16), ("breakdown", 8)]
    assert louder(form, 48, 64, -1.5).drops == pytest.approx([30.0, 90.0])


def test_a_track_may_end_on_its_drop_but_a_calmer_beat_at_its_end_is_an_outro() -> None:
    form = [("breakdown", 16), ("drop", 16), ("breakdown", 8), ("drop", 16)]
    assert labels(louder(form, 40, 56, 0.0)) == ["intro", "drop", "breakdown", "drop"]
    assert labels(louder(form, 40, 56, -4.0)) == ["intro", "drop", "breakdown", "outro"]


def test_a_beat_without_a_tune_at_the_end_is_an_outro_however_loud_but_a_drop_is_none() -> None:
    beat = [*FORM[:-1], ("outro", 16)]  # the made-up outro is kick and hats
    assert labels(louder(beat, 64, 80, 6.0))[-2:] == ["drop", "outro"]
    assert labels(sections_of([*FORM[:-1], ("breakdown", 8), ("drop", 16)]))[-1] == "drop"


def test_sections_cover_the_track_without_gap_or_overlap() -> None:
    found = sections_of(FORM, lead_in=0.7)
    assert found.sections[0].start == 0.0
    assert found.sections[-1].end == pytest.approx(0.7 + 72 * 1.875, abs=0.01)
    for before, after in zip(found.sections[:-1], found.sections[1:], strict=True):
        assert before.end == after.start
        assert before.end_bar == after.start_bar


def test_bars_count_from_one_at_the_first_downbeat() -> None:
    found = sections_of(FORM, lead_in=0.7)
    assert [s.start_bar for s in found.sections] == [1, 9, 17, 33, 41, 49, 65]
    assert [s.bars for s in found.sections] == [length for _, length in FORM]
    assert found.sections[-1].end_bar == 73


def test_what_comes_before_the_first_downbeat_belongs_to_bar_one() -> None:
    levels = levels_of(FORM, 128.0)
    late = grid_of(levels, 128.0)
    late = replace(late, beats=late.beats[48:], downbeats=late.downbeats[12:])
    found = analyse(features_of(levels), late, DEFAULTS)
    assert starts(found) == pytest.approx(starts_of(FORM, 128.0), abs=1e-6)
    assert [s.start_bar for s in found.sections] == [1, 1, 5, 21, 29, 37, 53]


def test_sections_that_are_not_phrases_are_found_where_the_music_insists() -> None:
    form = [("intro", 7), ("drop", 13), ("breakdown", 9), ("drop", 11), ("outro", 6)]
    assert starts(sections_of(form)) == pytest.approx(starts_of(form, 128.0), abs=1e-6)


def test_an_edit_off_the_downbeat_is_found_on_its_beat() -> None:
    form = [("intro", 8), ("drop", 16.5), ("breakdown", 8), ("drop", 16), ("outro", 8)]
    assert starts(sections_of(form)) == pytest.approx(starts_of(form, 128.0), abs=1e-6)


@pytest.mark.parametrize("late", [1, 2, 3])
def test_boundaries_stand_when_every_downbeat_is_off_by_some_beats(late: int) -> None:
    found = sections_of(FORM, late=late)
    assert starts(found) == pytest.approx(starts_of(FORM, 128.0), abs=1e-6)


def test_bars_of_three_beats() -> None:
    form = [("intro", 8), ("drop", 16), ("breakdown", 8), ("drop", 16)]
    found = sections_of(form, 120.0, per_bar=3)
    assert starts(found) == pytest.approx(starts_of(form, 120.0, per_bar=3), abs=1e-6)
    assert [s.bars for s in found.sections] == [8, 16, 8, 16]


def test_a_gap_in_the_beats_is_bridged() -> None:
    levels = levels_of(FORM, 128.0)
    grid = grid_of(levels, 128.0)
    gap = replace(grid, downbeats=grid.downbeats[:33] + grid.downbeats[40:])
    found = analyse(features_of(levels), gap, DEFAULTS)
    assert starts(found) == pytest.approx(starts_of(FORM, 128.0), abs=1e-6)


@pytest.mark.parametrize(
    "form",
    [
        pytest.param([("drop", 64)], id="a loop"),
        pytest.param([("breakdown", 24), ("intro", 24), ("breakdown", 24)], id="ambient"),
        pytest.param([("voice", 16), ("breakdown", 16), ("voice", 32)], id="a cappella"),
    ],
)
def test_music_without_a_drop_gets_none(form) -> None:
    found = sections_of(form)
    assert found.drops == ()
    assert not {"drop", "buildup"} & set(labels(found))


def test_a_short_loop_is_one_section() -> None:
    found = sections_of([("drop", 3)])
    assert [(s.start, s.label, s.start_bar, s.end_bar) for s in found.sections] == [
        (0.0, "main", 1, 4)
    ]


@pytest.mark.parametrize("seconds", [0.01, 0.3, 1.0, 2.5])
def test_any_length_with_or_without_beats_is_one_section(seconds: float) -> None:
    levels = levels_of([("drop", 2)], 128.0)[: round(seconds * 100)]
    for grid in (grid_of(levels, 128.0), BpmRecord("x", "x", "ok", seconds)):
        found = analyse(features_of(levels), grid, DEFAULTS)
        assert [(s.start, s.end) for s in found.sections] == [(0.0, seconds)]


def test_silence_is_one_section_without_a_drop() -> None:
    levels = np.full((6000, 9), -100.0)
    found = analyse(features_of(levels), grid_of(levels, 120.0), DEFAULTS)
    assert len(found.sections) == 1
    assert found.drops == ()


def test_silence_at_the_end_is_not_a_section() -> None:
    levels = np.vstack([levels_of(FORM, 128.0), np.full((3000, 9), -100.0)])
    found = analyse(features_of(levels), grid_of(levels, 128.0), DEFAULTS)
    assert len(found.sections) == len(FORM)
    assert found.sections[-1].end == pytest.approx(165.0, abs=0.01)


def test_a_fill_of_two_bars_is_not_a_section() -> None:
    form = [("drop", 14), ("outro", 2), ("drop", 16), ("breakdown", 8)]
    assert len(sections_of(form).sections) == 2 + 1


def test_instruments_that_come_in_an_intro_begin_a_section_and_in_a_breakdown_none() -> None:
    KINDS["sung intro"] = ("pad", "hats", "voice")
    changing = [("intro", 8), ("sung intro", 8)]
    rest = [("buildup", 8), ("drop", 16), ("breakdown", 8), ("drop", 16), ("outro", 8)]
    found = sections_of([*changing, *rest])
    assert starts(found)[:3] == pytest.approx([0.0, 15.0, 45.0])
    assert labels(found)[:3] == ["intro", "buildup", "drop"]
    assert 30.0 in [round(phrase.start, 6) for phrase in found.phrases]
    found = sections_of([("outro", 8), ("drop", 16), *changing, *rest])
    assert labels(found)[1:5] == ["drop", "breakdown", "buildup", "drop"]
    assert starts(found)[1:3] == pytest.approx([15.0, 45.0])
    assert {45.0, 60.0, 75.0} <= {round(phrase.start, 6) for phrase in found.phrases}


def test_a_track_that_ends_on_a_downbeat_ends_with_the_bar_before() -> None:
    levels = levels_of(FORM, 128.0)
    grid = grid_of(levels, 128.0)
    end = len(levels) / 100
    ending = replace(grid, beats=(*grid.beats, end), downbeats=(*grid.downbeats, end))
    last = analyse(features_of(levels), ending, DEFAULTS).sections[-1]
    assert (last.end, last.start_bar, last.end_bar, last.bars) == (end, 65, 73, 8)


def test_the_shortest_section_is_an_option() -> None:
    form = [("breakdown", 16), ("buildup", 4), ("drop", 16)]
    assert len(sections_of(form).sections) == 3
    assert len(sections_of(form, options=StructureOptions(min_section_bars=16)).sections) == 2


def test_more_sensitivity_never_finds_fewer_sections() -> None:
    STROKES["other hats"] = (2, 5, 10, 13)
    LAYERS["other hats"] = LAYERS["hats"]
    KINDS["other drop"] = ("kick", "other hats", "bass", "lead")
    form = [*FORM[:2], ("drop", 16), ("other drop", 16), *FORM[3:]]
    counts = [
        len(sections_of(form, options=StructureOptions(sensitivity=value)).sections)
        for value in (-1.0, -0.3, 0.0, 0.3)
    ]
    assert counts == sorted(counts)
    assert counts[0] < counts[-1]


def test_without_a_grid_sections_are_in_seconds_and_bars_are_null() -> None:
    levels = levels_of(FORM, 128.0)
    found = analyse(features_of(levels), BpmRecord("x", "x", "ok", 135.0), DEFAULTS)
    assert found.time_base == "seconds"
    assert {(s.start_bar, s.end_bar, s.bars) for s in found.sections} == {(None, None, None)}
    assert found.drops == () and "drop" not in labels(found)
    assert len(found.sections) >= 6
    true = np.array(starts_of(FORM, 128.0))
    assert all(np.abs(true - start).min() < 1.0 for start in starts(found))


def test_the_energy_method_hears_loudness_only() -> None:
    found = sections_of(FORM, options=StructureOptions(method="energy"))
    assert found.method == "energy"
    assert found.drops == pytest.approx([30.0, 90.0], abs=4.0)
    assert starts(found)[1:] != pytest.approx(starts(sections_of(FORM))[1:], abs=1e-6)
    assert found.sections[0].start == 0.0
    assert found.sections[-1].end == pytest.approx(135.0)


def test_the_same_input_gives_the_same_structure() -> None:
    assert sections_of(FORM) == sections_of(FORM)


def test_features_without_band_levels_are_refused() -> None:
    with pytest.raises(UnusableAudio, match="no band levels"):
        analyse(Features(10.0, np.zeros((1000, 2))), BpmRecord("x", "x", "ok"), DEFAULTS)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"method": "magic"}, "method: 'magic' is none of phrases, energy"),
        ({"min_section_bars": 0}, "min_section_bars: 0 is not within 1 to 64"),
        ({"sensitivity": 2}, "sensitivity: 2 is not within -1 to 1"),
        ({"bars": 4}, "structure.bars: there is no such option"),
    ],
)
def test_options_out_of_range_are_named(values: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build_options(StructureOptions, values, "structure")
