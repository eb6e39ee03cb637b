"""dropgrid from Python: analyse a file, or read what the workflow has written.

    from dropgrid.api import analyze, load_library

    track = analyze("song.flac")
    print(track.bpm.bpm, track.structure.drops)

    for track in load_library("results"):
        if track.ok:
            print(track.path, track.bpm.bpm, [s.label for s in track.structure.sections])

Records are the dataclasses of dropgrid.records: times in seconds, tempo in BPM. A runnable
example: docs/examples/notebook.py.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .errors import RecordError
from .records import (
    BpmRecord,
    KeyRecord,
    StructureRecord,
    read_bpm,
    read_key,
    read_structure,
)


@dataclass(frozen=True)
class Track:
    """A track's records; None for an analysis that was not asked for.

    file: where the audio lies, None if that is not known.
    """

    file: Path | None
    bpm: BpmRecord | None
    structure: StructureRecord | None
    key: KeyRecord | None = None

    @property
    def record(self) -> BpmRecord | StructureRecord | KeyRecord:
        """Any record, for what all say: track, path, status, duration."""
        record = self.bpm or self.structure or self.key
        assert record is not None, "a track has at least one record"
        return record

    @property
    def track(self) -> str:
        """The track's id."""
        return self.record.track

    @property
    def path(self) -> str:
        """The file's path relative to the library, with forward slashes."""
        return self.record.path

    @property
    def ok(self) -> bool:
        """Whether every analysis that was asked for succeeded."""
        return all(r.status == "ok" for r in (self.bpm, self.structure, self.key) if r is not None)


READERS: dict[str, Callable[[Path], Any]] = {
    "bpm": read_bpm,
    "structure": read_structure,
    "key": read_key,
}


def analyze(path: str | Path, config: Mapping[str, Any] | None = None) -> Track:
    """Analyse one audio file in this process; all records.

    config: options that differ from the defaults, as in config/config.yaml, for example
    {"bpm": {"min_bpm": 90}}. A file that cannot be analysed gives records whose status is
    "error". Raises ConfigError.
    """
    from .config import complete_config
    from .library import scan_files
    from .pipeline import analyse_track, prepare_key_network, prepare_network

    options = complete_config(config or {})
    (ticket,) = scan_files([path]).tracks
    with tempfile.TemporaryDirectory(prefix="dropgrid-") as folder:
        network, key_network = Path(folder) / "network.onnx", Path(folder) / "key.onnx"
        prepare_network(network, options["bpm"]["method"])
        prepare_key_network(key_network, options["key"]["method"])
        records = analyse_track(ticket, network, key_network, options)
    return Track(Path(ticket.file), *records)


def load_library(results: str | Path, library: str | Path | None = None) -> list[Track]:
    """All tracks of a folder of results, in the library's order, the failed ones too.

    library: the folder the audio lies in now, if it has moved since the analysis.
    Raises RecordError.
    """
    return list(iterate_library(results, library))


def iterate_library(results: str | Path, library: str | Path | None = None) -> Iterator[Track]:
    """As load_library, holding one track at a time. Raises RecordError."""
    results = Path(results)
    kinds = [name for name in READERS if (results / name).is_dir()]
    if not kinds:
        raise RecordError(f"{results}: holds no records; run the workflow first")
    for track in _track_ids(results, kinds[0]):
        records = [
            read(results / kind / f"{track}.json") if kind in kinds else None
            for kind, read in READERS.items()
        ]
        found = Track(None, *records)
        yield replace(found, file=_file(results, found, library))


def _track_ids(results: Path, kind: str) -> list[str]:
    """The ids in the library's order; that of the records' paths where there was no scan."""
    from .library import read_scan

    if (results / "scan.json").exists():
        return list(read_scan(results)["tracks"])
    records = [READERS[kind](path) for path in (results / kind).glob("*.json")]
    return [record.track for record in sorted(records, key=lambda record: record.path)]


def _file(results: Path, track: Track, library: str | Path | None) -> Path | None:
    from .library import read_ticket

    if library is not None:
        return Path(library).absolute() / track.path
    ticket = results / "tracks" / f"{track.track}.json"
    return Path(read_ticket(ticket).file) if ticket.exists() else None
