"""Choose the command for the status of Slurm jobs: accounting if it answers, else the queue."""

from __future__ import annotations

import subprocess
from typing import Literal

PATIENCE = 20.0  # seconds for accounting to answer


def status_command() -> Literal["sacct", "squeue"]:
    """The status command for the profile. Without accounting, `sacct` reports no job, and
    Snakemake would wait for ended jobs forever, without a message."""
    try:
        asked = subprocess.run(
            ["sacct", "-X", "-n", "-o", "JobID"], capture_output=True, timeout=PATIENCE
        )
    except (OSError, subprocess.TimeoutExpired):
        return "squeue"
    return "squeue" if asked.returncode else "sacct"
