"""Calibration of the confidences, and the beat measures, by hand and by mir_eval."""

from __future__ import annotations

import mir_eval
import numpy as np
import pytest
from dropgrid.evaluation import beats, calibration, structure
from library_to_evaluate import REFERENCES, document, evaluate, write_library, write_track

WRONG, RIGHT = {"accuracy1": 0.0, "accuracy2": 1.0}, {"accuracy1": 1.0, "accuracy2": 1.0}
SURE = {"whole": 0.9, "tempo": 1.0, "octave": 0.9, "phase": 0.8, "downbeat": 0.7}


def test_the_error_is_the_mean_distance_of_promise_and_share() -> None:
    claims = [("whole", 0.95, True)] * 3 + [("whole", 0.95, False)] + [("whole", 0.15, False)]
    found = calibration.reliability(claims)["whole"]
    assert [(b["from"], b["tracks"], b["right"]) for b in found["bins"]] == [
        (0.1, 1, 0.0), (0.9, 4, 0.75)
    ]  # fmt: skip
    assert found["calibration_error"] == pytest.approx((4 * 0.2 + 1 * 0.15) / 5)
    assert (found["tracks"], found["right"]) == (5, pytest.approx(0.6))


def test_a_confidence_of_one_has_a_bin() -> None:
    assert calibration.reliability([("key", 1.0, True)])["key"]["bins"][0]["to"] == 1.0


@pytest.mark.parametrize(
    ("tempo", "beat_f", "downbeat_f", "right"),
    [
        (RIGHT, 0.95, 0.95,
         {"whole": True, "tempo": True, "octave": True, "phase": True, "downbeat": True}),
        (RIGHT, 0.5, 0.0, {"whole": False, "tempo": True, "octave": True, "phase": False}),
        (WRONG, 0.6, None, {"whole": False, "tempo": True, "octave": False}),
        (None, 0.95, None, {"whole": True, "phase": True}),
        (None, None, None, {}),
    ],
)  # fmt: skip
def test_a_part_is_asked_only_where_the_parts_before_are_right(
    tempo, beat_f, downbeat_f, right
) -> None:
    claims = calibration.claims(SURE, tempo, beat_f, downbeat_f)
    assert {kind: answer for kind, _, answer in claims} == right
    assert all(confidence == SURE[kind] for kind, confidence, _ in claims)


GRID = np.arange(0.5, 60, 0.5)


def test_p_score_is_that_of_mir_eval() -> None:
    late = GRID[10:] + 0.03
    found = beats.evaluate(GRID, late)
    assert found["p_score"] == pytest.approx(mir_eval.beat.p_score(GRID, late), abs=1e-9)
    assert found["median_error_ms"] == pytest.approx(30.0)
    assert beats.evaluate(GRID, [1.0])["p_score"] == 0.0


def test_a_grid_on_the_off_beat_is_half_a_beat_off_in_ms() -> None:
    assert beats.evaluate(GRID, GRID[:-1] + 0.25)["median_error_ms"] == pytest.approx(250.0)


@pytest.mark.parametrize(
    ("estimated", "downbeats", "f"),
    [
        (GRID, GRID[::4], 1.0),
        (GRID, GRID[1::4], 0.0),
        (GRID[40:], GRID[40::4], 1.0),  # half of the beats are missing: the others are asked
        (GRID, GRID[::8], 2 / 3),
        (GRID[:-1] + 0.25, GRID[:-1:4] + 0.25, None),  # no beat was found
        ((), (), None),
    ],
)
def test_downbeats_are_asked_of_the_beats_that_were_found(estimated, downbeats, f) -> None:
    found = beats.downbeats_given_beats(GRID, GRID[::4], estimated, downbeats)
    assert np.isnan(found) if f is None else found == pytest.approx(f, abs=0.02)


def test_drops_are_hit_within_a_beat_and_within_a_bar() -> None:
    found = structure.drop_hits([30.0, 60.0], [30.4, 61.5], 120.0)
    assert found == {"drop_within_beat_f": 0.5, "drop_within_bar_f": 1.0}
    assert np.isnan(structure.drop_hits([], [], 120.0)["drop_within_beat_f"])


@pytest.mark.usefixtures("pictures")
def test_every_task_has_strata_and_the_summary_shows_them_and_the_confidences(tmp_path) -> None:
    results = write_library(tmp_path / "results")
    for path in ("a.flac", "c.flac"):
        from dropgrid.records.model import Confidences

        write_track(
            results, path, 120.0, confidence=0.9, confidences=Confidences(1.0, 0.95, 0.95, 0.9)
        )
    (tmp_path / "references.csv").write_text(REFERENCES)
    assert evaluate(results, "--references", tmp_path / "references.csv") == 0
    for task in ("bpm", "structure"):
        found = document(results, task)["strata"]
        assert list(found["tempo"]) == ["115-135"] and list(found["genre"]) == ["House"]
    assert document(results, "beats")["strata"] == {"tempo": {}, "genre": {}}
    confidence = document(results, "bpm")["calibration"]
    assert confidence["whole"]["tracks"] == 2 and confidence["whole"]["right"] == 1.0
    assert confidence["whole"]["calibration_error"] == pytest.approx(0.1)
    structure_measures = document(results, "structure")["systems"]["dropgrid"]
    assert structure_measures["drop_within_bar_f"]["value"] == 1.0
    summary = (results / "evaluation" / "summary.md").read_text()
    assert "## Confidence" in summary and summary.count("| Tempo range |") == 2
    assert (results / "evaluation" / "bpm_calibration.svg").exists()
