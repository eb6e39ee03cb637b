"""The metrics against numbers worked out by hand, and against mir_eval's own."""

from __future__ import annotations

import math

import numpy as np
import pytest
from dropgrid.evaluation import aggregate, baselines, beats, bootstrap, structure, tempo
from dropgrid.records.model import LABELS
from dropgrid.references.annotation import ReferenceSection


def test_tempo_metrics_of_one_track() -> None:
    scores = tempo.evaluate(128.0, 128.05)
    assert scores["error"] == pytest.approx(0.05)
    assert [scores[f"within_{t}"] for t in ("0.01", "0.05", "0.5", "2.5")] == [0, 1, 1, 1]
    assert (scores["accuracy1"], scores["accuracy2"], scores["octave"]) == (1, 1, "1")


def test_accuracy1_forgives_4_percent_and_accuracy2_also_octaves_and_thirds() -> None:
    reference = np.array([100.0] * 7)
    estimated = np.array([104.0, 104.1, 50.0, 200.0, 300.0, 100 / 3, 150.0])
    assert tempo.accuracy1(reference, estimated).tolist() == [True] + [False] * 6
    assert tempo.accuracy2(reference, estimated).tolist() == [
        True, False, True, True, True, True, False,
    ]  # fmt: skip


def test_octave_errors_have_names() -> None:
    ratios = {"1": 1.0, "1/2": 0.51, "2": 1.95, "2/3": 0.667, "3/2": 1.5, "3/4": 0.75,
              "4/3": 1.33, "1/3": 0.33, "3": 3.1, "other": 1.2}  # fmt: skip
    assert {tempo.octave(100.0, 100 * r) for r in ratios.values()} == set(ratios)
    for name, ratio in ratios.items():
        assert tempo.octave(100.0, 100 * ratio) == name


def test_a_track_without_an_estimate_is_wrong_but_has_no_error() -> None:
    scores = tempo.evaluate(128.0, None)
    assert math.isnan(scores["error"]) and scores["octave"] == "none"
    assert scores["accuracy1"] == scores["accuracy2"] == scores["within_2.5"] == 0


def test_tempi_that_are_none_are_refused() -> None:
    for reference, estimate in ((0.0, 1.0), (math.nan, 1.0), (1.0, -1.0), (1.0, math.inf)):
        with pytest.raises(ValueError, match="not a positive number"):
            tempo.evaluate(reference, estimate)
    with pytest.raises(ValueError, match="shapes"):
        tempo.validate(np.ones(2), np.ones(3))


def test_tempo_strata() -> None:
    assert [tempo.stratum(bpm) for bpm in (60, 89.9, 90, 128, 160, 300)] == [
        "0-90", "0-90", "90-115", "115-135", "160+", "160+",
    ]  # fmt: skip


def test_aggregate_errors_are_mae_rmse_and_median() -> None:
    rows = [
        {"track": str(i), **tempo.evaluate(100.0, 100.0 + e)} for i, e in enumerate((1, -3, 0))
    ]
    rows.append({"track": "9", **tempo.evaluate(100.0, None)})
    found = aggregate.tempo_measures(rows, seed=0)
    assert found["mae"].value == pytest.approx(4 / 3)
    assert found["rmse"].value == pytest.approx(math.sqrt(10 / 3))
    assert (found["median_error"].value, found["median_error"].tracks) == (1.0, 3)
    assert (found["within_2.5"].value, found["within_2.5"].tracks) == (0.5, 4)
    assert aggregate.octaves(rows) == {"1": 3, "none": 1}


GRID = np.arange(0.5, 60.0, 0.5)


def test_beats_that_agree_score_one_and_have_no_phase_error() -> None:
    scores = beats.evaluate(GRID, GRID)
    assert [scores[n] for n in ("f_measure", "cmlc", "cmlt", "amlc", "amlt")] == [1.0] * 5
    assert scores["information_gain"] == pytest.approx(1.0)
    assert scores["phase_error"] == 0.0
    assert scores["phase_error_beats"] == pytest.approx(0.0, abs=1e-12)


def test_late_beats_have_a_positive_phase_error() -> None:
    scores = beats.evaluate(GRID, GRID[:-1] + 0.05)
    assert scores["f_measure"] == pytest.approx(2 * 118 / (118 + 119))
    assert scores["phase_error"] == pytest.approx(0.05)
    assert scores["phase_error_beats"] == pytest.approx(0.1)


def test_the_off_beat_is_wrong_at_this_level_and_right_at_any() -> None:
    scores = beats.evaluate(GRID, GRID[:-1] + 0.25)
    assert (scores["f_measure"], scores["cmlt"]) == (0.0, 0.0)
    assert scores["amlt"] == 1.0
    assert abs(scores["phase_error_beats"]) == pytest.approx(0.5)


def test_double_tempo_is_right_at_any_metrical_level_only() -> None:
    scores = beats.evaluate(GRID, np.arange(0.5, 59.51, 0.25))
    assert scores["f_measure"] == pytest.approx(2 * 119 / (119 + 237))
    assert scores["cmlt"] < 0.01 and scores["amlt"] == pytest.approx(1.0)


def test_the_window_is_70_ms_and_nothing_is_trimmed() -> None:
    reference = np.array([1.0, 2.0, 3.0])  # all within the 5 s that mir_eval's evaluate drops
    assert beats.f_measure(reference, reference + 0.069) == 1.0
    assert beats.f_measure(reference, reference + 0.071) == 0.0


def test_no_estimated_beats_score_zero_and_no_reference_beats_are_refused() -> None:
    scores = beats.evaluate(GRID, [])
    assert scores["f_measure"] == scores["cmlt"] == scores["information_gain"] == 0.0
    assert math.isnan(scores["phase_error"])
    with pytest.raises(ValueError, match="no reference beats"):
        beats.evaluate([], GRID)
    assert beats.evaluate([1.0], [1.05])["phase_error"] == pytest.approx(0.05)


def test_boundaries_hit_within_half_a_second_and_three() -> None:
    reference = structure.to_intervals([10.0, 20.0, 30.0], 40.0)
    estimated = structure.to_intervals([10.4, 22.0], 40.0)
    scores = structure.evaluate_boundaries(reference, estimated)
    assert scores["hit_0.5_trimmed_precision"] == 1 / 2
    assert scores["hit_0.5_trimmed_recall"] == 1 / 3
    assert scores["hit_0.5_trimmed_f"] == pytest.approx(0.4)
    assert scores["hit_0.5_f"] == pytest.approx(2 * 3 / (5 + 4))  # 0 and 40 are hits too
    assert scores["hit_3_trimmed_precision"] == 1.0
    assert scores["hit_3_trimmed_recall"] == 2 / 3
    assert scores["reference_to_estimate_trimmed"] == pytest.approx(2.0)  # 0.4, 2, 8
    assert scores["estimate_to_reference_trimmed"] == pytest.approx(1.2)  # 0.4, 2


# mir_eval's own fixture, tests/data/segment/{ref,est,output}05 (MIT licence).
REFERENCE_05 = [
    *zip([0.372, 23.490, 147.424], "AAA", strict=True),
    *zip([171.866, 183.994, 196.361, 208.201, 220.353, 232.328], "CCDCDC", strict=True),
    *zip([254.136, 266.072, 278.600, 302.370, 315.045], "DCDCD", strict=True),
    *zip([327.589, 341.350], "DA", strict=True),
]
ESTIMATE_05 = [
    0.0, 27.408, 68.069, 94.822, 128.659, 147.444, 160.784, 193.152, 232.371, 251.103, 255.417,
    266.069, 276.230, 279.931, 302.550, 315.533, 339.258, 341.066, 366.039, 402.347,
]  # fmt: skip


def test_the_expected_scores_of_mir_evals_own_fixture_are_reproduced() -> None:
    ends = [*(start for start, _ in REFERENCE_05[1:]), 431.961]
    reference = [
        ReferenceSection(start, end, label)
        for (start, label), end in zip(REFERENCE_05, ends, strict=True)
    ]
    estimated = structure.to_intervals(ESTIMATE_05, 431.962)
    annotated, _ = structure.fill([(s.start, s.end, "") for s in reference], 431.961)
    cropped, _ = structure.fill([(a, b, "") for a, b in estimated], 431.961)
    scores = structure.evaluate_boundaries(annotated, cropped)
    named = [(a, b, f"Seg#{i}") for i, (a, b) in enumerate(estimated)]
    scores |= structure.evaluate_labels(reference, named, [])[0]
    expected = {
        "hit_0.5_precision": 0.38095238095238093, "hit_0.5_recall": 0.4444444444444444,
        "hit_0.5_f": 0.41025641025641024, "hit_3_precision": 0.47619047619047616,
        "hit_3_recall": 0.5555555555555556, "hit_3_f": 0.5128205128205129,
        "reference_to_estimate": 0.8845, "estimate_to_reference": 2.092,
        "pairwise_precision": 0.8936198585154119, "pairwise_recall": 0.12923035832531626,
        "pairwise_f": 0.22580591492517105,
    }  # fmt: skip
    assert {name: scores[name] for name in expected} == pytest.approx(expected, rel=1e-9)


def test_one_boundary_is_hit_by_one_estimate_only() -> None:
    scores = structure.evaluate_boundaries(
        structure.to_intervals([10.0], 40.0), structure.to_intervals([9.9, 10.1], 40.0)
    )
    assert scores["hit_0.5_trimmed_precision"] == 0.5


def test_trimmed_scores_need_a_boundary_inside() -> None:
    scores = structure.evaluate_boundaries(
        structure.to_intervals([], 40.0), structure.to_intervals([9.9], 40.0)
    )
    assert math.isnan(scores["hit_3_trimmed_f"])
    assert scores["hit_3_f"] == pytest.approx(0.8)


def test_label_metrics_count_frames_of_a_tenth_of_a_second() -> None:
    reference = [ReferenceSection(0, 10, "intro"), ReferenceSection(10, 30, "drop")]
    estimated = [(0.0, 20.0, "intro"), (20.0, 35.0, "drop")]
    scores, confusion = structure.evaluate_labels(reference, estimated, [20.0])
    assert confusion is not None
    intro, drop = LABELS.index("intro"), LABELS.index("drop")
    assert confusion[intro, intro] == 100 and confusion[drop, intro] == 100
    assert confusion[drop, drop] == 100 and confusion.sum() == 300
    found = aggregate.label_measures([confusion], seed=0)
    assert (found["drop"]["precision"].value, found["drop"]["recall"].value) == (1.0, 0.5)
    assert found["intro"]["precision"].value == 0.5
    assert found["drop"]["f"].value == pytest.approx(2 / 3)
    assert math.isnan(found["outro"]["f"].value)
    assert aggregate.accuracy_of_labels([confusion], seed=0).value == pytest.approx(2 / 3)
    same_reference, same_estimate = 100 * 99 / 2 + 200 * 199 / 2, 200 * 199 / 2 + 100 * 99 / 2
    agreed = 3 * 100 * 99 / 2
    assert scores["pairwise_precision"] == pytest.approx(agreed / same_estimate)
    assert scores["pairwise_recall"] == pytest.approx(agreed / same_reference)


def test_frames_the_annotation_leaves_open_are_not_counted() -> None:
    reference = [ReferenceSection(5, 10, "intro"), ReferenceSection(20, 30, None)]
    _, confusion = structure.evaluate_labels(reference, [(0.0, 30.0, "intro")], [])
    assert confusion is not None and confusion.sum() == 50


def test_a_foreign_vocabulary_is_grouped_but_not_named() -> None:
    reference = [ReferenceSection(0, 10, "verse"), ReferenceSection(10, 30, "drop")]
    estimated = [(0.0, 10.0, "intro"), (10.0, 30.0, "outro")]
    scores, confusion = structure.evaluate_labels(reference, estimated, [])
    assert confusion is None and "drop_start_3_f" not in scores
    assert scores["pairwise_f"] == 1.0


def test_a_drop_begins_where_one_does_not_continue() -> None:
    parts = [(0, 8, "drop"), (8, 16, "drop"), (16, 24, "breakdown"), (24, 32, "drop")]
    assert structure.starts([ReferenceSection(*part) for part in parts]) == [0, 24]
    hits = structure.start_hits([0.0, 24.0], [24.4, 27.1, 60.0])
    assert hits["drop_start_0.5_precision"] == pytest.approx(1 / 3)
    assert hits["drop_start_0.5_recall"] == 0.5
    assert hits["drop_start_0.5_f"] == pytest.approx(0.4)
    assert math.isnan(structure.start_hits([], [])["drop_start_3_f"])


def test_intervals_that_are_none_are_refused() -> None:
    for faulty in (np.zeros((0, 2)), np.array([[1.0, 2.0]]), np.array([[0.0, 1.0], [1.5, 2.0]])):
        with pytest.raises(ValueError, match="interval"):
            structure.validate(faulty)


def test_baselines() -> None:
    exact = [0.2 + i * 60 / 128 for i in range(100)]
    assert baselines.median_interval_bpm(exact) == pytest.approx(127.66, abs=0.005)
    assert baselines.median_interval_bpm([1.0]) is None
    assert baselines.median_interval_beats([0.0, 0.5, 1.0, 1.4]) == [0.0, 0.5, 1.0, 1.5]
    assert baselines.eight_bar_boundaries(list(range(20))) == [0, 8, 16]


def test_intervals_of_a_mean_cover_it_and_depend_on_nothing_but_values_and_seed() -> None:
    values = np.random.default_rng(3).normal(5.0, 2.0, size=(400, 1))
    first, again, other = (bootstrap.means(values, seed)[0] for seed in (0, 0, 1))
    assert first == again and first != other
    error = 2.0 / math.sqrt(400)
    assert first.value == pytest.approx(values.mean())
    assert first.low == pytest.approx(first.value - 1.96 * error, abs=0.2 * error)
    assert first.high == pytest.approx(first.value + 1.96 * error, abs=0.2 * error)


def test_the_median_is_resampled_too_and_missing_values_do_not_count() -> None:
    values = np.array([1.0, np.nan, 2.0, 9.0, 4.0] * 3)
    found = bootstrap.medians(values, seed=0)
    assert (found.value, found.tracks) == (3.0, 12)
    assert 1.0 <= found.low < 3.0 < found.high <= 9.0
    assert bootstrap.medians(np.array([]), 0).tracks == 0


def test_pooled_ratios_resample_whole_tracks() -> None:
    right, all_of_them = np.array([[0.0], [10.0]] * 5), np.full((10, 1), 10.0)
    (found,) = bootstrap.ratios(right, all_of_them, seed=0)
    assert (found.value, found.low, found.high) == (0.5, 0.2, 0.8), "shares of whole tracks"


def test_fewer_than_ten_tracks_have_no_interval() -> None:
    """One track that is right would have the interval from 1.000 to 1.000."""
    for count in (1, 9, 10):
        values = np.array([1.0] * (count - 1) + [0.0])
        (found,) = bootstrap.means(values[:, None], seed=0)
        assert np.isnan(found.low) == np.isnan(found.high) == (count < 10)
        assert (found.value, found.tracks) == (pytest.approx((count - 1) / count), count)
        assert np.isnan(bootstrap.medians(values, seed=0).low) == (count < 10)
