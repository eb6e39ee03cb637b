"""Messages for users who do not know Snakemake: `--logger-dropgrid-plain`.

Snakemake's own lines are hidden, except warnings and errors. Important ones are reworded.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dropgrid.base.text import counted
from dropgrid.run.next_steps import nothing_to_do
from dropgrid.stages import STAGES
from snakemake_interface_logger_plugins.common import LogEvent

OWN = "dropgrid: "  # how messages of dropgrid begin
NOTHING = "Nothing to be done"
ERROR = "dropgrid: the workflow reports an error; Snakemake's words:"


@dataclass
class Plain:
    """The messages of one run.

    results: the folder of results, known only in a real run. planned: the result of a dry run was
    shown. failed: Snakemake reported an error.
    """

    dry_run: bool = False
    results: Path | None = None
    planned: bool = False
    failed: bool = False

    def reworded(self, event: LogEvent | None, record: Any) -> str:
        """The text to show for a message that is neither warning nor error; empty: none."""
        message = record.getMessage()
        if event is None and message.startswith(NOTHING):
            return nothing_to_do(self.results)
        if event == LogEvent.RUN_INFO and self.dry_run and not self.planned:
            self.planned = True
            return dry_run_summary(record.stats)
        return str(message) if event is None and message.startswith(OWN) else ""

    def introduce(self, record: logging.LogRecord) -> str:
        """The line before the first error of Snakemake, which names the source; else empty."""
        if self.failed or record.levelno < logging.ERROR or record.getMessage().startswith(OWN):
            return ""
        self.failed = True
        return ERROR

    def end(self) -> str:
        """The last line: the path of the log, if Snakemake reported an error."""
        log = log_file() if self.failed else None
        return f"dropgrid: the complete log of this run: {log}" if log else ""


def dry_run_summary(jobs: Mapping[str, int]) -> str:
    """The result of a dry run. jobs: the number of jobs by rule, and of all jobs as `total`."""
    rules = {rule: count for rule, count in jobs.items() if rule not in ("all", "total")}
    lines = ["dropgrid: dry run: nothing was changed; a real run would do this:"]
    if stages := [stage for stage in STAGES if stage in rules]:
        tracks = max(rules.pop(stage) for stage in stages)
        lines.append(f"  analyse {counted(tracks, 'track')}: {', '.join(stages)}")
    if batches := rules.pop("batch", 0):
        lines.append(f"  analyse the tracks of {batches} batch{'es' * (batches > 1)}")
    if rules:
        lines.append(f"  make: {', '.join(sorted(rules))}")
    return "\n".join([*lines, "(--verbose: every job, and why)"])


def log_file() -> str | None:
    """The path of Snakemake's log file of this run; None without one."""
    from snakemake.logging import logger

    files = (handler for handler in logger.handlers if isinstance(handler, logging.FileHandler))
    return next((file.baseFilename for file in files), None)
