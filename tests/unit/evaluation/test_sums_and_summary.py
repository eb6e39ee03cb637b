"""Sums over rows against plain counting, and how the summary writes them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from dropgrid.evaluation import (
    aggregate,
    baselines,
    bootstrap,
    calibration,
    documents,
    key,
    summary,
    tempo,
)
from dropgrid.evaluation.bootstrap import Estimate
from dropgrid.records.model import LABELS


def test_a_weighted_median_is_that_of_the_values_as_often_as_they_were_drawn() -> None:
    random = np.random.default_rng(5)
    values = np.sort(random.normal(size=11))
    weights = random.integers(0, 4, size=(200, 11))
    found = bootstrap._weighted_medians(values, weights.astype(float))
    expected = [np.median(np.repeat(values, row)) for row in weights]
    np.testing.assert_allclose(found[:, 0], expected)


def test_every_resample_draws_as_many_tracks_as_there_are() -> None:
    blocks = list(bootstrap._weights(12, 3))
    weights = np.concatenate(blocks)
    assert weights.shape == (1000, 12) and (weights.sum(axis=1) == 12).all()
    assert np.abs(weights.mean(axis=0) - 1).max() < 0.15  # each track as often as the others
    assert list(bootstrap._weights(0, 3)) == []


@pytest.mark.parametrize("block", [1, 12, 12 * 7, 12 * 999, 12 * 1000])
def test_the_size_of_blocks_makes_no_difference(
    monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    whole = np.concatenate(list(bootstrap._weights(12, 3)))
    monkeypatch.setattr(bootstrap, "BLOCK", block)
    blocks = list(bootstrap._weights(12, 3))
    assert max(map(len, blocks)) <= max(1, block // 12)
    np.testing.assert_array_equal(np.concatenate(blocks), whole)


def test_a_column_without_tracks_has_no_value_and_leaves_the_others_alone() -> None:
    values = np.array([[1.0, np.nan], [3.0, np.nan]] * 6)
    first, none = bootstrap.means(values, 0)
    assert (first.value, first.tracks) == (2.0, 12) and math.isnan(none.value)
    assert none.tracks == 0 and math.isnan(none.low) and math.isnan(none.high)
    assert first == bootstrap.means(values[:, :1], 0)[0]


def frames(*cells: tuple[str, str, int]) -> np.ndarray:
    """A confusion: frames by annotated and estimated label."""
    found = np.zeros((len(LABELS), len(LABELS)), np.int64)
    for annotated, estimated, count in cells:
        found[LABELS.index(annotated), LABELS.index(estimated)] = count
    return found


def test_labels_are_scored_over_the_frames_of_all_tracks_together() -> None:
    one = frames(("drop", "drop", 60), ("drop", "main", 20), ("intro", "intro", 20))
    other = frames(("drop", "drop", 20), ("intro", "drop", 40), ("main", "intro", 40))
    found = aggregate.label_measures([one, other], 0)
    assert list(found) == list(LABELS)
    values = {kind: estimate.value for kind, estimate in found["drop"].items()}
    assert values == {"precision": pytest.approx(80 / 120), "recall": pytest.approx(0.8),
                      "f": pytest.approx(160 / 220)}  # fmt: skip
    assert found["main"]["precision"].value == 0.0 and found["main"]["precision"].tracks == 1
    assert math.isnan(found["outro"]["f"].value)
    right = aggregate.accuracy_of_labels([one, other], 0)
    assert (right.value, right.tracks) == (0.5, 2)
    assert aggregate.label_measures([], 0) == {}
    assert math.isnan(aggregate.accuracy_of_labels([], 0).value)
    assert aggregate.accuracy_of_labels([], 0).tracks == 0


def row(track: str, system: str = "dropgrid", **values: Any) -> dict[str, Any]:
    facts = {"track": track, "system": system, "answered": True, "genre": None,
             "reference_bpm": None}  # fmt: skip
    return {**facts, **values}


def test_strata_are_in_order_and_of_the_product_alone() -> None:
    rows = [
        row("c", genre="techno", reference_bpm=140.0, f=0.5),
        row("a", genre="house", reference_bpm=124.0, f=1.0),
        row("b", genre="house", reference_bpm=128.0, f=0.0, answered=False),
        row("d", f=0.7),
        row("a", "tag", genre="house", reference_bpm=124.0, f=0.1),
    ]
    found = aggregate.strata(rows, 0)
    assert list(found["tempo"]) == ["115-135", "135-160"]
    assert list(found["genre"]) == ["house", "techno"]
    house = found["genre"]["house"]["f"]
    assert (house.value, house.tracks, house.answered, house.answered_tracks) == (0.5, 2, 1.0, 1)
    assert found["tempo"]["135-160"]["f"].value == 0.5


def test_systems_metrics_octaves_and_kinds_have_their_order() -> None:
    rows = [row("a", "tag"), row("a", "median_interval"), row("a")]
    assert aggregate.systems(rows) == ["dropgrid", "median_interval", "tag"]
    assert aggregate.means([row("a", f=1.0, count=3, octave="1")], 0).keys() == {"f"}
    assert aggregate.means([], 0) == {}
    names = ["none", "2", "1", "other", "1/2", "2"]
    counted = aggregate.octaves({"octave": name} for name in names)
    assert list(counted.items()) == [("1", 1), ("1/2", 1), ("2", 2), ("other", 1), ("none", 1)]
    kinds = aggregate.key_errors({"kind": kind} for kind in ("other", "exact", "other"))
    assert list(kinds.items()) == [("exact", 1), ("other", 2)]
    column = aggregate.column([{"f": 1}, {"f": None}, {}], "f")
    assert column[0] == 1.0 and np.isnan(column[1:]).all()


def test_nothing_answered_has_no_value_over_the_answered() -> None:
    rows = [row("a", f=0.0, answered=False), row("b", f=0.0, answered=False)]
    found = aggregate.with_answered(aggregate.means, rows, 0)["f"]
    assert (found.value, found.tracks, found.answered_tracks) == (0.0, 2, 0)
    assert found.answered is not None and math.isnan(found.answered)


def test_a_tempo_is_right_up_to_its_tolerance() -> None:
    for estimate, right in ((104.0, 1.0), (104.01, 0.0), (96.0, 1.0), (95.99, 0.0)):
        assert tempo.evaluate(100.0, estimate)["accuracy1"] == right
    for factor in (1, 2, 3, 1 / 2, 1 / 3):
        for off, right in ((1.039, 1.0), (1.041, 0.0), (0.961, 1.0), (0.959, 0.0)):
            assert tempo.evaluate(90.0, 90.0 * factor * off)["accuracy2"] == right
    found = tempo.evaluate(128.0, 128.05)
    assert [found[f"within_{name}"] for name in ("0.01", "0.05", "0.5", "2.5")] == [0, 1, 1, 1]
    assert found["error"] == pytest.approx(0.05)
    assert [tempo.octave(90.0, 90.0 * factor) for factor in (2 / 3, 3 / 2, 3 / 4, 4 / 3, 3)] == [
        "2/3", "3/2", "3/4", "4/3", "3"
    ]  # fmt: skip
    assert [tempo.stratum(bpm) for bpm in (114.9, 115, 134.9, 135, 159.9)] == [
        "90-115", "115-135", "115-135", "135-160", "135-160",
    ]  # fmt: skip


def test_baselines_of_beats_on_frames() -> None:
    assert baselines.median_interval_bpm([0.001, 0.002, 0.003]) is None
    assert baselines.median_interval_bpm([1.0, 1.5]) == 120.0
    assert baselines.median_interval_beats([1.0]) == [1.0]
    assert baselines.median_interval_beats([1.0, 1.5, 2.26]) == pytest.approx([1, 1.63, 2.26])


def test_confidences_of_one_bin_and_of_all() -> None:
    """Each tenth has the confidence of its upper quarter, and half of its claims are right."""
    claims = [("phase", i / 10 + 0.075, right) for i in range(10) for right in (True, False)]
    found = calibration.reliability([*claims, ("key", 0.5, True)])
    assert list(found) == ["phase", "key"]
    bins = found["phase"]["bins"]
    assert [(b["from"], b["to"]) for b in bins] == [(i / 10, (i + 1) / 10) for i in range(10)]
    assert [b["confidence"] for b in bins] == pytest.approx([i / 10 + 0.075 for i in range(10)])
    distances = [abs(i / 10 + 0.075 - 0.5) for i in range(10)]
    assert found["phase"]["calibration_error"] == pytest.approx(sum(distances) / 10)
    assert found["phase"]["confidence"] == pytest.approx(0.525)
    assert (found["key"]["tracks"], found["key"]["right"]) == (1, 1.0)


def test_claims_are_right_from_an_f_of_nine_tenths_on() -> None:
    confidences = {"phase": 0.5, "downbeat": 0.5}
    assert calibration.claims(confidences, None, 0.9, 0.9) == [
        ("phase", 0.5, True), ("downbeat", 0.5, True)
    ]  # fmt: skip
    assert calibration.claims(confidences, None, 0.9, 0.899)[1:] == [("downbeat", 0.5, False)]
    assert calibration.claims(confidences, None, 0.899, 0.9) == [("phase", 0.5, False)]
    assert calibration.claims({"phase": None}, None, 0.9, 0.9) == []


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ((math.nan, math.nan, math.nan, 0), "–"),
        ((0.25, math.nan, math.nan, 3), "0.250"),
        ((-0.0001, math.nan, math.nan, 3), "0.000"),
        ((0.5, 0.25, 0.75, 12), "0.500 [0.250, 0.750]"),
        ((0.5, 0.25, 0.75, 12, 0.5, 12), "0.500 [0.250, 0.750]"),
        ((0.5, 0.25, 0.75, 12, 0.6, 10), "0.500 [0.250, 0.750]; 0.600 of the 10 answered"),
        ((0.0, math.nan, math.nan, 2, math.nan, 0), "0.000"),
    ],
)
def test_an_estimate_in_the_summary(values: tuple, shown: str) -> None:
    assert summary._shown(documents._plain(Estimate(*values))) == shown
    assert summary._shown(None) == "–"


def test_cells_of_tables_are_escaped_and_examples_are_three() -> None:
    assert summary._table(["a|b"], [["c\n d"]]) == ["| a\\|b |", "| --- |", "| c d |", ""]
    three, four = summary._by_tag(list("abc"))[0], summary._by_tag(list("abcd"))[0]
    assert "Of 3 tracks" in three and "(a, b, c)" in three and "(a, b, c, ...)" in four
    assert summary._by_tag([]) == summary._counts("x", {}) == summary._calibration({}) == []
    assert summary._counts("Kinds:", {"x": {"1": 2}, "y": {"2": 1}}) == [
        "Kinds:", "", "|  | 1 | 2 |", "| --- | --- | --- |", "| x | 2 | 0 |", "| y | 0 | 1 |", "",
    ]  # fmt: skip


def test_cells_of_csv_files_have_six_decimals_and_none_where_there_is_no_number() -> None:
    rows = [row("a", f=1 / 3, error=math.nan), row("b", f=-1e-9, extra=2)]
    lines = documents.rows_csv(rows).decode().splitlines()
    assert lines[0] == "track,path,genre,reference,system,answered,reference_bpm,f,error,extra"
    assert lines[1] == "a,,,,dropgrid,True,,0.333333,,"
    assert lines[2] == "b,,,,dropgrid,True,,0.0,,2"


def test_points_of_keys() -> None:
    found = key.evaluate(0, 7)
    assert (found["reference_key"], found["estimated_key"]) == ("C major", "G major")
    assert (found["exact"], found["mirex"], found["mir_eval"]) == (0.0, 0.5, 0.5)
    none = key.evaluate(0, None)
    assert (none["estimated_key"], none["kind"], none["exact"], none["mirex"]) == (
        None, "none", 0.0, 0.0,
    )  # fmt: skip
    assert key.evaluate(21, 21)["mirex"] == 1.0
