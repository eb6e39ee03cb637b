"""Import grids and drops from other programs as corrections."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePath
from typing import Literal

from ..apply_corrections import document, grid_corrections, grid_from_beats
from ..apply_corrections.edits import GRID
from ..apply_corrections.model import Correction, InvalidCorrection
from ..apply_corrections.section_corrections import disagreement
from ..base.errors import RecordError
from ..records.model import BpmRecord, StructureRecord
from ..records.ticket import read_ticket
from ..references.annotation import Annotation
from ..references.collect import Rank, read_sources
from ..references.matching import Reference, Tracks, match
from ..references.serato import SERATO, read_file
from .import_cues import NO_CHANGES, CueChanges, cue_changes, with_moved
from .session import CorrectionSession, TrackState

Outcome = Literal["imported", "agrees", "already corrected", "no grid", "not analysed"]


@dataclass(frozen=True)
class GridImport:
    """What is imported of a track's grid and cues in another program.

    correction: to import, None if there is nothing; differs: the part in which the current grid
    differs. changes: of the cues, found in the file cues_file. drops_corrected,
    sections_corrected: the user corrected them before, so they stay.
    """

    track: str
    path: str
    source: str
    outcome: Outcome
    correction: Correction | None = None
    differs: str | None = None
    bpm: float | None = None
    current_bpm: float | None = None
    changes: CueChanges = NO_CHANGES
    cues_file: str = ""
    drops_corrected: bool = False
    sections_corrected: bool = False


def compare(
    session: CorrectionSession,
    sources: Sequence[str],
    paths: dict[str, str],
    root: str | None,
    report: Callable[[str, str], None] = lambda path, reason: None,
) -> tuple[list[GridImport], int]:
    """Compare the grids of the sources with the current answers.

    sources: files of other programs, or the word `serato` for the tags of the library's files.
    paths: of the tracks to compare, by id. report: called with (path, reason) for a file whose
    Serato tags cannot be used. Returns also the number of grids that belong to no track. Raises
    InvalidReference, InvalidCorrection.
    """
    annotations = [*read_sources(sources), *_serato(session, sources, paths, report)]
    references, left_out, _ = match(annotations, Tracks(paths, root), session.decoder)
    corrections = document.read(session.file)
    found = []
    for track, reference in references.items():
        with suppress(RecordError):
            state = session.read_state(track)
            name, before = session.correction_of(state, corrections)
            found.append(_imported(session, state, reference, before if name else Correction()))
    return found, len(left_out)


def _serato(
    session: CorrectionSession,
    sources: Sequence[str],
    paths: dict[str, str],
    report: Callable[[str, str], None],
) -> Iterator[tuple[Rank, Annotation]]:
    for track in sorted(paths) if SERATO in sources else ():
        with suppress(RecordError):
            file = Path(read_ticket(session.results.ticket(track)).file)
            bpm = session.read_state(track).bpm
            report_track = partial(report, paths[track])
            tags = read_file(file, track, bpm.duration if bpm else None, report_track)
            if tags is not None:
                yield Rank.of(sources.index(SERATO), tags), tags


def _imported(
    session: CorrectionSession, state: TrackState, reference: Reference, before: Correction
) -> GridImport:
    source = PurePath(reference.origins.get("beats") or reference.origins.get("bpm", "")).name
    plain = GridImport(state.ticket.track, state.ticket.path, source, "no grid")
    if state.bpm is None or state.bpm.status != "ok":
        return replace(plain, outcome="not analysed")
    answer = session.accepted_answer(state, before)
    found = _with_grid(state, plain, reference, before, answer.bpm or state.computed)
    changes = cue_changes(answer.bpm, answer.structure, reference.cues_and_loops or ())
    if changes == NO_CHANGES:
        return found
    cues_file = PurePath(reference.origins["cues_and_loops"]).name
    found = replace(found, changes=changes, cues_file=cues_file)
    return _with_cues(found, before, answer.structure)


def _with_cues(
    found: GridImport, before: Correction, structure: StructureRecord | None
) -> GridImport:
    """Add the drops and sections of the player's cues, unless the user corrected them before."""
    changes = found.changes
    grid_only = found.correction or replace(before, confirmed=None)
    correction = grid_only
    if changes.drops and before.drops is None and structure is not None:
        correction = replace(correction, drops=with_moved(structure.drops, changes.drops))
    if changes.sections and before.sections is None and structure is not None:
        # Without drops of its own, a correction of sections would move the drops to their labels.
        drops = structure.drops if correction.drops is None else correction.drops
        correction = replace(correction, sections=changes.starts, drops=drops)
    return replace(
        found,
        correction=found.correction if correction == grid_only else correction,
        drops_corrected=before.drops is not None,
        sections_corrected=before.sections is not None,
    )


def _with_grid(
    state: TrackState, plain: GridImport, reference: Reference, before: Correction,
    current: BpmRecord,
) -> GridImport:  # fmt: skip
    """Import the grid of a reference, unless it agrees or the user corrected the grid before."""
    converted = _as_correction(state.computed, current, reference, before)
    if converted is None:
        return replace(plain, outcome="already corrected" if before.corrects_grid else "no grid")
    correction, true = converted
    differs = disagreement(true, current)
    found = replace(plain, bpm=true.bpm, current_bpm=current.bpm, differs=differs)
    if before.corrects_grid:
        return replace(found, outcome="already corrected")
    if differs is None:
        return replace(found, outcome="agrees")
    return replace(found, outcome="imported", correction=correction)


def _as_correction(
    computed: BpmRecord, current: BpmRecord, reference: Reference, before: Correction
) -> tuple[Correction, BpmRecord] | None:
    """A reference's grid as a correction, and the record with it; None if it has no grid."""
    plain = replace(before, **{**GRID, "confirmed": None})
    entries = grid_from_beats.entries_of(
        reference.beats or (), reference.downbeats or (), current.downbeats
    )
    if len(entries) == 1 and entries[0].downbeat is not None:
        (only,) = entries
        correction = replace(plain, bpm=only.bpm, downbeat=only.downbeat)
        if only.beats_per_bar != 4:
            correction = replace(correction, beats_per_bar=only.beats_per_bar)
    elif entries:
        correction = replace(plain, grid=entries)
    else:
        return None
    return correction, grid_corrections.apply(computed, correction, _never)


def _never(bpm: float) -> BpmRecord:
    raise InvalidCorrection(f"cannot search for beats at {bpm:g} BPM during an import")
