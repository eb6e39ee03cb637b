"""Reads `serato` references: what Serato has written into the audio files themselves.

Of a file: the beats of its grid, its BPM, cues named after a section, and whether the grid is
locked; what dropgrid wrote is passed over. Serato's grid has no bars. Times count from
Serato's sample 0, which in MP3s is not dropgrid's.
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

SERATO = "serato"  # in the list of sources: the Serato tags of the library's own files


def read_file(
    path: Path,
    key: str,
    duration: float | None,
    tell: Callable[[str], None] = lambda reason: None,
) -> Annotation | None:
    """What Serato says of an audio file; None where it says nothing, or what is our own.

    key: the track as the annotation is to name it; duration: of the track in seconds. tell: hears
    why a tag was not used that is broken or cannot be true; the file's other tags are read.
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
    """What Serato's tags say of a track. Raises InvalidReference for what cannot be true."""
    grid = None if serato.GRID in tags.own else tags.grid
    beats: tuple[float, ...] = ()
    if grid is not None and duration is not None:
        checks.time(max(0.0, grid.last[0]), place)
        beats = checks.times((beat, place) for beat in serato.beats_of(grid, duration))
    marks = [] if serato.MARKERS2 in tags.own else tags.cues
    named = [(cue.time / 1000, cue.name, place) for cue in marks]
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
