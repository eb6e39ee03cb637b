"""Snakemake's messages as dropgrid shows them: `snakemake --logger dropgrid`.

In a terminal one live line tells tracks done and failed, rate and time left; piped, a line at
every tenth of the work. Warnings and errors are always shown, what Snakemake says of each job
only in its log file (.snakemake/log) or with --verbose. A dry run shows what it always shows.
With --logger-dropgrid-events FILE all of a run is also told to machines (dropgrid.run.events).
https://github.com/snakemake/snakemake-interface-logger-plugins
"""

from __future__ import annotations

import logging
import shutil
import signal
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dropgrid.run import interrupts
from dropgrid.run.event_file import EventFile
from dropgrid.run.events import RunLog
from dropgrid.run.progress import Progress
from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent
from snakemake_interface_logger_plugins.settings import LogHandlerSettingsBase

CLEAR = "\r\x1b[K"
TENTHS = 10
# What Snakemake says, without marking it as an event, about every run and every job.
CHATTER = (
    "Building DAG", "Select jobs", "Execute ", "Using shell", "Provided ", "Rules claiming",
    "host:", "Assuming unrestricted", "Shutting down", "Elapsed time",
    "Trying to restart", "Touching output", "Conda environments",
)  # fmt: skip


@dataclass
class LogHandlerSettings(LogHandlerSettingsBase):
    """The options of the command line and of profiles, --logger-dropgrid-..."""

    events: Path | None = field(
        default=None,
        metadata={
            "help": "Append a log for machines to this file: JSON Lines, one event a line. "
            "Relative to where the command is given.",
            "metavar": "FILE",
            "type": Path,
        },
    )


class Events:
    """Tells Snakemake's messages to a RunLog."""

    def __init__(self, file: EventFile) -> None:
        self.file = file
        self.log = RunLog(file.write)
        self.end: Any = None  # the message that sums the run up

    def follow(self, event: LogEvent | None, record: Any, progress: Any) -> None:
        """progress: as it is once the run is planned."""
        now, log = record.created, self.log
        told = record.levelno >= logging.WARNING
        if told or event == LogEvent.WORKFLOW_STARTED:
            log.started(now, snakemake_version())
        if event == LogEvent.JOB_INFO:
            given = record.wildcards, record.output, next(iter(record.log), None)
            log.job_started(now, record.jobid, record.rule_name, *given)
        elif event == LogEvent.JOB_FINISHED:
            log.job_finished(now, record.job_id)
        elif event == LogEvent.JOB_ERROR:
            log.job_failed(now, record.jobid)
        elif told and event != LogEvent.GROUP_ERROR:
            level = "error" if record.levelno >= logging.ERROR else "warning"
            exception = getattr(record, "exception", None)
            log.message(now, level, record.getMessage().strip(), exception)
        elif hasattr(record, "summary"):
            self.end = record
        elif hasattr(record, "tracks_in_batches") or (
            event == LogEvent.RUN_INFO and not progress.in_batches
        ):
            log.planned(now, progress)

    def close(self) -> None:
        by = [signal.Signals(number).name for number in interrupts.received[:1]]
        ok = self.end.ok if self.end else not (self.log.went_wrong or by)
        summary = self.end and self.end.summary
        self.log.ended(time.time(), summary, ok, next(iter(by), None), self.file.lost)


def snakemake_version() -> str:
    from snakemake.common import __version__

    return __version__


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
        self.events: Events | None = None
        path = getattr(self.settings, "events", None)
        if path is not None and not self.common_settings.dryrun:
            self.events = Events(EventFile(path, lambda why: self.tell(f"dropgrid: {why}")))

    def emit(self, record: logging.LogRecord) -> None:
        for work in (self.note, self.say):
            try:
                work(getattr(record, "event", None), record)
            except Exception:
                self.handleError(record)

    def note(self, event: LogEvent | None, record: Any) -> None:
        """Keep what is planned, and tell machines, where they are to be told."""
        if event == LogEvent.RUN_INFO:
            self.progress = Progress(record.stats)
            self.started = time.monotonic()
        elif hasattr(record, "tracks_in_batches") and self.progress:
            self.progress.tracks_in_batches = record.tracks_in_batches
        if self.events:
            self.events.follow(event, record, self.progress)

    def say(self, event: LogEvent | None, record: Any) -> None:
        """Tell people what they should know."""
        if self.shows_all or record.levelno >= logging.WARNING:
            self.tell(self.format(record))
        elif event is None:
            message = record.getMessage()
            if message != "None" and not message.startswith(CHATTER):
                self.tell(message)
        else:
            self.follow(event, record)

    def follow(self, event: LogEvent, record: Any) -> None:
        """Keep count of the jobs."""
        if event == LogEvent.RUN_INFO and self.progress and self.progress.tracks:
            self.tell(f"dropgrid: tracks to analyse: {self.progress.tracks}")
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
        try:
            if self.events:
                self.events.close()
        finally:
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
