"""The resources that jobs request: memory by the length of their music, more on each attempt.

All sizes are in MB of 2^20 bytes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

from ..features import memory
from ..records.ticket import Ticket
from .batches import Batch

TRIES = 3  # attempts of a job that fails because of the machine: memory, disk, a crash, time
BATCH_MB = 100  # of the job of a batch itself, without its current track
# A cluster also counts the processes around a job: Slurm's step and two of Snakemake, 100 MB each.
NODE_MB = 250
# The time that a batch requests: minutes at least, and minutes per minute of music. One processor
# needs 0.01 minutes per minute of music.
LEAST_MINUTES = 30
MINUTES = 0.1
# The last attempt allows for files much longer than their size suggests: loops, silence, one tone.
LAST_MB = memory.megabytes(memory.LONG)


@dataclass(frozen=True)
class Demands:
    """What determines the requests. cap_mb: memory for all jobs together; cluster: jobs run on
    the nodes of a cluster; method: the engine for beats (bpm.method)."""

    cap_mb: float = math.inf
    cluster: bool = False
    method: str = "madmom"

    def job_mb(self, first: int, attempt: int, last: int = 0) -> float:
        """Memory of a job: `first` on the first attempt, more on each later one, at most the cap.

        last: the minimum for the last attempt.
        """
        needed = max(first * attempt, last if attempt >= TRIES else 0)
        return min(needed + (NODE_MB if self.cluster else 0), self.cap_mb)

    def features_mb(self, *tracks: Ticket, threads: int = 1) -> int:
        """Memory for the first attempt of features: of the track that is likely the longest."""
        minutes = max(map(likely_minutes, tracks), default=0)
        return memory.megabytes(minutes, self.method, threads)

    def later_mb(self, track: Ticket) -> int:
        """Memory for the first attempt of a later stage of a track, as a separate job."""
        return memory.later_megabytes(likely_minutes(track))

    def batch_mb(self, batch: Batch) -> int:
        """Memory for the first attempt of a batch: BATCH_MB and that of its longest track."""
        return BATCH_MB + self.features_mb(*batch.tracks, threads=batch.threads)

    def batch_minutes(self, batch: Batch, attempt: int = 1) -> int:
        """The time limit of a batch, by the length of its music; more on each later attempt."""
        music = sum(map(likely_minutes, batch.tracks))
        return attempt * max(LEAST_MINUTES, math.ceil(MINUTES * music))

    def workers(self, cores: int | None, cap: int | None, tracks: Iterable[Ticket]) -> int:
        """How many batches of these tracks can run here at once, by the median track.

        cores: those that Snakemake may use; cap: the most workers, None for no limit.
        """
        usual = median([likely_minutes(track) for track in tracks] or [0.0])
        room = self.cap_mb // (BATCH_MB + memory.megabytes(usual, self.method))
        return int(max(1, min(cores or 1, cap or math.inf, room)))


def supervised(attempts: int = TRIES) -> str:
    """The end of a command for one track: its limits and its log.

    Its own time limit is slightly below `runtime`, so that it can report the timeout itself.
    """
    return (
        "--memory-mb {resources.mem_mb} --time-limit $(( {resources.runtime} * 60 - 20 ))"
        f" --attempt {{resources.attempt}} --attempts {attempts} > {{log:q}} 2>&1"
    )


def likely_minutes(track: Ticket) -> float:
    """The likely length of a track in minutes, by the size of its file."""
    return memory.minutes(track.path, track.size)
