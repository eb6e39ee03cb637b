"""`snakemake --lint` over the workflow, with an empty library; fails on any finding but one.

The one: an environment for each rule. All rules share one, environment.yml, because what they
run is one program.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

SNAKEFILE = Path(__file__).resolve().parents[1] / "Snakefile"
ONE_ENVIRONMENT = "Specify a conda environment or container for each rule.:"
HEADING, FINDING = re.compile(r"Lints for (.*)"), re.compile(r"    \* (.*)")


def findings(text: str) -> list[str]:
    """One line for each finding that counts, from what `snakemake --lint` prints."""
    where, found = "", []
    for line in text.splitlines():
        if heading := HEADING.match(line):
            where = heading[1]
        elif (finding := FINDING.match(line)) and finding[1] != ONE_ENVIRONMENT:
            found.append(f"{where} {finding[1]}")
    return found


with tempfile.TemporaryDirectory() as folder:
    (Path(folder) / "music").mkdir()
    command = [sys.executable, "-m", "snakemake", "--lint", "--snakefile", str(SNAKEFILE)]
    command += ["--directory", folder, "--config", "allow_empty=true"]
    done = subprocess.run(command, capture_output=True, text=True)
    text = done.stdout + done.stderr
    if "Lints for" not in text:  # not even read: say why
        sys.exit(text)
    sys.exit("\n".join(findings(text)) or 0)
