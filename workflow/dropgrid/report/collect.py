"""Read the data of the report: tickets, records, waveforms, evaluation, cost of the run."""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..base.errors import LibraryError, MissingRecord, RecordError
from ..features.store import load
from ..features.waveform import columns_for, read_waveform
from ..jobs.usage_log import Use
from ..records.model import ANALYSES, BpmRecord, KeyRecord, StructureRecord, TrackFailure
from ..records.ticket import Ticket, read_ticket
from ..references.collect import read_sources
from ..references.matching import Reference, Tracks, match
from ..results.duplicates_file import read_duplicates
from ..results.layout import Results
from ..results.library_reader import BROKEN, record_or_failure
from ..results.reading_cache import Look, ReadingCache
from ..results.scan_store import read_scan
from ..results.to_check import confirmed_tracks, reference_tempos
from ..run.summary import use_by_stage
from . import encode
from .encode import Short


@dataclass(frozen=True)
class TrackView:
    """One track of the report.

    audio: absolute path of its file, None where unknown; waveform: (columns, 4), see
    features.waveform, None if the features were deleted; failure: why there is nothing to show.
    duplicates: the paths of the same song elsewhere in the library (results.duplicates).
    confirmed: the user confirmed the answer. added: when the file was last changed, nanoseconds
    since 1970; -1 if unknown. short, line: what the page shows of records and waveform (encode),
    in place of these.
    """

    track: str
    path: str
    audio: str | None = None
    bpm: BpmRecord | None = None
    structure: StructureRecord | None = None
    failure: TrackFailure | None = None
    waveform: np.ndarray | None = None
    reference: Reference | None = None
    key: KeyRecord | None = None
    duplicates: tuple[str, ...] = ()
    confirmed: bool = False
    added: int = -1
    short: Short | None = None
    line: str | None = None


@dataclass(frozen=True)
class Evaluation:
    """The evaluation of one task: its JSON, its plots (name, SVG) as they were written."""

    task: str
    values: dict[str, Any]
    plots: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Report:
    """All data of the page. cost: of each stage's jobs, from their logs; systems: the comparison
    with other systems, empty if there is none."""

    tracks: tuple[TrackView, ...]
    evaluations: tuple[Evaluation, ...] = ()
    cost: dict[str, Use] = field(default_factory=dict)
    systems: Evaluation = Evaluation("systems", {})


def collect(
    results: Path,
    library: Path | None = None,
    references: Sequence[str] = (),
    in_short: bool = False,
) -> Report:
    """The data of the page in a results folder, with tracks sorted by path.

    library: where the audio is now, if it has moved since the scan. references: files of
    annotations to show next to the estimates, most trusted first. in_short: records and waveforms
    only as the page needs them, from a cache. Raises LibraryError if there is neither a scan
    nor a record in results, RecordError, InvalidReference.
    """
    tickets, root, problems = _tickets(results)
    annotated: dict[str, Reference] = {}
    if references:
        tracks_by_path = Tracks({ticket.track: ticket.path for ticket in tickets}, root)
        annotated = match(read_sources(references), tracks_by_path)[0]
    columns = columns_for(len(tickets))
    short = ShortReader(results, columns) if in_short else None
    tracks = []
    for ticket in tickets:
        reference = annotated.get(ticket.track)
        if short is None or reference is not None:  # its beats are drawn too
            tracks.append(_track(results, ticket, library, reference, columns))
        else:
            tracks.append(short.read(ticket, library))
    if short is not None:
        short.save([ticket.track for ticket in tickets])
    duplicates, confirmed = read_duplicates(results), confirmed_tracks(results)
    tempos = reference_tempos(results)
    tracks = [
        replace(
            view, duplicates=tuple(duplicates.get(view.track, ())),
            confirmed=view.track in confirmed,
            reference=view.reference or known_tempo(view.track, tempos.get(view.track)),
        )
        for view in tracks
    ]  # fmt: skip
    tracks += [
        TrackView(problem["path"], problem["path"],
                  failure=TrackFailure("scan", "Unreadable", problem["reason"]))
        for problem in problems
    ]  # fmt: skip
    return Report(
        tracks=tuple(sorted(tracks, key=lambda view: (os.fsencode(view.path), view.track))),
        evaluations=evaluations(results),
        cost=costs(results),
        systems=systems(results),
    )


def known_tempo(track: str, bpm: float | None) -> Reference | None:
    """The reference of a track for which an evaluation had only a tempo."""
    return None if bpm is None else Reference(track, bpm, origins={"bpm": "evaluation"})


def _tickets(results: Path) -> tuple[list[Ticket], str | None, list[dict[str, str]]]:
    """The scan's tickets, root and problems; without a scan, a ticket for each record."""
    if Results(results).scan.exists():
        found = read_scan(results)
        tickets = [_ticket(results, track) for track in found["tracks"]]
        return tickets, found["root"], found["problems"]
    paths = {}
    for kind in ANALYSES:
        for track in Results(results).recorded(kind):
            paths[track] = record_or_failure(results, kind, track).path
    if not paths:
        raise LibraryError(f"{results}: nothing to report on; run the workflow first")
    return [Ticket(track, path, "", -1, -1) for track, path in sorted(paths.items())], None, []


def _ticket(results: Path, track: str) -> Ticket:
    """The ticket of a track, or one with only its id."""
    try:
        return read_ticket(Results(results).ticket(track))
    except RecordError:
        return Ticket(track, track, "", -1, -1)


def _track(
    results: Path,
    ticket: Ticket,
    library: Path | None,
    reference: Reference | None,
    columns: int,
) -> TrackView:
    found: dict[str, Any] = {}
    for analysis in ANALYSES:
        with suppress(MissingRecord):  # not analysed yet
            found[analysis] = record_or_failure(results, analysis, ticket.track)
    failure = next((record.error for record in found.values() if record.error), None)
    bpm, structure, key = map(found.get, ANALYSES)
    return TrackView(
        track=ticket.track,
        path=ticket.path,
        audio=_audio(ticket, library),
        bpm=bpm if bpm and bpm.status == "ok" else None,
        structure=structure if structure and structure.status == "ok" else None,
        failure=failure,
        waveform=read_waveform(Results(results).features(ticket.track), columns),
        reference=reference,
        key=key if key and key.status == "ok" else None,
        added=ticket.mtime_ns,
    )


def _audio(ticket: Ticket, library: Path | None) -> str | None:
    return (os.path.join(library.absolute(), ticket.path) if library else ticket.file) or None


class ShortReader:
    """Reads tracks in short; tracks with unchanged files come from a cache."""

    def __init__(self, results: Path, columns: int) -> None:
        self._results, self._columns = results, columns
        versions = np.__version__, zlib.ZLIB_RUNTIME_VERSION
        self._cache = ReadingCache(results, "page", [columns, *versions])

    def read(self, ticket: Ticket, library: Path | None) -> TrackView:
        """A track in short."""
        look = self._cache.look(ticket.track, self._files(ticket.track))
        if look.parts is None:
            return self._read(look, ticket, library)
        short, failure = json.loads(look.parts[0])
        return TrackView(
            ticket.track, ticket.path, _audio(ticket, library), added=ticket.mtime_ns,
            failure=TrackFailure(*failure) if failure else None,
            short=Short(*short), line=look.parts[1].decode(),
        )  # fmt: skip

    def save(self, tracks: Sequence[str]) -> None:
        """Save the cache of these tracks for the next page."""
        self._cache.save(tracks)

    def _read(self, look: Look, ticket: Ticket, library: Path | None) -> TrackView:
        view = _track(self._results, ticket, library, None, self._columns)
        short, line, failure = encode.shorten(view), encode.detail(view), view.failure
        if self._is_certain(view):
            reason = failure and (failure.stage, failure.type, failure.message)
            parts = (short.facts, short.table_row, short.corrected), reason
            self._cache.keep(look, [json.dumps(parts).encode(), line.encode()])
        return replace(
            view, bpm=None, structure=None, key=None, waveform=None, short=short, line=line
        )

    def _is_certain(self, view: TrackView) -> bool:
        """Whether all existing files could be read; a disk error may be gone the next time."""
        if view.failure is not None and view.failure.type == BROKEN:
            return False
        features = Results(self._results).features(view.track)
        missing = not os.path.exists(features)
        return view.waveform is not None or missing or _contain_failure(features)

    def _files(self, track: str) -> Iterator[str]:
        for analysis in ANALYSES:
            yield f"{self._results}/{analysis}/{track}.json"
        yield f"{self._results}/features/{track}.npz"


def _contain_failure(features: Path) -> bool:
    with suppress(RecordError):
        return isinstance(load(features), TrackFailure)
    return False


def costs(results: Path) -> dict[str, Use]:
    """The cost of each stage's jobs, from their logs; {} without a scan."""
    if not Results(results).scan.exists():
        return {}
    return use_by_stage(results, read_scan(results)["tracks"])


def evaluations(results: Path) -> tuple[Evaluation, ...]:
    """The evaluations in a results folder. Raises RecordError for a damaged file."""
    return tuple(_evaluations(Results(results).evaluation))


def systems(results: Path) -> Evaluation:
    """The comparison with other systems; empty if there is none. Raises RecordError."""
    return _evaluation(Results(results).evaluation, "systems")


def _evaluations(folder: Path) -> Iterator[Evaluation]:
    for task in ("bpm", "beats", "structure", "key"):
        found = _evaluation(folder, task)
        if found.values:
            yield found


def _evaluation(folder: Path, name: str) -> Evaluation:
    values = _object(folder / f"{name}.json")
    plots = sorted(folder.glob(f"{name}*.svg")) if values else []
    return Evaluation(name, values, tuple((p.stem, p.read_text("utf-8")) for p in plots))


def _object(path: Path) -> dict[str, Any]:
    """The JSON object in a file, {} if it is missing. Raises RecordError if it is damaged."""
    try:
        values = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise RecordError(f"{path}: cannot be read ({error})") from error
    if not isinstance(values, dict):
        raise RecordError(f"{path}: not a JSON object")
    return values
