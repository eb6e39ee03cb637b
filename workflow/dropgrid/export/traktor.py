"""Traktor's collection (NML): grids, hot cues, loops, key, playlists by BPM range.

Import it into your collection with Traktor's Import Collection / Import another Collection.
Version 19 (Traktor 2 and 3) has one grid marker per track, in the region with the record's tempo;
version 20 (Traktor 4) has two for each region, on its first and last downbeat (anchors.py). A
marker is on a downbeat, and the grid extends in both directions. Source: NML files by Traktor,
traktor-nml-utils. The reference level of Traktor's LOUDNESS is not known, so it is left to
Traktor.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import date
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement
from xml.sax.saxutils import quoteattr

from ..key import notation
from ..records.cue_points import SAME_MOMENT, cues, loops, pads
from ..records.track import Track
from .anchors import anchors, main_region
from .comments import comment
from .cues import text_tag, title
from .pieces import piece, tags_of
from .places import volume_and_folders
from .playlists import Playlist, Playlists
from .spool import Spool
from .xml_lines import lines

if TYPE_CHECKING:
    from .options import ExportOptions

NAME = "traktor"
HELP = "Traktor NML collection: beat grids, cues, playlists (one file)"
FILE = "traktor.nml"
KEYS = True
IN_PIECES = True
NEEDS = frozenset({"bpm", "file"})
PLAYER = "traktor"
OPTIONS = (
    "bpm_ranges", "by_key", "comment", "cues", "key_notation", "nml_version", "playlists",
)  # fmt: skip
MARK = b'<HEAD COMPANY="dropgrid"'
CUE, GRID, LOOP = 0, 4, 5  # the TYPE of a CUE_V2
NO_PAD = -1
RANKING_PER_STAR = 51
TAIL = b"</NML>\n"
HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="no" ?>\n<NML VERSION="{version}">\n'


def render(
    tracks: Iterable[Track], options: ExportOptions
) -> tuple[int, dict[str, Iterable[bytes]]]:
    """The collection of all tracks, with a playlist for every BPM range."""
    entries = Spool()
    playlists = Playlists(options)
    names: list[str] = []  # the tracks' names in playlists
    for track in tracks:
        assert track.bpm is not None and track.file is not None  # NEEDS says so
        entries.add(piece(track, partial(_lines, track, options)))
        playlists.add(track)
        names.append(_primary_key(track.file))
    head = HEAD.format(version=options.nml_version) + (
        '  <HEAD COMPANY="dropgrid" PROGRAM="dropgrid"></HEAD>\n'
        f'  <COLLECTION ENTRIES="{entries.added}">\n'
    )
    return entries.added, {
        "": chain(
            [head.encode()],
            entries,
            [b"  </COLLECTION>\n"],
            _playlists(playlists.lists(), names),
            [TAIL],
        )
    }


def _lines(track: Track, options: ExportOptions) -> bytes:
    return lines(_entry(track, options), 2)


def _entry(track: Track, options: ExportOptions) -> Element:
    record = track.bpm
    assert record is not None and track.file is not None  # NEEDS says so
    entry = Element("ENTRY", TITLE=title(track), ARTIST=text_tag(track, "artist"))
    volume, folders, name = volume_and_folders(track.file)
    folder = "".join(f"/:{part}" for part in folders) + "/:"
    SubElement(entry, "LOCATION", DIR=folder, FILE=name, VOLUME=volume, VOLUMEID=volume)
    if album := text_tag(track, "album"):
        SubElement(entry, "ALBUM", TITLE=album)
    duration = record.duration or 0.0
    file_tags = tags_of(track)
    info = SubElement(entry, "INFO", PLAYTIME=str(round(duration)))
    info.set("PLAYTIME_FLOAT", f"{duration:.6f}")
    for name, text in (
        ("COMMENT", comment(track, file_tags, options.comment)), ("LABEL", file_tags.label),
        ("REMIXER", file_tags.remixer), ("PRODUCER", file_tags.composer),
    ):  # fmt: skip
        if text:
            info.set(name, text)
    if file_tags.rating:
        info.set("RANKING", str(RANKING_PER_STAR * file_tags.rating))
    if file_tags.bitrate:
        info.set("BITRATE", str(1000 * file_tags.bitrate))
    with suppress(OSError):
        status = track.file.stat()
        info.set("FILESIZE", str(-(-status.st_size // 1024)))
        day = date.fromtimestamp(status.st_mtime)
        info.set("IMPORT_DATE", f"{day.year}/{day.month}/{day.day}")
    if genre := text_tag(track, "genre"):
        info.set("GENRE", genre)
    key = notation.parse(track.key.key) if track.key and track.key.key else None
    if key is not None:
        info.set("KEY", notation.written(key, options.key_notation))
    main = main_region(record)
    bpm = main.bpm if main and (options.nml_version < 20 or len(record.grid) == 1) else record.bpm
    if bpm is not None:
        SubElement(entry, "TEMPO", BPM=f"{bpm:.6f}", BPM_QUALITY="100.000000")
    if key is not None:
        SubElement(entry, "MUSICAL_KEY", VALUE=str(key))
    for anchor in anchors(record, None if options.nml_version >= 20 else main):
        marker = _mark("AutoGrid", GRID, anchor.time)
        SubElement(marker, "GRID", BPM=f"{anchor.bpm:.6f}")
        entry.append(marker)
    on_pads = pads(track, options.template)
    marks = [(cue, pad) for pad, cue in on_pads]
    marks += [
        (cue, NO_PAD)
        for cue in cues(track)
        if not any(abs(cue.time - other.time) < SAME_MOMENT for _, other in on_pads)
    ]
    for cue, pad in sorted(marks, key=lambda mark: mark[0].time):
        marker = _mark(cue.name, CUE, cue.time, pad=pad)
        if options.nml_version >= 20:  # version 19 has no colours
            marker.set("COLOR", cue.colour.upper())
        entry.append(marker)
    for loop in loops(track):
        entry.append(_mark(loop.name, LOOP, loop.start, loop.end - loop.start))
    return entry


def _mark(name: str, kind: int, time: float, length: float = 0.0, pad: int = NO_PAD) -> Element:
    """A CUE_V2 element; the file has milliseconds, the arguments are seconds."""
    return Element(
        "CUE_V2", NAME=name, DISPL_ORDER="0", TYPE=str(kind), START=f"{1000 * time:.6f}",
        LEN=f"{1000 * length:.6f}", REPEATS="-1", HOTCUE=str(pad),
    )  # fmt: skip


def _primary_key(file: Path) -> str:
    """The name of a track in playlists."""
    volume, folders, name = volume_and_folders(file)
    return volume + "".join(f"/:{part}" for part in [*folders, name])


def _playlists(lists: Sequence[Playlist], names: Sequence[str]) -> Iterable[bytes]:
    """The tree of playlists."""
    yield b"  <PLAYLISTS>\n"
    yield from _folder("$ROOT", lists, names, 2, "")
    yield b"  </PLAYLISTS>\n"


def _folder(
    name: str, lists: Sequence[Playlist], names: Sequence[str], level: int, above: str
) -> Iterable[bytes]:
    """A folder and its lists; an entry that is both list and folder appears twice."""
    blanks = "  " * level
    here = f"{above}/{name}"
    count = sum(bool(entry.inside) + bool(entry.tracks or not entry.inside) for entry in lists)
    yield f'{blanks}<NODE TYPE="FOLDER" NAME={quoteattr(name)}>\n'.encode()
    yield f'{blanks}  <SUBNODES COUNT="{count}">\n'.encode()
    for entry in lists:
        if entry.tracks or not entry.inside:
            yield from _list(entry, names, level + 2, here)
        if entry.inside:
            yield from _folder(entry.name, entry.inside, names, level + 2, here)
    yield f"{blanks}  </SUBNODES>\n{blanks}</NODE>\n".encode()


def _list(entry: Playlist, names: Sequence[str], level: int, above: str) -> Iterable[bytes]:
    blanks = "  " * level
    name = f"dropgrid {above}/{entry.name}".encode()
    uuid = hashlib.md5(name, usedforsecurity=False).hexdigest()
    yield (
        f'{blanks}<NODE TYPE="PLAYLIST" NAME={quoteattr(entry.name)}>\n'
        f'{blanks}  <PLAYLIST ENTRIES="{len(entry.tracks)}" TYPE="LIST" UUID="{uuid}">\n'
    ).encode()
    for number in entry.tracks:
        element = Element("ENTRY")
        SubElement(element, "PRIMARYKEY", TYPE="TRACK", KEY=names[number - 1])
        yield lines(element, level + 2)
    yield f"{blanks}  </PLAYLIST>\n{blanks}</NODE>\n".encode()
