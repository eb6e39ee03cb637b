"""The table of files that dropgrid writes into a results folder: a new output is one line here.

All code that needs these files reads the table: their paths (`layout`), which of them may be
overwritten or deleted (`ownership`, `output_guard`), which of them a crash may have damaged
(`crash_cleanup`), which are deleted when their track leaves the library (`prune`), which a dry run
reads (`run/dry_run.py`) and which batches exist (`run/batches.py`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..library import RESULTS_MARK as MARK
from ..records.identity import SCHEMA as IDENTITY
from ..records.model import ANALYSES
from ..records.ticket import TICKET_SCHEMA, TRACK_ID

# Patterns for each {name} in a path.
NAMES = {
    "track": TRACK_ID.pattern,
    "batch": "[0-9]{5}",
    "origin": "[0-9a-f]{40}-[0-9a-f]{40}",
    "task": "bpm|beats|structure|key",
    "any": "[^/]+",
}


@dataclass(frozen=True)
class Format:
    """How complete files of a format begin and end."""

    start: bytes
    end: bytes


FORMATS = {
    ".json": Format(b'{\n  "schema": "dropgrid/', b"}\n"),
    ".npz": Format(b"PK\x03\x04", b"PK\x05\x06"),  # the end: of the last 22 bytes
    ".csv": Format(b"track,path,", b"\n"),
    ".parquet": Format(b"PAR1", b"PAR1"),
    ".cache": Format(b"dropgrid cache\n", b"\nend\n"),
}


@dataclass(frozen=True)
class Artefact:
    """A kind of file in a folder of results.

    path: below the folder, with {names} of NAMES. schema: the schema name in its JSON. header: its
    first bytes, if they are more specific than its format. renewed: a run rewrites it, and refuses
    if a file of the same name is not dropgrid's. renamed: it is written under a temporary name
    first, so an incomplete file is the result of a crash. of_track: it is deleted when the track
    leaves the library. in_place: the shell or Snakemake writes here, so no link is allowed at any
    depth. dry_run: how a dry run gets it: by a link to its folder, a link to each file, or copies.
    """

    path: str
    schema: str | None = None
    header: bytes | None = None
    renewed: bool = False
    renamed: bool = False
    of_track: bool = False
    in_place: bool = False
    dry_run: Literal["folder", "links", "copies"] | None = None

    @property
    def folder(self) -> str:
        """Its folder, relative to the results folder; "." for the results folder."""
        return self.path.rpartition("/")[0] or "."

    @property
    def name(self) -> re.Pattern[str]:
        """The names that its files may have."""
        parts = re.split(r"\{(\w+)\}", self.path.rpartition("/")[2])
        return re.compile(
            "".join(
                f"(?:{NAMES[part]})" if place % 2 else re.escape(part)
                for place, part in enumerate(parts)
            )
        )

    def at(self, results: Path, **names: str) -> Path:
        """The path of one file. names: the values of the {names} in the path."""
        return results / self.path.format(**names)


# fmt: off
ARTEFACTS: dict[str, Artefact] = {
    "mark": Artefact(MARK, "dropgrid/results"),
    "lock": Artefact(f"{MARK}.lock"),
    "scan": Artefact("scan.json", "dropgrid/scan", renewed=True, renamed=True, dry_run="copies"),
    "network": Artefact("network.npz", dry_run="folder"),
    "key_network": Artefact("key.npz", dry_run="folder"),
    "ticket": Artefact("tracks/{track}.json", TICKET_SCHEMA, of_track=True, dry_run="links"),
    "manifest": Artefact("batches/{batch}.json", "dropgrid/batch", in_place=True,
                         dry_run="copies"),
    "done": Artefact("batches/{batch}.done", in_place=True, dry_run="copies"),
    "options": Artefact("options/{any}.json", dry_run="copies"),
    "features": Artefact("features/{track}.npz", renamed=True, of_track=True, dry_run="folder"),
    **{kind: Artefact(f"{kind}/{{track}}.json", f"dropgrid/{kind}", renamed=True, of_track=True,
                      dry_run="folder") for kind in ANALYSES},
    "identity": Artefact("identity/{track}.json", IDENTITY, renamed=True, of_track=True),
    "cache": Artefact("cache/{origin}.npz", renamed=True),
    "reading": Artefact("cache/{any}.cache", renamed=True),
    "log": Artefact("logs/{any}/{track}.log", of_track=True, in_place=True),
    "correction": Artefact("corrections/{track}.json", "dropgrid/correction", dry_run="copies"),
    "corrections_apart": Artefact("corrections/others.json", "dropgrid/corrections",
                                  dry_run="copies"),
    "corrections_source": Artefact("corrections/source.json", "dropgrid/corrections-source",
                                   dry_run="copies"),
    "corrections_undo": Artefact("corrections/undo/{track}.json", "dropgrid/corrections-undo"),
    "table": Artefact("library.csv", header=b"track,path,status,title,artist,", renewed=True,
                      renamed=True),
    "parquet": Artefact("library.parquet", renewed=True, renamed=True),
    "failures": Artefact("failures.csv", header=b"track,path,stage,type,message", renewed=True,
                         renamed=True),
    "duplicates": Artefact("duplicates.csv", header=b"track,path,group,same,likeness,",
                           renewed=True, renamed=True),
    "summary": Artefact("summary.json", "dropgrid/summary", renewed=True, renamed=True),
    "all_ok": Artefact("all-tracks-ok"),
    "evaluation": Artefact("evaluation/{task}.json", "dropgrid/evaluation", renamed=True,
                           in_place=True),
    "page": Artefact("report/index.html", in_place=True),
    "exports": Artefact("exports/{any}", in_place=True),
    "tag_backup": Artefact("tag-backup.json", "dropgrid/tag-backup"),
    "lists": Artefact("lists.json", "dropgrid/lists"),
    "corrections_file": Artefact("corrections.json", "dropgrid/corrections"),
    "corrections_before": Artefact("corrections.previous.json", "dropgrid/corrections"),
    "corrections_lock": Artefact(".corrections.json.lock"),
}
# fmt: on


def path_of(name: str, results: Path, **names: str) -> Path:
    """The path of an artefact of the table.

    >>> path_of("ticket", Path("results"), track="song-0a1b2c3d").as_posix()
    'results/tracks/song-0a1b2c3d.json'
    """
    return ARTEFACTS[name].at(results, **names)


def folders() -> tuple[str, ...]:
    """The folders in a results folder, each once."""
    tops = (a.path.partition("/")[0] for a in ARTEFACTS.values() if "/" in a.path)
    return tuple(dict.fromkeys(tops))


def files() -> tuple[str, ...]:
    """The names of the files at the top level of a results folder."""
    return tuple(a.path for a in ARTEFACTS.values() if "/" not in a.path)


def renamed() -> dict[str, re.Pattern[str]]:
    """Folder -> the names of its files that are written under a temporary name and renamed."""
    found: dict[str, list[str]] = {}
    for artefact in ARTEFACTS.values():
        if artefact.renamed:
            found.setdefault(artefact.folder, []).append(artefact.name.pattern)
    return {folder: re.compile("|".join(patterns)) for folder, patterns in found.items()}
