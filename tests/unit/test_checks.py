"""`make test` and `make test-all`: every part runs and is reported, whatever the others do."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "tests" / "checks.sh"


def checks(tmp_path: Path, mode: str, failing: str) -> subprocess.CompletedProcess[str]:
    """Run the script over stand-ins of make and the test runner; of these, `failing` fails."""
    (tmp_path / "tests").mkdir()
    shutil.copy(SCRIPT, tmp_path / "tests")
    runner = tmp_path / ".venv" / "bin" / "python"
    runner.parent.mkdir(parents=True)
    code = (
        f'case "$*" in *"{failing}"*) echo "1 failed of: $*"; exit 1;; esac; echo "passed: $*"\n'
    )
    for command in (runner, tmp_path / "bin" / "make"):
        command.parent.mkdir(exist_ok=True)
        command.write_text("#!/bin/sh\n" + code)
        command.chmod(0o755)
    return subprocess.run(
        [tmp_path / "tests" / "checks.sh", mode], capture_output=True, text=True,
        env={**os.environ, "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"},
    )  # fmt: skip


@pytest.mark.parametrize("failing", ["lint", "not alone", "-m alone", "nothing"])
def test_all_parts_run_and_are_reported(failing: str, tmp_path: Path) -> None:
    done = checks(tmp_path, "all", failing)
    told = done.stdout[done.stdout.rindex("lint: exit code") :]
    parts = re.findall(r"^(.+): exit code (\d+)\n(.+)$", told, re.M)
    assert [name for name, _, _ in parts] == ["lint", "tests in parallel", "tests alone"]
    for _, code, line in parts:
        assert (code == "1") == (failing in line) == line.startswith("1 failed")
    assert done.returncode == (failing != "nothing")


def test_between_them_the_parts_leave_out_nothing_but_what_is_slow(tmp_path: Path) -> None:
    done = checks(tmp_path, "all", "nothing").stdout
    assert re.findall(r"-m ((?:not )?alone.*)$", done, re.M)[:2] == ["not alone ", "alone "]


def test_make_test_leaves_out_only_the_slow(tmp_path: Path) -> None:
    done = checks(tmp_path, "test", "nothing").stdout
    chosen = re.findall(r"-m ((?:not )?alone.*)$", done, re.M)[:2]
    assert chosen == [f"{part} and (not slow or smoke)" for part in ("not alone", "alone")]


def test_the_checks_of_the_project_are_these() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target, mode in (("test", "test"), ("test-all", "all")):
        assert re.search(rf"^{target}: .*\n\t@tests/checks.sh {mode}$", makefile, re.M)
    assert (ROOT / ".ci" / "run").read_text().endswith("\nmake test-all\n")
