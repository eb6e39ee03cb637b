"""Other systems and dropgrid: means with and without missing answers, paired differences."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import mir_eval
import numpy as np
import pytest
from dropgrid.evaluation import systems, systems_report
from dropgrid.evaluation.systems import Answer, Case, cases, difference, means
from dropgrid.records.model import BpmRecord, ComputedRhythm
from dropgrid.references.annotation import ReferenceSection
from dropgrid.references.matching import Reference
from library_to_evaluate import REFERENCES, evaluate, write_library

GRID = tuple(np.arange(0.5, 60, 0.5))


def reference(**fields: object) -> Reference:
    return Reference("a-00000000", **fields)  # type: ignore[arg-type]


def case(number: int, ours: float | None, theirs: float | None) -> Case:
    def metrics(value: float | None) -> dict[str, float] | None:
        return None if value is None else {"accuracy1": value}

    scores = {"dropgrid": metrics(ours), "other": metrics(theirs)}
    return Case(f"t{number}", f"t{number}.flac", "tempo", "house", 125.0, scores)


def test_a_missing_answer_is_wrong_first_and_left_out_second():
    found = [case(0, 1.0, 1.0), case(1, 1.0, None), case(2, 0.0, 1.0), case(3, 1.0, None)]
    mean = means(found, "other", "accuracy1", 0)
    assert (mean.mean, mean.mean_answered) == (0.5, 1.0)
    assert (mean.tracks, mean.answered) == (4, 2)


@pytest.mark.parametrize(("count", "sure"), [(9, False), (10, True)])
def test_no_interval_below_ten_tracks(count, sure):
    found = [case(i, 1.0, float(i % 2)) for i in range(count)]
    assert (means(found, "other", "accuracy1", 0).low is not None) == sure
    assert (difference(found, "other", "accuracy1", 0).low is not None) == sure


def test_better_and_worse_are_counted_track_by_track():
    found = [case(i, 1.0, 1.0) for i in range(10)] + [case(9 + i, 0.0, 1.0) for i in range(6)]
    found += [case(20, 1.0, None)]
    apart = difference(found, "other", "accuracy1", 0)
    assert (apart.better, apart.worse) == (6, 1)
    assert apart.mean == pytest.approx(5 / 17)
    assert apart.p == pytest.approx(2 * (1 + 7) / 2**7)  # sign test, 6 of 7 or better, two-sided
    assert apart.low is not None and apart.low <= apart.mean <= apart.high


def test_systems_that_agree_differ_by_nothing():
    apart = difference([case(i, 1.0, 1.0) for i in range(12)], "other", "accuracy1", 0)
    assert (apart.mean, apart.better, apart.worse, apart.p) == (0.0, 0, 0, None)


def test_the_numbers_are_those_of_mir_eval():
    late = tuple(t + 0.06 for t in GRID[: len(GRID) // 2])
    structure = ((20.0, 40.0), 60.0)
    truth = reference(bpm=120.0, beats=GRID, downbeats=GRID[::4], structure=structure, tonality=9)
    answer = Answer(60.0, late, late[::4], (20.3, 44.0), tonality=16)  # E minor for A major
    scores = {c.task: c.scores["other"] for c in cases(truth, "a", 60.0, {"other": answer})}
    assert scores["tempo"] == {"accuracy1": 0.0, "accuracy2": 1.0, "within_0.05": 0.0}
    expected = mir_eval.beat.f_measure(np.array(GRID), np.array(late))
    assert scores["beats"]["f_measure"] == pytest.approx(expected, abs=1e-9)
    intervals = [
        np.array([[0, 20], [20, 40], [40, 60.0]]),
        np.array([[0, 20.3], [20.3, 44], [44, 60]]),
    ]
    hits = mir_eval.segment.detection(*intervals, 0.5)
    assert scores["boundaries"]["hit_0.5_f"] == pytest.approx(hits[2], abs=1e-9)
    assert scores["key"] == {"mirex": 0.0, "exact": 0.0}


def test_only_what_the_reference_contains_is_scored():
    assert [c.task for c in cases(reference(bpm=120.0), "a", 60.0, {"x": Answer()})] == ["tempo"]
    assert cases(reference(genre="house"), "a", 60.0, {"x": Answer()}) == []


def test_no_tag_decides_what_is_scored_beside_other_systems():
    beats, half = GRID, GRID[::2]
    alone = ComputedRhythm(
        120.0, 120.0, None, 0.9, None, "computed", "4/4", beats, beats[::4], ()
    )  # fmt: skip
    record = BpmRecord(
        "a-00000000", "a.flac", "ok", duration=60.0, bpm=60.0, beats=half, downbeats=half[::4],
        bpm_computed=120.0, tag_bpm=60.0, untagged=alone,
    )  # fmt: skip
    answer = systems.answer_of_records(record, None, None)
    assert (answer.bpm, answer.beats, answer.downbeats) == (120.0, beats, beats[::4])


def test_where_they_disagree_most_comes_first():
    found = [case(0, 1.0, 1.0), case(1, 1.0, 0.9), case(2, 0.2, 1.0)]
    assert [c.track for c in systems.disagreements(found, "accuracy1")] == ["t2", "t1"]


def test_a_metric_without_a_value_is_null_where_systems_disagree():
    """None of the other's beats is found, so it has no downbeat among them."""
    truth = reference(bpm=120.0, beats=GRID, downbeats=GRID[::4])
    off = tuple(t + 0.25 for t in GRID)
    answers = {
        "dropgrid": Answer(beats=GRID, downbeats=GRID[::4]),
        "other": Answer(beats=off, downbeats=off[::4]),
    }
    found = cases(truth, "a", 60.0, answers)
    values = systems_report.document(found, ["dropgrid", "other"], 0)
    (case,) = values["tasks"]["downbeats"]["disagreements"]
    assert case["scores"]["other"]["downbeats_given_beats"] is None
    json.dumps(values, allow_nan=False)
    assert "| a |" in systems_report.markdown(values)


def test_strata_are_genres_and_ranges_of_tempo():
    tempi = [case(0, 1.0, 1.0), *(replace(case(1, 1.0, 1.0), bpm=bpm) for bpm in (95.0, 80.0))]
    found = ["0-90 BPM", "90-115 BPM", "115-135 BPM", "genre house"]
    assert list(systems.strata(tempi)) == found


@pytest.fixture
def results(tmp_path: Path) -> Path:
    (tmp_path / "references.csv").write_text(REFERENCES)
    (tmp_path / "other.csv").write_text("path,bpm\na.flac,120\nb.flac,120\nnobody.flac,99\n")
    return write_library(tmp_path / "results")


def test_a_distance_is_of_the_answered_tracks_alone_and_small_is_better():
    def beats(number: int, ours: float | None, theirs: float | None) -> Case:
        scores = {
            name: None if value is None else {"median_error_ms": value}
            for name, value in (("dropgrid", ours), ("other", theirs))
        }
        return Case(f"t{number}", f"t{number}.flac", "beats", None, 120.0, scores)

    found = [beats(0, 5.0, 2.0), beats(1, 5.0, 9.0), beats(2, 5.0, None)]
    mean = means(found, "other", "median_error_ms", 0)
    assert (mean.mean, mean.tracks, mean.answered) == (5.5, 2, 2)
    apart = difference(found, "other", "median_error_ms", 0)
    assert (apart.tracks, apart.better, apart.worse) == (2, 1, 1)


def test_what_a_reference_does_not_allow_is_nobodys_fault():
    """Without a boundary inside, trimmed hits have no value, whoever answers."""
    inside = reference(structure=((20.0, 40.0), 60.0))
    none = reference(structure=((), 60.0))
    answers = {"dropgrid": Answer(boundaries=(20.0,)), "other": Answer()}
    found = [c for truth in (inside, none) for c in cases(truth, "a", 60.0, answers)]
    assert means(found, "dropgrid", "hit_0.5_trimmed_f", 0).tracks == 1
    assert means(found, "other", "hit_0.5_trimmed_f", 0).tracks == 1
    assert means(found, "other", "hit_0.5_trimmed_f", 0).mean == 0.0
    assert means(found, "dropgrid", "hit_0.5_f", 0).tracks == 2


def test_drops_are_scored_only_with_dropgrids_labels():
    drop = ReferenceSection(16.0, 32.0, "drop")
    truth = reference(bpm=120.0, sections=(ReferenceSection(0.0, 16.0, "intro"), drop))
    near, far = Answer(drops=(16.4,)), Answer(drops=(17.4,))
    answers = {"near": near, "far": far, "none": Answer()}
    found = {case.task: case for case in cases(truth, "a", 60.0, answers)}
    assert found["drops"].scores == {
        "near": {"drop_within_beat_f": 1.0, "drop_within_bar_f": 1.0},
        "far": {"drop_within_beat_f": 0.0, "drop_within_bar_f": 1.0}, "none": None,
    }  # fmt: skip
    foreign = reference(bpm=120.0, sections=(ReferenceSection(0.0, 16.0, "A"),))
    assert [case.task for case in cases(foreign, "a", 60.0, {"near": near})] == ["tempo"]


@pytest.mark.slow
@pytest.mark.smoke
@pytest.mark.usefixtures("pictures")
def test_the_command_puts_systems_side_by_side(results, tmp_path, capsys):
    words = ["--references", tmp_path / "references.csv",
             "--estimates", f"other={tmp_path / 'other.csv'}"]  # fmt: skip
    assert evaluate(results, *words) == 0
    assert "2 systems side by side, 1 answers of no track" in capsys.readouterr().out
    found = json.loads((results / "evaluation" / "systems.json").read_text())
    assert found["systems"] == ["dropgrid", "other"]
    tempo = {(m["system"], m["metric"]): m for m in found["tasks"]["tempo"]["means"]}
    ours, theirs = tempo["dropgrid", "accuracy1"], tempo["other", "accuracy1"]
    assert ours["tracks"] == theirs["tracks"] == 4  # z.flac failed: wrong, not left out
    assert (ours["mean"], theirs["mean"]) == (0.5, 0.5)
    assert (ours["answered"], theirs["answered"]) == (3, 2)
    text = (results / "evaluation" / "systems.md").read_text()
    assert re.search(r"\| accuracy1 \| other \| 0\.500 \| 1\.000 \| 2 of 4 \|", text)
    assert "| the systems disagree most (accuracy1) | dropgrid | other |" in text
    assert re.search(r"\| b\.flac \| 0\.000 \| 1\.000 \|", text)
    assert (results / "evaluation" / "systems_tempo.svg").exists()
    before = (results / "evaluation" / "systems.json").read_bytes()
    assert evaluate(results, *words) == 0
    assert (results / "evaluation" / "systems.json").read_bytes() == before
    assert evaluate(results, *words[:2]) == 0  # without systems: their old output is stale
    assert not list((results / "evaluation").glob("systems*"))


@pytest.mark.parametrize("estimate", ["other", "=x", "dropgrid=x.csv", "a="])
def test_an_estimate_needs_a_name_of_its_own(results, estimate, capsys):
    with pytest.raises(SystemExit):
        evaluate(results, "--estimates", estimate)
    assert "NAME=PATH" in capsys.readouterr().err


def test_a_malformed_answer_is_named(results, tmp_path, capsys):
    (tmp_path / "bad.csv").write_text("path,bpm\na.flac,fast\n")
    words = ["--references", tmp_path / "references.csv"]
    assert evaluate(results, *words, "--estimates", f"bad={tmp_path / 'bad.csv'}") == 2
    assert "bad.csv" in capsys.readouterr().err
    assert not (results / "evaluation" / "systems.md").exists()
