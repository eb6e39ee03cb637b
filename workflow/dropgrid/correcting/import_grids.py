"""Taking over the grids and drops of other programs, in which people have put years of work."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePath
from typing import Literal

from ..base.errors import RecordError
from ..corrections import document, grid_corrections, grid_from_beats
from ..corrections.edits import GRID
from ..corrections.model import Correction, InvalidCorrection
from ..corrections.section_corrections import disagreement
from ..records.model import BpmRecord, StructureRecord
from ..records.ticket import read_ticket
from ..references.annotation import Annotation
from ..references.collect import Rank, read_sources
from ..references.matching import Reference, Tracks, match
from ..references.serato import SERATO, read_file
from .import_cues import NO_CHANGES, CueChanges, cue_changes, with_moved
from .session import CorrectionSession, TrackState

Outcome = Literal["taken over", "agrees", "stated already", "no grid", "not analysed"]


@dataclass(frozen=True)
class GridImport:
    """What becomes of a grid of another program, and of a player's cues.

    correction: the one to import, if any; differs: what of the present grid is another. changes:
    of the cues, found in the file cued_in. drops_stated, sections_stated: they were stated
    before, and stay.
    """

    track: str
    path: str
    source: str
    outcome: Outcome
    correction: Correction | None = None
    differs: str | None = None
    bpm: float | None = None
    present: float | None = None
    changes: CueChanges = NO_CHANGES
    cued_in: str = ""
    drops_stated: bool = False
    sections_stated: bool = False


def compare(
    session: CorrectionSession,
    sources: Sequence[str],
    paths: dict[str, str],
    root: str | None,
    tell: Callable[[str, str], None] = lambda path, reason: None,
) -> tuple[list[GridImport], int]:
    """The grids of the sources beside the present answers; how many are of no track here.

    sources: files of other programs, or the word `serato` for the tags of the library's files.
    paths: of the tracks that are looked at, by id. tell: hears (path, reason) of a file whose
    Serato tags cannot be used. Raises InvalidReference, InvalidCorrection.
    """
    annotations = [*read_sources(sources), *_serato(session, sources, paths, tell)]
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
    tell: Callable[[str, str], None],
) -> Iterator[tuple[Rank, Annotation]]:
    for track in sorted(paths) if SERATO in sources else ():
        with suppress(RecordError):
            file = Path(read_ticket(session.results.ticket(track)).file)
            bpm = session.read_state(track).bpm
            say = partial(tell, paths[track])
            tags = read_file(file, track, bpm.duration if bpm else None, say)
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
    changes = cue_changes(answer.bpm, answer.structure, reference.marks or ())
    if changes == NO_CHANGES:
        return found
    cued_in = PurePath(reference.origins["marks"]).name
    found = replace(found, changes=changes, cued_in=cued_in)
    return _with_cues(found, before, answer.structure)


def _with_cues(
    found: GridImport, before: Correction, structure: StructureRecord | None
) -> GridImport:
    """With drops and sections as the cues on the player say, unless corrected before."""
    changes = found.changes
    stated = found.correction or replace(before, confirmed=None)
    taken = stated
    if changes.drops and before.drops is None and structure is not None:
        taken = replace(taken, drops=with_moved(structure.drops, changes.drops))
    if changes.sections and before.sections is None and structure is not None:
        drops = structure.drops if taken.drops is None else taken.drops  # else the labels say it
        taken = replace(taken, sections=changes.starts, drops=drops)
    return replace(
        found,
        correction=found.correction if taken == stated else taken,
        drops_stated=before.drops is not None,
        sections_stated=before.sections is not None,
    )


def _with_grid(
    state: TrackState, plain: GridImport, reference: Reference, before: Correction,
    present: BpmRecord,
) -> GridImport:  # fmt: skip
    """What becomes of the grid of a reference."""
    made = _as_correction(state.computed, present, reference, before)
    if made is None:
        return replace(plain, outcome="stated already" if before.corrects_grid else "no grid")
    correction, true = made
    differs = disagreement(true, present)
    taken = replace(plain, bpm=true.bpm, present=present.bpm, differs=differs)
    if before.corrects_grid:
        return replace(taken, outcome="stated already")
    if differs is None:
        return replace(taken, outcome="agrees")
    return replace(taken, outcome="taken over", correction=correction)


def _as_correction(
    computed: BpmRecord, present: BpmRecord, reference: Reference, before: Correction
) -> tuple[Correction, BpmRecord] | None:
    """What a reference's grid states, and the record that it makes; None where it has none."""
    plain = replace(before, **{**GRID, "confirmed": None})
    entries = grid_from_beats.entries_of(
        reference.beats or (), reference.downbeats or (), present.downbeats
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
    raise InvalidCorrection(f"beats at {bpm:g} BPM are not looked for here")
