"""How Slurm is asked about jobs: by its accounting where that answers, else by its queue."""

from __future__ import annotations

import subprocess
from typing import Literal

PATIENCE = 20.0  # seconds for accounting to answer


def status_command() -> Literal["sacct", "squeue"]:
    """What the profile tells Snakemake to ask; without accounting `sacct` says nothing of any job,
    and jobs that have ended would be waited for without a word for ever."""
    try:
        asked = subprocess.run(
            ["sacct", "-X", "-n", "-o", "JobID"], capture_output=True, timeout=PATIENCE
        )
    except (OSError, subprocess.TimeoutExpired):
        return "squeue"
    return "squeue" if asked.returncode else "sacct"
