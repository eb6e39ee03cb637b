"""What a person stated or confirmed, as references: the source `corrections`."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from ..base.errors import RecordError
from ..correcting.publish import corrections_file
from ..correcting.session import Desk
from ..corrections import document
from ..corrections.model import Correction
from ..corrections.section_edits import Answer
from ..key import notation
from ..references.annotation import Annotation, ReferenceSection
from ..references.collect import CORRECTIONS, Rank
from ..results.layout import Results


def stated(results: Path, tracks: Iterable[str], source: int) -> list[tuple[Rank, Annotation]]:
    """An annotation of each track of which something is held to be right.

    source: the place of the word in the list of sources. Raises InvalidCorrection, OSError.
    """
    desk = Desk(Results(results), corrections_file(results))
    held = document.read(desk.file)
    found = []
    for track in sorted(tracks) if held.tracks else ():
        with suppress(RecordError):
            known = desk.known(track)
            name, said = desk.stated(known, held)
            if name is None or known.bpm is None or known.bpm.status != "ok":
                continue
            annotation = _annotation(track, str(desk.file), said, desk.truth(known, said))
            found.append((Rank.of(source, annotation), annotation))
    return found


def _annotation(track: str, file: str, said: Correction, true: Answer) -> Annotation:
    """What is stated or confirmed of a track, and nothing else."""
    sure = said.confirmed
    grid = true.bpm if said.speaks_of_grid or (sure and sure.grid) else None
    parts = true.structure if said.sections is not None or (sure and sure.sections) else None
    key = said.key or (sure.key if sure else None)
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
