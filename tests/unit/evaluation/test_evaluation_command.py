"""`dropgrid evaluate` on folders of records: what it writes, and when it writes nothing."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pytest
from dropgrid.evaluation import score
from dropgrid.evaluation.score import EvaluationOptions, gather
from dropgrid.library import track_id
from dropgrid.records.model import BpmRecord, KeyRecord, StructureRecord, TrackFailure
from dropgrid.records.store import write_record
from library_to_evaluate import (
    REFERENCES,
    SAME_NAME,
    document,
    evaluate,
    write_library,
    write_track,
)

OUTPUTS = {
    "bpm.json", "beats.json", "structure.json", "bpm.csv", "beats.csv", "downbeats.csv",
    "structure.csv", "key.json", "key.csv", "left_out.csv", "summary.md",
}  # fmt: skip


@pytest.fixture
def results(tmp_path: Path) -> Path:
    return write_library(tmp_path / "results")


@pytest.fixture
def references(tmp_path: Path) -> Path:
    path = tmp_path / "references.csv"
    path.write_text(REFERENCES)
    return path


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library, evaluated against REFERENCES in references.csv beside it."""
    folder = tmp_path_factory.mktemp("evaluated")
    (folder / "references.csv").write_text(REFERENCES)
    results = write_library(folder / "results")
    assert evaluate(results, "--references", folder / "references.csv") == 0
    return results


def test_tempo_is_scored_with_baselines_octaves_and_strata(evaluated: Path) -> None:
    found = document(evaluated, "bpm")
    assert (found["schema"], found["task"], found["tracks"]) == ("dropgrid/evaluation", "bpm", 4)
    product = found["systems"]["dropgrid"]
    assert product["mae"]["value"] == pytest.approx(61 / 3, abs=1e-6)
    assert product["median_error"]["value"] == 1.0
    # z.flac failed, which is wrong; then without it. Four tracks have no interval.
    assert product["accuracy1"] == {
        "value": 0.5, "low": None, "high": None, "tracks": 4,
        "answered": 0.666667, "answered_tracks": 3,
    }  # fmt: skip
    assert (product["accuracy2"]["value"], product["accuracy2"]["answered"]) == (0.75, 1.0)
    assert product["mae"]["tracks"] == 3, "what has no answer has no error"
    assert found["octaves"]["dropgrid"] == {"1": 2, "1/2": 1, "none": 1}
    assert set(found["systems"]) == {"dropgrid", "median_interval", "tag"}
    assert found["systems"]["tag"]["mae"] == {
        "value": 1.0, "low": None, "high": None, "tracks": 1,
        "answered": 1.0, "answered_tracks": 1,
    }  # fmt: skip
    assert list(found["strata"]["tempo"]) == ["115-135"]
    assert {g: s["mae"]["tracks"] for g, s in found["strata"]["genre"].items()} == {
        "House": 2, "Trance": 1,
    }  # fmt: skip
    assert found["options"]["references"] == [str(evaluated.parent / "references.csv")]
    assert {"dropgrid", "mir_eval", "numpy"} <= set(found["software"])


def test_structure_is_scored_per_boundary_label_and_drop(evaluated: Path) -> None:
    found = document(evaluated, "structure")
    product = found["systems"]["dropgrid"]
    assert product["hit_0.5_trimmed_f"]["value"] == pytest.approx(2 / 3, abs=1e-6)
    assert product["hit_3_trimmed_f"]["value"] == 1.0
    assert product["drop_start_0.5_f"]["value"] == pytest.approx(2 / 3, abs=1e-6)
    assert found["systems"]["eight_bars"]["hit_0.5_trimmed_recall"]["value"] == pytest.approx(
        (1 + 1 / 2 + 1) / 3, abs=1e-6
    )
    # c.flac: the drop is 16 s long and 2 s late, so 14 s of it are right
    assert found["labels"]["drop"]["precision"]["value"] == pytest.approx(46 / 48, abs=1e-6)
    assert found["labels"]["drop"]["recall"]["value"] == pytest.approx(46 / 48, abs=1e-6)
    matrix = dict(zip(found["confusion"]["labels"], found["confusion"]["seconds"], strict=True))
    assert matrix["drop"] == pytest.approx([2.0, 0.0, 0.0, 46.0, 0.0, 0.0])
    assert found["label_accuracy"]["tracks"] == 3


def test_what_is_ambiguous_unknown_failed_or_without_reference_is_listed(evaluated: Path) -> None:
    with (evaluated / "evaluation" / "left_out.csv").open(newline="") as stream:
        rows = [(row["key"], row["reason"]) for row in csv.DictReader(stream)]
    assert rows == [
        ("same", "ambiguous: 2 tracks have this file name"),
        ("unknown.flac", "unknown: no such track"),
        (track_id("z.flac"), "not analysed, counted as wrong: cut short"),
        *((track, "no reference") for track in sorted(map(track_id, SAME_NAME))),
    ]
    summary = (evaluated / "evaluation" / "summary.md").read_text()
    assert "4 of 6 tracks were compared" in summary
    assert "- ambiguous: 2 tracks have this file name: 1: same" in summary


def test_there_is_a_row_for_each_track_and_system(evaluated: Path) -> None:
    with (evaluated / "evaluation" / "bpm.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["path"], row["system"], row["octave"]) for row in rows] == [
        ("a.flac", "dropgrid", "1"), ("a.flac", "median_interval", "1"), ("a.flac", "tag", "1"),
        ("b.flac", "dropgrid", "1/2"), ("b.flac", "median_interval", "1/2"),
        ("c.flac", "dropgrid", "1"), ("c.flac", "median_interval", "1"),
        ("z.flac", "dropgrid", "none"), ("z.flac", "median_interval", "none"),
    ]  # fmt: skip
    assert (
        rows[0]["reference"] == str(evaluated.parent / "references.csv")
        and rows[3]["error"] == "-60.0"
    )


def test_a_failed_track_is_wrong_in_every_task_and_the_rest_is_shown_beside(
    tmp_path: Path,
) -> None:
    results = tmp_path / "results"
    write_track(results, "a.flac", 120.0)
    write_key(results, "a.flac", "A minor")
    track = write_track(results, "b.flac", 120.0)
    failure = TrackFailure("decode", "DecodeError", "cut short")
    for kind, folder in ((BpmRecord, "bpm"), (StructureRecord, "structure"), (KeyRecord, "key")):
        failed = kind(track, "b.flac", "error", error=failure)
        write_record(results / folder / f"{track}.json", failed)
    sections = [{"start": s, "end": e, "label": n} for s, e, n in (
        (0, 16, "intro"), (16, 32, "drop"), (32, 64, "outro"))]  # fmt: skip
    held = {"bpm": 120, "beats": [0.5 * i for i in range(128)], "sections": sections, "key": "Am",
            "downbeats": [2.0 * i for i in range(32)]}  # fmt: skip
    (tmp_path / "r.json").write_text(
        json.dumps([held | {"path": "a.flac"}, held | {"path": "b.flac"}])
    )
    assert evaluate(results, "--references", tmp_path / "r.json") == 0
    tasks = {name: document(results, name) for name in ("bpm", "beats", "structure", "key")}
    tasks["downbeats"] = tasks["beats"]["downbeats"]
    for task, measure in (
        ("bpm", "accuracy1"), ("beats", "f_measure"), ("downbeats", "f_measure"),
        ("structure", "hit_3_trimmed_f"), ("structure", "drop_start_3_f"), ("key", "exact"),
    ):  # fmt: skip
        found = tasks[task]["systems"]["dropgrid"][measure]
        assert (found["value"], found["tracks"]) == (0.5, 2), (task, measure)
        assert (found["answered"], found["answered_tracks"]) == (1.0, 1), (task, measure)
    assert "0.500; 1.000 of the 1 answered" in (results / "evaluation" / "summary.md").read_text()


def write_key(results: Path, path: str, key: str) -> None:
    record = KeyRecord(track_id(path), path, "ok", duration=64.0, key=key, confidence=0.9)
    write_record(results / "key" / f"{record.track}.json", record)


def test_beats_and_downbeats_are_scored_against_beat_files(results: Path, tmp_path: Path) -> None:
    lines = "".join(f"{0.5 * i}\t{i % 4 + 1}\n" for i in range(128))
    (tmp_path / "a.beats").write_text(lines)
    (tmp_path / "b.beats").write_text(lines)
    assert evaluate(results, "--references", tmp_path / "a.beats", tmp_path / "b.beats") == 0
    found = document(results, "beats")
    assert found["tracks"] == found["downbeats"]["tracks"] == 2
    assert found["systems"]["dropgrid"]["f_measure"]["value"] == pytest.approx(
        (1 + 2 / 3) / 2, abs=1e-6
    )
    assert found["systems"]["dropgrid"]["amlt"]["value"] == 1.0
    assert set(found["downbeats"]["systems"]) == {"dropgrid", "median_interval"}
    assert document(results, "bpm")["tracks"] == 0


@pytest.mark.slow
@pytest.mark.smoke
@pytest.mark.usefixtures("pictures")
def test_numbers_do_not_depend_on_the_order_of_files_or_the_number_of_processes(
    results: Path, tmp_path: Path
) -> None:
    for i in range(20):
        write_track(results, f"n/{i}.flac", 118.0 + i / 7, shift=i / 9)
    rows = [f"n/{i}.flac,{118 + i / 6},{name}\n" for i in range(20) for name in ["House"]]
    tracks = [{"path": f"n/{i}.flac", "beats": [0.5 * j for j in range(100)]} for i in range(20)]
    outcomes = []
    for order, threads in ((1, 1), (-1, 1), (1, 2)):
        (tmp_path / "bpm.csv").write_text("path,bpm,genre\n" + "".join(rows[::order]))
        (tmp_path / "beats.json").write_text(json.dumps(tracks[::order]))
        output = tmp_path / f"out{len(outcomes)}"
        code = evaluate(
            results, "--output", output, "--threads", str(threads),
            "--references", tmp_path / "bpm.csv", tmp_path / "beats.json",
        )  # fmt: skip
        assert code == 0
        outcomes.append({path.name: path.read_bytes() for path in output.iterdir()})
    assert outcomes[0] == outcomes[1] == outcomes[2]
    plots = {"bpm_errors", "bpm_estimates", "bpm_genres"}
    assert set(outcomes[0]) == OUTPUTS | {f"{p}.{kind}" for p in plots for kind in ("svg", "png")}


def test_a_sample_is_drawn_by_its_seed(results: Path, references: Path) -> None:
    drawn = {}
    for seed in (0, 1, 2, 3, 4, 0):
        options = EvaluationOptions((str(references),), sample_size=2, sample_seed=seed)
        found = gather(results, options)
        assert (found.referenced, found.evaluated) == (4, 2)
        paths = {row["path"] for row in found.rows.bpm}
        assert drawn.setdefault(seed, paths) == paths
    assert len(set(map(frozenset, drawn.values()))) > 1


def test_without_references_the_documents_say_that_nothing_was_evaluated(results: Path) -> None:
    assert evaluate(results, "--references") == 0
    assert {path.name for path in (results / "evaluation").iterdir()} == OUTPUTS
    for task in ("bpm", "beats", "structure"):
        found = document(results, task)
        assert (found["tracks"], found["systems"]) == (0, {})
    empty = results.parent / "empty"
    empty.mkdir()
    assert evaluate(empty) == 0
    assert document(empty, "bpm")["library"]["tracks"] == 0


@pytest.mark.usefixtures("pictures")
def test_plots_that_no_longer_apply_are_removed_and_other_files_are_not(
    evaluated: Path, tmp_path: Path
) -> None:
    results = shutil.copytree(evaluated, tmp_path / "results")
    folder = results / "evaluation"
    (folder / "mine.svg").write_text("mine")
    assert (folder / "structure_confusion.svg").exists()
    assert evaluate(results, "--references") == 0
    assert {p.name for p in folder.glob("*.svg")} == {"mine.svg"}


def test_without_mir_eval_beats_and_sections_exit_with_2_and_one_line_and_tags_are_scored(
    results: Path, references: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(score, "has", lambda package: False)
    (tmp_path / "beats.json").write_text(json.dumps({"a.flac": {"beats": [1.0, 1.5, 2.0]}}))
    assert evaluate(results, "--references", tmp_path / "beats.json") == 2
    assert capsys.readouterr().err == (
        "dropgrid evaluate: a score of beats or sections needs mir_eval, not installed: "
        "pip install 'dropgrid[evaluation]'\n"
    )
    assert not (results / "evaluation").exists()
    assert evaluate(results, "--references", tmp_path / "beats.json", "--estimates", "x=y") == 2
    (tmp_path / "tempo.csv").write_text("path,bpm\na.flac,128\n")
    assert evaluate(results, "--references", tmp_path / "tempo.csv") == 0
    assert document(results, "bpm")["tracks"] == 1


def test_a_malformed_reference_exits_with_2_and_one_line_and_writes_nothing(
    results: Path, references: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    faulty = tmp_path / "faulty.csv"
    faulty.write_text("path,bpm\na.flac,NaN\n")
    assert evaluate(results, "--references", references, faulty) == 2
    error = capsys.readouterr().err
    assert error == f"dropgrid evaluate: {faulty}:2: bpm: not a finite number: 'NaN'\n"
    assert not (results / "evaluation").exists()


def test_what_stood_there_before_stays_when_a_reference_is_malformed(
    evaluated: Path, tmp_path: Path
) -> None:
    results = shutil.copytree(evaluated, tmp_path / "results")
    (tmp_path / "bad.lab").write_text("0 5 intro\n4 6 drop\n")
    assert evaluate(results, "--references", tmp_path / "bad.lab") == 2
    folder = evaluated / "evaluation"
    assert {p.name: p.read_bytes() for p in (results / "evaluation").iterdir()} == {
        p.name: p.read_bytes() for p in folder.iterdir()
    }


def test_faulty_requests_are_refused(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluate(results, "--sample-size", "0") == 2
    assert "sample_size must be at least 1" in capsys.readouterr().err
    assert evaluate(results, "--references", "") == 2
    assert "references: an empty path" in capsys.readouterr().err
    assert evaluate(results / "none") == 2
    assert "no such folder of results" in capsys.readouterr().err
