"""The comment of a track in a player's browser: that of the file, or a template with values."""

from __future__ import annotations

import re
import string
from typing import TYPE_CHECKING

from ..base.text import suggestion
from ..key import notation

if TYPE_CHECKING:
    from ..audio.dj_tags import DjTags
    from ..records.track import Track

FILE_COMMENT = "{comment}"  # the default: the comment in the file's tags
FIELDS = ("comment", "bpm", "key", "camelot", "open_key", "energy", "mix_in", "mix_out", "drops")
MAX_LENGTH = 200  # characters; all programs show as many


def check_template(template: str) -> None:
    """Raise ValueError, which names the problem, if a template cannot be used."""
    try:
        parts = list(string.Formatter().parse(template))
    except ValueError as error:
        raise ValueError(f"comment: {template!r}: {error}") from error
    for _, name, form, conversion in parts:
        if name is not None and name not in FIELDS:
            close = suggestion(name, FIELDS)
            raise ValueError(f"comment: there is no {{{name}}}{close}; known: {', '.join(FIELDS)}")
        if form or conversion:
            raise ValueError(f"comment: {{{name}}} takes no format")


def comment(track: Track, file_tags: DjTags, template: str) -> str:
    """The comment of a track; unknown values are left out, with the spaces around them."""
    values = {"comment": file_tags.comment}
    if template != FILE_COMMENT:
        values |= _values(track)
    text = re.sub(
        r"\s+", " ", template.format_map({name: values.get(name, "") for name in FIELDS})
    )
    return text.strip()[:MAX_LENGTH]


def _values(track: Track) -> dict[str, str]:
    found: dict[str, str] = {}
    if track.bpm and track.bpm.bpm:
        found["bpm"] = f"{track.bpm.bpm:.2f}"
    key = notation.parse(track.key.key) if track.key and track.key.key else None
    if key is not None:
        found |= {"key": notation.name(key), "camelot": notation.camelot(key)}
        found["open_key"] = notation.open_key(key)
    structure = track.structure
    if structure is not None:
        energies = [s.energy for s in structure.sections if s.energy is not None]
        if energies:
            found["energy"] = str(max(1, round(10 * max(energies))))
        for name, time in (("mix_in", structure.mix_in), ("mix_out", structure.mix_out)):
            if time is not None:
                found[name] = clock(time)
        found["drops"] = " ".join(map(clock, structure.drops))
    return found


def clock(seconds: float) -> str:
    """A time as minutes and seconds.

    >>> clock(65.4)
    '1:05'
    """
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
