"""Boundaries and labels decided together, phrases inside sections, and music nothing drops in."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, pairwise, product

import numpy as np
import pytest
from band_levels import FORM, KINDS, LAYERS, STROKES, features_of, grid_of, levels_of
from dropgrid.records.model import LABELS, BpmRecord
from dropgrid.structure import Structure, StructureOptions, analyse, decoding, labels, segment
from dropgrid.structure.analysis import Music, may_drop, music_of
from dropgrid.structure.bars import time_base
from dropgrid.structure.evidence import after_rests

DEFAULTS = StructureOptions()


def found_in(levels: np.ndarray, options: StructureOptions = DEFAULTS) -> Structure:
    return analyse(features_of(levels), grid_of(levels, 128.0), options)


def music(levels: np.ndarray) -> Music:
    base = time_base(grid_of(levels, 128.0), len(levels) / 100)
    found = music_of(levels, base)
    assert found is not None
    return found


def running_sums_of(units: int, seed: int) -> labels.RunningSums:
    """Made-up running sums over bars of one unit."""
    random = np.random.default_rng(seed)
    low, high = (-14, -12, -20, 1, 0.1, 1, 0), (0, 2, 0, 4, 1, 2, 1)
    values = random.uniform(low, high, (units, 7))
    sums = np.vstack([np.zeros(7), values.cumsum(axis=0)]).T
    tuneful = sums[0] - np.append(0.0, random.uniform(0, 9, units).cumsum())
    return running_sums_from(sums, tuneful)


def running_sums_from(sums: np.ndarray, tuneful: np.ndarray) -> labels.RunningSums:
    """Running sums over bars of one unit, from arrays."""
    highest, fullest = (
        labels.loudest_stretches(one, labels.PLATEAU) for one in (sums[0], tuneful)
    )
    return labels.RunningSums(*sums, highest, tuneful, fullest, 1)


@pytest.mark.slow
@pytest.mark.smoke
@pytest.mark.parametrize("seed", range(4))
def test_sections_are_the_best_of_all_ways_to_cut_and_to_name(seed: int) -> None:
    units, running_sums = 5, running_sums_of(5, seed)
    evidence = np.random.default_rng(seed).normal(0, 0.5, units)
    first, inner, last = segment.limits(units, 1, 1)
    count = decoding.LABELS_COUNT

    def total(bounds: tuple[int, ...], names: tuple[int, ...]) -> float:
        edges = [0, *bounds, units]
        sound = labels.scores(running_sums.sections(edges), True)
        lengths = [first, *([inner] * (len(names) - 2)), last] if bounds else [last]
        score = count * (labels.FIRST[names[0]] + labels.LAST[names[-1]])
        score += segment.WEIGHT * evidence[list(bounds)].sum()
        for i, (start, end) in enumerate(pairwise(edges)):
            score += lengths[i][end - start] + count * sound[i, names[i]]
        follows = labels.transitions(running_sums.steps(np.array(bounds, int)))
        for weights, (one, other) in zip(follows, pairwise(names), strict=True):
            score += count * weights[one, other]
        return float(score)

    every = [
        (bounds, names)
        for n in range(units)
        for bounds in combinations(range(1, units), n)
        for names in product(range(len(LABELS)), repeat=n + 1)
    ]
    bounds, names = decoding.decode(evidence, running_sums, 1, 0.0, True)
    assert (tuple(bounds), tuple(names)) == max(every, key=lambda way: total(*way))


def test_where_nothing_begins_a_track_is_one_section_however_long() -> None:
    bars = 2 * decoding.LONGEST
    bounds, names = decoding.decode(np.full(bars, -1.0), running_sums_of(bars, 0), 4, 0.0, True)
    assert bounds == [] and len(names) == 1


def test_neighbours_with_one_label_are_joined_without_strong_evidence_for_two() -> None:
    evidence = np.zeros(12)
    evidence[[3, 6, 9]] = decoding.SPLIT_EVIDENCE + 0.1, decoding.SPLIT_EVIDENCE - 0.1, -1.0
    drop, rest = labels.DROP, labels.BREAKDOWN
    assert decoding.join_same_labels([3, 6, 9], [drop, drop, drop, rest], evidence) == (
        [3, 9], [drop, drop, rest]
    )  # fmt: skip


def test_phrases_cover_the_track_inside_its_sections() -> None:
    found = found_in(levels_of(FORM, 128.0))
    assert found.phrases[0].start == 0.0 and found.phrases[-1].end == found.sections[-1].end
    assert all(one.end == other.start for one, other in pairwise(found.phrases))
    assert {s.start for s in found.sections} <= {p.start for p in found.phrases}
    assert all(one.end_bar == other.start_bar for one, other in pairwise(found.phrases))
    assert sum(phrase.bars or 0 for phrase in found.phrases) == 72
    assert all(0.0 <= phrase.confidence <= 1.0 for phrase in found.phrases)


def test_a_small_change_in_a_drop_begins_a_phrase_and_no_section() -> None:
    STROKES["other hats"] = (2, 5, 10, 13)
    LAYERS["other hats"] = LAYERS["hats"]
    KINDS["other drop"] = ("kick", "other hats", "bass", "lead")
    form = [("breakdown", 16), ("drop", 8), ("other drop", 8), ("breakdown", 8), ("outro", 8)]
    found = found_in(levels_of(form, 128.0))
    assert [(s.label, s.bars) for s in found.sections][1] == ("drop", 16)
    assert 45.0 in [round(phrase.start, 6) for phrase in found.phrases]


def test_phrases_without_a_grid_have_no_bars() -> None:
    levels = levels_of(FORM, 128.0)
    found = analyse(features_of(levels), BpmRecord("x", "x", "ok", 135.0), DEFAULTS)
    assert found.phrases[-1].end == 135.0
    assert {(p.start_bar, p.end_bar, p.bars) for p in found.phrases} == {(None, None, None)}


def test_where_no_kick_strikes_nothing_drops_however_loud() -> None:
    KINDS["swell"] = ("pad", "lead")
    form = [("breakdown", 16), ("swell", 16), ("breakdown", 16), ("swell", 16)]
    levels = levels_of(form, 128.0)
    levels[:, :2] += 25.0  # a steady low hum
    levels[3000:6000] += 10.0
    levels[9000:] += 10.0
    assert not music(levels).measures.has_kick()
    found = found_in(levels)
    assert found.drops == () and "drop" not in {s.label for s in found.sections}
    assert music(levels_of(FORM, 128.0)).measures.has_kick()


def test_speech_like_bursts_on_an_invented_grid_do_not_drop() -> None:
    random = np.random.default_rng(0)
    bursts = np.repeat(random.uniform(-40, 0, 800), 15)[:, None] + random.normal(0, 2, (12000, 9))
    bursts += [-35, -25, -6, 0, 0, -3, -8, -15, -25]
    bursts += np.repeat(random.choice([-12.0, 0.0], 12), 1000)[:, None]
    found = found_in(bursts)
    assert found.drops == ()


def test_without_a_grid_nothing_may_drop() -> None:
    found = music(levels_of(FORM, 128.0))
    running_sums = labels.running_sums(found.measures, found.levels, found.pattern)
    assert may_drop(found, running_sums, 4)
    assert not may_drop(replace(found, on_grid=False), running_sums, 4)


def test_a_loud_passage_that_grows_louder_is_distinguished_only_where_the_level_steps() -> None:
    steps = labels.transitions(np.array([-4.0, 0.0, 4.0]))
    falls, stays, rises = (step[labels.DROP] for step in steps)
    assert falls[labels.MAIN] > falls[labels.DROP]
    assert stays[labels.DROP] > stays[labels.MAIN]
    entry = steps[:, labels.BREAKDOWN, labels.DROP]
    assert entry[0] < entry[1] < entry[2] and rises[labels.BREAKDOWN] < falls[labels.BREAKDOWN]


def test_steps_compare_the_bars_before_and_after() -> None:
    level = np.array([-12.0] * 8 + [-2.0] * 8)
    sums = np.append(0.0, np.cumsum(level))
    zero = np.zeros(17)
    running_sums = running_sums_from(np.array([sums, *[zero] * 6]), sums)
    assert running_sums.steps(np.array([4, 8, 12])) == pytest.approx([0.0, 10.0, 0.0])


def test_the_loudest_stretch_of_a_section_is_that_of_eight_bars() -> None:
    random = np.random.default_rng(5)
    level = random.uniform(-15, 0, 50)
    sums = np.append(0.0, np.cumsum(level))
    zero = np.zeros(51)
    running_sums = running_sums_from(np.array([sums, *[zero] * 6]), sums - np.arange(51))
    for start, end in ((0, 50), (3, 20), (10, 19), (42, 50), (5, 9)):
        stretches = [level[i : i + 8].mean() for i in range(start, end - 7)]
        expected = max(stretches, default=level[start:end].mean())
        assert running_sums.sections([start, end]).loudest[0] == pytest.approx(expected)
        assert running_sums.sections([start, end]).fullest[0] == pytest.approx(expected - 1)


def test_an_outro_holds_no_peak() -> None:
    quiet, loud = (sound(level=-8.0, loudest=loudest, fullest=loudest) for loudest in (-8.0, 0.0))
    assert labels.scores(loud, True)[0, labels.OUTRO] < labels.scores(quiet, True)[0, labels.OUTRO]
    assert labels.scores(loud, True)[0, labels.MAIN] == labels.scores(quiet, True)[0, labels.MAIN]


def test_an_outro_may_be_loud_without_a_tune_but_an_intro_may_not() -> None:
    beat, peak = (sound(level=-1.0, loudest=-1.0, fullest=fullest) for fullest in (-9.0, -1.0))
    with_tune, without = (labels.scores(one, True)[0] for one in (peak, beat))
    assert without[labels.OUTRO] > with_tune[labels.OUTRO] + 2
    others = [labels.INTRO, labels.MAIN, labels.DROP, labels.BREAKDOWN, labels.BUILDUP]
    assert np.array_equal(without[others], with_tune[others])


def sound(**values: float) -> labels.SectionSound:
    """One section: medium, rising, danceable, with bass, 16 bars."""
    usual = {
        "level": -6.0,
        "loudest": -6.0,
        "fullest": -6.0,
        "kick": 0.0,
        "rise": 6.0,
        "pulse": 4.0,
        "bass": -3.0,
        "bars": 16.0,
        "calm": 0.0,
    }
    return labels.SectionSound(*(np.array([value]) for value in (usual | values).values()))


def test_a_drop_has_the_kick_that_the_track_has() -> None:
    with_it, without = (sound(level=0.0, loudest=0.0, kick=kick) for kick in (0.0, -12.0))
    lost = labels.scores(with_it, True)[0] - labels.scores(without, True)[0]
    assert lost[labels.DROP] > 3.0
    assert np.count_nonzero(lost) == 1


def test_a_rest_of_two_bars_belongs_to_the_section_before_it() -> None:
    level = np.array([0.0] * 6 + [-12.0] * 2 + [0.0] * 8)
    evidence = np.zeros(16)
    evidence[[6, 8, 12]] = 1.0, 0.4, 0.7
    found = after_rests(evidence, level, 1)
    assert found[8] == 1.0 and found[12] == 0.7
    assert found[6] < 0.0 and found[7] < 0.0
    assert found[[5, 9]].tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    "level",
    [
        [0.0] * 6 + [-12.0] * 3 + [0.0] * 7,  # a breakdown of three bars
        [-9.0] * 6 + [-12.0] * 2 + [0.0] * 8,  # calm before it as well
        [0.0] * 6 + [-12.0] * 2 + [-6.0] * 8,  # no peak returns
        [-12.0] * 2 + [0.0] * 14,  # the track's beginning
        [0.0] * 14 + [-12.0] * 2,  # and its end
    ],
)
def test_what_is_not_a_rest_between_peaks_leaves_the_evidence_as_it_is(level: list[float]) -> None:
    evidence = np.random.default_rng(0).normal(size=16)
    assert np.array_equal(after_rests(evidence, np.array(level), 1), evidence)


def test_a_drop_after_a_rest_begins_where_the_music_returns() -> None:
    levels = levels_of([("intro", 8), ("breakdown", 8), ("drop", 32), ("outro", 8)], 128.0)
    bar = 187.5
    levels[round(30 * bar) : round(32 * bar)] -= 30.0
    KINDS["other drop"] = ("kick", "hats", "bass", "voice")
    other = levels_of([("intro", 32), ("other drop", 24)], 128.0)
    levels[round(32 * bar) : round(48 * bar)] = other[round(32 * bar) : round(48 * bar)]
    found = found_in(levels)
    starts = [section.start_bar for section in found.sections]
    assert 33 in starts and 31 not in starts


def test_changes_a_beat_late_in_one_place_do_not_move_all_the_others() -> None:
    """Where all changes but one stand on bar lines, sections do."""
    evidence = np.full(4 * 64, -0.6)
    evidence[[32, 64, 128, 192]] = 0.6
    evidence[[33, 65]] = 1.2
    assert segment.boundaries(evidence, 4, 4, 0.0, True) == [32, 64, 128, 192]
    evidence[[129, 193]] = 1.6  # all of them
    assert segment.boundaries(evidence, 4, 4, 0.0, True) == [33, 65, 129, 193]


@pytest.mark.parametrize(("bars", "found"), [(1, [32]), (1.75, [32]), (2, [32, 64])])
def test_less_than_two_bars_at_the_end_are_the_decay_of_the_last_section(
    bars: float, found: list[int]
) -> None:
    evidence = np.full(64 + int(4 * bars), -0.6)
    evidence[[32, 64]] = 4.0
    assert segment.boundaries(evidence, 4, 4, 0.0, True) == found


def test_a_buildup_has_at_most_32_bars() -> None:
    for bars, possible in ((32.0, True), (33.0, False)):
        score = labels.scores(sound(bars=bars), True)[0, labels.BUILDUP]
        assert (score > labels.NEVER) == possible
