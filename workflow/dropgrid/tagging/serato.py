"""Serato's tags in the fields of a file.

Tags that Serato or the user wrote are never overwritten without `replace`; dropgrid recognises its
own tags by its stamp (dropgrid.audio.serato_file).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..audio import serato
from ..audio.mp3 import lead
from ..audio.serato_file import FLAC, MP4, STAMP, file_tags, stamp, stamped
from ..audio.serato_track import tags_of
from ..records.cue_template import Template
from ..records.time_shift import shifted
from ..records.track import Track

Value = list[Any]
UTF8 = 1  # the type of a text in MP4
KEPT = {
    serato.GRID: "Serato's grid in the file is kept; --replace writes over it",
    serato.MARKERS2: "Serato's cues in the file are kept; --replace writes over them",
}


@dataclass(frozen=True)
class _Form:
    """How a tag format stores Serato's tags: keys by name, the value of a tag, of a text."""

    keys: dict[str, str]
    value: Callable[[str, bytes], Value]
    text: Callable[[str], Value]


def _form_of(tags: Any) -> _Form | None:
    """The form for mutagen's tags; None if Serato does not use this format."""
    from mutagen.flac import VCFLACDict
    from mutagen.id3 import ID3
    from mutagen.mp4 import MP4Tags

    if isinstance(tags, ID3):
        names = (serato.GRID, serato.MARKERS, serato.MARKERS2, serato.AUTOTAGS)
        keys = {name: f"GEOB:{name}" for name in names} | {STAMP: f"TXXX:{STAMP}"}
        mime = serato.MIME.decode()
        return _Form(keys, lambda _, data: [[0, mime, "", data.hex()]], lambda text: [0, [text]])
    if isinstance(tags, MP4Tags):
        keys = MP4 | {STAMP: f"----:com.apple.iTunes:{STAMP}"}
        return _Form(
            keys,
            lambda name, data: [[UTF8, serato.wrap(name, data)]],
            lambda text: [[UTF8, text]],
        )
    if isinstance(tags, VCFLACDict):
        return _Form(
            FLAC | {STAMP: STAMP},
            lambda name, data: [serato.wrap(name, data)],
            lambda text: [text],
        )
    return None


def wanted(
    tags: Any,
    track: Track,
    replace: bool,
    tell: Callable[[str], None],
    cues: Template | None = None,
) -> dict[str, Value | None]:
    """The values to write into the fields of a file with these tags (mutagen's), by key.

    tell: called with the reason for what is not written. cues: for the pads.
    """
    form = _form_of(tags)
    if form is None:
        tell("Serato has no tags in files of this format")
        return {}
    decoder = track.bpm.decoder if track.bpm else {}
    track = shifted(track, lead(decoder, "serato"))
    now, text = file_tags(tags)
    own_names = stamped(now, text)
    own_values = {
        name: data
        for name, data in tags_of(track, cues).items()
        if replace or name in own_names or not _has_content(name, now)
    }
    for name, reason in KEPT.items():
        if name in now and name not in own_values:
            tell(reason)
    if not own_values:
        return {}
    signed = own_values | {name: now[name] for name in own_names if name not in own_values}
    fields: dict[str, Value | None] = {
        form.keys[n]: form.value(n, d) for n, d in own_values.items()
    }
    fields[form.keys[STAMP]] = form.text(stamp(signed))
    # Older cues would take precedence over the new ones.
    if serato.MARKERS2 in own_values and serato.MARKERS in form.keys:
        fields[form.keys[serato.MARKERS]] = None
    return {key: value for key, value in fields.items() if value or key in tags}


def _has_content(name: str, now: dict[str, bytes]) -> bool:
    """Whether a tag in a file has content; an empty list of cues has none."""
    if name == serato.MARKERS2:
        if serato.has_old_cues(now.get(serato.MARKERS, b"")):
            return True
        try:
            return name in now and bool(serato.unpack_markers2(now[name])[0])
        except ValueError:
            return True
    return name in now
