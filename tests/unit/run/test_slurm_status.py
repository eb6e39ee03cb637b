"""Which of its commands Slurm is asked by."""

from __future__ import annotations

from pathlib import Path

import pytest
from dropgrid.run.slurm import status_command


@pytest.mark.parametrize(
    ("answer", "command"),
    [("exit 0", "sacct"), (None, "squeue"),
     ("echo Slurm accounting storage is disabled >&2; exit 1", "squeue")],
)  # fmt: skip
def test_without_accounting_the_queue_is_asked(
    answer: str | None, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if answer is not None:
        (tmp_path / "sacct").write_text(f"#!/bin/sh\n{answer}\n")
        (tmp_path / "sacct").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert status_command() == command
