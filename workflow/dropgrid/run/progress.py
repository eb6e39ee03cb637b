"""How far a run is: tracks done and failed, rate, time left. Knows nothing of Snakemake.

Stages differ in length by far, so the share of the work that is done counts jobs by weight;
a track is done when the last of its jobs is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..base.text import duration
from ..stages import STAGES
from .outcomes import outcomes

# About how long a job takes. A batch is many tracks; a run has either batches or the others.
WEIGHTS = {"batch": 100.0, **{name: stage.weight for name, stage in STAGES.items()}}
LAST = ("batch", *reversed(STAGES))  # a track's last job: the first of these that the run has


@dataclass
class Progress:
    """Counts of a run.

    planned: jobs of each stage there were to do when it began; tracks_in_batches: how many
    tracks those are, where they are batches.
    """

    planned: Mapping[str, int]
    tracks_in_batches: int | None = None
    finished: dict[str, int] = field(default_factory=dict)
    tracks_done: int = 0
    failed: int = 0

    @property
    def last_stage(self) -> str | None:
        return next((stage for stage in LAST if self.planned.get(stage)), None)

    @property
    def in_batches(self) -> bool:
        return self.last_stage == "batch"

    @property
    def tracks(self) -> int | None:
        """How many tracks there are to do in this run; None if that is not known."""
        if self.in_batches:
            return self.tracks_in_batches
        return self.planned[self.last_stage] if self.last_stage else 0

    @property
    def share(self) -> float:
        """The share of the work on tracks that is done, 0 to 1."""
        if self.in_batches and self.tracks:
            return min(1.0, self.tracks_done / self.tracks)
        whole = sum(WEIGHTS[stage] * self.planned.get(stage, 0) for stage in WEIGHTS)
        done = sum(WEIGHTS[stage] * self.finished.get(stage, 0) for stage in WEIGHTS)
        return min(1.0, done / whole) if whole else 1.0

    def finish(self, stage: str, outputs: Sequence[str] = ()) -> bool:
        """Count a finished job; its outputs lead to the records of its tracks.

        False for a job that is no stage of a track's analysis.
        """
        if stage not in WEIGHTS:
            return False
        self.finished[stage] = self.finished.get(stage, 0) + 1
        if stage == self.last_stage:
            found = outcomes(stage, outputs)
            self.tracks_done += len(found) if self.in_batches else 1
            self.failed += sum(outcome.failure is not None for outcome in found)
        return True

    def line(self, seconds: float) -> str:
        """The state in one line, after so many seconds of work."""
        of_all = "" if self.tracks is None else f"/{self.tracks}"
        parts = [f"{self.tracks_done}{of_all} tracks", f"{self.failed} failed"]
        if self.share > 0 and seconds > 0:
            if self.tracks:
                parts.append(f"{self.share * self.tracks / seconds * 60:.3g} tracks/min")
            if self.share < 1:
                parts.append(f"{duration(seconds * (1 - self.share) / self.share)} left")
        return f"{self.share:4.0%}  " + ", ".join(parts)
