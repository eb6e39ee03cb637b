"""Where everything lies in a folder of results: the paths of the table of artefacts, by name.

The rules of the workflow name the same paths, as patterns; docs/architecture.md shows the tree.
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
    """The paths of a folder of results; nothing is looked at. folder: the folder itself."""

    folder: Path

    def ticket(self, track: str) -> Path:
        """Where the file of a track lies, and what it looked like (dropgrid.records.ticket)."""
        return path_of("ticket", self.folder, track=track)

    def features(self, track: str) -> Path:
        """The features of a track (dropgrid.features.store)."""
        return path_of("features", self.folder, track=track)

    def identity(self, track: str) -> Path:
        """What the file of a track was when it was analysed (dropgrid.records.identity)."""
        return path_of("identity", self.folder, track=track)

    @property
    def cache(self) -> Path:
        """The folder of features by what they come from (dropgrid.features.cache)."""
        return self.folder / ARTEFACTS["cache"].folder

    def record(self, kind: str, track: str) -> Path:
        """The record of an analysis of a track (dropgrid.records.store)."""
        return path_of(kind, self.folder, track=track)

    def output(self, stage: str, track: str) -> Path:
        """What a stage writes of a track: its features, or a record."""
        return self.features(track) if stage == "features" else self.record(stage, track)

    def options(self, stage: str) -> Path:
        """The options of a stage; its age shows when they last changed."""
        return path_of("options", self.folder, any=stage)

    def manifest(self, batch: str) -> Path:
        """The tracks of a batch (dropgrid.run.batches)."""
        return path_of("manifest", self.folder, batch=batch)

    def done(self, batch: str) -> Path:
        """What says that a batch is done."""
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
        """The user's own file of corrections, where no other is named."""
        return path_of("corrections_file", self.folder)

    @property
    def scan(self) -> Path:
        """What the last scan of the library found (dropgrid.results.scan_store)."""
        return path_of("scan", self.folder)

    @property
    def network(self) -> Path:
        """The networks that find beats, or what says that there are none."""
        return path_of("network", self.folder)

    @property
    def key_network(self) -> Path:
        """The network that finds the key, or what says that there is none."""
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
        """The failed tracks, and what the scan could not look into."""
        return path_of("failures", self.folder)

    @property
    def duplicates(self) -> Path:
        """The songs that are there more than once (dropgrid.results.duplicates)."""
        return path_of("duplicates", self.folder)

    @property
    def summary(self) -> Path:
        """What became of the library (dropgrid.run.summary)."""
        return path_of("summary", self.folder)

    @property
    def evaluation(self) -> Path:
        """The folder of the scores against references."""
        return self.folder / ARTEFACTS["evaluation"].folder

    @property
    def page(self) -> Path:
        """The page that people open."""
        return path_of("page", self.folder)

    @property
    def exports(self) -> Path:
        """The folder of what other programs read."""
        return self.folder / ARTEFACTS["exports"].folder

    @property
    def tag_backup(self) -> Path:
        """The tags as they were before dropgrid wrote into them."""
        return path_of("tag_backup", self.folder)

    def kinds(self) -> list[str]:
        """The analyses that have a folder of records here."""
        return [kind for kind in ANALYSES if (self.folder / kind).is_dir()]

    def recorded(self, kind: str) -> Iterator[str]:
        """The ids of the tracks that have a record of an analysis, in no order."""
        with suppress(OSError):
            for name in os.listdir(self.folder / kind):
                track = name.removesuffix(".json")
                if track != name and TRACK_ID.fullmatch(track):
                    yield track
