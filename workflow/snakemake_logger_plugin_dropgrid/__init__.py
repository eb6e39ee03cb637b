"""Snakemake's messages as dropgrid shows them: `snakemake --logger dropgrid`.

In a terminal one live line tells tracks done and failed, rate and time left; piped, a line at
every tenth of the work. Warnings and errors are always shown, what Snakemake says of each job
only in its log file (.snakemake/log) or with --verbose. A dry run shows what it always shows.
https://github.com/snakemake/snakemake-interface-logger-plugins
"""

from __future__ import annotations

import logging
import shutil
import sys
import time
from typing import Any

from dropgrid.progress import Progress
from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent

CLEAR = "\r\x1b[K"
TENTHS = 10
# What Snakemake says, without marking it as an event, about every run and every job.
CHATTER = (
    "Building DAG", "Select jobs", "Execute ", "Using shell", "Provided ", "Rules claiming",
    "host:", "Assuming unrestricted", "Shutting down", "Elapsed time",
    "Trying to restart", "Touching output",
)  # fmt: skip


class LogHandler(LogHandlerBase):
    """Writes to standard error (standard output where Snakemake is told so)."""

    def __post_init__(self) -> None:
        self.stream = sys.stdout if self.common_settings.stdout else sys.stderr
        self.live = self.stream.isatty()
        self.shows_all = self.common_settings.dryrun or self.common_settings.verbose
        self.progress: Progress | None = None
        self.jobs: dict[int, tuple[str, tuple[str, ...]]] = {}  # id -> rule, outputs
        self.started = 0.0
        self.tenth = 0
        self.drawn = False

    def emit(self, record: logging.LogRecord) -> None:
        try:
            event = getattr(record, "event", None)
            if self.shows_all or record.levelno >= logging.WARNING:
                self.tell(self.format(record))
            elif event is None:
                message = record.getMessage()
                if message != "None" and not message.startswith(CHATTER):
                    self.tell(message)
            else:
                self.follow(event, record)
        except Exception:
            self.handleError(record)

    def follow(self, event: LogEvent, record: Any) -> None:
        """Keep count of the jobs."""
        if event == LogEvent.RUN_INFO:
            self.progress = Progress(record.stats)
            self.started = time.monotonic()
            if self.progress.tracks:
                self.tell(f"dropgrid: {self.progress.unit} to analyse: {self.progress.tracks}")
        elif event == LogEvent.JOB_INFO:
            self.jobs[record.jobid] = (record.rule_name, tuple(record.output))
        elif event == LogEvent.JOB_FINISHED and self.progress and record.job_id in self.jobs:
            rule, outputs = self.jobs.pop(record.job_id)
            if self.progress.finish(rule, outputs):
                self.show(self.progress)

    def show(self, progress: Progress) -> None:
        """Draw the live line anew, or print a line at every tenth of the work."""
        line = "dropgrid: " + progress.line(time.monotonic() - self.started)
        if self.live:
            width = shutil.get_terminal_size().columns - 1
            self.stream.write(CLEAR + line[:width])
            self.drawn = True
            if progress.share == 1:
                self.wipe("\n")
        elif int(progress.share * TENTHS) > self.tenth:
            self.tenth = int(progress.share * TENTHS)
            self.stream.write(line + "\n")
        self.stream.flush()

    def tell(self, message: str) -> None:
        """A message for people, above the live line."""
        if message.strip():
            self.wipe()
            self.stream.write(message.rstrip("\n") + "\n")
            self.stream.flush()

    def wipe(self, end: str = CLEAR) -> None:
        if self.drawn:
            self.stream.write(end)
            self.drawn = False

    def close(self) -> None:
        self.wipe()
        super().close()

    @property
    def writes_to_stream(self) -> bool:
        return True

    @property
    def writes_to_file(self) -> bool:
        return False

    @property
    def has_filter(self) -> bool:
        return True

    @property
    def has_formatter(self) -> bool:
        return False

    @property
    def needs_rulegraph(self) -> bool:
        return False
