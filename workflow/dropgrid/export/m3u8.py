"""M3U8: the library, or its tracks by BPM range or by key, as extended M3U playlists in UTF-8.

Paths are absolute. A file whose name cannot stand in such a list (a line break, or bytes that
are not UTF-8) is named by its percent-encoded file URI, which VLC and others read.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ..records.track import Track
from .cues import text_tag, title

if TYPE_CHECKING:
    from . import ExportOptions

NEEDS = frozenset({"file"})


def render(tracks: Iterable[Track], options: ExportOptions) -> tuple[int, dict[str, bytes]]:
    """One playlist of all tracks; with BPM ranges, one for each, LOW-HIGH.m3u8; by key, one for
    each key that there is, named as on Camelot's wheel, and one of the tracks without."""
    if options.by_key:
        return _by_key(tracks)
    entries = [(track.bpm.bpm if track.bpm else None, _entry(track)) for track in tracks]
    if not options.bpm_ranges:
        return len(entries), {"": _playlist(entry for _, entry in entries)}
    return len(entries), {
        f"{name}.m3u8": _playlist(e for bpm, e in entries if bpm is not None and low <= bpm < high)
        for name, (low, high) in options.ranges().items()
    }


def _by_key(tracks: Iterable[Track]) -> tuple[int, dict[str, bytes]]:
    entries: dict[str, list[str]] = {}
    for track in tracks:
        camelot = track.key.camelot if track.key else None
        entries.setdefault(camelot or "no key", []).append(_entry(track))
    count = sum(map(len, entries.values()))
    return count, {f"{name}.m3u8": _playlist(entries[name]) for name in sorted(entries)}


def _playlist(entries: Iterable[str]) -> bytes:
    return ("#EXTM3U\n#DROPGRID\n" + "".join(entries)).encode()


def _entry(track: Track) -> str:
    assert track.file is not None  # NEEDS says so
    artist = text_tag(track, "artist")
    name = f"{artist} - {title(track)}" if artist else title(track)
    path = str(track.file)
    address = path if path.isprintable() else track.file.as_uri()
    return f"#EXTINF:{round(track.record.duration or 0)},{name}\n{address}\n"
