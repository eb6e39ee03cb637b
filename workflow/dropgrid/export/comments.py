"""The comment of a track in a player's browser: the file's own, or a template filled in."""

from __future__ import annotations

import re
import string
from typing import TYPE_CHECKING

from ..base.text import suggestion
from ..key import notation

if TYPE_CHECKING:
    from ..audio.dj_tags import DjTags
    from ..records.track import Track

OWN = "{comment}"
FIELDS = ("comment", "bpm", "key", "camelot", "open_key", "energy", "mix_in", "mix_out", "drops")
MOST = 200  # letters: what all programs show


def check_template(template: str) -> None:
    """Raise ValueError, which names what is wrong, for a template that cannot be filled in."""
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
    """The comment of a track; what is not known is left out, with the blanks about it."""
    values = {"comment": file_tags.comment}
    if template != OWN:
        values |= _values(track)
    text = re.sub(
        r"\s+", " ", template.format_map({name: values.get(name, "") for name in FIELDS})
    )
    return text.strip()[:MOST]


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
    """ "1:05"."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
