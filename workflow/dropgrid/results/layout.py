"""Where everything lies in a folder of results: the only module that spells its paths.

The rules of the workflow name the same paths, as patterns; docs/architecture.md shows the tree.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..records.model import ANALYSES
from ..records.ticket import TRACK_ID


@dataclass(frozen=True)
class Results:
    """The paths of a folder of results; nothing is looked at. folder: the folder itself."""

    folder: Path

    def ticket(self, track: str) -> Path:
        """Where the file of a track lies, and what it looked like (dropgrid.records.ticket)."""
        return self.folder / "tracks" / f"{track}.json"

    def features(self, track: str) -> Path:
        """The features of a track (dropgrid.features.store)."""
        return self.folder / "features" / f"{track}.npz"

    def identity(self, track: str) -> Path:
        """What the file of a track was when it was analysed (dropgrid.records.identity)."""
        return self.folder / "identity" / f"{track}.json"

    @property
    def cache(self) -> Path:
        """The folder of features by what they come from (dropgrid.features.cache)."""
        return self.folder / "cache"

    def record(self, kind: str, track: str) -> Path:
        """The record of an analysis of a track (dropgrid.records.store)."""
        return self.folder / kind / f"{track}.json"

    def output(self, stage: str, track: str) -> Path:
        """What a stage writes of a track: its features, or a record."""
        return self.features(track) if stage == "features" else self.record(stage, track)

    def options(self, stage: str) -> Path:
        """The options of a stage, whose age tells since when they are what they are."""
        return self.folder / "options" / f"{stage}.json"

    def manifest(self, batch: str) -> Path:
        """The tracks of a batch (dropgrid.run.batches)."""
        return self.folder / "batches" / f"{batch}.json"

    def done(self, batch: str) -> Path:
        """What says that a batch is done."""
        return self.folder / "batches" / f"{batch}.done"

    def logs(self, stage: str) -> Path:
        """The folder of the logs of a stage's jobs, or of `batches`."""
        return self.folder / "logs" / stage

    @property
    def corrections(self) -> Path:
        """The folder of what is stated of the tracks (dropgrid.correcting.publish)."""
        return self.folder / "corrections"

    @property
    def corrections_file(self) -> Path:
        """The user's own file of corrections, where no other is named."""
        return self.folder / "corrections.json"

    @property
    def scan(self) -> Path:
        """What the last scan of the library found (dropgrid.results.scan_store)."""
        return self.folder / "scan.json"

    @property
    def network(self) -> Path:
        """The networks that find beats, or what says that there are none."""
        return self.folder / "network.npz"

    @property
    def key_network(self) -> Path:
        """The network that finds the key, or what says that there is none."""
        return self.folder / "key.npz"

    @property
    def table(self) -> Path:
        """The library table."""
        return self.folder / "library.csv"

    @property
    def parquet(self) -> Path:
        """The library table with typed columns."""
        return self.folder / "library.parquet"

    @property
    def failures(self) -> Path:
        """The failed tracks, and what the scan could not look into."""
        return self.folder / "failures.csv"

    @property
    def duplicates(self) -> Path:
        """The songs that are there more than once (dropgrid.results.duplicates)."""
        return self.folder / "duplicates.csv"

    @property
    def summary(self) -> Path:
        """What became of the library (dropgrid.run.summary)."""
        return self.folder / "summary.json"

    @property
    def evaluation(self) -> Path:
        """The folder of the scores against references."""
        return self.folder / "evaluation"

    @property
    def page(self) -> Path:
        """The page that people open."""
        return self.folder / "report" / "index.html"

    @property
    def exports(self) -> Path:
        """The folder of what other programs read."""
        return self.folder / "exports"

    @property
    def tag_backup(self) -> Path:
        """The tags as they were before ours were written."""
        return self.folder / "tag-backup.json"

    def kinds(self) -> list[str]:
        """The analyses that have a folder of records here."""
        return [kind for kind in ANALYSES if (self.folder / kind).is_dir()]

    def recorded(self, kind: str) -> Iterator[str]:
        """The ids of the tracks that have a record of an analysis, in no order."""
        names = (path.stem for path in (self.folder / kind).glob("*.json"))
        return (name for name in names if TRACK_ID.fullmatch(name))
