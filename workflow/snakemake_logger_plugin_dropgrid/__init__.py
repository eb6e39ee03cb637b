"""Snakemake's messages as dropgrid shows them: `snakemake --logger dropgrid`.

In a terminal one live line, drawn every second, tells tracks done and failed, rate, time left and
what is at work; piped, a line at every tenth of the tracks; with --quiet progress or all, none.
Warnings and errors are always shown, but for those of a job that is tried again as a matter of
routine: that is a note. What Snakemake says of each job is only in its log file (.snakemake/log)
or shown with --verbose. After Ctrl-C Snakemake's own account of it is left out. A dry run shows
what it always shows.
With --logger-dropgrid-plain, which `dropgrid run` sets, none of Snakemake's own lines but its
warnings and errors are shown: a dry run says in a few lines what a real one would do, and after an
error of Snakemake's the place of its log file is named (.plain).
With --logger-dropgrid-events FILE all of a run is also told to machines (dropgrid.run.events).
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

from .options import asked
from .plain import Plain

CLEAR = "\r\x1b[K"
TENTHS = 10
EVERY = 1.0  # seconds between looks at the tracks at work
# What Snakemake says, without marking it as an event, about every run and every job.
CHATTER = (
    "Building DAG", "Select jobs", "Execute ", "Using shell", "Provided ", "Rules claiming",
    "host:", "Assuming unrestricted", "Shutting down", "Elapsed time",
    "Trying to restart", "Touching output", "Conda environments",
    "Terminating processes on user request",
)  # fmt: skip
# Of a command that wants another try, and is not at its last.
AGAIN = re.compile(r"--attempt (\d+) --attempts (\d+).*non-zero exit status 75\b", re.DOTALL)

# Of a command that the terminal ended, which all of the run get: Snakemake may hear of the command
# first, of itself later.
ENDED = re.compile(r"died with <Signals\.SIG(INT|HUP): |non-zero exit status (129|130)\b")


def is_routine(message: str) -> bool:
    """Whether Snakemake says of a command that it failed, which asked to be tried again, or which
    Ctrl-C ended: the end of the run tells of that."""
    again = AGAIN.findall(message)
    return bool(ENDED.search(message)) or any(int(now) < int(last) for now, last in again)


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
    plain: bool = field(
        default=False,
        metadata={
            "help": "Leave out what Snakemake says of itself, other than warnings and errors; a "
            "dry run is summed up. `dropgrid run` sets it."
        },
    )


class Events:
    """Tells Snakemake's messages to a RunLog."""

    def __init__(self, file: EventFile) -> None:
        self.file = file
        self.log = RunLog(file.write)
        self.end: Any = None  # the message that sums the run up

    def follow(self, event: LogEvent | None, record: Any, jobs: Mapping[str, int]) -> None:
        """jobs: how many of each rule are planned."""
        now, log = record.created, self.log
        told = record.levelno >= logging.WARNING
        if told or event == LogEvent.WORKFLOW_STARTED:
            log.started(now, snakemake_version())
        if event == LogEvent.JOB_INFO:
            given = record.wildcards, next(iter(record.log), None)
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
    """Writes to standard error (standard output where Snakemake is told so)."""

    def __post_init__(self) -> None:
        common = self.common_settings
        self.stream = sys.stdout if common.stdout else sys.stderr
        self.live = self.stream.isatty()
        plain = getattr(self.settings, "plain", False) and not (common.verbose or asked().answers)
        self.plain = Plain(common.dryrun) if plain else None
        self.shows_all = common.verbose or (common.dryrun and not plain)
        self.quiet = bool({"ALL", "PROGRESS"} & {q.name for q in common.quiet or ()})
        self.jobs: dict[str, int] = {}  # how many of each rule
        self.progress: Progress | None = None
        self.following = Following(0.0)
        self.stages = StageJobs({})
        self.tries: Counter[int] = Counter()  # of each job that analyses
        self.again: list[str] = []  # tracks that are to be tried again, not told yet
        self.started = 0.0
        self.tenth = 0
        self.drawn = False
        self.ticking: threading.Event | None = None
        self.events: Events | None = None
        path = getattr(self.settings, "events", None)
        if path is not None and not common.dryrun:
            self.events = Events(EventFile(path, lambda why: self.tell(f"dropgrid: {why}")))

    def emit(self, record: logging.LogRecord) -> None:
        for work in (self.note, self.say):
            try:
                work(getattr(record, "event", None), record)
            except Exception:
                self.handleError(record)

    def note(self, event: LogEvent | None, record: Any) -> None:
        """Keep what is planned and what happens, and tell machines, where they are to be told."""
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
            self.hear([*self.following.end(number), *self.stages.end(number, ok)])
        if self.events:
            self.events.follow(event, record, self.jobs)
        if event == LogEvent.JOB_INFO and record.log:
            self.begin(record.jobid, record.rule_name, record.wildcards, Path(record.log[0]))

    def begin(self, job: int, rule: str, wildcards: Mapping[str, str], log: Path) -> None:
        """Follow a job that analyses."""
        if rule == "batch":
            self.following.begin(job, log)
        elif rule in STAGES:
            self.stages.begin(job, wildcards["track"], log)
        else:
            return
        self.tries[job] += 1

    def hear(self, told: Iterable[News]) -> None:
        """Count tracks that have ended."""
        for news in told:
            if news.again:
                self.again.append(news.track)
                continue
            outcome = outcome_of(news.results, news.track)
            if self.progress:
                self.progress.add(news.track, outcome is not None and outcome.failure is not None)
            if self.events and outcome:
                self.events.log.track_ended(time.time(), outcome, news.batch)
        self.show()

    def say(self, event: LogEvent | None, record: Any) -> None:
        """Tell people what they should know."""
        if self.shows_all:
            self.tell(self.format(record))
        elif hasattr(record, "summary") or hasattr(record, "tracks_planned"):
            self.tell(record.getMessage())
        elif hasattr(record, "results"):
            if self.plain:
                self.plain.results = Path(record.results)
        elif interrupts.received:
            return  # the run's end is told by its summary and by whoever passed the signal on
        elif event == LogEvent.JOB_ERROR and self.again and self.tries[record.jobid] < TRIES:
            self.tell(f"dropgrid: to be tried again, with more memory: {', '.join(self.again)}")
            self.again = []
        elif record.levelno >= logging.WARNING:
            if not is_routine(record.getMessage()):
                self.tell(self.plain.introduce(record) if self.plain else "")
                self.tell(self.format(record))
        elif self.plain:
            self.tell(self.plain.note(event, record))
        elif event is None:
            message = record.getMessage()
            if message != "None" and not message.startswith(CHATTER):
                self.tell(message)

    def tick(self) -> None:
        """Look after the tracks at work every second, until the run is over."""
        if self.ticking is None:
            self.ticking = threading.Event()
            threading.Thread(target=self._look_again, args=(self.ticking,), daemon=True).start()

    def _look_again(self, over: threading.Event) -> None:
        while not over.wait(EVERY):
            with self.lock or nullcontext():
                self.hear(self.following.news())

    def show(self) -> None:
        """Draw the live line anew, or print a line at every tenth of the tracks."""
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
        if self.ticking:
            self.ticking.set()
        self.wipe()
        if self.plain and not interrupts.received:
            self.tell(self.plain.end())
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
