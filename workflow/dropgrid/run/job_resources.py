"""What the jobs of a run ask for: memory by the length of their music, more on every try.

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

TRIES = 3  # of a job that failed for the machine's sake: memory, disk, a crash, the time cap
BATCH_MB = 100  # of a batch's job itself, beside the track it is at
# A cluster counts what runs a job there too: Slurm's step and Snakemake, twice, 100 MB each.
NODE_MB = 250
# Of a batch: minutes that it asks for, at least and for each minute of music; on one processor
# a minute of music takes a hundredth of one.
LEAST_MINUTES = 30
MINUTES = 0.1
# The last try is for files that are far longer than their size suggests: loops, silence, one tone.
LAST_MB = memory.megabytes(memory.LONG)


@dataclass(frozen=True)
class Demands:
    """cap_mb: what all jobs together may have; cluster: jobs run on its nodes; method: what
    finds the beats (bpm.method)."""

    cap_mb: float = math.inf
    cluster: bool = False
    method: str = "madmom"

    def job_mb(self, first: int, attempt: int, last: int = 0) -> float:
        """Memory of a job: `first` on the first try, more on every other, within the cap.

        last: what the last try has at least.
        """
        wanted = max(first * attempt, last if attempt >= TRIES else 0)
        return min(wanted + (NODE_MB if self.cluster else 0), self.cap_mb)

    def features_mb(self, *tracks: Ticket, threads: int = 1) -> int:
        """The first try of features: of the track whose file can be the longest."""
        minutes = max(map(likely_minutes, tracks), default=0)
        return memory.megabytes(minutes, self.method, threads)

    def later_mb(self, track: Ticket) -> int:
        """The first try of the stages after a track's features, as a job of its own."""
        return memory.later_megabytes(likely_minutes(track))

    def batch_mb(self, batch: Batch) -> int:
        """The first try of a batch: its own, and what the longest of its tracks takes."""
        return BATCH_MB + self.features_mb(*batch.tracks, threads=batch.threads)

    def batch_minutes(self, batch: Batch, attempt: int = 1) -> int:
        """How long a batch may take: by the length of its music, more on every other try."""
        music = sum(map(likely_minutes, batch.tracks))
        return attempt * max(LEAST_MINUTES, math.ceil(MINUTES * music))

    def workers(self, cores: int | None, cap: int | None, tracks: Iterable[Ticket]) -> int:
        """How many batches of these tracks can run here at once, if they are like each other.

        cores: that Snakemake may use; cap: the most workers, None for no limit.
        """
        usual = median([likely_minutes(track) for track in tracks] or [0.0])
        room = self.cap_mb // (BATCH_MB + memory.megabytes(usual, self.method))
        return int(max(1, min(cores or 1, cap or math.inf, room)))


def supervised(attempts: int = TRIES) -> str:
    """The end of a command on one track: its limits, and where its messages go.

    Its own time cap is a little under its runtime, so that it can still say so.
    """
    return (
        "--memory-mb {resources.mem_mb} --time-limit $(( {resources.runtime} * 60 - 20 ))"
        f" --attempt {{resources.attempt}} --attempts {attempts} > {{log:q}} 2>&1"
    )


def likely_minutes(track: Ticket) -> float:
    """How long a track can be, by the size of its file."""
    return memory.minutes(track.path, track.size)
