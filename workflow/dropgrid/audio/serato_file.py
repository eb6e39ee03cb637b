"""What Serato has written into a file, read without trusting it.

GEOB frames of ID3 (MP3, AIFF, WAV), comments of FLAC, freeform atoms of MP4. What dropgrid wrote
itself is recognised by the tag STAMP, and is no evidence of anything.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import serato
from .tag_process import TagLimit, in_tag_process

# Names of the tags in FLAC and in MP4; in ID3 the name is the description of the frame.
FLAC = {
    serato.GRID: "SERATO_BEATGRID",
    serato.MARKERS2: "SERATO_MARKERS_V2",
    serato.AUTOTAGS: "SERATO_AUTOGAIN",
}
MP4 = {
    serato.GRID: "----:com.serato.dj:beatgrid",
    serato.MARKERS2: "----:com.serato.dj:markersv2",
    serato.MARKERS: "----:com.serato.dj:markers",
    serato.AUTOTAGS: "----:com.serato.dj:autgain",
}
STAMP = "DROPGRID_SERATO"  # the field that lists which of Serato's tags are dropgrid's


@dataclass(frozen=True)
class SeratoTags:
    """What a file's tags say: None where there is no such tag, or none that can be read.

    own: names of the tags that dropgrid wrote, unchanged since. broken: why a tag that is there
    cannot be read, one reason a tag.
    """

    grid: serato.Grid | None = None
    cues: tuple[serato.Cue, ...] = ()
    locked: bool = False
    own: frozenset[str] = frozenset()
    broken: tuple[str, ...] = ()


def stamp(tags: dict[str, bytes]) -> str:
    """The text that lists dropgrid's own tags: name and digest of each."""
    return " ".join(f"{_short(name)}:{_digest(data)}" for name, data in sorted(tags.items()))


def stamped(tags: dict[str, bytes], text: str) -> frozenset[str]:
    """The names of the tags that a stamp marks as written by dropgrid."""
    stamped_values = set(text.split())
    return frozenset(
        n for n, data in tags.items() if f"{_short(n)}:{_digest(data)}" in stamped_values
    )


def read_serato(path: Path) -> SeratoTags | None:
    """Serato's tags of a file; None where there are none. Never raises."""
    try:
        texts, text = in_tag_process(serato_texts, path)
    except (TagLimit, OSError):
        return None
    if not texts:
        return None
    tags = {name: data.encode("latin-1") for name, data in texts.items()}
    broken: list[str] = []
    grid = _unpacked(serato.unpack_grid, tags.get(serato.GRID), broken)
    markers2 = _unpacked(serato.unpack_markers2, tags.get(serato.MARKERS2), broken)
    cues, locked = markers2 or ([], False)
    return SeratoTags(grid, tuple(cues), locked, stamped(tags, text), tuple(broken))


def serato_texts(path: Path) -> tuple[dict[str, str], str]:
    """(Serato's tags by name, a letter a byte; the stamp).

    For the tag process: raises MemoryError.
    """
    import mutagen

    try:
        file = mutagen.File(path)
        tags, text = file_tags(file.tags) if file is not None else ({}, "")
    except MemoryError:
        raise
    except Exception:  # a tag reader meets every kind of broken file
        return {}, ""
    return {name: data.decode("latin-1") for name, data in tags.items()}, text


def _unpacked(unpack: Any, data: bytes | None, broken: list[str]) -> Any:
    """The content of a tag; None if it is absent, or broken, which is reported."""
    try:
        return None if data is None else unpack(data)
    except (ValueError, IndexError, struct.error) as error:
        broken.append(str(error))
        return None


def file_tags(tags: Any) -> tuple[dict[str, bytes], str]:
    """(Serato's tags by name, the stamp) of mutagen's tags."""
    from mutagen._vorbis import VComment
    from mutagen.id3 import ID3
    from mutagen.mp4 import MP4Tags

    found: dict[str, bytes] = {}
    if isinstance(tags, ID3):
        found = {f.desc: f.data for f in tags.getall("GEOB") if f.desc.startswith("Serato ")}
        texts = tags.get(f"TXXX:{STAMP}")
        return found, str(texts) if texts else ""
    if isinstance(tags, MP4Tags):
        values = {name: tags.get(key) for name, key in MP4.items()}
        wrapped = {name: bytes(v[0]).decode("ascii", "replace") for name, v in values.items() if v}
        stamps = tags.get(f"----:com.apple.iTunes:{STAMP}")
        return _unwrapped(wrapped), bytes(stamps[0]).decode("ascii", "replace") if stamps else ""
    if isinstance(tags, VComment):
        comments: Any = tags
        wrapped = {name: comments[key][0] for name, key in FLAC.items() if key in comments}
        return _unwrapped(wrapped), comments[STAMP][0] if STAMP in comments else ""
    return found, ""


def _unwrapped(wrapped: dict[str, str]) -> dict[str, bytes]:
    found = {}
    for name, text in wrapped.items():
        try:
            found[name] = serato.unwrap(text)[1]
        except ValueError:
            continue
    return found


def _short(name: str) -> str:
    return name.removeprefix("Serato ")


def _digest(data: bytes) -> str:
    """A digest of a tag; of what an envelope may add behind it, nothing."""
    return hashlib.sha256(data.rstrip(b"\0")).hexdigest()[:16]
