"""Reads `serato` references: the data that Serato wrote into the audio files.

For each file: the beats of its grid, its BPM, cues named after a section, and whether the grid is
locked; data that dropgrid wrote is ignored. Serato's grid has no bars. Times count from Serato's
sample 0, which differs from dropgrid's in MP3s.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ..audio import serato
from ..audio.serato_file import SeratoTags, read_serato
from ..base.errors import InvalidReference
from . import checks, cues
from .annotation import Annotation
from .checks import Place

SERATO = "serato"  # in the list of sources: the Serato tags of the library's files


def read_file(
    path: Path,
    key: str,
    duration: float | None,
    tell: Callable[[str], None] = lambda reason: None,
) -> Annotation | None:
    """Serato's data in an audio file; None if there is none, or only data of dropgrid.

    key: the name of the track in the annotation; duration: of the track in seconds. tell: called
    with the reason why a broken or implausible tag is ignored; the other tags are read.
    """
    tags = read_serato(path)
    if tags is None:
        return None
    for reason in tags.broken:
        tell(reason)
    try:
        return _annotation(tags, Place(path).at("Serato"), key, duration)
    except InvalidReference as error:
        tell(str(error).removeprefix(f"{path}: Serato: "))
        return None


def _annotation(
    tags: SeratoTags, place: Place, key: str, duration: float | None
) -> Annotation | None:
    """The annotation in Serato's tags. Raises InvalidReference for impossible values."""
    grid = None if serato.GRID in tags.own else tags.grid
    beats: tuple[float, ...] = ()
    if grid is not None and duration is not None:
        checks.time(max(0.0, grid.last[0]), place)
        beats = checks.times((beat, place) for beat in serato.beats_of(grid, duration))
    current_cues = [] if serato.MARKERS2 in tags.own else tags.cues
    named = [(cue.time / 1000, cue.name, place) for cue in current_cues]
    sections = cues.sections(named, duration)
    if not beats and not sections:
        return None
    return Annotation(
        key=key,
        source=SERATO,
        format=SERATO,
        bpm=checks.bpm(grid.last[1], place) if grid is not None else None,
        beats=beats or None,
        sections=sections or None,
        duration=duration,
        locked=tags.locked,
        player="serato",
    )
