"""Which tracks, references and records an evaluation takes, and what it says of the others."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import mutagen
import numpy as np
import pytest
import soundfile
from dropgrid.audio import serato
from dropgrid.audio.serato_file import FLAC
from dropgrid.base.errors import ConfigError
from dropgrid.commands.main import main
from dropgrid.evaluation import rows, score, summary, systems, systems_report
from dropgrid.evaluation.from_corrections import corrected_annotations
from dropgrid.evaluation.score import EvaluationOptions, Gathered, gather, gather_systems
from dropgrid.evaluation.systems import Answer, Case
from dropgrid.export import export
from dropgrid.library import track_id
from dropgrid.records.model import BpmRecord, KeyRecord, StructureRecord, TrackFailure
from dropgrid.records.store import write_record
from dropgrid.references.annotation import ReferenceSection
from dropgrid.references.matching import LeftOut, Reference
from library_of_records import bpm_record
from library_to_evaluate import document, evaluate, write_library, write_track
from tracks_to_correct import DURATION, write_steady


@pytest.fixture
def results(tmp_path: Path) -> Path:
    return write_library(tmp_path / "results")


def write_json(path: Path, values: object) -> Path:
    path.write_text(json.dumps(values))
    return path


@pytest.mark.parametrize("name", ["bpm.csv", "key.csv", "key.json", "beats.json", "downbeats.csv",
                                  "left_out.csv", "summary.md", "bpm_errors.svg"])  # fmt: skip
def test_no_file_of_the_user_is_overwritten(
    results: Path, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = tmp_path / "out" / name
    mine.parent.mkdir()
    mine.write_text("my keys")
    words = ("--references", "--output", mine.parent)
    assert evaluate(results, *words) == 2
    assert f"{mine}: exists, and is nothing dropgrid wrote" in capsys.readouterr().err
    assert [path.name for path in mine.parent.iterdir()] == [name]
    assert mine.read_text() == "my keys"
    assert evaluate(results, *words, "--force") == 0
    assert not mine.exists() or mine.read_text() != "my keys"


def test_no_comparison_of_systems_is_written_over_a_file_of_the_user(
    results: Path, tmp_path: Path
) -> None:
    answers = write_json(tmp_path / "a.json", [{"path": "a.flac", "bpm": 120}])
    mine = tmp_path / "out" / "systems.md"
    mine.parent.mkdir()
    mine.write_text("mine")
    words = ("--references", answers, "--output", mine.parent)
    assert evaluate(results, *words) == 0, "it is no file of an evaluation alone"
    assert mine.read_text() == "mine"
    assert evaluate(results, *words, "--estimates", f"x={answers}") == 2
    assert mine.read_text() == "mine"


def test_a_reference_is_not_overwritten_even_by_force(results: Path, tmp_path: Path) -> None:
    reference = tmp_path / "bpm.csv"
    reference.write_text("path,bpm\na.flac,120\n")
    words = ("--references", reference, "--output", tmp_path)
    assert evaluate(results, *words) == evaluate(results, *words, "--force") == 2
    assert reference.read_text() == "path,bpm\na.flac,120\n"


def test_seratos_tags_of_the_librarys_files_are_references(tmp_path: Path) -> None:
    music = tmp_path / "music"
    music.mkdir()
    files = write_steady(tmp_path / "results", ["a.flac", "b.flac", "c.flac"], str(music))
    grid = serato.pack_grid(serato.Grid((), (0.5, 120.0)))
    for name, data in (("a.flac", grid), ("b.flac", b"\1\0"), ("c.flac", None)):
        soundfile.write(music / name, np.zeros(4410), 44100)
        if data is not None:
            song = mutagen.File(music / name)
            song[FLAC[serato.GRID]] = serato.wrap(serato.GRID, data)
            song.save()
    found = gather(files.folder, EvaluationOptions(("serato",)))
    (row,) = (row for row in found.rows.bpm if row["system"] == "dropgrid")
    assert (row["path"], row["accuracy1"], row["reference"]) == ("a.flac", 1.0, "serato")
    (row,) = (row for row in found.rows.beats if row["system"] == "dropgrid")
    assert row["f_measure"] > 0.99, "to the end of the record, which is 120 s"
    assert found.without_reference == tuple(sorted(map(track_id, ("b.flac", "c.flac"))))
    (unreadable,) = found.left_out
    assert (unreadable.source, unreadable.key) == ("serato", track_id("b.flac"))
    assert unreadable.reason.startswith("not readable: ")


def test_references_of_a_player_are_moved_to_the_time_of_the_analysis(tmp_path: Path) -> None:
    """Traktor plays an MP3 with LAME's info frame 51 ms late."""
    record = bpm_record("a.mp3")
    record = replace(
        record, grid=(replace(record.grid[0], beats=64),),
        decoder={"name": "libsndfile", "sample_rate": 44100, "info_frame": "lame"},
    )  # fmt: skip
    write_record(tmp_path / "bpm" / f"{record.track}.json", record)
    export("traktor", tmp_path, tmp_path / "c.nml", library=Path("/music"))
    (row, *_) = gather(tmp_path, EvaluationOptions((str(tmp_path / "c.nml"),))).rows.beats
    assert row["f_measure"] > 0.99 and row["phase_error"] == pytest.approx(0, abs=1e-4)


def test_corrected_and_confirmed_parts_are_references_and_no_others(tmp_path: Path) -> None:
    names = ["grid.flac", "sections.flac", "key.flac", "all.flac", "none.flac", "failed.flac"]
    files = write_steady(tmp_path / "results", names)
    for name in names:
        track = track_id(name)
        minor = KeyRecord(track, name, "ok", duration=DURATION, key="A minor", confidence=0.9)
        write_record(files.record("key", track), minor)
        write_track(tmp_path / "other", name, 120.0)
        shutil.copy(tmp_path / "other" / "structure" / f"{track}.json", files.folder / "s.json")
        (files.folder / "structure").mkdir(exist_ok=True)
        shutil.move(files.folder / "s.json", files.record("structure", track))
    correct = ["correct", "--results", str(files.folder)]
    assert main([*correct, "grid.flac", "--one", "1"]) == 0
    assert main([*correct, "key.flac", "--key", "C major"]) == 0
    assert main([*correct, "all.flac", "--confirm"]) == 0
    assert main([*correct, "failed.flac", "--confirm"]) == 0
    failed = track_id("failed.flac")
    error = TrackFailure("decode", "DecodeError", "cut short")
    write_record(
        files.record("bpm", failed), BpmRecord(failed, "failed.flac", "error", error=error)
    )
    found = {
        annotation.key: annotation
        for _, annotation in corrected_annotations(files.folder, map(track_id, names), 0)
    }
    assert set(found) == set(map(track_id, ("grid.flac", "key.flac", "all.flac")))
    grid, key, everything = (found[track_id(f"{n}.flac")] for n in ("grid", "key", "all"))
    assert grid.bpm == 120.0 and grid.beats and grid.downbeats
    assert (grid.sections, grid.tonality) == (None, None)
    assert (key.bpm, key.beats, key.downbeats, key.sections) == (None,) * 4
    assert key.tonality == 0 and key.duration == DURATION
    assert everything.bpm == 120.0 and everything.tonality == 21
    assert everything.sections and everything.sections[1].label == "drop"


def test_labels_of_another_vocabulary_are_listed_as_left_out(
    results: Path, tmp_path: Path
) -> None:
    data = [
        {"time": time, "duration": 32, "value": label, "confidence": None}
        for time, label in ((0, "A"), (32, "B"))
    ]
    name = f"{track_id('a.flac')}.jams"
    annotations = [{"namespace": "segment_open", "data": data}]
    values = {"annotations": annotations, "file_metadata": {"duration": 64}}
    file = write_json(tmp_path / name, values)
    found = gather(results, EvaluationOptions((str(file),)))
    reason = "labels of another vocabulary: left out of the label metrics"
    assert found.left_out == (LeftOut(str(file), track_id("a.flac"), reason),)
    assert not found.rows.confusions and "pairwise_f" in found.rows.structure[0]


def test_keys_have_a_calibration_of_their_own(results: Path, tmp_path: Path) -> None:
    for name, key, confidence in (("a.flac", "A minor", 0.9), ("b.flac", "C major", 0.6),
                                  ("c.flac", None, 0.2), ("z.flac", "A minor", None)):  # fmt: skip
        record = KeyRecord(track_id(name), name, "ok", duration=64.0, key=key,
                           confidence=confidence)  # fmt: skip
        write_record(results / "key" / f"{record.track}.json", record)
    listed = [{"path": f"{name}.flac", "key": "Am"} for name in "abcz"]
    assert evaluate(results, "--references", write_json(tmp_path / "r.json", listed)) == 0
    found = document(results, "key")
    assert (
        found["calibration"]["key"]["tracks"] == 2 and found["calibration"]["key"]["right"] == 0.5
    )
    assert found["calibration"]["key"]["confidence"] == pytest.approx(0.75)
    assert "key" not in document(results, "bpm")["calibration"]
    assert found["errors"]["dropgrid"] == {"exact": 2, "relative": 1, "none": 1}
    assert found["genres"] == found["strata"]["genre"]
    assert found["options"]["weights"]["fifth_below"] == 0.5
    assert found["options"]["bootstrap_resamples"] == 1000
    assert found["options"]["confidence_interval"] == 0.95


def test_a_sample_of_all_is_all_and_is_in_the_order_of_the_ids(results: Path) -> None:
    tracks = [f"t{i}" for i in range(9)]
    for size in (9, 20, None):
        assert score._sample(tracks, EvaluationOptions(sample_size=size)) == tracks
    drawn = score._sample(tracks, EvaluationOptions(sample_size=8))
    assert len(set(drawn)) == 8 and drawn == sorted(drawn)
    with pytest.raises(ValueError, match="sample_seed must be at least 0, not -1"):
        EvaluationOptions(sample_seed=-1)
    assert len(score._sample(tracks, EvaluationOptions(sample_size=1))) == 1


def test_many_processes_give_the_rows_of_one(results: Path, tmp_path: Path) -> None:
    names = [f"n/{i}.flac" for i in range(2 * score.CHUNK + 1)]
    for i, name in enumerate(names):
        write_track(results, name, 118.0 + i)
    file = write_json(tmp_path / "r.json", [{"path": name, "bpm": 120} for name in names])
    options = EvaluationOptions((str(file),))
    one, many = (gather(results, options, threads=threads).rows.bpm for threads in (1, 2))
    assert str(one) == str(many) and len(one) == 2 * len(names)


def test_a_track_without_any_record_is_left_out_as_not_analysed(tmp_path: Path) -> None:
    files = write_steady(tmp_path / "results", ["a.flac", "b.flac"])
    files.record("bpm", track_id("b.flac")).unlink()
    listed = [{"path": name, "bpm": 120} for name in ("a.flac", "b.flac")]
    file = write_json(tmp_path / "r.json", listed)
    found = gather(files.folder, EvaluationOptions((str(file),)))
    assert found.left_out == (LeftOut(str(file), track_id("b.flac"), "not analysed: no record"),)
    assert (found.tracks, found.referenced, found.evaluated) == (2, 2, 2)


def test_dropgrids_answer_has_only_what_was_found() -> None:
    ok, failed = bpm_record("a.flac"), TrackFailure("decode", "DecodeError", "cut short")
    none = BpmRecord("a", "a.flac", "ok", duration=3.0)
    error = BpmRecord("a", "a.flac", "error", bpm=120.0, error=failed)
    for record in (None, none, error):
        assert systems.answer_of_records(record, None, None) == Answer()
    assert systems.answer_of_records(ok, None, None).bpm == 128.0
    no_sections = StructureRecord("a", "a.flac", "error", drops=(1.0,), error=failed)
    no_key = KeyRecord("a", "a.flac", "error", key="A minor", error=failed)
    assert systems.answer_of_records(None, no_sections, no_key) == Answer()
    unsure = KeyRecord("a", "a.flac", "ok", duration=3.0)
    assert systems.answer_of_records(None, None, unsure) == Answer()


def test_systems_are_scored_up_to_the_end_of_the_reference_or_the_record(
    results: Path, tmp_path: Path
) -> None:
    file = write_json(tmp_path / "r.json", [{"path": "a.flac", "boundaries": [16.0, 32.0]}])
    other = write_json(tmp_path / "o.json", [{"path": "a.flac", "boundaries": [16.0, 60.0, 70.0]},
                                             {"path": "nobody.flac", "bpm": 99}])  # fmt: skip
    options = EvaluationOptions((str(file),))
    (case,), left_out = gather_systems(results, options, {"other": str(other)})
    assert case.task == "boundaries" and [item.key for item in left_out] == ["nobody.flac"]
    assert case.scores["dropgrid"]["hit_0.5_trimmed_f"] == 1.0  # type: ignore[index]
    assert case.scores["other"]["hit_0.5_precision"] == 3 / 4  # type: ignore[index]
    assert score._library(results)[1] is None


def test_the_tempo_of_a_reference_of_beats_is_that_of_its_median_interval() -> None:
    assert rows.tempo_of(Reference("a", bpm=90.0, beats=(0.0, 0.5))) == 90.0
    assert rows.tempo_of(Reference("a", beats=(0.0, 0.5, 1.0, 4.0))) == 120.0
    assert rows.tempo_of(Reference("a", beats=(1.0,))) is None
    assert rows.tempo_of(Reference("a")) is None


def test_strata_of_systems_need_a_known_genre_or_tempo() -> None:
    nothing = Case("t", "t.flac", "tempo", None, None, {"dropgrid": {"accuracy1": 1.0}})
    assert systems.strata([nothing]) == {}
    assert systems.disagreements([], "accuracy1") == []
    assert systems.disagreements([nothing], "accuracy1") == []


def test_the_list_of_disagreements_is_of_ten_at_most_and_stable() -> None:
    found = [
        Case(f"t{i}", f"t{i}.flac", "tempo", None, None,
             {"dropgrid": {"accuracy1": 1.0}, "other": {"accuracy1": 0.0}})
        for i in range(12)
    ]  # fmt: skip
    assert [case.track for case in systems.disagreements(found, "accuracy1")] == [
        f"t{i}" for i in range(10)
    ]


def compared() -> dict[str, object]:
    scores = [(1.0, 0.0), (1.0, None), (0.0, 1.0), (1.0, 1.0)]
    found = [
        Case(f"t{i}", f"a |\n{i}.flac", "key", "house", 125.0,
             {name: None if value is None else {"mirex": value, "exact": value}
              for name, value in zip(("dropgrid", "other"), pair, strict=True)})
        for i, pair in enumerate(scores)
    ]  # fmt: skip
    return systems_report.document(found, ["dropgrid", "other"], 0)


def test_the_comparison_says_what_it_is() -> None:
    found = compared()
    assert (found["schema"], found["schema_version"]) == ("dropgrid/systems", 1)
    assert (found["base"], found["systems"]) == ("dropgrid", ["dropgrid", "other"])
    assert list(found["tasks"]) == ["key"]  # type: ignore[call-overload]


def test_the_comparison_as_a_page() -> None:
    lines = systems_report.markdown(compared()).splitlines()
    assert lines[0] == "# Systems side by side" and "with dropgrid on the same tracks" in lines[4]
    assert lines[5:13] == [
        "if both were equally good.",
        "",
        "## Key",
        "",
        "| metric | system | mean | answered only | tracks | less dropgrid | better | worse | p |",
        "|---|---|---|---|---|---|---|---|---|",
        "| mirex | dropgrid | 0.750 | 0.750 | 4 of 4 |  |  |  |  |",
        "| mirex | other | 0.500 | 0.667 | 3 of 4 | -0.250 | 1 | 2 | 1 |",
    ]
    at = lines.index("| tracks | dropgrid | other |")
    assert lines[at + 1 : at + 5] == [
        "|---|---|---|", "| 115-135 BPM (4) | 0.750 | 0.500 |",
        "| genre house (4) | 0.750 | 0.500 |", "",
    ]  # fmt: skip
    at = lines.index("| the systems disagree most (mirex) | dropgrid | other |")
    assert lines[at + 1 : at + 5] == [
        "|---|---|---|", "| a \\| 0.flac | 1.000 | 0.000 |",
        "| a \\| 1.flac | 1.000 | no answer |", "| a \\| 2.flac | 0.000 | 1.000 |",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("mean", "low", "high", "sign", "text"),
    [
        (None, None, None, False, ""), (0.5, None, None, False, "0.500"),
        (0.5, 0.25, 0.75, False, "0.500 [0.250, 0.750]"),
        (0.5, -0.25, 0.75, True, "+0.500 [-0.250, +0.750]"),
    ],
)  # fmt: skip
def test_an_interval_on_the_page(
    mean: float | None, low: float | None, high: float | None, sign: bool, text: str
) -> None:
    assert systems_report._interval({"mean": mean, "low": low, "high": high}, sign) == text


def test_reasons_are_listed_by_how_often_they_occur_with_three_examples() -> None:
    left_out = [LeftOut("r.csv", f"k{i}", "unknown: no such track") for i in range(4)]
    left_out += [
        LeftOut("s.csv", "x", "a | b"),
        *(LeftOut("t", f"y{i}", "late") for i in range(3)),
    ]
    gathered = Gathered(
        rows.Rows(), 9, 3, 2, {"id": 1, "path": 2, "name": 0}, tuple(left_out), ("m", "n")
    )
    assert summary._left_out(gathered) == [
        "## References", "", "Found by id: 1, path: 2, name: 0. 2 tracks have none.", "",
        "Left out (each of them in left_out.csv):", "",
        "- unknown: no such track: 4: k0 (r.csv), k1 (r.csv), k2 (r.csv), ...",
        "- late: 3: y0 (t), y1 (t), y2 (t)", "- a \\| b: 1: x (s.csv)",
    ]  # fmt: skip


def test_a_table_has_the_measures_that_a_system_has_and_a_dash_for_the_others() -> None:
    value = {"value": 0.5, "low": None, "high": None, "tracks": 3}
    names = {"a": "A", "b": "B", "c": "C"}
    found = {"dropgrid": {"a": value, "c": value}, "tag": {"c": value}}
    assert summary._section("Key", 1, found, names) == [
        "## Key", "", "1 track.", "", "| measure | dropgrid | tag |", "| --- | --- | --- |",
        "| A | 0.500 | – |", "| C | 0.500 | 0.500 |", "",
    ]  # fmt: skip
    assert summary._section("Key", 0, {}, names) == ["## Key", "", "0 tracks.", ""]
    strata = {"tempo": {"0-90": {"a": value | {"tracks": 2}, "c": value}, "160+": {"c": value}},
              "genre": {}}  # fmt: skip
    assert summary._strata(strata, ("b", "c", "a"), names) == [
        "| Tempo range | tracks | C | A |", "| --- | --- | --- | --- |",
        "| 0-90 | 3 | 0.500 | 0.500 |", "| 160+ | 3 | 0.500 | – |", "",
    ]  # fmt: skip


def test_confidences_on_the_page() -> None:
    bins = [{"from": 0.5, "to": 0.6, "tracks": 2, "right": 0.5},
            {"from": 0.9, "to": 1.0, "tracks": 1, "right": 1.0}]  # fmt: skip
    values = {"tracks": 3, "confidence": 0.7, "right": 2 / 3, "calibration_error": 0.0333,
              "bins": bins}  # fmt: skip
    assert summary._calibration({"whole": values})[2:] == [
        "| confidence | tracks | mean | share right | calibration error | by bin |",
        "| --- | --- | --- | --- | --- | --- |",
        "| whole | 3 | 0.700 | 0.667 | 0.033 | 0.5 to 0.6: 0.500 of 2; 0.9 to 1.0: 1.000 of 1 |",
        "",
    ]


def test_a_failed_tracks_sections_are_wrong_in_all_shares_and_have_no_distance() -> None:
    from dropgrid.evaluation import structure

    sections = (ReferenceSection(0.0, 16.0, "intro"), ReferenceSection(16.0, 32.0, "drop"))
    found = structure.all_wrong(((16.0,), None), sections)
    assert found["hit_0.5_f"] == found["pairwise_f"] == found["drop_start_3_f"] == 0.0
    assert (
        {n for n, v in found.items() if np.isnan(v)} == {n for n in found if "_to_" in n} != set()
    )
    assert structure.all_wrong(None, None) == {}
    assert "pairwise_f" not in structure.all_wrong(((), 30.0), None)


@pytest.mark.parametrize("threads", [1, 2])
def test_without_mir_eval_a_comparison_of_systems_is_refused(
    results: Path, monkeypatch: pytest.MonkeyPatch, threads: int
) -> None:
    monkeypatch.setattr(score, "has", lambda package: False)
    with pytest.raises(ConfigError, match="a comparison of systems needs mir_eval"):
        gather_systems(results, EvaluationOptions(), {})
    assert gather(results, EvaluationOptions(), threads=threads).evaluated == 1
