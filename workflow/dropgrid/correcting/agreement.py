"""Compare the analysis with what the user corrected or confirmed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from ..apply_corrections.document import Document
from ..apply_corrections.model import Correction
from ..apply_corrections.section_corrections import disagreement
from ..base.errors import RecordError
from ..library import track_id
from .publish import tracks_with_corrections
from .session import CorrectionSession, TrackState

MAX_SEARCHED = 5000  # tracks: renamed tracks are not searched for in a larger library


@dataclass(frozen=True)
class Agreement:
    """A corrected or confirmed track.

    name: its path in the corrections file; path: in its records. differs: the parts in which the
    analysis differs from the user: "tempo", "beats" or "downbeat", "sections", "drops", "key".
    grid: whether the grid was compared.
    """

    track: str
    name: str
    path: str
    description: str
    differs: tuple[str, ...]
    grid: bool

    @property
    def grid_is_right(self) -> bool:
        """Whether the analysis found the right grid."""
        return not {"tempo", "beats", "downbeat"}.intersection(self.differs)


def agreements(
    session: CorrectionSession, corrections: Document, tracks: Sequence[str]
) -> Iterator[Agreement]:
    """The agreements of all analysed tracks with corrections, in the order of `tracks`.

    Raises InvalidCorrection.
    """
    own = {track_id(path) for path in corrections.tracks}
    renamed = (
        len(own.intersection(tracks)) < len(corrections.tracks) and len(tracks) <= MAX_SEARCHED
    )
    corrected = own | tracks_with_corrections(session.results.folder)
    for track in tracks:
        if not corrections.tracks or not (renamed or track in corrected):
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
    if grid and true.bpm is not None and (part := disagreement(true.bpm, state.computed)):
        differs.append(part)
    if true.structure is not None and true.structure.computed is not None:
        found = true.structure.computed
        if [(s.start, s.label) for s in found.sections] != [
            (s.start, s.label) for s in true.structure.sections
        ]:
            differs.append("sections")
        elif found.drops != true.structure.drops:
            differs.append("drops")
    key = true.key
    if key is not None and key.computed is not None and key.computed.key != key.key:
        differs.append("key")
    return Agreement(
        state.ticket.track, name, state.ticket.path, described(correction), tuple(differs), grid
    )


def described(correction: Correction) -> str:
    """A short description of a correction."""
    words = []
    for field, text in (("bpm", "{:.2f} BPM"), ("downbeat", "downbeat at {:.3f} s"),
                        ("beats_per_bar", "{} beats per bar"), ("octave", "{}"),
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
