"""Show Snakemake's messages as dropgrid does: `snakemake --logger dropgrid`.

In a terminal, one live line shows the tracks done and failed, the rate, the time left and the
tracks in progress. It is drawn every second. If the output is piped, a line is printed at every
tenth of the tracks; with --quiet progress or all, none.
Warnings and errors are always shown, except those of a job that is retried as a matter of routine:
they become a note. Snakemake's messages about each job are only in its log file (.snakemake/log),
or shown with --verbose. After Ctrl-C, Snakemake's own messages about it are left out. A dry run
shows Snakemake's usual output.
With --logger-dropgrid-plain, which `dropgrid run` sets, only Snakemake's warnings and errors are
shown. A dry run is summed up in a few lines, and after an error the path of Snakemake's log file
is shown (.plain).
With --logger-dropgrid-events FILE the run is also logged for programs (dropgrid.run.events).
https://github.com/snakemake/snakemake-interface-logger-plugins
"""

# No annotations from __future__: Snakemake reads the types of LogHandlerSettings.
import logging
import re
import shutil
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dropgrid.run import interrupts
from dropgrid.run.event_file import EventFile
from dropgrid.run.events import RunLog
from dropgrid.run.job_resources import TRIES
from dropgrid.run.outcomes import outcome_of
from dropgrid.run.progress import Following, News, Progress, StageJobs
from dropgrid.stages import STAGES
from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent
from snakemake_interface_logger_plugins.settings import LogHandlerSettingsBase

from .options import requested
from .plain import Plain

CLEAR = "\r\x1b[K"
TENTHS = 10
EVERY = 1.0  # seconds between updates of the tracks in progress
# Beginnings of Snakemake's messages about every run and every job that are not marked as events.
CHATTER = (
    "Building DAG", "Select jobs", "Execute ", "Using shell", "Provided ", "Rules claiming",
    "host:", "Assuming unrestricted", "Shutting down", "Elapsed time",
    "Trying to restart", "Touching output", "Conda environments",
    "Terminating processes on user request",
)  # fmt: skip
# Of a command that asks for a retry. It gives its attempt and the number of attempts.
RETRY = re.compile(r"--attempt (\d+) --attempts (\d+).*non-zero exit status 75\b", re.DOTALL)

# Of a command that a signal from the terminal ended. All processes of the run get the signal;
# Snakemake may report the command's end before it gets the signal itself.
INTERRUPTED = re.compile(r"died with <Signals\.SIG(INT|HUP): |non-zero exit status (129|130)\b")


def is_routine(message: str) -> bool:
    """Whether Snakemake reports a command that failed and will be retried, or that Ctrl-C ended.

    The end of the run reports an interrupt.
    """
    retries = RETRY.findall(message)
    return bool(INTERRUPTED.search(message)) or any(int(now) < int(last) for now, last in retries)


@dataclass
class LogHandlerSettings(LogHandlerSettingsBase):
    """The options of the command line and of profiles, --logger-dropgrid-..."""

    events: Path | None = field(
        default=None,
        metadata={
            "help": "Append a machine-readable log to this file: JSON Lines, one event per line. "
            "Relative to the current folder.",
            "metavar": "FILE",
            "type": Path,
        },
    )
    plain: bool = field(
        default=False,
        metadata={
            "help": "Hide Snakemake's own messages except warnings and errors, and sum up a dry "
            "run. `dropgrid run` sets it."
        },
    )


class Events:
    """Passes Snakemake's messages on to a RunLog."""

    def __init__(self, file: EventFile) -> None:
        self.file = file
        self.log = RunLog(file.write)
        self.end: Any = None  # the message with the summary of the run

    def follow(self, event: LogEvent | None, record: Any, jobs: Mapping[str, int]) -> None:
        """Log one message. jobs: the number of planned jobs by rule."""
        now, log = record.created, self.log
        is_problem = record.levelno >= logging.WARNING
        if is_problem or event == LogEvent.WORKFLOW_STARTED:
            log.started(now, snakemake_version())
        if event == LogEvent.JOB_INFO:
            log_file = next(iter(record.log), None)
            log.job_started(now, record.jobid, record.rule_name, record.wildcards, log_file)
        elif event == LogEvent.JOB_FINISHED:
            log.job_finished(now, record.job_id)
        elif event == LogEvent.JOB_ERROR:
            log.job_failed(now, record.jobid)
        elif is_problem and event != LogEvent.GROUP_ERROR:
            level = "error" if record.levelno >= logging.ERROR else "warning"
            exception = getattr(record, "exception", None)
            log.message(now, level, record.getMessage().strip(), exception)
        elif hasattr(record, "summary"):
            self.end = record
        elif hasattr(record, "tracks_planned"):
            log.planned(now, record.tracks_planned, jobs)
        elif event == LogEvent.RUN_INFO and jobs.keys().isdisjoint(("batch", *STAGES)):
            log.planned(now, 0, jobs)

    def close(self) -> None:
        by = [signal.Signals(number).name for number in interrupts.received[:1]]
        ok = self.end.ok if self.end else not (self.log.went_wrong or by)
        summary = self.end and self.end.summary
        self.log.ended(time.time(), summary, ok, next(iter(by), None), self.file.lost)


def snakemake_version() -> str:
    from snakemake.common import __version__

    return __version__


class LogHandler(LogHandlerBase):
    """Writes to standard error, or to standard output if Snakemake is set to."""

    def __post_init__(self) -> None:
        common = self.common_settings
        self.stream = sys.stdout if common.stdout else sys.stderr
        self.live = self.stream.isatty()
        plain = getattr(self.settings, "plain", False) and not (
            common.verbose or requested().only_prints
        )
        self.plain = Plain(common.dryrun) if plain else None
        self.shows_all = common.verbose or (common.dryrun and not plain)
        self.quiet = bool({"ALL", "PROGRESS"} & {q.name for q in common.quiet or ()})
        self.jobs: dict[str, int] = {}  # number of jobs by rule
        self.progress: Progress | None = None
        self.following = Following(0.0)
        self.stages = StageJobs({})
        self.attempts: Counter[int] = Counter()  # by analysis job
        self.retried: list[str] = []  # tracks to retry that were not reported yet
        self.started = 0.0
        self.tenth = 0
        self.drawn = False
        self.ticking: threading.Event | None = None
        self.events: Events | None = None
        path = getattr(self.settings, "events", None)
        if path is not None and not common.dryrun:
            self.events = Events(EventFile(path, lambda why: self.write(f"dropgrid: {why}")))

    def emit(self, record: logging.LogRecord) -> None:
        for work in (self.update, self.show_message):
            try:
                work(getattr(record, "event", None), record)
            except Exception:
                self.handleError(record)

    def update(self, event: LogEvent | None, record: Any) -> None:
        """Update plan and progress from a message, and log it as events if requested."""
        if event == LogEvent.RUN_INFO:
            self.jobs = {rule: count for rule, count in record.stats.items() if rule != "total"}
            self.following = Following(record.created)
            self.started = time.monotonic()
        elif hasattr(record, "tracks_planned"):
            self.progress = Progress(record.tracks_planned)
            self.stages = StageJobs(record.jobs_of_tracks)
            self.tick()
        if event in (LogEvent.JOB_FINISHED, LogEvent.JOB_ERROR):
            ok = event == LogEvent.JOB_FINISHED
            number = record.job_id if ok else record.jobid
            self.count([*self.following.end(number), *self.stages.end(number, ok)])
        if self.events:
            self.events.follow(event, record, self.jobs)
        if event == LogEvent.JOB_INFO and record.log:
            self.begin(record.jobid, record.rule_name, record.wildcards, Path(record.log[0]))

    def begin(self, job: int, rule: str, wildcards: Mapping[str, str], log: Path) -> None:
        """Follow an analysis job."""
        if rule == "batch":
            self.following.begin(job, log)
        elif rule in STAGES:
            self.stages.begin(job, wildcards["track"], log)
        else:
            return
        self.attempts[job] += 1

    def count(self, all_news: Iterable[News]) -> None:
        """Count tracks that have ended."""
        for news in all_news:
            if news.again:
                self.retried.append(news.track)
                continue
            outcome = outcome_of(news.results, news.track)
            if self.progress:
                self.progress.add(news.track, outcome is not None and outcome.failure is not None)
            if self.events and outcome:
                self.events.log.track_ended(time.time(), outcome, news.batch)
        self.show()

    def show_message(self, event: LogEvent | None, record: Any) -> None:
        """Write a message if it matters to the user."""
        if self.shows_all:
            self.write(self.format(record))
        elif hasattr(record, "summary") or hasattr(record, "tracks_planned"):
            self.write(record.getMessage())
        elif hasattr(record, "results"):
            if self.plain:
                self.plain.results = Path(record.results)
        elif interrupts.received:
            return  # the summary and the process that passed the signal on report the end
        elif event == LogEvent.JOB_ERROR and self.retried and self.attempts[record.jobid] < TRIES:
            self.write(f"dropgrid: to be tried again, with more memory: {', '.join(self.retried)}")
            self.retried = []
        elif record.levelno >= logging.WARNING:
            if not is_routine(record.getMessage()):
                self.write(self.plain.introduce(record) if self.plain else "")
                self.write(self.format(record))
        elif self.plain:
            self.write(self.plain.reworded(event, record))
        elif event is None:
            message = record.getMessage()
            if message != "None" and not message.startswith(CHATTER):
                self.write(message)

    def tick(self) -> None:
        """Update the tracks in progress every second, until the run is over."""
        if self.ticking is None:
            self.ticking = threading.Event()
            threading.Thread(target=self._update_often, args=(self.ticking,), daemon=True).start()

    def _update_often(self, over: threading.Event) -> None:
        while not over.wait(EVERY):
            with self.lock or nullcontext():
                self.count(self.following.news())

    def show(self) -> None:
        """Redraw the live line, or print a line at every tenth of the tracks."""
        progress = self.progress
        if progress is None or self.quiet or self.shows_all or interrupts.received:
            return
        progress.at_work = [*self.following.at_work, *self.stages.at_work]
        seconds = time.monotonic() - self.started
        if self.live:
            columns = shutil.get_terminal_size().columns - 1
            self.stream.write(CLEAR + progress.live(seconds, columns))
            self.drawn = True
            if progress.share == 1:
                self.wipe("\n")
                self.progress = None
        elif int(progress.share * TENTHS) > self.tenth:
            self.tenth = int(progress.share * TENTHS)
            self.stream.write(f"dropgrid: {progress.line(seconds)}\n")
        self.stream.flush()

    def write(self, message: str) -> None:
        """Write a message above the live line."""
        if message.strip():
            self.wipe()
            self.stream.write(message.rstrip("\n") + "\n")
            self.stream.flush()

    def wipe(self, end: str = CLEAR) -> None:
        if self.drawn:
            self.stream.write(end)
            self.drawn = False

    def close(self) -> None:
        if self.ticking:
            self.ticking.set()
        self.wipe()
        if self.plain and not interrupts.received:
            self.write(self.plain.end())
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
