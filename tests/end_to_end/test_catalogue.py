"""What the Snakemake workflow catalogue asks of a workflow: its files, and `.test`."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest
import yaml

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]


def test_the_files_of_a_standardized_usage_are_there() -> None:
    for name in ("workflow/Snakefile", "config/config.yaml", "config/README.md", "LICENSE"):
        assert (ROOT / name).is_file()
    usage = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text())["usage"]
    assert usage["mandatory-flags"]["flags"] == "--config library=FOLDER"
    assert usage["software-stack-deployment"]["conda"] is True
    assert usage["report"] is True


def test_its_test_data_are_analysed_as_they_were_made(snakemake, tmp_path: Path) -> None:
    shutil.copytree(ROOT / ".test", tmp_path / "test", ignore=shutil.ignore_patterns("results"))
    done = snakemake(tmp_path / "test", "--cores", "2")
    assert done.returncode == 0, done.stderr
    rows = csv.DictReader((tmp_path / "test" / "results" / "library.csv").open())
    tempi = {row["path"]: float(row["bpm"]) for row in rows}
    assert tempi == {"house/Small Hours.ogg": 124.0, "drum and bass/Short Fuse.ogg": 174.0}
    assert (tmp_path / "test" / "results" / "evaluation" / "summary.md").exists()
