"""M3U8: the library, or its tracks by BPM range, as extended M3U playlists in UTF-8.

Paths are absolute. A file whose name cannot stand in such a list (a line break, or bytes that
are not UTF-8) is named by its percent-encoded file URI, which VLC and others read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..api import Track
from .positions import text_tag, title

if TYPE_CHECKING:
    from . import ExportOptions

NEEDS = frozenset({"file"})


def render(tracks: list[Track], options: ExportOptions) -> dict[str, bytes]:
    """One playlist of all tracks; with BPM ranges, one for each, LOW-HIGH.m3u8."""
    ranges = options.ranges()
    if not ranges:
        return {"": _playlist(tracks)}
    return {
        f"{low:g}-{high:g}.m3u8": _playlist(
            [t for t in tracks if t.bpm and t.bpm.bpm is not None and low <= t.bpm.bpm < high]
        )
        for low, high in ranges
    }


def _playlist(tracks: list[Track]) -> bytes:
    lines = ["#EXTM3U"]
    for track in tracks:
        artist = text_tag(track, "artist")
        name = f"{artist} - {title(track)}" if artist else title(track)
        lines += [f"#EXTINF:{round(track.record.duration or 0)},{name}", _entry(track)]
    return ("\n".join(lines) + "\n").encode()


def _entry(track: Track) -> str:
    assert track.file is not None  # NEEDS says so
    path = str(track.file)
    return path if path.isprintable() else track.file.as_uri()
