"""The analysis judged by what a person stated or confirmed: where it agrees, and where not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from ..base.errors import RecordError
from ..corrections.document import Document
from ..corrections.model import Correction
from ..corrections.section_corrections import disagreement
from ..library import track_id
from .publish import sliced
from .session import Desk, Known

MOST = 5000  # tracks that are looked through for renamed ones


@dataclass(frozen=True)
class Judged:
    """A track of which something is stated. name: its path in the file of corrections, path: as
    the records have it. differs: what of the analysis' own answer is another, of what is stated
    or confirmed: "tempo", "beats" or "downbeat", "sections", "drops", "key". grid: whether the
    grid is among what was looked at."""

    track: str
    name: str
    path: str
    said: str
    differs: tuple[str, ...]
    grid: bool

    @property
    def grid_is_right(self) -> bool:
        """Whether the analysis found the grid by itself."""
        return not {"tempo", "beats", "downbeat"}.intersection(self.differs)


def judged(desk: Desk, stated: Document, tracks: Sequence[str]) -> Iterator[Judged]:
    """The analysed tracks of which something is stated, of all tracks of the library, in order.

    Raises InvalidCorrection.
    """
    own = {track_id(path) for path in stated.tracks}
    renamed = len(own.intersection(tracks)) < len(stated.tracks) and len(tracks) <= MOST
    here = own | sliced(desk.results.folder)
    for track in tracks:
        if not stated.tracks or not (renamed or track in here):
            continue
        with suppress(RecordError):
            known = desk.known(track)
            name, said = desk.stated(known, stated)
            if name is None or said.is_empty or known.bpm is None:
                continue
            if known.bpm.status == "ok":
                yield _judged(desk, known, name, said)


def _judged(desk: Desk, known: Known, name: str, said: Correction) -> Judged:
    differs: list[str] = []
    sure = said.confirmed
    grid = said.speaks_of_grid or bool(sure and sure.grid)
    true = desk.truth(known, said)
    if grid and true.bpm is not None and (other := disagreement(true.bpm, known.computed)):
        differs.append(other)
    if true.structure is not None and true.structure.computed is not None:
        own = true.structure.computed
        if [(s.start, s.label) for s in own.sections] != [
            (s.start, s.label) for s in true.structure.sections
        ]:
            differs.append("sections")
        elif own.drops != true.structure.drops:
            differs.append("drops")
    key = true.key
    if key is not None and key.computed is not None and key.computed.key != key.key:
        differs.append("key")
    return Judged(
        known.ticket.track, name, known.ticket.path, described(said), tuple(differs), grid
    )


def described(correction: Correction) -> str:
    """What is stated, in a few words."""
    words = []
    for field, text in (("bpm", "{:.2f} BPM"), ("one", "downbeat at {:.3f} s"),
                        ("beats_per_bar", "{} beats a bar"), ("octave", "{}"),
                        ("shift_beats", "{:+g} beats"), ("nudge_ms", "{:+g} ms"),
                        ("one_beats", "downbeat {:+d} beats"), ("key", "{}")):  # fmt: skip
        value = getattr(correction, field)
        if value is not None:
            words.append(text.format(value))
    if correction.grid:
        words.append(f"a grid of {len(correction.grid)} pieces")
    if correction.sections is not None:
        words.append(f"{len(correction.sections)} sections")
    if correction.drops is not None:
        words.append(f"{len(correction.drops)} drops")
    if correction.confirmed is not None:
        words.append("confirmed")
    return ", ".join(words) or "a note"
