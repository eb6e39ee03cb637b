"""References from a user's corrections and confirmations: the source `corrections`."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from ..apply_corrections import document
from ..apply_corrections.model import Correction
from ..apply_corrections.section_edits import Answer
from ..base.errors import RecordError
from ..correcting.publish import corrections_file
from ..correcting.session import CorrectionSession
from ..key import notation
from ..references.annotation import Annotation, ReferenceSection
from ..references.collect import CORRECTIONS, Rank
from ..results.layout import Results


def corrected_annotations(
    results: Path, tracks: Iterable[str], source: int
) -> list[tuple[Rank, Annotation]]:
    """An annotation for each corrected or confirmed track.

    source: the index of `corrections` among the sources. Raises InvalidCorrection, OSError.
    """
    session = CorrectionSession(Results(results), corrections_file(results))
    corrections = document.read(session.file)
    found = []
    for track in sorted(tracks) if corrections.tracks else ():
        with suppress(RecordError):
            state = session.read_state(track)
            name, correction = session.correction_of(state, corrections)
            if name is None or state.bpm is None or state.bpm.status != "ok":
                continue
            annotation = _annotation(
                track, str(session.file), correction, session.accepted_answer(state, correction)
            )
            found.append((Rank.of(source, annotation), annotation))
    return found


def _annotation(track: str, file: str, correction: Correction, true: Answer) -> Annotation:
    """The corrected and confirmed parts of a track, without the others."""
    confirmed = correction.confirmed
    grid = true.bpm if correction.corrects_grid or (confirmed and confirmed.grid) else None
    parts = (
        true.structure
        if correction.sections is not None or (confirmed and confirmed.sections)
        else None
    )
    key = correction.key or (confirmed.key if confirmed else None)
    return Annotation(
        key=track,
        source=file,
        format=CORRECTIONS,
        bpm=grid.bpm if grid else None,
        beats=grid.beats if grid else None,
        downbeats=grid.downbeats if grid else None,
        sections=tuple(ReferenceSection(s.start, s.end, s.label) for s in parts.sections)
        if parts
        else None,
        duration=true.bpm.duration if true.bpm else None,
        tonality=notation.parse(key or ""),
    )
