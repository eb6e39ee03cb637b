"""A database for VirtualDJ: grids, cues, loops, key. VirtualDJ's own database is never written.

VirtualDJ's maker advises against changing its database from outside; docs/dj.md explains how to
import the songs from this file. The format follows VirtualDJ's wiki: Scan's Bpm is the seconds per
beat, a Poi is a point of interest, Color is ARGB as a decimal number. VirtualDJ's sample 0 of an
MP3 was not measured.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement

from ..base.files import WINDOWS
from ..base.text import one_line
from ..key import notation
from ..records.cue_points import loops, pads
from ..records.model import BpmRecord
from ..records.track import Track
from .anchors import anchors, main_region
from .comments import comment
from .cues import number, text_tag, title
from .pieces import piece, tags_of
from .spool import Spool
from .virtualdj_merge import MergedDatabase, read_database
from .xml_lines import lines

if TYPE_CHECKING:
    from .options import ExportOptions

NAME = "virtualdj"
HELP = "VirtualDJ database of its own: beat grids, cues, loops (one file)"
FILE = "virtualdj.xml"
KEYS = True
IN_PIECES = True
NEEDS = frozenset({"bpm", "file"})
OPTIONS = ("comment", "cues", "key_notation", "merge")
MARK = b'<VirtualDJ_Database Version="dropgrid"'
XML = b'<?xml version="1.0" encoding="UTF-8"?>\n'
HEAD = XML + MARK + b">\n"
TAIL = b"</VirtualDJ_Database>\n"
SCAN_VERSION = "801"
OPAQUE = 0xFF000000


def render(
    tracks: Iterable[Track], options: ExportOptions
) -> tuple[int, dict[str, Iterable[bytes]]]:
    """The songs of all tracks as one document."""
    if options.merge:
        return _merged(tracks, options, Path(options.merge).expanduser())
    songs = Spool()
    for track in tracks:
        songs.add(piece(track, partial(_lines, track, options)))
    return songs.added, {"": chain([HEAD], songs, [TAIL])}


def _merged(
    tracks: Iterable[Track], options: ExportOptions, database: Path
) -> tuple[int, dict[str, Iterable[bytes]]]:
    """A copy of VirtualDJ's database with the songs of all tracks; the original is not changed."""
    merged, count = MergedDatabase(read_database(database)), 0
    for track in tracks:
        merged.add(_song(track, options))
        count += 1
    return count, {"": [XML, lines(merged.root, 0)]}


def _lines(track: Track, options: ExportOptions) -> bytes:
    return lines(_song(track, options), 1)


def _song(track: Track, options: ExportOptions) -> Element:
    record = track.bpm
    assert record is not None and track.file is not None  # NEEDS says so
    song = Element("Song", FilePath=_path(track.file))
    if (size := _size(track.file)) is not None:
        song.set("FileSize", str(size))
    tags = SubElement(song, "Tags", Author=text_tag(track, "artist"), Title=title(track))
    file_tags = tags_of(track)
    for name, text in (
        ("Label", file_tags.label), ("Remix", file_tags.remixer), ("Composer", file_tags.composer),
        ("Stars", str(file_tags.rating or "")), ("TrackNumber", str(file_tags.number or "")),
    ):  # fmt: skip
        if text:
            tags.set(name, text)
    for name, tag in (("Genre", "genre"), ("Album", "album"), ("Year", "year")):
        if text := text_tag(track, tag):
            tags.set(name, text)
    SubElement(song, "Infos", SongLength=number(record.duration or 0.0, 3))
    if text := comment(track, file_tags, options.comment):
        SubElement(song, "Comment").text = text
    _add_scan(song, track, record, options)
    for anchor in anchors(record):
        point = SubElement(song, "Poi", Pos=number(anchor.time, 3), Type="beatgrid")
        point.set("Bpm", number(anchor.bpm, 3))
    for pad, cue in pads(track, options.template):
        point = SubElement(song, "Poi", Pos=number(cue.time, 3), Type="cue", Num=str(pad + 1))
        point.set("Name", cue.name)
        point.set("Color", str(OPAQUE | int(cue.colour[1:], 16)))
    for loop in loops(track):
        beats = sum(loop.start - 1e-3 <= beat < loop.end - 1e-3 for beat in record.beats)
        point = SubElement(song, "Poi", Pos=number(loop.start, 3), Type="loop")
        point.set("Size", str(beats))
        point.set("Name", loop.name)
    return song


def _add_scan(song: Element, track: Track, record: BpmRecord, options: ExportOptions) -> None:
    """Add tempo, beat phase and key; nothing without a tempo."""
    if record.bpm is None or not record.grid:
        return
    scan = SubElement(song, "Scan", Version=SCAN_VERSION, Bpm=f"{60 / record.bpm:.9f}")
    main = main_region(record) or record.grid[0]
    scan.set("Phase", f"{main.start % (60 / main.bpm):.6f}")
    key = notation.parse(track.key.key) if track.key and track.key.key else None
    if key is not None:
        scan.set("Key", notation.written(key, options.key_notation))


def _path(file: Path) -> str:
    """A path in the notation of its operating system."""
    path = one_line(str(file))
    return path.replace("/", "\\") if WINDOWS.match(path) else path


def _size(file: Path) -> int | None:
    """The size of a file in bytes; None if it cannot be found."""
    try:
        return file.stat().st_size
    except OSError:
        return None
