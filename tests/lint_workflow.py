"""`snakemake --lint` over the workflow, with an empty library; fails on any finding."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

SNAKEFILE = Path(__file__).resolve().parents[1] / "Snakefile"

with tempfile.TemporaryDirectory() as folder:
    (Path(folder) / "music").mkdir()
    command = [sys.executable, "-m", "snakemake", "--lint", "--snakefile", str(SNAKEFILE)]
    done = subprocess.run([*command, "--directory", folder], capture_output=True, text=True)
    sys.exit(0 if done.returncode == 0 else done.stdout + done.stderr)
