"""The workflow from the view of a Snakemake user: rules, records, and its own options."""

from __future__ import annotations

import base64
import os
import re
import shutil
import subprocess
import sys
import zipfile
from itertools import pairwise, product
from pathlib import Path

import pytest
from dropgrid.stages import STAGES

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
KINDS = ("bpm", "structure", "key")
BATCHES = {"tracks_per_job": "20"}


def said(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def ages(home: Path) -> dict[str, int]:
    """Modification times of all that the stages made."""
    folders = [home / "results" / stage for stage in STAGES]
    paths = [path for folder in folders for path in folder.iterdir()]
    return {f"{path.parent.name}/{path.stem}": path.stat().st_mtime_ns for path in paths}


def made_again(before: dict[str, int], home: Path) -> set[str]:
    """The stages of which anything was made again."""
    return {name.partition("/")[0] for name, age in ages(home).items() if before[name] != age}


def jobs(text: str) -> dict[str, int]:
    """How many jobs of each rule a dry run plans."""
    return {rule: int(count) for rule, count in re.findall(r"^(\w+) +(\d+)$", text, re.MULTILINE)}


@pytest.fixture(scope="module")
def finished(songs, snakemake, tmp_path_factory) -> Path:
    """A folder in which three songs and a file that is none are analysed."""
    folder = tmp_path_factory.mktemp("rules")
    shutil.copytree(songs, folder / "music")
    (folder / "music" / "a {letter}.mp3").write_text("Dear DJ, this is not music. " * 40)
    said(snakemake(folder, "--cores", "2"))
    return folder


@pytest.fixture
def home(finished, tmp_path) -> Path:
    """A copy of it with all times kept, Snakemake's memory too."""
    folder = tmp_path / "home"
    shutil.copytree(finished, folder)
    for path in [folder / "results" / "scan.json", *folder.glob("results/tracks/*.json")]:
        status = path.stat()
        path.write_text(path.read_text().replace(str(finished), str(folder)))  # they name folders
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    return folder


def drawn(text: str) -> set[tuple[str, str]]:
    """The arrows of a graph that Snakemake printed, from rule to rule."""
    names = dict(re.findall(r'(\d+)\[label = "(\w+)', text))
    return {(names[a], names[b]) for a, b in re.findall(r"(\d+) -> (\d+)", text)}


def pictured(document: str) -> set[tuple[str, str]]:
    """The arrows of the picture of rules in a document."""
    text = (ROOT / "docs" / document).read_text().partition("```mermaid\ngraph LR\n")[2]
    arrows = set()
    for line in text.partition("```")[0].splitlines():
        steps = [step.split(" & ") for step in line.strip().split(" --> ")]
        arrows |= {pair for step in pairwise(steps) for pair in product(*step)}
    return arrows


@pytest.mark.parametrize("document, config", [("architecture.md", {}), ("cluster.md", BATCHES)])
def test_the_pictures_in_the_documents_are_what_snakemake_draws(
    snakemake, tmp_path, document, config
):
    (tmp_path / "music").mkdir()
    (tmp_path / "music" / "one.flac").write_bytes(b"not looked into")
    arrows = drawn(said(snakemake(tmp_path, "--rulegraph", **config)))
    assert {(a, b) for a, b in arrows if b != "all"} == pictured(document)


def test_the_graph_of_jobs_shows_the_stages_and_what_is_made_of_the_records(finished, snakemake):
    arrows = drawn(text := said(snakemake(finished, "--dag")))
    assert arrows >= {
        ("network", "features"), ("features", "bpm"), ("bpm", "structure"), ("features", "key"),
        *((kind, rule) for kind in KINDS for rule in ("table", "evaluate", "page")),
        ("table", "page"), ("evaluate", "page"),
    }  # fmt: skip
    assert "batch" not in text


def test_a_dry_run_counts_a_job_for_each_track_and_stage(finished, snakemake, tmp_path):
    planned = jobs(said(snakemake(tmp_path, "-n", library=str(finished / "music"))))
    assert {stage: planned[stage] for stage in STAGES} == dict.fromkeys(STAGES, 4)
    assert "batch" not in planned


@pytest.mark.parametrize("config", [{}, BATCHES])
def test_forcing_a_rule_makes_its_records_again_and_what_follows(home, snakemake, config):
    if config:
        said(snakemake(home, "--cores", "2", "analysis", **config))
    before = ages(home)
    said(snakemake(home, "--cores", "2", "analysis", "--forcerun", "bpm", **config))
    assert made_again(before, home) == {"bpm", "structure"}
    assert sum(ages(home)[name] != age for name, age in before.items()) == 8
    again = said(snakemake(home, "-n", "analysis", **config))
    assert "Nothing to be done" in again


def test_until_and_omit_from_stop_at_a_stage(finished, snakemake, tmp_path):
    library = {"library": str(finished / "music")}
    until = jobs(said(snakemake(tmp_path, "-n", "--until", "bpm", **library)))
    assert {rule for rule in until if rule in STAGES} == {"features", "bpm"}
    omitted = jobs(said(snakemake(tmp_path, "-n", "--omit-from", "structure", **library)))
    assert {rule for rule in omitted if rule in STAGES} == {"features", "bpm", "key"}


def test_summary_untracked_and_deletion_know_the_records(home, snakemake):
    records = [f"results/{kind}/{path.name}" for kind in KINDS
               for path in (home / "results" / kind).iterdir()]  # fmt: skip
    summary = said(snakemake(home, "--summary"))
    untracked = said(snakemake(home, "--list-untracked"))
    deleted = said(snakemake(home, "--delete-all-output", "-n"))
    for record in records:
        assert record in summary and record in deleted
        assert not re.search(rf"^{record}$", untracked, re.MULTILINE)
    assert len(records) == 12


def test_touch_makes_an_older_output_good_without_a_job(home, snakemake):
    options = {"structure": "{min_section_bars: 8}"}
    contents = {path: path.read_bytes() for path in (home / "results" / "structure").iterdir()}
    said(snakemake(home, "--cores", "2", "--touch", **options))
    assert {path: path.read_bytes() for path in contents} == contents
    assert "Nothing to be done" in said(snakemake(home, "-n", **options))


def test_one_track_a_job_is_one_job_a_stage(finished, snakemake, tmp_path):
    library = {"library": str(finished / "music")}
    planned = jobs(said(snakemake(tmp_path, "-n", tracks_per_job="1", **library)))
    assert {stage: planned[stage] for stage in STAGES} == dict.fromkeys(STAGES, 4)


def test_a_storage_provider_is_refused_in_a_line(finished, snakemake):
    pytest.importorskip("snakemake_storage_plugin_fs")
    done = snakemake(finished, "--cores", "1", "--default-storage-provider", "fs",
                     "--default-storage-prefix", "x")  # fmt: skip
    assert done.returncode != 0
    assert "--default-storage-provider: library and results must" in done.stderr
    assert "MissingInput" not in done.stderr and "Traceback" not in done.stderr


def test_records_are_the_same_with_the_server_without_it_and_in_batches(
    finished, snakemake, tmp_path
):
    def records(folder: Path) -> dict[str, bytes]:
        results = folder / "results"
        paths = [path for kind in KINDS for path in (results / kind).iterdir()]
        return {f"{path.parent.name}/{path.name}": path.read_bytes() for path in paths}

    library = {"library": str(finished / "music")}
    no_room = tmp_path / ("long" * 40)  # for a socket: its path would be too long
    for folder in (no_room, tmp_path / "alone", tmp_path / "batches"):
        folder.mkdir()
    said(snakemake(tmp_path / "batches", "--cores", "2", "analysis", **library, **BATCHES))
    said(snakemake(tmp_path / "alone", "--cores", "2", "analysis", **library,
                   environment={"TMPDIR": str(no_room)}))  # fmt: skip
    assert records(tmp_path / "alone") == records(tmp_path / "batches") == records(finished)
    assert len(records(finished)) == 12


@pytest.mark.skipif(shutil.which("strace") is None, reason="no strace here")
@pytest.mark.parametrize("config", [{}, BATCHES])
def test_a_run_with_nothing_to_do_opens_no_music(home, snakemake, config):
    """Whatever ran before: here an incremental run, which distributes one track again."""
    said(snakemake(home, "--cores", "2", "analysis", **config))
    track = next((home / "results" / "key").glob("house*.json"))
    track.unlink()
    said(snakemake(home, "--cores", "2", "analysis", **config))
    root = Path(__file__).resolve().parents[2]
    command = [
        "strace", "-f", "-qq", "-e", "trace=openat,open", "-o", home / "opened",
        sys.executable, "-m", "snakemake", "analysis", "--snakefile", root / "Snakefile",
        "--directory", home, "--cores", "2",
        *(["--config", "tracks_per_job=20"] if config else []),
    ]  # fmt: skip
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    assert "Nothing to be done" in said(done)
    assert "known again" not in said(done)
    opened = (home / "opened").read_text()
    assert "results/tracks/house" in opened  # so opening music would be seen
    for path in (home / "music").rglob("*.*"):
        assert f'{path.name}"' not in opened.replace('"music"', ""), path


def test_what_was_written_whole_before_a_kill_is_not_made_again(home, snakemake):
    """As Snakemake leaves it: a note that the output may be half written."""
    features = next((home / "results" / "features").iterdir())
    name = base64.urlsafe_b64encode(str(features.relative_to(home)).encode()).decode()
    note = home / ".snakemake" / "incomplete" / name
    note.write_text('{"external_jobid": null}')
    before = ages(home)
    assert "Nothing to be done" in said(snakemake(home, "--cores", "2"))
    assert ages(home) == before and not note.exists()


def test_the_report_of_snakemake_has_the_runtimes_of_every_rule(home, snakemake):
    said(snakemake(home, "--cores", "1", "--report", str(home / "report.zip")))
    with zipfile.ZipFile(home / "report.zip") as report:
        texts = [report.read(name).decode(errors="replace") for name in report.namelist()]
    [runtimes] = [text for text in texts if '"runtime"' in text]
    for rule in (*STAGES, "network", "table", "evaluate", "page"):
        assert re.search(rf'"rule": ?"{rule}"', runtimes), rule
