"""`--sdm conda`: the jobs of a rule run the wheels in the rule's own environment.

Conda itself does not run: `tests/builders/conda` answers for it with a virtual environment."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

STAND_IN = Path(__file__).resolve().parents[1] / "builders" / "conda"


def test_the_jobs_run_in_the_rules_environment(
    snakemake, dropgrid, dist: Path, songs: Path, tmp_path: Path
) -> None:
    programs = tmp_path / "conda" / "bin"
    programs.mkdir(parents=True)
    text = STAND_IN.read_text().replace("#!/usr/bin/env python3", f"#!{sys.executable}", 1)
    (programs / "conda").write_text(text)
    (programs / "conda").chmod(0o755)
    (programs / "activate").write_text('export PATH="$1/bin:$PATH"\n')
    (tmp_path / "music").mkdir()
    shutil.copy(songs / "house.flac", tmp_path / "music")
    environment = {"PATH": f"{programs}:{os.environ['PATH']}", "PIP_FIND_LINKS": str(dist)}
    words = ("--cores", "2", "--sdm", "conda", "--quiet", "host", "-p")  # commands into the log
    done = snakemake(tmp_path, *words, environment=environment)
    assert done.returncode == 0, done.stderr
    [made] = (tmp_path / ".snakemake" / "conda").glob("*/bin/dropgrid")
    [log] = (tmp_path / ".snakemake" / "log").glob("*.log")
    said = log.read_text()
    assert "python -P -m dropgrid features" in said
    assert f"{sys.executable} -P -m dropgrid" not in said
    assert made.exists()
    plain, song = tmp_path / "plain", tmp_path / "music" / "house.flac"
    assert dropgrid("analyze", song, "--output", plain).returncode == 0
    for kind in ("bpm", "structure", "key"):
        [record] = (tmp_path / "results" / kind).iterdir()
        assert record.read_bytes() == (plain / kind / record.name).read_bytes()
    assert (tmp_path / "results" / "library.parquet").exists()  # its environment has pyarrow
