"""Taking over the grids of other programs, in which people have put years of work."""

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
from ..records.model import BpmRecord
from ..records.ticket import read_ticket
from ..references.annotation import Annotation
from ..references.collect import Rank, read_sources
from ..references.matching import Reference, Tracks, match
from ..references.serato import SERATO, read_file
from .session import Desk, Known

Outcome = Literal["taken over", "agrees", "stated already", "no grid", "not analysed"]


@dataclass(frozen=True)
class Taken:
    """What becomes of a grid of another program. said: the statements it makes, where it is to
    be taken over; differs: what of the present answer is another."""

    track: str
    path: str
    source: str
    outcome: Outcome
    said: Correction | None = None
    differs: str | None = None
    bpm: float | None = None
    present: float | None = None


def compare(
    desk: Desk,
    sources: Sequence[str],
    paths: dict[str, str],
    root: str | None,
    tell: Callable[[str, str], None] = lambda path, reason: None,
) -> tuple[list[Taken], int]:
    """The grids of the sources beside the present answers; how many are of no track here.

    sources: files of other programs, or the word `serato` for the tags of the library's files.
    paths: of the tracks that are looked at, by id. tell: hears (path, reason) of a file whose
    Serato tags cannot be used. Raises InvalidReference, InvalidCorrection.
    """
    annotations = [*read_sources(sources), *_serato(desk, sources, paths, tell)]
    references, left_out, _ = match(annotations, Tracks(paths, root), desk.decoder)
    stated = document.read(desk.file)
    found = []
    for track, reference in references.items():
        with suppress(RecordError):
            known = desk.known(track)
            name, before = desk.stated(known, stated)
            found.append(_taken(desk, known, reference, before if name else Correction()))
    return found, len(left_out)


def _serato(
    desk: Desk,
    sources: Sequence[str],
    paths: dict[str, str],
    tell: Callable[[str, str], None],
) -> Iterator[tuple[Rank, Annotation]]:
    for track in sorted(paths) if SERATO in sources else ():
        with suppress(RecordError):
            file = Path(read_ticket(desk.results.ticket(track)).file)
            bpm = desk.known(track).bpm
            say = partial(tell, paths[track])
            tags = read_file(file, track, bpm.duration if bpm else None, say)
            if tags is not None:
                yield Rank.of(sources.index(SERATO), tags), tags


def _taken(desk: Desk, known: Known, reference: Reference, before: Correction) -> Taken:
    source = PurePath(reference.origins.get("beats") or reference.origins.get("bpm", "")).name
    plain = Taken(known.ticket.track, known.ticket.path, source, "no grid")
    if known.bpm is None or known.bpm.status != "ok":
        return replace(plain, outcome="not analysed")
    if before.speaks_of_grid:
        return replace(plain, outcome="stated already")
    present = desk.truth(known, before).bpm or known.computed
    said, true = _stated(known.computed, present, reference, before)
    if said is None or true is None:
        return plain
    differs = disagreement(true, present)
    taken = replace(plain, bpm=true.bpm, present=present.bpm, differs=differs)
    if differs is None:
        return replace(taken, outcome="agrees")
    return replace(taken, outcome="taken over", said=said)


def _stated(
    computed: BpmRecord, present: BpmRecord, reference: Reference, before: Correction
) -> tuple[Correction | None, BpmRecord | None]:
    """What a reference's grid states, and the record that it makes; None where it has none."""
    plain = replace(before, **{**GRID, "confirmed": None})
    entries = grid_from_beats.entries_of(
        reference.beats or (), reference.downbeats or (), present.downbeats
    )
    if len(entries) == 1 and entries[0].one is not None:
        (only,) = entries
        said = replace(plain, bpm=only.bpm, one=only.one)
        if only.beats_per_bar != 4:
            said = replace(said, beats_per_bar=only.beats_per_bar)
    elif entries:
        said = replace(plain, grid=entries)
    else:
        return None, None
    return said, grid_corrections.apply(computed, said, _never)


def _never(bpm: float) -> BpmRecord:
    raise InvalidCorrection(f"beats at {bpm:g} BPM are not looked for here")
