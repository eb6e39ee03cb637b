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
from ..records.cue_points import cues
from ..records.model import BpmRecord, StructureRecord
from ..records.ticket import read_ticket
from ..records.track import Track
from ..references.annotation import Annotation
from ..references.collect import Rank, read_sources
from ..references.matching import Reference, Tracks, match
from ..references.serato import SERATO, read_file
from .session import CorrectionSession, TrackState

SAME_DROP = 0.05  # seconds: a cue as near as this to a drop was not moved
CUES_OF_PLAYERS = (".xml", ".pdb", ".db")

Outcome = Literal["taken over", "agrees", "stated already", "no grid", "not analysed"]


@dataclass(frozen=True)
class GridImport:
    """What becomes of a grid of another program, and of its cues at drops.

    correction: the one to import, if any; differs: what of the present grid is another. drops:
    (present time, time there) of drops that were moved; present None for a new one.
    drops_stated: what is there of drops that were stated before, and stay.
    """

    track: str
    path: str
    source: str
    outcome: Outcome
    correction: Correction | None = None
    differs: str | None = None
    bpm: float | None = None
    present: float | None = None
    drops: tuple[tuple[float | None, float], ...] = ()
    drops_stated: bool = False


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
    moved = moved_drops(answer.bpm, answer.structure, drop_cues(reference))
    if not moved:
        return found
    cued_in = PurePath(reference.origins["sections"]).name
    found = replace(found, drops=moved, source=found.source or cued_in)
    if before.drops is not None:
        return replace(found, drops_stated=True)
    stated = found.correction or replace(before, confirmed=None)
    assert answer.structure is not None
    drops = with_moved(answer.structure.drops, moved)
    return replace(found, correction=replace(stated, drops=drops))


def drop_cues(reference: Reference) -> list[float]:
    """The cues of a player's program that are named after a drop."""
    if PurePath(reference.origins.get("sections", "")).suffix.lower() not in CUES_OF_PLAYERS:
        return []
    return [section.start for section in reference.sections or () if section.label == "drop"]


def moved_drops(
    bpm: BpmRecord | None, structure: StructureRecord | None, found: Sequence[float]
) -> tuple[tuple[float | None, float], ...]:
    """(present time, time there) of each cue at a drop that is none of ours; None for a new one.

    A cue that is missing says nothing: players keep fewer cues than there are drops.
    """
    if structure is None:
        return ()
    marks = cues(Track(None, bpm, structure))
    ours = sorted({*structure.drops, *(cue.time for cue in marks if cue.label == "drop")})
    new = [time for time in found if all(abs(time - other) > SAME_DROP for other in ours)]
    left = [t for t in structure.drops if all(abs(t - other) > SAME_DROP for other in found)]
    moved: list[tuple[float | None, float]] = []
    for time in new:
        nearest = min(left, key=lambda other: abs(other - time), default=None)
        if nearest is not None:
            left.remove(nearest)
        moved.append((nearest, time))
    return tuple(moved)


def with_moved(
    drops: Sequence[float], moved: Sequence[tuple[float | None, float]]
) -> tuple[float, ...]:
    """Drops with those that were moved in their new places, and the new ones."""
    gone = {old for old, _ in moved}
    return tuple(sorted([*(t for t in drops if t not in gone), *(new for _, new in moved)]))


def _with_grid(
    state: TrackState, plain: GridImport, reference: Reference, before: Correction,
    present: BpmRecord,
) -> GridImport:  # fmt: skip
    """What becomes of the grid of a reference."""
    correction, true = _as_correction(state.computed, present, reference, before)
    if correction is None or true is None:
        return replace(plain, outcome="stated already" if before.corrects_grid else "no grid")
    differs = disagreement(true, present)
    taken = replace(plain, bpm=true.bpm, present=present.bpm, differs=differs)
    if before.corrects_grid:
        return replace(taken, outcome="stated already")
    if differs is None:
        return replace(taken, outcome="agrees")
    return replace(taken, outcome="taken over", correction=correction)


def _as_correction(
    computed: BpmRecord, present: BpmRecord, reference: Reference, before: Correction
) -> tuple[Correction | None, BpmRecord | None]:
    """What a reference's grid states, and the record that it makes; None where it has none."""
    plain = replace(before, **{**GRID, "confirmed": None})
    entries = grid_from_beats.entries_of(
        reference.beats or (), reference.downbeats or (), present.downbeats
    )
    if len(entries) == 1 and entries[0].one is not None:
        (only,) = entries
        correction = replace(plain, bpm=only.bpm, one=only.one)
        if only.beats_per_bar != 4:
            correction = replace(correction, beats_per_bar=only.beats_per_bar)
    elif entries:
        correction = replace(plain, grid=entries)
    else:
        return None, None
    return correction, grid_corrections.apply(computed, correction, _never)


def _never(bpm: float) -> BpmRecord:
    raise InvalidCorrection(f"beats at {bpm:g} BPM are not looked for here")
