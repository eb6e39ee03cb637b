"""The machine-readable log of a run: JSON Lines, one event per line. Does not import Snakemake.

`RunLog` makes the events, `EventFile` appends them to a file. Every event has `time`, `run` and
`event`; workflow/schemas/events.schema.json lists the other fields. The log of a run begins with
run_started and ends with run_ended, unless the run was killed; every job_started is followed by
one job_finished or job_failed.
"""

from __future__ import annotations

import json
import os
import socket
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .. import __version__
from ..base.text import encodable
from ..jobs.usage_log import add_up, read_batch_log, read_use
from ..stages import STAGES
from .outcomes import TrackOutcome
from .progress import is_of
from .summary import Summary

SCHEMA = "dropgrid/events"
SCHEMA_VERSION = 1

Event = dict[str, Any]


def timestamp(moment: float) -> str:
    """Seconds since 1970 as ISO 8601, in UTC, to the millisecond."""
    text = datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def to_line(event: Event) -> bytes:
    """An event as a line of JSON: only ASCII, which decodes to valid Unicode."""
    return json.dumps(_encodable(event), allow_nan=False).encode("ascii") + b"\n"


def _encodable(value: Any) -> Any:
    if isinstance(value, str):
        return encodable(value)
    if isinstance(value, dict):
        return {encodable(key): _encodable(item) for key, item in value.items()}
    return value


@dataclass
class Job:
    """One attempt of a job. began: its start, seconds since 1970."""

    rule: str
    wildcards: Mapping[str, str]
    log: str | None
    attempt: int
    began: float

    def facts(self) -> Event:
        """The fields that all events of a job have."""
        return {
            "rule": self.rule,
            "track": self.wildcards.get("track"),
            "batch": self.wildcards.get("batch"),
            "attempt": self.attempt,
            "log": self.log,
        }

    def use(self) -> Event:
        """Time and memory from the log of a stage or of a batch; null for other jobs, or if the
        log is from an earlier attempt."""
        found = []
        if self.log and is_of(Path(self.log), self.began):
            if self.rule in STAGES:
                found = [use for _, use in read_use(Path(self.log))]
            elif self.rule == "batch":
                with suppress(OSError):
                    lines = read_batch_log(Path(self.log).read_bytes())
                    found = [line.use for line in lines if line.word != "begins"]
        values = asdict(add_up(found)) if found else {}
        return {name: values.get(name) for name in ("seconds", "cpu_seconds", "peak_mb")}


class RunLog:
    """The events of one run. write: called with each event; moments are seconds since 1970."""

    def __init__(self, write: Callable[[Event], None]) -> None:
        self.write = write
        self.began: float | None = None
        self._last = 0.0  # moment of the last event
        self.run = ""
        self.jobs: dict[int, Job] = {}
        self.tries: Counter[int] = Counter()
        self.reported: set[str] = set()  # tracks whose outcome was written
        self.went_wrong = False

    def started(self, moment: float, snakemake: str) -> None:
        """A run starts; has no effect on a later call."""
        if self.began is not None:
            return
        self.began = moment
        start = datetime.fromtimestamp(moment, UTC)
        self.run = f"{start:%Y%m%dT%H%M%SZ}-{os.getpid()}"
        self._tell(
            moment,
            "run_started",
            schema=SCHEMA,
            schema_version=SCHEMA_VERSION,
            version=__version__,
            snakemake=snakemake,
            host=socket.gethostname(),
            pid=os.getpid(),
            folder=os.getcwd(),
        )

    def planned(self, moment: float, tracks: int, jobs: Mapping[str, int]) -> None:
        """The plan is complete. tracks: to analyse; jobs: their number by rule."""
        counts = {rule: count for rule, count in jobs.items() if rule != "total"}
        self._tell(moment, "run_planned", tracks=tracks, jobs=counts)

    def job_started(
        self,
        moment: float,
        number: int,
        rule: str,
        wildcards: Mapping[str, str],
        log: str | None,
    ) -> None:
        """A job starts, or is submitted to a cluster."""
        self.job_failed(moment, number)  # if the end of its last attempt was not reported
        self.tries[number] += 1
        job = Job(rule, wildcards, log, self.tries[number], moment)
        self.jobs[number] = job
        self._tell(moment, "job_started", job=number, **job.facts())

    def job_finished(self, moment: float, number: int) -> None:
        """A job succeeds. Its tracks may have failed nevertheless."""
        if number in self.jobs:
            job = self.jobs.pop(number)
            self._tell(moment, "job_finished", job=number, **job.facts(), **job.use())

    def job_failed(self, moment: float, number: int) -> None:
        """A job, or one attempt of it, fails."""
        if number in self.jobs:
            job = self.jobs.pop(number)
            self._tell(moment, "job_failed", job=number, **job.facts(), **job.use())

    def message(self, moment: float, level: str, text: str, exception: str | None) -> None:
        """Snakemake reports something. level: warning or error."""
        self.went_wrong = self.went_wrong or level == "error"
        self._tell(moment, level, message=text, exception=exception)

    def ended(
        self, moment: float, summary: Summary | None, ok: bool, signal: str | None, lost: int
    ) -> None:
        """The run ends; has no effect before started. lost: events that could not be written."""
        if self.began is None:
            return
        for number in list(self.jobs):
            self.job_failed(moment, number)
        self._tell(
            moment,
            "run_ended",
            ok=ok,
            signal=signal,
            seconds=round(max(0.0, moment - self.began), 3),
            tracks=summary and summary.tracks,
            tracks_ok=summary and summary.ok,
            tracks_failed=summary and summary.failed,
            tracks_waiting=summary and summary.waiting,
            events_lost=lost,
        )
        self.began = None

    def track_ended(self, moment: float, outcome: TrackOutcome, batch: str | None) -> None:
        """A track has all its records, or failed; reported once for each track."""
        if outcome.track in self.reported:
            return
        self.reported.add(outcome.track)
        facts: Event = {"track": outcome.track, "path": outcome.path, "batch": batch}
        if outcome.failure is not None:
            self._tell(moment, "track_failed", **facts, **asdict(outcome.failure))
        else:
            self._tell(moment, "track_analysed", **facts)

    def _tell(self, moment: float, event: str, **facts: Any) -> None:
        self._last = moment = max(moment, self._last)  # messages may arrive late
        self.write({"time": timestamp(moment), "run": self.run, "event": event, **facts})
