"""The wheel, away from the checkout: what it holds, `dropgrid run`, and no package too many."""

from __future__ import annotations

import csv
import json
import shutil
import zipfile
from email.parser import Parser
from pathlib import Path

import installed
import pytest
from packaging.requirements import Requirement
from permissions import obey_permissions

pytestmark = pytest.mark.slow
WEIGHTS = {".onnx", ".pkl", ".npz", ".npy", ".pt", ".bin", ".h5"}
HOSTILE = "raise SystemExit('taken from the folder the command was typed in')\n"


@pytest.fixture(scope="module")
def home(python: Path, songs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds `Music`, and traps: files that only a checkout may take."""
    folder = tmp_path_factory.mktemp("home")
    shutil.copytree(songs, folder / "Music")
    for name in ("config/config.yaml", "profiles/default/config.yaml"):
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_text("results: trap\njobs: trap\n")
    for name in ("json.py", "dropgrid.py"):
        (folder / name).write_text(HOSTILE)
    return folder


@pytest.fixture(scope="module")
def done(python: Path, home: Path) -> str:
    """What `dropgrid run` printed, having analysed the music."""
    ran = installed.run(python, home, "dropgrid", "run", "Music", "--cores", "2")
    assert ran.returncode == 0, ran.stderr
    return ran.stderr + ran.stdout


def records(results: Path) -> dict[str, bytes]:
    paths = [path for kind in ("bpm", "structure", "key") for path in results.glob(f"{kind}/*")]
    return {str(path.relative_to(results)): path.read_bytes() for path in paths}


def test_the_wheel_holds_the_workflow_and_no_weights(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        [metadata] = [name for name in names if name.endswith("METADATA")]
        reported = Parser().parsestr(archive.read(metadata).decode())
        status = archive.getinfo("dropgrid/shipped/profiles/cluster-generic/status")
    assert not {Path(name).suffix for name in names} & WEIGHTS
    assert wheel.stat().st_size < 1_500_000  # the networks would be twenty times that
    for name in ("Snakefile", "launch.smk", "rules/common.smk", "schemas/bpm.schema.json",
                 "profiles/slurm/config.yaml", "report/workflow.rst", "config/config.yaml",
                 "envs/dropgrid.yaml"):  # fmt: skip
        assert f"dropgrid/shipped/{name}" in names
    assert status.external_attr >> 16 & 0o111  # a script that is called
    needed = [line for line in reported.get_all("Requires-Dist") or [] if "extra ==" not in line]
    assert any(line.startswith("snakemake<10,>=9.20") for line in needed), needed
    assert not {Requirement(line).name.replace("-", "_") for line in needed} & set(
        installed.EXTRAS
    )


def test_the_records_are_those_of_the_checkout(done, dropgrid, home: Path, tmp_path: Path) -> None:
    files = sorted(path for path in (home / "Music").rglob("*") if path.is_file())
    assert dropgrid("analyze", *files, "--output", tmp_path).returncode == 0
    expected = records(tmp_path)
    assert len(expected) == 9
    assert records(home / "results") == expected


def test_nothing_is_written_but_the_results_and_snakemakes_own(done, home: Path) -> None:
    assert {path.name for path in home.iterdir()} == {
        "Music", "config", "profiles", "json.py", "dropgrid.py", "results", ".snakemake"
    }  # fmt: skip


def test_the_end_says_what_a_person_needs_next(done: str) -> None:
    assert "3 tracks, 3 analysed, 0 failed" in done
    page = "open results/report/index.html in a browser, or type: dropgrid open"
    assert page in done.splitlines()


def test_what_the_extras_would_make_is_left_out_and_named(done: str, home: Path) -> None:
    results = home / "results"
    assert not (results / "library.parquet").exists()
    assert not list((results / "evaluation").glob("*.svg"))
    assert "pip install 'dropgrid[parquet]'" in done
    assert "pip install 'dropgrid[pictures]'" in done
    assert "dropgrid[parquet]" in (results / "logs" / "table.log").read_text()
    assert len(list(csv.DictReader((results / "library.csv").open()))) == 3


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["export", "parquet", "--results", "results", "--output", "x.parquet"], "parquet"),
        (["picture", "--results", "results", "--sheet", "sheet.png"], "pictures"),
        (["run", "Music", "--config", "bpm={method: librosa}"], "librosa"),
        (["run", "Music", "--profile", "slurm"], "slurm"),
    ],
)
def test_what_needs_an_extra_says_which(python, done, home, words, reason) -> None:
    ran = installed.run(python, home, "dropgrid", *words)
    assert ran.returncode != 0
    assert f"pip install 'dropgrid[{reason}]'" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_without_a_library_the_last_one_is_used_from_any_folder(
    python, done, home, tmp_path: Path
) -> None:
    ran = installed.run(python, tmp_path, "dropgrid", "run", "--results", home / "results")
    assert ran.returncode == 0, ran.stderr
    assert "nothing to do" in ran.stderr + ran.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_target_after_the_options_is_made(python, done, home: Path) -> None:
    words = ["run", "Music", "--config", "export={by_key: true}", "export_m3u8"]
    ran = installed.run(python, home, "dropgrid", *words)
    assert ran.returncode == 0, ran.stderr
    assert list((home / "results" / "exports").iterdir())


def test_without_a_home_to_write_in(python, done, home: Path) -> None:
    (home / "locked").mkdir(mode=0o500)
    environment = {"HOME": str(home / "locked"), "XDG_CACHE_HOME": ""}
    words = ["run", "Music", "--results", "homeless", "--cores", "2", "--config"]
    ran = installed.run(
        python, home, "dropgrid", *words, "analyses=[bpm]",
        environment=environment, before=obey_permissions,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    made, expected = records(home / "homeless"), records(home / "results")
    assert made and made.items() <= expected.items()


def test_without_networks_the_run_stops_at_once_and_says_what_to_do(
    wheel: Path, songs: Path, tmp_path: Path
) -> None:
    bare = installed.install(wheel, tmp_path / "env", (*installed.EXTRAS, "dropgrid_models"))
    for words in (
        ["run", songs],
        ["analyze", songs / "house.flac", "--output", "records"],
    ):
        ran = installed.run(bare, tmp_path, "dropgrid", *words)
        assert ran.returncode in (1, 2)
        message = [line for line in ran.stderr.splitlines() if "trained networks" in line]
        assert len(message) == 1
        assert "pip install dropgrid-models" in message[0] and "method: open" in message[0]
    assert not list(tmp_path.glob("results/*/*.json"))
    assert not list(tmp_path.glob("records/*/*.json"))
    free = ["--config", "bpm={method: open}", "key={method: profiles}"]
    ran = installed.run(bare, tmp_path, "dropgrid", "run", songs, *free)
    assert ran.returncode == 0, ran.stderr
    found = [json.loads(path.read_text()) for path in tmp_path.glob("results/bpm/*.json")]
    assert len(found) == 3 and {record["method"] for record in found} == {"open"}


def test_a_report_and_a_picture_of_the_rules(python, done, home: Path) -> None:
    words = ["run", "Music", "--report", "report.zip"]
    ran = installed.run(python, home, "dropgrid", *words)
    assert ran.returncode == 0, ran.stderr
    with zipfile.ZipFile(home / "report.zip") as archive:
        assert any(name.endswith("library.csv") for name in archive.namelist())
    (home / "report.zip").unlink()
    for option in ("--dag", "--rulegraph"):
        ran = installed.run(python, home, "dropgrid", "run", "Music", option)
        assert ran.returncode == 0 and ran.stdout.startswith("digraph"), ran.stderr
    mark = json.loads((home / "results" / ".dropgrid").read_text())
    assert mark["library"] == [str(home / "Music")]
