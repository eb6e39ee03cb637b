"""The analysis judged by what a user corrected or confirmed: where it agrees, and where not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from ..base.errors import RecordError
from ..corrections.document import Document
from ..corrections.model import Correction
from ..corrections.section_corrections import disagreement
from ..library import track_id
from .publish import tracks_with_corrections
from .session import CorrectionSession, TrackState

MOST = 5000  # tracks that are looked through for renamed ones


@dataclass(frozen=True)
class Agreement:
    """A track with corrections. name: its path in the file of corrections, path: as
    the records have it. differs: what of the analysis' own answer is another, of what is stated
    or confirmed: "tempo", "beats" or "downbeat", "sections", "drops", "key". grid: whether the
    grid is among what was looked at."""

    track: str
    name: str
    path: str
    description: str
    differs: tuple[str, ...]
    grid: bool

    @property
    def grid_is_right(self) -> bool:
        """Whether the analysis found the grid by itself."""
        return not {"tempo", "beats", "downbeat"}.intersection(self.differs)


def agreements(
    session: CorrectionSession, corrections: Document, tracks: Sequence[str]
) -> Iterator[Agreement]:
    """The analysed tracks with corrections, of all tracks of the library, in order.

    Raises InvalidCorrection.
    """
    own = {track_id(path) for path in corrections.tracks}
    renamed = len(own.intersection(tracks)) < len(corrections.tracks) and len(tracks) <= MOST
    here = own | tracks_with_corrections(session.results.folder)
    for track in tracks:
        if not corrections.tracks or not (renamed or track in here):
            continue
        with suppress(RecordError):
            state = session.read_state(track)
            name, correction = session.correction_of(state, corrections)
            if name is None or correction.is_empty or state.bpm is None:
                continue
            if state.bpm.status == "ok":
                yield _agreement(session, state, name, correction)


def _agreement(
    session: CorrectionSession, state: TrackState, name: str, correction: Correction
) -> Agreement:
    differs: list[str] = []
    confirmed = correction.confirmed
    grid = correction.corrects_grid or bool(confirmed and confirmed.grid)
    true = session.accepted_answer(state, correction)
    if grid and true.bpm is not None and (other := disagreement(true.bpm, state.computed)):
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
    return Agreement(
        state.ticket.track, name, state.ticket.path, described(correction), tuple(differs), grid
    )


def described(correction: Correction) -> str:
    """The corrections, in a few words."""
    words = []
    for field, text in (("bpm", "{:.2f} BPM"), ("downbeat", "downbeat at {:.3f} s"),
                        ("beats_per_bar", "{} beats a bar"), ("octave", "{}"),
                        ("shift_beats", "{:+g} beats"), ("nudge_ms", "{:+g} ms"),
                        ("downbeat_beats", "downbeat {:+d} beats"), ("key", "{}")):  # fmt: skip
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
