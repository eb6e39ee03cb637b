"""Paths of the files in a results folder, by the names in the table of artefacts.

The workflow rules use the same paths as patterns; docs/architecture.md shows the tree.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..records.model import ANALYSES
from ..records.ticket import TRACK_ID
from .artefacts import ARTEFACTS, path_of


@dataclass(frozen=True)
class Results:
    """The paths in a results folder; no file is read. folder: the results folder."""

    folder: Path

    def ticket(self, track: str) -> Path:
        """The path and file status of a track at the scan (dropgrid.records.ticket)."""
        return path_of("ticket", self.folder, track=track)

    def features(self, track: str) -> Path:
        """The features of a track (dropgrid.features.store)."""
        return path_of("features", self.folder, track=track)

    def identity(self, track: str) -> Path:
        """The identity of a track's file when it was analysed (dropgrid.records.identity)."""
        return path_of("identity", self.folder, track=track)

    @property
    def cache(self) -> Path:
        """The folder of features, named by their origin (dropgrid.features.cache)."""
        return self.folder / ARTEFACTS["cache"].folder

    def record(self, kind: str, track: str) -> Path:
        """The record of one analysis of a track (dropgrid.records.store)."""
        return path_of(kind, self.folder, track=track)

    def output(self, stage: str, track: str) -> Path:
        """The output of a stage for a track: features or a record."""
        return self.features(track) if stage == "features" else self.record(stage, track)

    def options(self, stage: str) -> Path:
        """The options of a stage; its age shows when they last changed."""
        return path_of("options", self.folder, any=stage)

    def manifest(self, batch: str) -> Path:
        """The tracks of a batch (dropgrid.run.batches)."""
        return path_of("manifest", self.folder, batch=batch)

    def done(self, batch: str) -> Path:
        """The file that marks a batch as done."""
        return path_of("done", self.folder, batch=batch)

    def logs(self, stage: str) -> Path:
        """The folder of the logs of a stage's jobs, or of `batches`."""
        return path_of("log", self.folder, any=stage, track="x").parent

    @property
    def corrections(self) -> Path:
        """The folder of the tracks' corrections (dropgrid.correcting.publish)."""
        return self.folder / ARTEFACTS["correction"].folder

    @property
    def corrections_file(self) -> Path:
        """The user's corrections file, unless the user names another."""
        return path_of("corrections_file", self.folder)

    @property
    def scan(self) -> Path:
        """The result of the last library scan (dropgrid.results.scan_store)."""
        return path_of("scan", self.folder)

    @property
    def network(self) -> Path:
        """The beat networks, or a file that says that none are used."""
        return path_of("network", self.folder)

    @property
    def key_network(self) -> Path:
        """The key network, or a file that says that none is used."""
        return path_of("key_network", self.folder)

    @property
    def table(self) -> Path:
        """The library table."""
        return path_of("table", self.folder)

    @property
    def parquet(self) -> Path:
        """The library table with typed columns."""
        return path_of("parquet", self.folder)

    @property
    def failures(self) -> Path:
        """The failed tracks, and the paths that the scan could not read."""
        return path_of("failures", self.folder)

    @property
    def duplicates(self) -> Path:
        """The songs that the library contains more than once (dropgrid.results.duplicates)."""
        return path_of("duplicates", self.folder)

    @property
    def summary(self) -> Path:
        """The summary of the run: analysed, failed and waiting tracks (dropgrid.run.summary)."""
        return path_of("summary", self.folder)

    @property
    def evaluation(self) -> Path:
        """The folder of the scores against references."""
        return self.folder / ARTEFACTS["evaluation"].folder

    @property
    def page(self) -> Path:
        """The report page."""
        return path_of("page", self.folder)

    @property
    def exports(self) -> Path:
        """The folder of exports for other programs."""
        return self.folder / ARTEFACTS["exports"].folder

    @property
    def tag_backup(self) -> Path:
        """The tags before dropgrid changed them."""
        return path_of("tag_backup", self.folder)

    def kinds(self) -> list[str]:
        """The analyses that have a folder of records in the results."""
        return [kind for kind in ANALYSES if (self.folder / kind).is_dir()]

    def recorded(self, kind: str) -> Iterator[str]:
        """The ids of the tracks that have a record of this analysis, unordered."""
        with suppress(OSError):
            for name in os.listdir(self.folder / kind):
                track = name.removesuffix(".json")
                if track != name and TRACK_ID.fullmatch(track):
                    yield track
