"""Reading what the report shows: tickets, records, waveforms, evaluation, what the run took."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..base.errors import LibraryError, MissingRecord, RecordError
from ..features.waveform import columns_for, read_waveform
from ..jobs.usage_log import Use
from ..records.model import ANALYSES, BpmRecord, KeyRecord, StructureRecord, TrackFailure
from ..records.ticket import Ticket, read_ticket
from ..references.collect import read_sources
from ..references.matching import Reference, Tracks, match
from ..results.duplicates_file import read_duplicates
from ..results.layout import Results
from ..results.library_reader import record_or_failure
from ..results.scan_store import read_scan
from ..results.to_check import confirmed_tracks, reference_tempos
from ..run.summary import use_by_stage


@dataclass(frozen=True)
class TrackView:
    """One track of the report.

    audio: absolute path of its file, None where unknown; waveform: (columns, 4), see
    features.waveform, None where the features are gone; failure: why there is nothing to show.
    twins: the paths of the same song elsewhere in the library (results.duplicates). confirmed: a
    person checked its answer. added: when its file was last changed, nanoseconds since 1970; -1
    where that is unknown.
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
    twins: tuple[str, ...] = ()
    confirmed: bool = False
    added: int = -1


@dataclass(frozen=True)
class Evaluation:
    """The evaluation of one task: its JSON, its plots (name, SVG) as they were written."""

    task: str
    values: dict[str, Any]
    plots: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Report:
    """All that the page shows. cost: what the jobs of each stage took, from their logs; systems:
    the comparison with other systems, empty where there is none."""

    tracks: tuple[TrackView, ...]
    evaluations: tuple[Evaluation, ...] = ()
    cost: dict[str, Use] = field(default_factory=dict)
    systems: Evaluation = Evaluation("systems", {})


def collect(results: Path, library: Path | None = None, references: Sequence[str] = ()) -> Report:
    """Everything under a results folder that the page shows; tracks in the order of their paths.

    library: where the audio lies now, if not where the tickets say. references: the files of
    annotations to show beside the estimates, most trusted first. Raises LibraryError if there
    is neither a scan nor a record in results, RecordError, InvalidReference.
    """
    tickets, root, problems = _tickets(results)
    annotated: dict[str, Reference] = {}
    if references:
        known = Tracks({ticket.track: ticket.path for ticket in tickets}, root)
        annotated = match(read_sources(references), known)[0]
    columns = columns_for(len(tickets))
    tracks = [
        _track(results, ticket, library, annotated.get(ticket.track), columns)
        for ticket in tickets
    ]
    twins, confirmed = read_duplicates(results), confirmed_tracks(results)
    tempos = reference_tempos(results)
    tracks = [
        replace(
            view, twins=tuple(twins.get(view.track, ())), confirmed=view.track in confirmed,
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
    """The reference of a track of which an evaluation knew the tempo alone."""
    return None if bpm is None else Reference(track, bpm, origins={"bpm": "evaluation"})


def _tickets(results: Path) -> tuple[list[Ticket], str | None, list[dict[str, str]]]:
    """The scan's tickets, its root, its problems; without a scan, a ticket for each record."""
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
    """The ticket of a track, or one that says no more than its id."""
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
        with suppress(MissingRecord):  # waiting
            found[analysis] = record_or_failure(results, analysis, ticket.track)
    failure = next((record.error for record in found.values() if record.error), None)
    bpm, structure, key = map(found.get, ANALYSES)
    return TrackView(
        track=ticket.track,
        path=ticket.path,
        audio=(os.path.join(library.absolute(), ticket.path) if library else ticket.file) or None,
        bpm=bpm if bpm and bpm.status == "ok" else None,
        structure=structure if structure and structure.status == "ok" else None,
        failure=failure,
        waveform=read_waveform(Results(results).features(ticket.track), columns),
        reference=reference,
        key=key if key and key.status == "ok" else None,
        added=ticket.mtime_ns,
    )


def costs(results: Path) -> dict[str, Use]:
    """What the jobs of each stage took, from their logs; nothing without a scan."""
    if not Results(results).scan.exists():
        return {}
    return use_by_stage(results, read_scan(results)["tracks"])


def evaluations(results: Path) -> tuple[Evaluation, ...]:
    """The evaluations in a results folder. Raises RecordError for one that is damaged."""
    return tuple(_evaluations(Results(results).evaluation))


def systems(results: Path) -> Evaluation:
    """The comparison with other systems; empty where there is none. Raises RecordError."""
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
    """The JSON object of a file that may be missing. Raises RecordError if it is damaged."""
    try:
        values = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise RecordError(f"{path}: cannot be read ({error})") from error
    if not isinstance(values, dict):
        raise RecordError(f"{path}: not a JSON object")
    return values
