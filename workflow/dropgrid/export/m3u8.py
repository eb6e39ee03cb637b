"""M3U8: the library, or its tracks by BPM range or by key, as extended M3U playlists in UTF-8.

Paths are absolute, or with the option `relative` relative to the library's root; then the list
must be placed there. A file whose name such a list cannot contain (a line break, or bytes that are
not UTF-8) is listed as a percent-encoded file URI, which VLC and others read.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING
from urllib.parse import quote

from ..base.text import one_line
from ..records.track import Track
from .cues import text_tag, title
from .pieces import piece
from .spool import Spool

if TYPE_CHECKING:
    from .options import ExportOptions

NAME = "m3u8"
HELP = "playlist of the library (one file; one per range with --bpm-ranges)"
FILE = "library.m3u8"
KEYS = "by_key"
IN_PIECES = True
NEEDS = frozenset({"file"})
OPTIONS = ("bpm_ranges", "by_key", "relative")
HEAD = b"#EXTM3U\n#DROPGRID\n"


def file(options: ExportOptions) -> str:
    """The name of the single playlist, or of the folder of playlists."""
    return "playlists" if options.by_key or options.bpm_ranges else FILE


def render(
    tracks: Iterable[Track], options: ExportOptions
) -> tuple[int, dict[str, Iterable[bytes]]]:
    """One playlist of all tracks. With BPM ranges, one for each, LOW-HIGH.m3u8. By key, one for
    each key, named in Camelot notation, and one for the tracks without a key."""
    ranges = {} if options.by_key else options.ranges()
    lists = {f"{name}.m3u8": Spool() for name in ranges}
    if not options.by_key and not ranges:
        lists[""] = Spool()
    written = 0
    for track in tracks:
        written += 1
        for name in _lists_of(track, options.by_key, ranges):
            lists.setdefault(name, Spool()).add(
                piece(track, partial(_entry, track, options.relative))
            )
    return written, {name: chain([HEAD], lists[name]) for name in sorted(lists)}


def _lists_of(track: Track, by_key: bool, ranges: dict[str, tuple[float, float]]) -> Iterable[str]:
    """The names of the playlists that contain a track."""
    if by_key:
        return [f"{(track.key and track.key.camelot) or 'no key'}.m3u8"]
    if not ranges:
        return [""]
    bpm = track.bpm.bpm if track.bpm else None
    return [f"{n}.m3u8" for n, (low, high) in ranges.items() if bpm and low <= bpm < high]


def _address(track: Track, relative: bool) -> str:
    """The percent-encoded address of a file whose name a list cannot contain."""
    assert track.file is not None
    return quote(os.fsencode(track.path)) if relative else track.file.as_uri()


def _entry(track: Track, relative: bool) -> bytes:
    assert track.file is not None  # NEEDS says so
    artist = text_tag(track, "artist")
    name = f"{artist} - {title(track)}" if artist else title(track)
    path = track.path if relative else str(track.file)
    address = path if path == one_line(path) else _address(track, relative)
    return f"#EXTINF:{round(track.record.duration or 0)},{name}\n{address}\n".encode()
