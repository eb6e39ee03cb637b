"""The progress of a run: tracks done and failed, rate, time left, tracks in work.

Does not import Snakemake. `StageJobs` keeps the jobs of single stages, `Following` reads the
growing logs of the running batches; `Progress` counts the tracks that they report.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from ..base.text import clock, duration, shortened, width
from ..jobs.usage_log import read_batch_log

BAR = 20  # characters
PARTS = " ▏▎▍▌▋▊▉█"  # of a character of the bar, in eighths
CLOCKS_DIFFER = 0.05  # seconds between the clocks of files and of processes
SLUG = 9  # characters of a track's id after its readable name: a dash and a digest


@dataclass
class _Log:
    """The log of a batch: its path, the number of bytes already read, the track in work."""

    path: Path
    read: int = 0
    track: str | None = None


class News(NamedTuple):
    """A track ended, well or not, or will be tried `again`. batch: of the track, if any."""

    results: Path
    batch: str | None
    track: str
    again: bool


class StageJobs:
    """The running jobs of single stages, and the number of remaining jobs of each track.

    left: how many are planned, by track.
    """

    def __init__(self, left: Mapping[str, int]) -> None:
        self._left = Counter(left)
        self._running: dict[int, tuple[str, Path]] = {}

    def begin(self, job: int, track: str, log: Path) -> None:
        """A job starts, or starts again; its log is in results/logs/STAGE."""
        self._running[job] = track, log

    def end(self, job: int, ok: bool) -> list[News]:
        """A job has ended; its track is done if this was its last job."""
        if job not in self._running:
            return []
        track, log = self._running.pop(job)
        self._left[track] -= ok
        if ok and self._left[track] > 0:
            return []
        return [News(log.parents[2], None, track, again=not ok)]

    @property
    def at_work(self) -> list[str]:
        """The tracks that are being analysed."""
        return list(dict.fromkeys(track for track, _ in self._running.values()))


class Following:
    """The logs of the running batches.

    since: the start of the run, seconds since 1970; an older log is from an earlier run.
    """

    def __init__(self, since: float) -> None:
        self._since = since
        self._logs: dict[int, _Log] = {}

    def begin(self, job: int, log: Path) -> None:
        """The job of a batch starts, or starts again."""
        self._logs[job] = _Log(log)

    def end(self, job: int) -> list[News]:
        """A job has ended: return its last news."""
        log = self._logs.pop(job, None)
        return list(self._news(log)) if log else []

    def news(self) -> list[News]:
        """The news since the last call."""
        return [news for log in self._logs.values() for news in self._news(log)]

    def _news(self, log: _Log) -> Iterator[News]:
        if not is_of(log.path, self._since):
            return
        with suppress(OSError), log.path.open("rb") as stream:
            if log.read > log.path.stat().st_size:  # the log was started again
                log.read = 0
            stream.seek(log.read)
            data = stream.read()
            whole = data[: data.rfind(b"\n") + 1]
            log.read += len(whole)
            for line in read_batch_log(whole):
                log.track = line.track if line.word == "begins" else None
                if line.word != "begins":
                    results = log.path.parents[2]
                    yield News(results, log.path.stem, line.track, line.word == "again")

    @property
    def at_work(self) -> list[str]:
        """The tracks that are being analysed."""
        return [log.track for log in self._logs.values() if log.track]


def is_of(log: Path, since: float) -> bool:
    """Whether a log was written to after `since`, in seconds since 1970."""
    try:
        return log.stat().st_mtime >= since - CLOCKS_DIFFER
    except OSError:
        return False


@dataclass
class Progress:
    """Counts of a run. tracks: how many there are to analyse."""

    tracks: int
    failed: int = 0
    at_work: list[str] = field(default_factory=list)
    _ended: set[str] = field(default_factory=set)

    def add(self, track: str, failed: bool) -> None:
        """Count a track that has ended, once."""
        if track not in self._ended:
            self._ended.add(track)
            self.failed += failed

    @property
    def done(self) -> int:
        """How many tracks have ended."""
        return len(self._ended)

    @property
    def share(self) -> float:
        """The share of the tracks that are done, 0 to 1."""
        return min(1.0, self.done / self.tracks) if self.tracks else 0.0

    def line(self, seconds: float) -> str:
        """The state in one line. seconds: since the work began."""
        parts = [self._count()]
        if self.done and seconds > 0:
            parts.append(f"{self._rate(seconds)} tracks/min")
        return f"{self.share:4.0%}  " + ", ".join(parts + self._left(seconds))

    def live(self, seconds: float, columns: int) -> str:
        """The state as a line that a terminal redraws: with a bar, and as many tracks in work as
        fit. seconds: since the work began; columns: of the terminal."""
        parts = [f"{_bar(self.share)} {self.share:4.0%}  {self._count()}"]
        if self.done and seconds > 0:
            parts.append(f"{self._rate(seconds)}/min")
        text = ", ".join([*parts, *self._left(seconds), clock(int(seconds))])
        names = ", ".join(track[:-SLUG] for track in self.at_work)
        room = columns - width(text) - 3
        return f"{text} · {shortened(names, room)}" if names and room > SLUG else text[:columns]

    def _count(self) -> str:
        failed = f", {self.failed} failed" if self.failed else ""
        return f"{self.done}/{self.tracks} tracks{failed}"

    def _rate(self, seconds: float) -> str:
        return f"{self.done / seconds * 60:.3g}"

    def _left(self, seconds: float) -> list[str]:
        if not 0 < self.done < self.tracks or seconds <= 0:
            return []
        return [f"{duration(seconds * (self.tracks - self.done) / self.done)} left"]


def _bar(share: float) -> str:
    eighths = round(share * BAR * 8)
    whole, part = divmod(eighths, 8)
    return ("█" * whole + (PARTS[part] if whole < BAR else "")).ljust(BAR)[:BAR]
