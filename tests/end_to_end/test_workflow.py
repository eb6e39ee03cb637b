"""The workflow as people run it: on real audio, in parallel, again, and with rubbish in it."""

from __future__ import annotations

import csv
import json
import os
import shutil
from pathlib import Path

import pytest
import soundfile
from dropgrid.records.store import read_bpm, read_structure

pytestmark = [pytest.mark.slow, pytest.mark.smoke]


def records(results: Path) -> dict[str, bytes]:
    """Every record below a results folder, by its relative path."""
    paths = sorted([*results.glob("bpm/*.json"), *results.glob("structure/*.json")])
    return {str(path.relative_to(results)): path.read_bytes() for path in paths}


def ages(results: Path) -> dict[str, int]:
    """Modification times of all that is made for single tracks."""
    kinds = ("features/*.npz", "bpm/*.json", "structure/*.json")
    paths = [path for kind in kinds for path in results.glob(kind)]
    return {str(path.relative_to(results)): path.stat().st_mtime_ns for path in paths}


def made_again(before: dict[str, int], results: Path) -> set[str]:
    return {name for name, age in ages(results).items() if before.get(name) != age}


@pytest.fixture(scope="module")
def finished(songs, snakemake, tmp_path_factory) -> Path:
    """A folder in which the workflow has analysed the three songs on two cores."""
    folder = tmp_path_factory.mktemp("finished")
    shutil.copytree(songs, folder / "music")
    done = snakemake(folder, "--cores", "2")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def copy(finished, tmp_path) -> Path:
    """A copy of the finished folder in which a test may change things; times are kept."""
    folder = tmp_path / "copy"
    shutil.copytree(finished, folder, symlinks=True)
    results = folder / "results"
    for path in [results / "scan.json", *results.glob("tracks/*.json")]:  # they name folders
        text = path.read_text().replace(str(finished), str(folder))
        status = path.stat()
        path.write_text(text)
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    return folder


def test_every_track_gets_records_and_a_row(finished, house):
    results = finished / "results"
    rows = list(csv.DictReader((results / "library.csv").open()))
    assert [row["path"] for row in rows] == ["house.flac", "other.ogg", "sub/drums.wav"]
    assert {row["status"] for row in rows} == {"ok"}
    bpm = read_bpm(results / "bpm" / f"{rows[0]['track']}.json")
    assert bpm.bpm == pytest.approx(house.bpm, abs=0.02)
    structure = read_structure(results / "structure" / f"{rows[0]['track']}.json")
    assert structure.sections[0].start == 0
    assert structure.sections[-1].end == bpm.duration
    assert (results / "report" / "index.html").stat().st_size > 1000
    for name in ("bpm", "beats", "structure"):
        json.loads((results / "evaluation" / f"{name}.json").read_text())


def test_one_record_can_be_asked_for_by_its_file(finished, songs, snakemake, tmp_path):
    expected = records(finished / "results")
    name = next(name for name in expected if name.startswith("structure/"))
    done = snakemake(tmp_path, "--cores", "1", f"results/{name}", library=str(songs))
    assert done.returncode == 0, done.stderr
    made = records(tmp_path / "results")
    assert set(made) == {name, name.replace("structure/", "bpm/")}
    assert made.items() <= expected.items()
    again = snakemake(tmp_path, "--cores", "1", "-n", f"results/{name}", library=str(songs))
    assert "Nothing to be done" in again.stdout + again.stderr
    assert snakemake(tmp_path, "--cores", "2", "analysis", library=str(songs)).returncode == 0
    assert records(tmp_path / "results") == expected


def test_the_bytes_are_the_same_on_one_core_and_without_snakemake(
    finished, songs, snakemake, dropgrid, tmp_path
):
    expected = records(finished / "results")
    assert len(expected) == 6
    assert snakemake(tmp_path, "--cores", "1", "analysis", library=str(songs)).returncode == 0
    assert records(tmp_path / "results") == expected
    files = [songs / name for name in ("sub/drums.wav", "other.ogg", "house.flac")]
    assert dropgrid("analyze", *files, "--output", tmp_path / "plain").returncode == 0
    assert records(tmp_path / "plain") == expected


def test_a_finished_library_has_nothing_to_be_done(copy, snakemake):
    before = ages(copy / "results")
    done = snakemake(copy, "--cores", "2")
    assert "Nothing to be done" in done.stderr + done.stdout
    assert made_again(before, copy / "results") == set()


def test_touching_a_file_runs_nothing_and_another_file_in_its_place_runs_that_track(
    copy, songs, snakemake
):
    before = ages(copy / "results")
    (copy / "music" / "other.ogg").touch()
    assert snakemake(copy, "--cores", "2").returncode == 0
    assert made_again(before, copy / "results") == set()
    samples, rate = soundfile.read(songs / "other.ogg", stop=-22050)
    soundfile.write(copy / "music" / "other.ogg", samples, rate)
    assert snakemake(copy, "--cores", "2").returncode == 0
    again = made_again(before, copy / "results")
    assert {name.partition("/")[0] for name in again} == {"features", "bpm", "structure"}
    assert {Path(name).stem.rpartition("-")[0] for name in again} == {"other"}


@pytest.mark.parametrize(
    ("option", "stages"),
    [
        ("structure={min_section_bars: 8}", {"structure"}),
        ("bpm={max_bpm: 200}", {"bpm", "structure"}),
    ],
)
def test_changing_an_option_runs_its_stage_and_decodes_nothing(copy, snakemake, option, stages):
    before = ages(copy / "results")
    done = snakemake(copy, "--cores", "2", "analysis", "--config", option)
    assert done.returncode == 0, done.stderr
    again = made_again(before, copy / "results")
    assert {name.partition("/")[0] for name in again} == stages
    assert len(again) == 3 * len(stages)


def test_a_track_added_or_removed_changes_the_table_and_nothing_else(copy, snakemake):
    before = ages(copy / "results")
    shutil.move(copy / "music" / "other.ogg", copy / "music" / "sub" / "moved.ogg")
    assert snakemake(copy, "--cores", "2").returncode == 0
    rows = list(csv.DictReader((copy / "results" / "library.csv").open()))
    assert [row["path"] for row in rows] == ["house.flac", "sub/drums.wav", "sub/moved.ogg"]
    again = made_again(before, copy / "results")
    assert {Path(name).stem.rpartition("-")[0] for name in again} == {"moved"}


def test_rubbish_is_listed_and_the_good_song_analysed(songs, snakemake, tmp_path):
    music = tmp_path / "music"
    music.mkdir()
    shutil.copy(songs / "house.flac", music / "good.flac")
    whole = (songs / "house.flac").read_bytes()
    (music / "cut.flac").write_bytes(whole[: len(whole) // 3])
    (music / "empty.wav").write_bytes(b"")
    (music / "letter.mp3").write_text("Dear DJ, this is not music. " * 40)
    done = snakemake(tmp_path, "--cores", "2")
    assert done.returncode == 0, done.stderr
    failures = list(csv.DictReader((tmp_path / "results" / "failures.csv").open()))
    assert [row["path"] for row in failures] == ["cut.flac", "empty.wav", "letter.mp3"]
    assert {row["stage"] for row in failures} == {"decode"}
    assert all(row["message"] for row in failures)
    assert "3 failed" in done.stderr + done.stdout
    for row in failures:
        for read, kind in [(read_bpm, "bpm"), (read_structure, "structure")]:
            record = read(tmp_path / "results" / kind / f"{row['track']}.json")
            assert record.error and record.error.message == row["message"]


def test_failures_can_be_made_fatal(snakemake, tmp_path):
    (tmp_path / "music").mkdir()
    (tmp_path / "music" / "empty.wav").write_bytes(b"")
    done = snakemake(tmp_path, "--cores", "2", failures_are_fatal="true")
    assert done.returncode == 1
    assert (tmp_path / "results" / "failures.csv").read_text().count("empty.wav") == 1


def test_a_wrong_option_stops_the_run_with_its_name(snakemake, tmp_path):
    (tmp_path / "music").mkdir()
    done = snakemake(tmp_path, "--cores", "2", max_workers="0")
    assert done.returncode != 0
    assert "max_workers: 0 is not allowed" in done.stderr + done.stdout
    assert not (tmp_path / "results").exists()


def test_an_empty_library_is_not_an_error_where_it_is_allowed(snakemake, tmp_path):
    (tmp_path / "music").mkdir()
    refused = snakemake(tmp_path, "--cores", "2")
    assert refused.returncode == 1 and "no audio in music;" in refused.stderr + refused.stdout
    assert not (tmp_path / "results").exists()
    done = snakemake(tmp_path, "--cores", "2", allow_empty="true")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "results" / "library.csv").read_text().count("\n") == 1


def test_a_tag_is_evidence_and_the_answer_only_if_it_is_trusted(songs, snakemake, tmp_path):
    import mutagen

    (tmp_path / "music").mkdir()
    path = tmp_path / "music" / "tagged.flac"
    shutil.copy(songs / "house.flac", path)
    tags = mutagen.File(path)
    tags["BPM"] = "63,2"
    tags.save()
    [(source, bpm, computed)] = bpms(snakemake, tmp_path, metadata="trust")
    assert (source, bpm) == ("metadata", 63.2)
    assert computed == pytest.approx(126, abs=0.02)
    [(source, bpm, _)] = bpms(snakemake, tmp_path, ignore_metadata="true")
    assert (source, bpm) == ("computed", computed)
    (file,) = (tmp_path / "results" / "bpm").iterdir()
    sure = read_bpm(file).confidence
    [(source, bpm, _)] = bpms(snakemake, tmp_path)
    assert (source, bpm) == ("computed", computed)
    assert read_bpm(file).confidence == pytest.approx(sure / 2, abs=1e-6), "63.2 contradicts 126"
    tags["BPM"] = "63"
    tags.save()
    [(source, bpm, _)] = bpms(snakemake, tmp_path)
    assert (source, bpm) == ("computed", computed / 2), "the tag's octave, the exact tempo"
    [(source, bpm, _)] = bpms(snakemake, tmp_path, bpm="{tag_octave: ignore}")
    assert (source, bpm) == ("computed", computed)
    assert read_bpm(file).evidence["tag"] == "agrees"


def bpms(snakemake, folder: Path, **config: str) -> list[tuple[str, float, float]]:
    assert snakemake(folder, "--cores", "2", "analysis", **config).returncode == 0
    found = [read_bpm(path) for path in sorted((folder / "results" / "bpm").glob("*.json"))]
    return [(record.source, record.bpm, record.bpm_computed) for record in found]


def test_without_networks_librosa_answers(songs, snakemake, tmp_path):
    done = snakemake(
        tmp_path, "--cores", "2", "analysis", library=str(songs), bpm="{method: librosa}"
    )
    assert done.returncode == 0, done.stderr
    found = [read_bpm(path) for path in (tmp_path / "results" / "bpm").glob("*.json")]
    assert {record.method for record in found} == {"librosa"}
    tempi = {record.path: record.bpm for record in found}
    assert tempi["house.flac"] == pytest.approx(126, abs=0.5)
    assert tempi["sub/drums.wav"] == pytest.approx(174, abs=0.5)


def test_method_open_answers(songs, snakemake, tmp_path):
    done = snakemake(
        tmp_path, "--cores", "2", "analysis", library=str(songs), bpm="{method: open}",
        key="{method: profiles}",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = [read_bpm(path) for path in (tmp_path / "results" / "bpm").glob("*.json")]
    assert {record.method for record in found} == {"open"}
    tempi = {record.path: record.bpm for record in found}
    assert (tempi["house.flac"], tempi["sub/drums.wav"]) == (126, 174)
